// What the broker once got wrong, as conversations: each was a defect, and shall not be one again.
import { cp } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  connack,
  connect,
  disconnect,
  encode,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
  willOf,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { openBroker, STORES, TestBroker } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const retain = true

it('a repeated PUBREC for what is done gets 0x92, and Receive Maximum holds afterwards', async () => {
  const kit = await openBroker()
  const fields = { properties: { receiveMaximum: 2 } }
  const peer = await kit.subscriber('c', 'a', 2, { fields })
  for (const payload of ['1', '2', '3', '4']) await kit.broker.publish({ topicName: 'a', payload, qos: 2 })
  await flow(peer)
    .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
    .send(pubrec(2))
    .receive(pubrel(2))
    .send(pubcomp(2))
    .receive(publish2(3, 'a', '3'))
    .send(pubrec(2))
    .receive(pubrel(2, 0x92))
    .send(pubcomp(2))
    .receiveNothing()
    .send(pubrec(3))
    .receive(pubrel(3))
    .send(pubcomp(3))
    .receive(publish2(4, 'a', '4'))
})

describe('waits for the commit of another', () => {
  it('UNSUBACK for what is being unsubscribed already, and stays in order', async () => {
    const kit = await openBroker({ store: 'level' })
    const peer = await kit.subscriber('c', 'a', 1, { fields: kept })
    await kit.settle()
    kit.store.hold()
    await flow(peer)
      .send(unsubscribe(2, 'a'), unsubscribe(3, 'a'))
      .receiveNothing()
      .send(unsubscribe(4, 'a'))
      .receiveNothing()
      .do(() => kit.store.letGo())
      .receive(unsuback(2, 0), unsuback(3, 0x11), unsuback(4, 0x11))
  })

  it('PUBACK for removing a retained message that another client is removing', async () => {
    const kit = await openBroker({ store: 'level' })
    await kit.publish('b', 'x', true)
    const [first, second] = [await kit.client('first'), await kit.client('second')]
    await kit.settle()
    kit.store.hold()
    const removal = publish1(1, 'b', '', { retain })
    await flow(first).send(removal).receiveNothing()
    await flow(second).send(removal).receiveNothing()
    kit.store.letGo()
    await flow(first).receive(puback(1, 0x10))
    await flow(second).receive(puback(1, 0x10))
  })

  it('CONNACK of a clean start that ends a kept session, connected or away', async () => {
    const kit = await openBroker({ store: 'level' })
    const there = await kit.client('there', { fields: kept })
    await flow(await kit.client('away', { fields: kept })).drop()
    await kit.settle()
    kit.store.hold()
    const [first, second] = [kit.peer(), kit.peer()]
    await flow(first).send(connect('there')).receiveNothing()
    await flow(there).receive(disconnect(0x8e)).closed()
    await flow(second).send(connect('away')).receiveNothing()
    kit.store.letGo()
    await flow(first).receive(connack(0, false))
    await flow(second).receive(connack(0, false))
  })
})

describe('is refused', () => {
  it('a will to $SYS, with 0x87', async () => {
    const kit = await openBroker()
    await flow(kit.peer())
      .send(connect('c', { will: willOf('$SYS/x', 'x') }))
      .receive(connack(0x87))
      .closed()
  })

  it('whatever is to be retained where nothing is, with 0x9A, after a CONNACK that said so', async () => {
    const kit = await openBroker({ limits: { retainedMessagesMax: 0 } })
    await flow(kit.peer())
      .send(connect('c'))
      .receive(connack(0, false, { retainAvailable: false }))
      .send(publish('a', 'x', { retain }))
      .receive(disconnect(0x9a))
      .closed()
    await flow(kit.peer())
      .send(connect('c', { will: willOf('a', 'x', { retain }) }))
      .receive(connack(0x9a))
      .closed()
  })
})

describe('retained messages that were not all given before the end of the broker', () => {
  const TOPICS = 500
  const fields = { clean: false, properties: { sessionExpiryInterval: 1_000, receiveMaximum: 1 } }

  /** A kept subscriber that has got the first of them and acknowledges nothing. */
  async function interrupted(path: string): Promise<TestBroker> {
    const kit = await opened(path)
    const publishing: Promise<void>[] = []
    for (let i = 0; i < TOPICS; i++) {
      publishing.push(kit.broker.publish({ topicName: `r/${i}`, payload: 'x', qos: 1, retain }))
    }
    await Promise.all(publishing)
    const peer = await kit.client('c', { fields })
    await flow(peer)
      .send(subscribe(1, 'r/#', 1))
      .receive(suback(1, 1))
    await kit.settle()
    expect(peer.waiting).toBe(1)
    return kit
  }

  async function opened(path: string): Promise<TestBroker> {
    const kit = new TestBroker({ store: 'level' }, path)
    await kit.open()
    onTestFinished(() => kit.close())
    return kit
  }

  /** The topics of all that comes, until nothing more does. */
  async function takeAll(peer: Peer): Promise<Set<unknown>> {
    const topics = new Set<unknown>()
    for (await peer.settle(); peer.waiting > 0; await peer.settle()) {
      while (peer.waiting > 0) {
        const { packet } = await peer.next()
        expect([packet.cmd, packet.retain]).toEqual(['publish', true])
        topics.add(packet.topic)
        if (packet.qos === 1) peer.send(puback(packet.messageId as number))
      }
    }
    return topics
  }

  it('arrive after a crash without another SUBSCRIBE, and not again after the next restart', async () => {
    const path = await temporaryFolder()
    const copy = await temporaryFolder()
    await interrupted(path)
    // What is on the disk while the broker runs is what a crash would leave.
    await cp(path, copy, { recursive: true })
    const kit = await opened(copy)
    const peer = await kit.client('c', { fields, sessionPresent: true })
    expect((await takeAll(peer)).size).toBe(TOPICS)
    await kit.restart()
    await flow(await kit.client('c', { fields, sessionPresent: true })).receiveNothing()
  })
})

it('what was never sent has no DUP and expires, also after a restart with an empty queue', async () => {
  const kit = await openBroker({ store: 'level' })
  const peer = await kit.subscriber('c', 'a', 1, { fields: kept })
  for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
  await flow(peer)
    .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'), publish1(3, 'a', '3'))
    .send(puback(1), puback(2), puback(3))
    .receiveNothing()
    .drop()
  await kit.restart()
  await kit.broker.publish({ topicName: 'a', payload: 'expires', qos: 1, messageExpiryInterval: 10 })
  await kit.broker.publish({ topicName: 'a', payload: 'stays', qos: 1 })
  await kit.restart()
  kit.clock.advance(10_001)
  const back = await kit.client('c', { fields: kept, sessionPresent: true })
  await flow(back)
    .receive(publish1(2, 'a', 'stays', { dup: false }))
    .receiveNothing()
  expect(kit.dropped('expired')).toBe(1)
})

describe.each([3, 4] as const)('a bridge of protocol level 0x8%i', (version) => {
  /** The level follows the packet's two bytes of header and the protocol name. */
  function connectOfBridge(clientId: string): Buffer {
    const bytes = encode(connect(clientId), version)
    const levelAt = 2 + 2 + (version === 3 ? 'MQIsdp' : 'MQTT').length
    expect(bytes[levelAt]).toBe(version)
    bytes[levelAt] = 0x80 | version
    return bytes
  }

  it.each(STORES)('does not get back what it publishes, and sees RETAIN as published (%s)', async (store) => {
    const kit = await openBroker({ store })
    const other = await kit.subscriber('other', 'a', 0, { version })
    const bridge = kit.peer(version)
    await flow(bridge)
      .send(connectOfBridge('bridge'))
      .receive(connack())
      .send(subscribe(1, 'a', 0))
      .receive(suback(1, 0))
      .send(publish('a', 'own'))
      .receiveNothing()
    await kit.publish('a', 'retained', true)
    await kit.publish('a', 'plain')
    await flow(bridge)
      .receive(publish('a', 'retained', { retain }), publish('a', 'plain'))
      .receiveNothing()
    await flow(other).receive(publish('a', 'own'), publish('a', 'retained'), publish('a', 'plain'))
  })
})
