// MQTT 5.0, chapter 4.6: messages of one client on one topic and one QoS come out in the order they came in.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { puback, pubcomp, publish, publish1, publish2, pubrec, pubrel, type Qos } from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i)

/** Takes `count` messages, and acknowledges each as its QoS asks. Resolves with what came. */
async function take(peer: Peer, count: number): Promise<{ topic: unknown; qos: unknown; payload: string }[]> {
  const messages = []
  while (messages.length < count) {
    const { packet } = await peer.next()
    const packetId = packet.messageId as number
    if (packet.cmd === 'pubrel') peer.send(pubcomp(packetId))
    if (packet.cmd !== 'publish') continue
    messages.push({ topic: packet.topic, qos: packet.qos, payload: String(packet.payload) })
    if (packet.qos === 1) peer.send(puback(packetId))
    if (packet.qos === 2) peer.send(pubrec(packetId))
  }
  return messages
}

const payloadsOf = (messages: { payload: string }[]): string[] => messages.map(({ payload }) => payload)

const packetOf = (qos: Qos, packetId: number, topic: string, payload: string) => {
  if (qos === 0) return publish(topic, payload)
  return qos === 1 ? publish1(packetId, topic, payload) : publish2(packetId, topic, payload)
}

/** From inside the process, without waiting for the disk. */
function sendAll(kit: TestBroker, qos: Qos, topicName: string, payloads: number[]): void {
  for (const payload of payloads) void kit.broker.publish({ topicName, payload: String(payload), qos })
}

describe.each(STORES)('on the %s store', (store) => {
  it('[v5 MQTT-4.6.0-5] keeps the order of each client, topic and QoS, whatever comes in between', async () => {
    const kit = await openBroker({ store })
    const reader = await kit.subscriber('reader', '#', 2, { fields: kept })
    const senders = [await kit.client('x'), await kit.client('y')]
    let packetId = 0
    for (const i of range(60)) {
      for (const [who, sender] of senders.entries()) {
        const packets = []
        for (const topic of ['a', 'b']) {
          for (const qos of [0, 1, 2] as const) packets.push(packetOf(qos, ++packetId, topic, `${who} ${i}`))
        }
        sender.send(...packets)
      }
    }
    const messages = await take(reader, 60 * 2 * 2 * 3)
    for (const [who] of senders.entries()) {
      for (const topic of ['a', 'b']) {
        for (const qos of [0, 1, 2]) {
          const ofOne = messages.filter(
            (message) =>
              message.topic === topic && message.qos === qos && message.payload.startsWith(`${who} `),
          )
          expect(payloadsOf(ofOne)).toEqual(range(60).map((i) => `${who} ${i}`))
        }
      }
    }
  })

  it('[v5 MQTT-4.6.0-5] keeps the order when the client is slow, away, and back again', async () => {
    const kit = await openBroker({ store, limits: { queueWindow: 10, inFlightMax: 3 } })
    let peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    sendAll(kit, 1, 'a', range(40))
    sendAll(kit, 2, 'a', range(40, 40))
    await peer.settle()
    expect(peer.waiting).toBe(3)
    await peer.drop()
    sendAll(kit, 1, 'a', range(40, 80))
    peer = await kit.client('c', { fields: kept, sessionPresent: true })
    sendAll(kit, 1, 'a', range(40, 120))
    expect(payloadsOf(await take(peer, 160))).toEqual(range(160).map(String))
  })

  it('[v5 MQTT-4.6.0-5] keeps the order of what is sent again', async () => {
    const kit = await openBroker({ store })
    let peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    for (const i of range(6))
      await kit.broker.publish({ topicName: 'a', payload: String(i), qos: i < 3 ? 1 : 2 })
    await peer.settle()
    expect(peer.waiting).toBe(6)
    // What is in the middle is done with, and the last one comes first.
    peer.send(puback(2), pubrec(6), pubrec(4))
    await peer.settle()
    await peer.drop()
    peer = await kit.client('c', { fields: kept, sessionPresent: true })
    await flow(peer)
      .receive(publish1(1, 'a', '0', { dup: true }), publish1(3, 'a', '2', { dup: true }))
      .receive(pubrel(4), publish2(5, 'a', '4', { dup: true }), pubrel(6))
      .receiveNothing()
  })

  it('[v5 MQTT-4.6.0-6] treats every topic so, on plain and wildcard subscriptions', async () => {
    const kit = await openBroker({ store })
    const filters = ['#', '+/x', 'a/x', '$odd/x']
    const topics = ['a/x', 'b/x', '$odd/x', 'a/é/\u{1f40e}']
    const readers: Peer[] = []
    for (const filter of filters) readers.push(await kit.subscriber(filter, filter, 1, { fields: kept }))
    for (const i of range(50)) for (const topic of topics) sendAll(kit, 1, topic, [i])
    const expected = [3, 2, 1, 1]
    for (const [index, reader] of readers.entries()) {
      const messages = await take(reader, 50 * (expected[index] as number))
      const seen = new Set(messages.map(({ topic }) => topic))
      expect(seen.size).toBe(expected[index])
      for (const topic of seen) {
        const ofOne = messages.filter((message) => message.topic === topic)
        expect(payloadsOf(ofOne)).toEqual(range(50).map(String))
      }
      await flow(reader).receiveNothing()
    }
  })
})

describe('over a restart', () => {
  it('[v5 MQTT-4.6.0-5] keeps the order of what was stored before and what comes after', async () => {
    const kit = await openBroker({ store: 'level', limits: { queueWindow: 10 } })
    await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
    sendAll(kit, 1, 'a', range(50))
    await kit.restart()
    const peer = await kit.client('c', { fields: kept, sessionPresent: true })
    sendAll(kit, 1, 'a', range(50, 50))
    expect(payloadsOf(await take(peer, 100))).toEqual(range(100).map(String))
  })
})
