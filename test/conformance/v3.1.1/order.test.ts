// MQTT 3.1.1, chapter 4.6: the order of messages, of what is sent again, and of acknowledgements.
import { expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { puback, publish1, publish2, pubrec, pubrel, type Qos } from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker, STORES } from '../../kit/test-broker.ts'

const V4 = { version: 4 } as const
const KEPT = { version: 4, fields: { clean: false } } as const
const BACK = { ...KEPT, sessionPresent: true } as const

/** The payloads of the next PUBLISHes by topic, each acknowledged. */
async function takeByTopic(peer: Peer, count: number): Promise<Map<unknown, unknown[]>> {
  const byTopic = new Map<unknown, unknown[]>()
  for (let i = 0; i < count; i++) {
    const { packet } = await peer.next()
    const { topic, payload, messageId, qos } = packet
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), payload])
    if (qos === 1) peer.send(puback(messageId as number))
  }
  return byTopic
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i))

it.each(STORES)(
  '[v3.1.1 MQTT-4.6.0-1] what is sent again keeps its order, on the %s store',
  async (store) => {
    const kit = await openBroker({ store, limits: { inFlightMax: 6 } })
    const peer = await kit.subscriber('c', 'a', 2, KEPT)
    const qosOf = (i: number): Qos => (i % 3 === 0 ? 2 : 1)
    for (let i = 1; i <= 10; i++) {
      await kit.broker.publish({ topicName: 'a', payload: String(i), qos: qosOf(i) })
    }
    const sent = (i: number, dup: boolean) =>
      (qosOf(i) === 1 ? publish1 : publish2)(i, 'a', String(i), { dup })
    await flow(peer)
      .receive(...[1, 2, 3, 4, 5, 6].map((i) => sent(i, false)))
      .send(puback(4), puback(2))
      .drop()
    if (store === 'level') await kit.restart()
    const again = await kit.client('c', BACK)
    const { packet } = await again.next()
    expect(packet).toEqual(sent(1, true))
    const order: unknown[] = []
    for (let i = 0; i < 5; i++) order.push((await again.next()).packet.messageId)
    expect(order).toEqual([3, 5, 6, 7, 8])
  },
)

// A kept subscriber makes some of the answers wait for the disk: those behind them must wait too.
it('[v3.1.1 MQTT-4.6.0-2] PUBACKs come in the order of their PUBLISHes, whichever waits for the disk', async () => {
  const kit = await openBroker({ store: 'level' })
  await flow(await kit.subscriber('away', 'a', 1, KEPT)).drop()
  const sender = await kit.client('sender', V4)
  const ids = [50, 3, 49, 2, 48, 1]
  await flow(sender)
    .send(...ids.map((id, i) => publish1(id, i % 2 === 1 ? 'a' : 'nobody', 'x')))
    .receive(...ids.map((id) => puback(id)))
  await kit.settle()
  kit.store.hold()
  await flow(sender)
    .send(...ids.map((id, i) => publish1(id, i % 2 === 1 ? 'a' : 'nobody', 'x')))
    .receive(puback(50))
    .receiveNothing()
    .do(() => kit.store.letGo())
    .receive(...ids.slice(1).map((id) => puback(id)))
})

it('[v3.1.1 MQTT-4.6.0-3] PUBRECs come in the order of their PUBLISHes, whichever waits for the disk', async () => {
  const kit = await openBroker({ store: 'level' })
  await flow(await kit.subscriber('away', 'a', 1, KEPT)).drop()
  const sender = await kit.client('sender', V4)
  await kit.settle()
  kit.store.hold()
  const ids = [50, 3, 49, 2, 48, 1]
  await flow(sender)
    .send(...ids.map((id, i) => publish2(id, i % 2 === 1 ? 'a' : 'nobody', 'x')))
    .receive(pubrec(50))
    .receiveNothing()
    .do(() => kit.store.letGo())
    .receive(...ids.slice(1).map((id) => pubrec(id)))
})

it.each(STORES)(
  '[v3.1.1 MQTT-4.6.0-4] PUBRELs come in the order of the PUBRECs, on the %s store',
  async (store) => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, KEPT)
    for (let i = 0; i < 5; i++) await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
    const order = [3, 1, 5, 2, 4]
    await flow(peer)
      .receive(...[1, 2, 3, 4, 5].map((id) => publish2(id, 'a', 'x')))
      .send(...order.map((id) => pubrec(id)))
      .receive(...order.map((id) => pubrel(id)))
  },
)

it('[v3.1.1 MQTT-4.6.0-5] every topic is ordered without being told to, $ topics and shares of it too', async () => {
  const kit = await openBroker({ limits: { inFlightMax: 3 } })
  const topics = ['a', 'a/b', '$x/y', '/', ' ']
  const peers = [
    await kit.subscriber('all', '#', 1, V4),
    await kit.subscriber('dollar', '$x/#', 1, V4),
    await kit.subscriber('alone in its share', '$share/g/a/#', 1, V4),
  ]
  for (const payload of numbers(0, 50)) {
    for (const topicName of topics) void kit.broker.publish({ topicName, payload, qos: 1 })
  }
  const expected = [['a', 'a/b', '/', ' '], ['$x/y'], ['a', 'a/b']]
  for (const [index, peer] of peers.entries()) {
    const inOrder = (expected[index] as string[]).map((topic) => [topic, numbers(0, 50)] as const)
    expect(await takeByTopic(peer, 50 * inOrder.length)).toEqual(new Map(inOrder))
  }
})

it.each(STORES)(
  '[v3.1.1 MQTT-4.6.0-6] messages arrive in the order they were sent in, on the %s store',
  async (store) => {
    const kit = await openBroker({ store, limits: { inFlightMax: 5, queueWindow: 20 } })
    const sender = await kit.client('sender', V4)
    const there = await kit.subscriber('there', 'a/#', 1, V4)
    await flow(await kit.subscriber('away', 'a/#', 1, KEPT)).drop()
    const sendAll = (from: number, to: number): void => {
      for (let i = from; i < to; i++) sender.send(publish1(i + 1, `a/${i % 2}`, String(i)))
    }
    sendAll(0, 200)
    for (let i = 0; i < 200; i++) expect((await sender.next()).packet).toEqual(puback(i + 1))
    // The one that was away is given its queue while new messages come.
    const away = await kit.client('away', BACK)
    sendAll(200, 300)
    const inOrder = (rest: 0 | 1) => numbers(0, 300).filter((number) => Number(number) % 2 === rest)
    const expected = new Map([
      ['a/0', inOrder(0)],
      ['a/1', inOrder(1)],
    ])
    expect(await takeByTopic(away, 300)).toEqual(expected)
    expect(await takeByTopic(there, 300)).toEqual(expected)
  },
)
