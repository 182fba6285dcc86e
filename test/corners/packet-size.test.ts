// Packets at the limit of their size: the client's Maximum Packet Size, ours, and the largest there can be.
import { describe, expect, it } from 'vitest'
import { flow, turns } from '../kit/flow.ts'
import { hex, text, vbi } from '../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish,
  publish1,
  type Qos,
  type Said,
  subscribe,
  unsubscribe,
  type Version,
  willOf,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'
import { Tap } from './tap.ts'

const VERSIONS: readonly Version[] = [3, 4, 5]
const only5 = (version: Version, answer: Said): Said[] => (version === 5 ? [answer] : [])
const limitedTo = (maximumPacketSize: number) => ({
  clean: false,
  properties: { sessionExpiryInterval: 1_000, maximumPacketSize },
})

describe.each(STORES)('the maximum packet size of a client on the %s store', (store) => {
  // Type, length, topic name, packet id, no properties, payload.
  const sizeOf = (qos: Qos): number => 1 + 1 + 3 + (qos > 0 ? 2 : 0) + 1 + 60

  it.each<Qos>([0, 1, 2])('may be met exactly at QoS %i, and not exceeded by a byte', async (qos) => {
    const kit = await openBroker({ store })
    const fields = limitedTo(sizeOf(qos))
    const peer = await kit.subscriber('c', 'a', qos, { fields })
    await kit.broker.publish({ topicName: 'a', payload: 'x'.repeat(61), qos })
    await kit.broker.publish({ topicName: 'a', payload: 'y'.repeat(60), qos })
    const ofQos = qos === 0 ? {} : { qos, messageId: 2 }
    await flow(peer)
      .receive(publish('a', 'y'.repeat(60), ofQos))
      .receiveNothing()
    expect(kit.dropped('too-large')).toBe(1)
  })

  it('counts what we add: the identifier of a subscription', async () => {
    const kit = await openBroker({ store })
    const fields = limitedTo(sizeOf(1))
    const subscriptionIdentifier = 5
    const peer = await kit.subscriber('c', 'a', 1, { fields, subscriptionIdentifier })
    await kit.broker.publish({ topicName: 'a', payload: 'x'.repeat(60), qos: 1 })
    await kit.broker.publish({ topicName: 'a', payload: 'y'.repeat(58), qos: 1 })
    await flow(peer)
      .receive(publish1(2, 'a', 'y'.repeat(58), { properties: { subscriptionIdentifier } }))
      .receiveNothing()
  })

  it('[v5 MQTT-3.1.2-25] drops from a queue what the client that is back cannot take, for good', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 1, { fields: limitedTo(1_000) })).drop()
    for (const payload of ['1', 'x'.repeat(100), '3']) {
      await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
    }
    if (store === 'level') await kit.restart()
    await flow(await kit.client('c', { fields: limitedTo(50), sessionPresent: true }))
      .receive(publish1(1, 'a', '1'), publish1(3, 'a', '3'))
      .send(puback(3))
      .receiveNothing()
      .drop()
    await flow(await kit.client('c', { fields: limitedTo(1_000), sessionPresent: true }))
      .receive(publish1(1, 'a', '1', { dup: true }))
      .receiveNothing()
  })

  it('withholds what is retained and a will, and tells their publisher nothing of it', async () => {
    const kit = await openBroker({ store })
    const large = 'x'.repeat(100)
    const small = await kit.subscriber('small', 'will', 1, { fields: limitedTo(50) })
    await flow(await kit.client('sender', { fields: { will: willOf('will', large, { qos: 1 }) } }))
      .send(publish1(1, 'kept/large', large, { retain: true }), publish1(2, 'will', large))
      .receive(puback(1, 0x10), puback(2))
      .send(publish1(3, 'kept/small', 'x', { retain: true }))
      .receive(puback(3, 0x10))
      .drop()
    await flow(small).receiveNothing()
    const late = await kit.subscriber('late', 'kept/#', 1, { fields: limitedTo(50) })
    const { packet } = await late.next()
    expect(packet).toMatchObject({ topic: 'kept/small', retain: true })
    await flow(late).receiveNothing()
    expect(kit.dropped('too-large')).toBe(3)
  })
})

describe('an answer above the maximum packet size of the client', () => {
  // The shortest CONNACK of 5.0 has five bytes.
  it.each([
    [4, []],
    [5, [connack(0x95)]],
  ])(
    'of %i bytes to CONNECT is not sent, and the client not left waiting',
    async (maximumPacketSize, answer) => {
      const kit = await openBroker()
      const peer = kit.peer()
      peer.send(connect('c', { properties: { maximumPacketSize } }))
      await kit.settle()
      // Nor is the connection kept until the grace for a peer that does not take our end is over.
      expect([peer.isClosed, peer.brokerEnd.destroyed]).toEqual([true, true])
      await flow(peer)
        .receive(...answer)
        .closed()
      await kit.servesOthers()
    },
  )

  const topicFilters = Array.from({ length: 40 }, (_, i) => `a/${i}`)
  it.each([
    ['SUBSCRIBE', subscribe(1, topicFilters, 0)],
    ['UNSUBSCRIBE', unsubscribe(1, ...topicFilters)],
  ])('to %s is not sent, and the client told why it is closed', async (_, packet) => {
    const kit = await openBroker()
    const fields = { properties: { maximumPacketSize: 40 } }
    await flow(await kit.client('c', { fields }))
      .send(packet)
      .receive(disconnect(0x95))
      .closed()
    await kit.servesOthers()
  })
})

describe('the largest packet there can be', () => {
  const REMAINING_LENGTH_MAX = 268_435_455
  const CHUNK = Buffer.alloc(1_048_576, 'godwit! ')

  /** A QoS 0 PUBLISH to `a` of that Remaining Length, as fast as it is taken. */
  async function sendLargest(peer: Peer): Promise<void> {
    const header = Buffer.concat([
      hex('30'),
      vbi(REMAINING_LENGTH_MAX),
      text('a'),
      peer.version === 5 ? hex('00') : hex(''),
    ])
    peer.stream.write(header)
    for (let left = REMAINING_LENGTH_MAX - header.length + 5; left > 0; left -= CHUNK.length) {
      if (!peer.stream.write(CHUNK.subarray(0, Math.min(left, CHUNK.length)))) await turns(1)
    }
  }

  it.each(VERSIONS)('of version %i is refused as soon as its length is known', async (version) => {
    const kit = await openBroker()
    await flow(await kit.client('c', { version }))
      .send(hex('30 ff ff ff 7f'))
      .receive(...only5(version, disconnect(0x95)))
      .closed()
    await kit.servesOthers()
  })

  it.each(VERSIONS)('of version %i is refused one byte below its size too', async (version) => {
    const kit = await openBroker({ limits: { maximumPacketSize: REMAINING_LENGTH_MAX + 4 } })
    await flow(await kit.client('c', { version }))
      .send(hex('30 ff ff ff 7f'))
      .receive(...only5(version, disconnect(0x95)))
      .closed()
    await kit.servesOthers()
  })

  it.each([4, 5] as const)('of version %i is taken and sent on where that is configured', async (version) => {
    const kit = await openBroker({ limits: { maximumPacketSize: REMAINING_LENGTH_MAX + 5 } })
    const receiver = await kit.subscriber('receiver', 'a', 0, { version })
    const tap = new Tap(receiver)
    const peer = kit.peer(version)
    peer.send(connect('c'))
    const { packet } = await peer.next()
    expect(packet).toMatchObject(connack())
    expect(packet.properties ?? {}).not.toHaveProperty('maximumPacketSize')
    await sendLargest(peer)
    const received = await tap.take()
    expect(received.length).toBe(5 + REMAINING_LENGTH_MAX)
    expect(received.subarray(0, 5)).toEqual(hex('30 ff ff ff 7f'))
    const payloadAt = version === 5 ? 9 : 8
    const last = Math.floor((received.length - payloadAt) / CHUNK.length) * CHUNK.length + payloadAt
    expect(received.subarray(payloadAt, payloadAt + CHUNK.length).equals(CHUNK)).toBe(true)
    expect(received.subarray(last).equals(CHUNK.subarray(0, received.length - last))).toBe(true)
    await flow(peer).receiveNothing()
  })
})
