// Retained messages: set, replaced, removed; given to subscribers as they ask, complete, however many.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  puback,
  publish,
  publish1,
  type Qos,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type StoreKind, type TestBroker } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const retain = true

describe.each(STORES)('on the %s store', (store) => {
  it('[v5 MQTT-3.3.1-5] [v5 MQTT-3.3.1-6] is set, replaced, and removed by an empty payload', async () => {
    const kit = await openBroker({ store })
    const sender = await kit.client('sender', { version: 4 })
    await flow(sender).send(publish('a', 'first', { retain }), publish('b', 'other', { retain }))
    await flow(sender)
      .send(publish1(1, 'a', 'second', { retain }))
      .receive(puback(1))
    await flow(await kit.subscriber('one', 'a', 1))
      .receive(publish1(1, 'a', 'second', { retain }))
      .receiveNothing()
    await flow(sender)
      .send(publish('a', '', { retain }), publish('a', 'not retained'))
      .receiveNothing()
    await flow(await kit.subscriber('two', '#', 1))
      .receive(publish('b', 'other', { retain }))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.3.1-9] [v5 MQTT-3.3.1-12] is a live message to who is subscribed already', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 0)
    await kit.publish('a', 'x', true)
    await kit.publish('a', '', true)
    await flow(peer).receive(publish('a', 'x'), publish('a', '')).receiveNothing()
  })

  it('[v5 MQTT-3.3.1-9] [v5 MQTT-3.3.1-10] [v5 MQTT-3.3.1-11] is given as retain handling says', async () => {
    const kit = await openBroker({ store })
    await kit.publish('a', 'x', true)
    const x = publish('a', 'x', { retain })
    const sub = (id: number, rh: 0 | 1 | 2) => subscribe(id, 'a', 0, { rh })
    await flow(await kit.client('0'))
      .send(sub(1, 0))
      .receive(suback(1, 0), x)
      .send(sub(2, 0))
      .receive(suback(2, 0), x)
      .receiveNothing()
    await flow(await kit.client('1'))
      .send(sub(1, 1))
      .receive(suback(1, 0), x)
      .send(sub(2, 1))
      .receive(suback(2, 0))
      .receiveNothing()
      .send(unsubscribe(3, 'a'), sub(4, 1))
      .receive(unsuback(3, 0), suback(4, 0), x)
    await flow(await kit.client('2'))
      .send(sub(1, 2))
      .receive(suback(1, 0))
      .receiveNothing()
  })

  it('is given with the identifier of its subscription, at the lower QoS, once for each subscription', async () => {
    const kit = await openBroker({ store })
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2, retain })
    const properties = (subscriptionIdentifier: number) => ({
      retain,
      properties: { subscriptionIdentifier },
    })
    await flow(await kit.client('c'))
      .send(subscribe(1, 'a', 1, { subscriptionIdentifier: 11 }))
      .receive(suback(1, 1), publish1(1, 'a', 'x', properties(11)))
      .send(subscribe(2, '#', 0, { subscriptionIdentifier: 22 }))
      .receive(suback(2, 0), publish('a', 'x', properties(22)))
      .receiveNothing()
  })

  it('is not given to a shared subscription, and not again to a resumed session', async () => {
    const kit = await openBroker({ store })
    await kit.publish('a', 'x', true)
    await flow(await kit.subscriber('shared', '$share/g/a', 0)).receiveNothing()
    await flow(await kit.subscriber('c', 'a', 0, { fields: kept }))
      .receive(publish('a', 'x', { retain }))
      .drop()
    await flow(await kit.client('c', { fields: kept, sessionPresent: true })).receiveNothing()
  })

  it('is not given after an UNSUBSCRIBE that came right behind the SUBSCRIBE', async () => {
    const kit = await openBroker({ store })
    for (let i = 0; i < 600; i++) await kit.publish(`a/${i}`, 'x', true)
    const peer = await kit.client('c', { version: 4, fields: { clean: false } })
    peer.send(subscribe(1, 'a/#', 0), unsubscribe(2, 'a/#'))
    const received: string[] = []
    while (received.at(-1) !== 'unsuback') received.push((await peer.next()).packet.cmd)
    await flow(peer).receiveNothing()
  })

  it('does not outlive its message expiry', async () => {
    const kit = await openBroker({ store })
    await kit.broker.publish({ topicName: 'a', payload: 'x', retain, messageExpiryInterval: 10 })
    kit.clock.advance(4_000)
    await flow(await kit.subscriber('one', 'a', 0)).receive(
      publish('a', 'x', { retain, properties: { messageExpiryInterval: 6 } }),
    )
    kit.clock.advance(6_000)
    await flow(await kit.subscriber('two', 'a', 0)).receiveNothing()
  })
})

it('is refused with 0x97 when there are as many as allowed, but replaced all the same', async () => {
  const kit = await openBroker({ limits: { retainedMessagesMax: 1 } })
  await kit.subscriber('watcher', '#', 0)
  await flow(await kit.client('c'))
    .send(
      publish1(1, 'a', 'x', { retain }),
      publish1(2, 'b', 'x', { retain }),
      publish1(3, 'a', 'y', { retain }),
    )
    .receive(puback(1), puback(2, 0x97), puback(3))
})

it('survives a restart, and its removal too', async () => {
  const kit = await openBroker({ store: 'level' })
  await kit.broker.publish({ topicName: 'a', payload: 'kept', retain, qos: 1 })
  await kit.broker.publish({ topicName: 'b', payload: 'removed', retain })
  await kit.restart()
  await kit.publish('b', '', true)
  await kit.restart()
  await flow(await kit.subscriber('c', '#', 1))
    .receive(publish1(1, 'a', 'kept', { retain }))
    .receiveNothing()
})

describe.each(STORES)('a flood on the %s store', (store) => {
  const TOPICS = 5_000

  async function flood(kind: StoreKind): Promise<TestBroker> {
    const kit = await openBroker({ store: kind })
    const publishing: Promise<void>[] = []
    for (let i = 0; i < TOPICS; i++) {
      const topicName = `flood/${i % 50}/${i}`
      publishing.push(kit.broker.publish({ topicName, payload: String(i), qos: 1, retain }))
    }
    await Promise.all(publishing)
    return kit
  }

  /** Takes up to `count` messages and acknowledges them. */
  async function take(peer: Peer, seen: Set<string>, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const { packet } = await peer.next()
      if (packet.cmd !== 'publish') throw new Error(`${packet.cmd} came`)
      expect(packet.retain).toBe(true)
      seen.add(packet.topic as string)
      if (packet.qos === 1) peer.send(puback(packet.messageId as number))
    }
  }

  it.each<Qos>([0, 1])('arrives complete at QoS %i, each message once', async (qos) => {
    const kit = await flood(store)
    const seen = new Set<string>()
    const peer = await kit.subscriber('c', 'flood/#', qos)
    await take(peer, seen, TOPICS)
    expect(seen.size).toBe(TOPICS)
    await flow(peer).receiveNothing()
  })

  it('arrives complete at QoS 1 when the client reconnects in the middle', async () => {
    const kit = await flood(store)
    const seen = new Set<string>()
    const options = { version: 4, fields: { clean: false } } as const
    const first = await kit.subscriber('c', 'flood/+/#', 1, options)
    await take(first, seen, 1_000)
    await first.drop()
    const second = await kit.client('c', { ...options, sessionPresent: true })
    const before = seen.size
    while (seen.size < TOPICS) await take(second, seen, 1)
    expect(before).toBeLessThan(TOPICS)
    // Repeats of what was in flight when the connection went may still come, news may not.
    while (second.waiting > 0) await take(second, seen, 1)
    expect(seen.size).toBe(TOPICS)
  })

  it('waits at QoS 0 while the client is away, and the rest of it arrives when it is back', async () => {
    const kit = await flood(store)
    const options = { version: 4, fields: { clean: false } } as const
    const first = await kit.client('c', options)
    first.stall()
    await flow(first).send(subscribe(1, 'flood/#', 0))
    await kit.settle()
    first.brokerEnd.destroy()
    await kit.settle()
    const second = await kit.client('c', { ...options, sessionPresent: true })
    const seen = new Set<string>()
    await second.settle()
    for (; second.waiting > 0; await second.settle()) await take(second, seen, second.waiting)
    // What the first connection had been given and did not take is gone, as QoS 0 goes.
    expect(seen.size).toBeGreaterThan(0)
    expect([...kit.broker.drops]).toEqual([])
  })
})
