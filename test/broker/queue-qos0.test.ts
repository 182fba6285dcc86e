// QoS 0 for those who are away, where it is to wait for them: overflow.queueQos0.
import { describe, expect, it } from 'vitest'
import { flow, turns } from '../kit/flow.ts'
import { disconnect, puback, publish, publish1, subscribe } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const keptFor = (sessionExpiryInterval: number, others: object = {}) => ({
  fields: { clean: false, properties: { sessionExpiryInterval, ...others } },
})
const kept = keptFor(1_000)
const back = { ...kept, sessionPresent: true }
const overflow = { queueQos0: true } as const

const publishAll = async (kit: TestBroker, qos: 0 | 1 | 2, ...payloads: string[]): Promise<void> => {
  for (const payload of payloads) await kit.broker.publish({ topicName: 'a', payload, qos })
}

/** QoS and payload of what comes, each acknowledged. */
async function drained(peer: Peer): Promise<string[]> {
  const found: string[] = []
  for (;;) {
    await peer.settle()
    if (peer.waiting === 0) return found
    const { packet } = await peer.next()
    found.push(`${packet.qos} ${packet.payload}`)
    if (packet.qos === 1) peer.send(puback(packet.messageId as number))
  }
}

describe.each(STORES)('on the %s store', (store) => {
  it('waits for a client that is away, in its order among the others, and is sent at QoS 0', async () => {
    const kit = await openBroker({ store, overflow })
    await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
    await publishAll(kit, 0, '1')
    await publishAll(kit, 1, '2')
    await publishAll(kit, 0, '3', '4')
    await flow(await kit.client('c', back))
      .receive(publish('a', '1'), publish1(2, 'a', '2'), publish('a', '3'), publish('a', '4'))
      .send(puback(2))
      .receiveNothing()
      .drop()
    await flow(await kit.client('c', back)).receiveNothing()
    expect(kit.drops).toEqual({})
  })

  it('so does QoS 1 for a subscription of QoS 0', async () => {
    const kit = await openBroker({ store, overflow })
    await flow(await kit.subscriber('c', 'a', 0, { ...kept, subscriptionIdentifier: 7 })).drop()
    await publishAll(kit, 1, '1')
    const properties = { subscriptionIdentifier: 7 }
    await flow(await kit.client('c', back))
      .receive(publish('a', '1', { properties }))
      .receiveNothing()
  })

  it('comes behind those that wait still, and at once when none does', async () => {
    const kit = await openBroker({ store, overflow })
    await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
    await publishAll(kit, 1, '1', '2')
    await publishAll(kit, 0, '3')
    const peer = await kit.client('c', { ...keptFor(1_000, { receiveMaximum: 1 }), sessionPresent: true })
    await flow(peer)
      .receive(publish1(1, 'a', '1'))
      .do(() => publishAll(kit, 0, '4'))
      .receiveNothing()
      .send(puback(1))
      .receive(publish1(2, 'a', '2'))
      .send(puback(2))
      .receive(publish('a', '3'), publish('a', '4'))
      .do(() => publishAll(kit, 1, '5', '6'))
      .do(() => publishAll(kit, 0, '7'))
      .receive(publish1(5, 'a', '5'), publish('a', '7'))
      .receiveNothing()
  })

  it('does not wait for a session that ends with its connection, nor where it is not asked for', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 0, kept)).drop()
    await publishAll(kit, 0, '1')
    await flow(await kit.client('c', back)).receiveNothing()
    expect(kit.drops).toEqual({ 'offline-qos0': 1 })
    const other = await openBroker({ store, overflow })
    await flow(await other.subscriber('c', 'a', 0)).drop()
    await publishAll(other, 0, '1')
    expect(other.drops).toEqual({})
  })

  it('is held to the bounds of its queue, by the policy', async () => {
    for (const [policy, left] of [
      ['drop-newest', ['0 1', '0 2']],
      ['drop-oldest', ['0 3', '0 4']],
      ['reject', ['0 1', '0 2']],
    ] as const) {
      const kit = await openBroker({
        store,
        overflow: { ...overflow, policy },
        limits: { queueMessagesMax: 2 },
      })
      await flow(await kit.subscriber('c', 'a', 0, kept)).drop()
      await publishAll(kit, 0, '1', '2', '3', '4')
      await kit.settle()
      expect(await drained(await kit.client('c', back))).toEqual(left)
      expect(kit.drops).toEqual({ 'queue-full': 2 })
    }
  })

  it('expires, is too large, and goes with its session like any other', async () => {
    const kit = await openBroker({ store, overflow })
    await flow(await kit.subscriber('c', 'a', 0, keptFor(10))).drop()
    await kit.broker.publish({ topicName: 'a', payload: 'x', messageExpiryInterval: 2 })
    await publishAll(kit, 0, 'x'.repeat(100), 'y')
    kit.clock.advance(3_000)
    const peer = await kit.client('c', { ...keptFor(10, { maximumPacketSize: 50 }), sessionPresent: true })
    await flow(peer).receive(publish('a', 'y')).drop()
    expect(kit.dropsOf('c')).toEqual({ expired: 1, 'too-large': 1 })
    await publishAll(kit, 0, '1', '2')
    kit.clock.advance(11_000)
    await expect.poll(() => kit.dropped('session-ended')).toBe(2)
  })

  it('goes to another member of its share when the session ends', async () => {
    const kit = await openBroker({ store, overflow })
    await flow(await kit.subscriber('c', '$share/g/a', 0, keptFor(10))).drop()
    await publishAll(kit, 0, '1', '2')
    const other = await kit.subscriber('other', '$share/g/a', 0)
    kit.clock.advance(11_000)
    await flow(other).receive(publish('a', '1'), publish('a', '2'))
    expect(kit.drops).toEqual({})
  })

  it('comes complete where the queue is longer than its window', async () => {
    const kit = await openBroker({ store, overflow, limits: { queueWindow: 10, inFlightMax: 3 } })
    await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
    const sent: string[] = []
    for (let i = 0; i < 100; i++) {
      const qos = i % 7 === 0 ? 1 : 0
      await publishAll(kit, qos, String(i))
      sent.push(`${qos} ${i}`)
    }
    const peer = await kit.client('c', back)
    expect(await drained(peer)).toEqual(sent)
    await publishAll(kit, 0, 'live')
    expect(await drained(peer)).toEqual(['0 live'])
  })

  it('is kept while one connection of a client gives way to the next', async () => {
    const kit = await openBroker({ store, overflow })
    await kit.subscriber('c', 'a', 0, kept)
    kit.store.hold()
    const taking = kit.client('c', back)
    await turns()
    await Promise.all([publishAll(kit, 0, 'x'), turns().then(() => kit.store.letGo())])
    await flow(await taking).receive(publish('a', 'x'))
  })
})

it('is there after a restart, in order, and once', async () => {
  const kit = await openBroker({ store: 'level', overflow })
  await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
  await publishAll(kit, 0, '1')
  await publishAll(kit, 1, '2')
  await publishAll(kit, 0, '3')
  await kit.restart()
  expect(await drained(await kit.client('c', back))).toEqual(['0 1', '1 2', '0 3'])
  await kit.restart()
  expect(await drained(await kit.client('c', back))).toEqual([])
})

it('is not sent again where a crash left open whether it was sent, and counted', async () => {
  const kit = await openBroker({ store: 'level', overflow })
  await flow(await kit.subscriber('c', 'a', 0, kept)).drop()
  await publishAll(kit, 0, '1', '2')
  await kit.settle()
  const { store } = kit
  const dequeue = store.dequeue.bind(store)
  store.dequeue = () => {} // The crash comes before it is down.
  await flow(await kit.client('c', back))
    .receive(publish('a', '1'), publish('a', '2'))
    .do(() => store.flush())
    .do(() => store.close())
  store.dequeue = dequeue
  await kit.open()
  await publishAll(kit, 0, '3')
  await flow(await kit.client('c', back))
    .receive(publish('a', '3'))
    .receiveNothing()
  expect(kit.drops).toEqual({ 'offline-qos0': 2 })
})

it('is given although it is not asked for any more: what is on the disk is not forgotten', async () => {
  const kit = await openBroker({ store: 'level', overflow })
  const peer = await kit.subscriber('c', 'a', 0, kept)
  await flow(peer)
    .send(subscribe(2, 'b', 0))
    .do(() => kit.settle())
    .send(disconnect())
    .do(() => kit.settle())
  await publishAll(kit, 0, '1')
  await kit.restart({ overflow: { queueQos0: false } })
  await publishAll(kit, 0, '2')
  expect(await drained(await kit.client('c', back))).toEqual(['0 1'])
  expect(kit.drops).toEqual({ 'offline-qos0': 1 })
})
