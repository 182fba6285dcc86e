// Every way in which a message can get lost is counted once, under its reason: in all, and for its client.
import { describe, expect, it } from 'vitest'
import { flow, turns } from '../kit/flow.ts'
import {
  disconnect,
  puback,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  subscribe,
  unsuback,
  unsubscribe,
  willOf,
} from '../kit/packets.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const keptFor = (sessionExpiryInterval: number, others: object = {}) => ({
  fields: { clean: false, properties: { sessionExpiryInterval, ...others } },
})
const kept = keptFor(1_000)

/** Of one client, and of nobody else. */
function expectDrops(kit: TestBroker, clientId: string, drops: Record<string, number>): void {
  expect(kit.drops).toEqual(drops)
  expect(kit.dropsOf(clientId)).toEqual(drops)
}

describe.each(STORES)('on the %s store', (store) => {
  it('what nobody is subscribed to, what arrives, and a repeat are no drops', async () => {
    const kit = await openBroker({ store })
    const reader = await kit.subscriber('reader', 'read', 2)
    await kit.publish('unread', 'x')
    await flow(await kit.client('sender'))
      .send(publish1(1, 'unread', 'x'), publish2(2, 'read', 'x'), publish2(2, 'read', 'x', { dup: true }))
      .receive(puback(1, 0x10), pubrec(2), pubrec(2))
    await flow(reader)
      .receive(publish2(1, 'read', 'x'))
      .send(pubrec(1))
      .receive(pubrel(1))
    expect(kit.drops).toEqual({})
  })

  it('what expired while it waited, once, when its turn comes', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1, messageExpiryInterval: 5 })
    kit.clock.advance(6_000)
    expect(kit.drops).toEqual({})
    await flow(await kit.client('c', { ...kept, sessionPresent: true })).receiveNothing()
    expectDrops(kit, 'c', { expired: 1 })
  })

  it('what had expired when it had to make room', async () => {
    const overflow = { policy: 'drop-oldest' } as const
    const kit = await openBroker({ store, overflow, limits: { queueMessagesMax: 2 } })
    await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
    await kit.broker.publish({ topicName: 'a', payload: '1', qos: 1, messageExpiryInterval: 5 })
    kit.clock.advance(6_000)
    for (const payload of ['2', '3', '4']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
    await kit.settle()
    expectDrops(kit, 'c', { expired: 1, 'queue-full': 1 })
  })

  it('what the client cannot take, at every QoS', async () => {
    const kit = await openBroker({ store })
    const fields = { properties: { maximumPacketSize: 64 } }
    const reader = await kit.subscriber('c', 'a', 2, { fields })
    for (const qos of [0, 1, 2] as const) {
      await kit.broker.publish({ topicName: 'a', payload: 'x'.repeat(100), qos })
    }
    await flow(reader).receiveNothing()
    expectDrops(kit, 'c', { 'too-large': 3 })
  })

  it('what the client answers with an error', async () => {
    const kit = await openBroker({ store })
    const reader = await kit.subscriber('c', 'a', 2)
    await kit.broker.publish({ topicName: 'a', payload: '1', qos: 1 })
    await kit.broker.publish({ topicName: 'a', payload: '2', qos: 2 })
    await flow(reader)
      .receive(publish1(1, 'a', '1'), publish2(2, 'a', '2'))
      .send(puback(1, 0x83), pubrec(2, 0x83), puback(1, 0x83))
      .receiveNothing()
    expectDrops(kit, 'c', { 'refused-by-receiver': 2 })
  })

  it('what a handler in the process fails at, at every QoS', async () => {
    const kit = await openBroker({ store })
    const subscription = kit.broker.subscribe('a', () => Promise.reject(new Error('no')))
    for (const qos of [0, 1, 2] as const) await kit.broker.publish({ topicName: 'a', payload: 'x', qos })
    await kit.settle()
    subscription.unsubscribe()
    await kit.settle()
    expect(kit.drops).toEqual({ 'refused-by-receiver': 3 })
  })

  it('QoS 0 for a client that is away, and of a QoS 0 subscription', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 0, kept)).drop()
    await kit.publish('a', '1')
    await kit.broker.publish({ topicName: 'a', payload: '2', qos: 2 })
    expectDrops(kit, 'c', { 'offline-qos0': 2 })
  })

  it('a will for its own client, which is away by then', async () => {
    const kit = await openBroker({ store })
    const fields = { ...kept.fields, will: willOf('a', 'gone') }
    await flow(await kit.subscriber('c', 'a', 1, { fields })).drop()
    await kit.settle()
    expectDrops(kit, 'c', { 'offline-qos0': 1 })
  })

  it('a will that needs the client’s return waits for it, and is no repeat', async () => {
    const kit = await openBroker({ store })
    const fields = { ...kept.fields, will: willOf('a', 'gone', { qos: 1 }) }
    await flow(await kit.subscriber('c', 'a', 1, { fields })).drop()
    await flow(await kit.client('c', { ...kept, sessionPresent: true })).receive(publish1(1, 'a', 'gone'))
    expect(kit.drops).toEqual({})
  })

  it('QoS 0 while one connection of a client gives way to the next', async () => {
    const kit = await openBroker({ store })
    await kit.subscriber('c', 'a', 0, kept)
    kit.store.hold()
    const taking = kit.client('c', { ...kept, sessionPresent: true })
    await turns()
    const isAdmittedAtOnce = kit.dropsOf('c')
    await kit.publish('a', 'x').finally(() => kit.store.letGo())
    await flow(await taking).do(() => kit.settle())
    expect(isAdmittedAtOnce).toEqual({})
    if (store === 'level') expectDrops(kit, 'c', { 'offline-qos0': 1 })
  })

  it('QoS 0 that still waited for a slow client when its connection went', async () => {
    const kit = await openBroker({ store })
    const slow = await kit.subscriber('c', 'a', 0, kept)
    slow.stall()
    const payload = 'x'.repeat(10_000)
    for (let i = 0; i < 50; i++) {
      await kit.publish('a', payload)
      await turns(1)
    }
    expect(kit.drops).toEqual({})
    slow.brokerEnd.destroy(new Error('connection reset'))
    await kit.settle()
    const lost = kit.dropped('not-writable')
    expect(lost).toBeGreaterThan(20)
    expect(lost).toBeLessThan(50)
    expectDrops(kit, 'c', { 'not-writable': lost })
  })

  it('what a session had not received when it ended: waiting, in flight, and of a share without members', async () => {
    const kit = await openBroker({ store })
    const reader = await kit.subscriber('c', 'a', 1, keptFor(10, { receiveMaximum: 1 }))
    await flow(reader)
      .send(subscribe(2, '$share/g/b', 1))
      .do(() => kit.settle())
    for (const topicName of ['a', 'a', 'b']) await kit.broker.publish({ topicName, payload: 'x', qos: 1 })
    await flow(reader).do(() => reader.drop())
    kit.clock.advance(11_000)
    await expect.poll(() => kit.drops).toEqual({ 'session-ended': 3 })
  })

  it('what a session on which nothing is kept had not received', async () => {
    const kit = await openBroker({ store })
    const reader = await kit.subscriber('c', 'a', 2, { fields: { properties: { receiveMaximum: 2 } } })
    for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 2 })
    await flow(reader)
      .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .send(pubrec(1)) // It has that one.
      .receive(pubrel(1))
      .drop()
    await kit.settle()
    expect(kit.drops).toEqual({ 'session-ended': 2 })
  })

  it('nothing that waits for subscriptions that are gone: it still arrives', async () => {
    const kit = await openBroker({ store })
    const reader = await kit.subscriber('c', 'a', 1, keptFor(100, { receiveMaximum: 1 }))
    for (const payload of ['1', '2']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
    await flow(reader)
      .receive(publish1(1, 'a', '1'))
      .send(unsubscribe(2, 'a'))
      .receive(unsuback(2, 0))
      .send(puback(1))
      .receive(publish1(2, 'a', '2'))
    expect(kit.drops).toEqual({})
  })

  it('what there is no room to retain, of its publisher and of the process', async () => {
    const kit = await openBroker({ store, limits: { retainedMessagesMax: 1 } })
    const reader = await kit.subscriber('reader', '#', 1)
    await flow(await kit.client('c'))
      .send(publish('a', 'x', { retain: true }), publish('b', 'x', { retain: true }))
      .send(publish1(1, 'b', 'x', { retain: true }))
      .receive(puback(1, 0x97))
    await flow(reader).receive(publish('a', 'x')).receiveNothing()
    expectDrops(kit, 'c', { 'retained-full': 2 })
    await expect(kit.publish('b', 'x', true)).rejects.toMatchObject({ code: 'ERR_GODWIT_PUBLISH_REFUSED' })
    expect(kit.drops).toEqual({ 'retained-full': 3 })
  })

  it('what clients may not publish, at every QoS', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('c'))
      .send(publish('$SYS/a', 'x'), publish1(1, '$SYS/a', 'x'), publish2(2, '$SYS/a', 'x'))
      .receive(puback(1, 0x87), pubrec(2, 0x87))
    expectDrops(kit, 'c', { 'not-authorized': 3 })
  })

  it('a message under the packet id of another that is not finished', async () => {
    const kit = await openBroker({ store })
    await kit.subscriber('reader', 'a', 1)
    await flow(await kit.client('c'))
      .send(publish2(1, 'a', 'x'))
      .receive(pubrec(1))
      .send(publish1(1, 'a', 'x'))
      .receive(puback(1, 0x91))
    expectDrops(kit, 'c', { rejected: 1 })
  })
})

it('what a full queue owes on disk is counted when it goes, and not at all for a session that ends first', async () => {
  const overflow = { policy: 'drop-oldest' } as const
  const kit = await openBroker({ store: 'level', overflow, limits: { queueMessagesMax: 3 } })
  await flow(await kit.subscriber('c', 'a', 1, keptFor(10))).drop()
  for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
  kit.store.hold()
  const publishing = ['4', '5'].map((payload) => kit.broker.publish({ topicName: 'a', payload, qos: 1 }))
  await turns()
  expect(kit.drops).toEqual({})
  kit.clock.advance(11_000)
  kit.store.letGo()
  await Promise.all(publishing)
  await expect.poll(() => kit.drops).toEqual({ 'session-ended': 5 })
})

it('what the next start hands over from a session that was ending, without a name', async () => {
  const kit = await openBroker({ store: 'level' })
  await flow(await kit.subscriber('c', 'a', 1, keptFor(10))).drop()
  await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
  const { store } = kit
  kit.clock.advance(11_000)
  await store.flush()
  await store.close() // As a crash does: its row is gone, its queue is not.
  await kit.open()
  await expect.poll(() => kit.drops).toEqual({ 'session-ended': 1 })
  expect(kit.broker.dropsOf('c')).toBeUndefined()
})

it('a client that leaves while its queue is dropped for another is counted once', async () => {
  const kit = await openBroker({ limits: { queueMessagesMax: 2 }, overflow: { policy: 'disconnect' } })
  const slow = await kit.subscriber('c', 'a', 1, { fields: { properties: { receiveMaximum: 1 } } })
  for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
  await flow(slow)
    .receive(publish1(1, 'a', '1'), disconnect(0x97))
    .closed()
  expect(kit.drops).toEqual({ 'queue-full': 1, 'session-ended': 2 })
})
