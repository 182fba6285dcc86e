// A Receive Maximum of 1 and of 65,535, towards the client and towards us, and one that changes with the connection.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { frame, hex, text, u16 } from '../kit/frames.ts'
import {
  connack,
  connect,
  encode,
  puback,
  pubcomp,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Said,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'
import { Tap } from './tap.ts'

const MAXIMUM = 65_535
const keptWith = (receiveMaximum: number) => ({
  clean: false,
  properties: { sessionExpiryInterval: 1_000, receiveMaximum },
})
const back = (kit: TestBroker, receiveMaximum: number): Promise<Peer> =>
  kit.client('c', { fields: keptWith(receiveMaximum), sessionPresent: true })

describe('of 65,535 towards the client', () => {
  /** Type and length, topic name, packet id, no properties, payload. */
  const packetOf = (qos: 1 | 2, id: number): Buffer =>
    frame(0x30 | (qos << 1), text('a'), u16(id), hex('00'), Buffer.from('x'))

  /** As many as our own bound of them in flight, and five more. */
  async function flooded(inFlightMax: number): Promise<Peer> {
    const kit = await openBroker({ limits: { inFlightMax } })
    const fields = { properties: { receiveMaximum: MAXIMUM } }
    const peer = await kit.subscriber('c', 'a', 2, { fields })
    const publishing: Promise<void>[] = []
    for (let i = 0; i < inFlightMax + 5; i++) {
      publishing.push(kit.broker.publish({ topicName: 'a', payload: 'x', qos: i % 2 === 0 ? 1 : 2 }))
    }
    await Promise.all(publishing)
    return peer
  }

  it.each([1_024, MAXIMUM - 1])(
    'is used up to our own bound of %i, and goes on from there',
    async (bound) => {
      const peer = await flooded(bound)
      const tap = new Tap(peer)
      const first = Array.from({ length: bound }, (_, i) => packetOf(i % 2 === 0 ? 1 : 2, i + 1))
      expect((await tap.take()).equals(Buffer.concat(first))).toBe(true)
      const answers: [sent: Said, received: Buffer][] = [
        [puback(1), packetOf(1, bound + 1)],
        [pubrec(2), encode(pubrel(2), 4)],
        // Packet ids go on from 1 behind 65,535.
        [pubcomp(2), packetOf(2, ((bound + 1) % MAXIMUM) + 1)],
      ]
      for (const [sent, received] of answers) {
        peer.send(sent)
        expect(await tap.take()).toEqual(received)
      }
    },
  )
})

describe('of 65,535 towards us', () => {
  const ids = Array.from({ length: MAXIMUM }, (_, i) => i + 1)
  const joined = (packetOf: (id: number) => Buffer): Buffer => Buffer.concat(ids.map(packetOf))

  it('is not told in CONNACK, and lets a 5.0 client have every packet id in flight', async () => {
    const kit = await openBroker({ limits: { receiveMaximum: MAXIMUM } })
    const peer = kit.peer()
    peer.send(connect('c'))
    const { packet } = await peer.next()
    expect(packet).toMatchObject(connack())
    expect(packet.properties).not.toHaveProperty('receiveMaximum')
    const tap = new Tap(peer)
    // Nobody is subscribed: 0x10. The second time around all packet ids are free again.
    for (let round = 0; round < 2; round++) {
      peer.send(joined((id) => frame(0x34, text('a'), u16(id), hex('00'))))
      expect((await tap.take()).equals(joined((id) => frame(0x50, u16(id), hex('10'))))).toBe(true)
      peer.send(joined((id) => frame(0x62, u16(id))))
      expect((await tap.take()).equals(joined((id) => frame(0x70, u16(id))))).toBe(true)
    }
    expect(peer.isClosed).toBe(false)
  })
})

describe.each(STORES)('that changes with the connection, on the %s store', (store) => {
  it('from 65,535 to 1 repeats what was in flight one by one', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: keptWith(MAXIMUM) })
    for (const qos of [1, 2, 2, 1] as const) {
      await kit.broker.publish({ topicName: 'a', payload: 'x', qos })
    }
    const dup = true
    await flow(peer)
      .receive(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'), publish2(3, 'a', 'x'), publish1(4, 'a', 'x'))
      .send(pubrec(2))
      .receive(pubrel(2))
      .drop()
    if (store === 'level') await kit.restart()
    await flow(await back(kit, 1))
      .receive(publish1(1, 'a', 'x', { dup }))
      .receiveNothing()
      .send(puback(1))
      .receive(pubrel(2))
      .receiveNothing()
      .send(pubcomp(2))
      .receive(publish2(3, 'a', 'x', { dup }))
      .receiveNothing()
      .send(pubrec(3))
      .receive(pubrel(3))
      .receiveNothing()
      .send(pubcomp(3))
      .receive(publish1(4, 'a', 'x', { dup }))
      .receiveNothing()
  })

  it('from 1 to 65,535 sends all that was waiting', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 1, { fields: keptWith(1) })
    for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
    await flow(peer)
      .receive(publish1(1, 'a', '1'))
      .receiveNothing()
      .drop()
    if (store === 'level') await kit.restart()
    await flow(await back(kit, MAXIMUM))
      .receive(publish1(1, 'a', '1', { dup: true }), publish1(2, 'a', '2'), publish1(3, 'a', '3'))
      .receiveNothing()
  })
})
