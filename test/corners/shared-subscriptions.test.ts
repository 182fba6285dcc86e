// Shared subscriptions beyond taking turns: members of different QoS, their options, and what is refused.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  disconnect,
  puback,
  publish,
  publish1,
  publish2,
  pubrec,
  type Qos,
  type Said,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../kit/packets.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const QOS: readonly Qos[] = [0, 1, 2]
const SHARE = '$share/g/a'
const ofQos = (qos: Qos, id: number, payload: string, fields: object = {}): Said =>
  publish('a', payload, { qos, ...(qos > 0 && { messageId: id }), ...fields })

const send = (kit: TestBroker, payload: string, qos: Qos, retain = false) =>
  kit.broker.publish({ topicName: 'a', payload, qos, retain })

describe.each(STORES)('on the %s store', (store) => {
  it('each member gets its share at the lower of its own QoS and the message’s', async () => {
    const kit = await openBroker({ store })
    const members = []
    for (const qos of QOS) members.push(await kit.subscriber(`granted ${qos}`, SHARE, qos))
    for (const qos of QOS) for (const payload of ['1', '2', '3']) await send(kit, `${payload} at ${qos}`, qos)
    await kit.settle()
    const payloads: unknown[] = []
    for (const [granted, member] of members.entries()) {
      expect(member.waiting).toBe(3)
      while (member.waiting > 0) {
        const { packet } = await member.next()
        const sentAt = Number(String(packet.payload).at(-1))
        expect(packet.qos).toBe(Math.min(granted, sentAt))
        payloads.push(packet.payload)
      }
    }
    expect(new Set(payloads).size).toBe(9)
  })

  it('a member has its own identifier and options, and those of nobody else', async () => {
    const kit = await openBroker({ store })
    const one = await kit.subscriber('one', SHARE, 1, { subscriptionIdentifier: 11, rap: true })
    const two = await kit.subscriber('two', SHARE, 2)
    for (let i = 0; i < 2; i++) await send(kit, 'x', 2, true)
    await flow(one)
      .receive(ofQos(1, 1, 'x', { retain: true, properties: { subscriptionIdentifier: 11 } }))
      .receiveNothing()
    await flow(two)
      .receive(ofQos(2, 1, 'x'))
      .receiveNothing()
  })

  it('[v5 MQTT-4.8.2-4] who has no room is passed over, and what was begun stays with its member', async () => {
    const kit = await openBroker({ store })
    const fields = { ...kept, properties: { ...kept.properties, receiveMaximum: 1 } }
    const first = await kit.subscriber('first', SHARE, 2, { fields })
    await send(kit, '1', 2)
    await flow(first).receive(publish2(1, 'a', '1'))
    const second = await kit.subscriber('second', SHARE, 1, { fields: kept })
    await send(kit, '2', 2)
    await flow(first).receiveNothing().drop()
    await flow(second)
      .receive(publish1(1, 'a', '2'))
      .send(puback(1))
      .receiveNothing()
    await flow(await kit.client('first', { fields, sessionPresent: true })).receive(
      publish2(1, 'a', '1', { dup: true }),
    )
  })

  it.each<1 | 2>([1, 2])(
    '[v5 MQTT-4.8.2-6] what a member refuses at QoS %i goes to no other',
    async (qos) => {
      const kit = await openBroker({ store })
      const first = await kit.subscriber('first', SHARE, 2, { fields: kept })
      const second = await kit.subscriber('second', SHARE, 2)
      await send(kit, 'x', qos)
      await flow(first)
        .receive(ofQos(qos, 1, 'x'))
        .send(qos === 1 ? puback(1, 0x83) : pubrec(1, 0x83))
        .receiveNothing()
        .drop()
      await flow(second).receiveNothing()
      await flow(await kit.client('first', { fields: kept, sessionPresent: true })).receiveNothing()
      expect(kit.dropped('refused-by-receiver')).toBe(1)
    },
  )

  it.each([3, 4] as const)('a client of level %i is a member like any other', async (version) => {
    const kit = await openBroker({ store })
    const old = await kit.subscriber('old', SHARE, 1, { version, fields: { clean: false } })
    const fresh = await kit.subscriber('new', SHARE, 1)
    for (const payload of ['1', '2']) {
      await kit.broker.publish({ topicName: 'a', payload, qos: 1, messageExpiryInterval: 9 })
    }
    await flow(old)
      .receive(publish1(1, 'a', '1'))
      .receiveNothing()
    const properties = { messageExpiryInterval: 9 }
    await flow(fresh)
      .receive(publish1(1, 'a', '2', { properties }))
      .receiveNothing()
  })

  it('groups of one name and two filters, or of two names and one filter, are two groups', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', '$share/g/a/+', 0, { fields: kept })
    await flow(peer)
      .send(subscribe(2, ['$share/g/+/b', '$share/G/a/+'], 0))
      .receive(suback(2, 0, 0))
      .do(() => kit.publish('a/b', 'x'))
      .receive(publish('a/b', 'x'), publish('a/b', 'x'), publish('a/b', 'x'))
      .send(unsubscribe(3, '$share/g/a/+', '$share/G/+/b'))
      .receive(unsuback(3, 0, 0x11))
      .do(() => kit.publish('a/b', 'y'))
      .receive(publish('a/b', 'y'), publish('a/b', 'y'))
      .receiveNothing()
  })

  it('messages of its publisher are shared with the publisher too', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', SHARE, 1))
      .send(publish1(1, 'a', 'own'))
      .receiveUnordered(puback(1), publish1(1, 'a', 'own'))
  })

  it('wildcards are shared, and show no $ topics; $share within a topic name is nothing special', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', '$share/g/#', 0)
    await kit.publish('$SYS/x', 'secret')
    await kit.publish('$share/g/a', 'secret')
    await kit.publish('x/$share/g/a', 'open')
    await flow(peer).receive(publish('x/$share/g/a', 'open')).receiveNothing()
  })
})

describe('no local on a shared subscription', () => {
  const mixed = (order: boolean[]): Said => ({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: order.map((isShared) => {
      return { topic: isShared ? SHARE : 'b', qos: 0, nl: isShared, rap: false, rh: 0 }
    }),
  })

  it.each([
    ['before', [true, false]],
    ['behind', [false, true]],
  ])('[v5 MQTT-3.8.3-4] is refused, and a filter %s it not subscribed', async (_, order) => {
    const kit = await openBroker()
    const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
    await flow(await kit.client('c', { fields }))
      .send(mixed(order))
      .receive(disconnect(0x82))
      .closed()
    const again = await kit.client('c', { fields, sessionPresent: true })
    await kit.publish('a', 'x')
    await kit.publish('b', 'x')
    await flow(again).receiveNothing()
  })
})
