// Acknowledgements that never come, come for nothing, or come in floods.
import { describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { flow } from '../kit/flow.ts'
import { frame, hex, text, u16 } from '../kit/frames.ts'
import {
  disconnect,
  pingresp,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Version,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openHostile } from './hostile-broker.ts'

const PACKET_IDS = 65_535
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)
const join = (packets: Buffer[]): Buffer => Buffer.concat(packets)

/** How many packets have come. They are not decoded: there are many. */
async function countOf(peer: Peer): Promise<number> {
  await peer.settle()
  return peer.waiting
}

describe('a client that publishes at QoS 2 and never releases', () => {
  const packet = (id: number, firstByte = 0x34): Buffer =>
    frame(firstByte, text('a'), u16(id), Buffer.from('x'))

  it('has every packet id there is at most, and its repeats are not published again', async () => {
    const kit = await openHostile()
    const reader = await kit.subscriber('reader', 'a', 0)
    const peer = await kit.client('hostile', { version: 4 })
    peer.send(join(range(PACKET_IDS).map((id) => packet(id))))
    expect(await countOf(peer)).toBe(PACKET_IDS)
    expect(await countOf(reader)).toBe(PACKET_IDS)
    peer.send(join(range(PACKET_IDS).map((id) => packet(id, 0x3c))))
    expect(await countOf(peer)).toBe(2 * PACKET_IDS)
    expect(await countOf(reader)).toBe(PACKET_IDS)
    await kit.servesOthers()
  })

  it('is told so at its receive maximum in 5.0', async () => {
    const kit = await openHostile({ receiveMaximum: 10 })
    const peer = await kit.client('hostile')
    const none = ReasonCode.NoMatchingSubscribers
    await flow(peer)
      .send(...range(10).map((id) => publish2(id, 'a', 'x')))
      .receive(...range(10).map((id) => pubrec(id, none)))
    // A PUBREC with a reason of success does not end the exchange.
    await flow(peer)
      .send(publish2(1, 'a', 'x', { dup: true }))
      .receive(pubrec(1))
      .send(publish2(11, 'a', 'x'), publish2(12, 'a', 'x'))
      .receive(disconnect(ReasonCode.ReceiveMaximumExceeded))
      .closed()
    await kit.servesOthers()
  })
})

describe('a subscriber that never acknowledges', () => {
  it.each([
    [4, 1],
    [4, 2],
    [5, 1],
    [5, 2],
  ] as const)(
    'has inFlightMax and a queue of queueMessagesMax, in version %i at QoS %i',
    async (version, qos) => {
      const kit = await openHostile({ inFlightMax: 10, queueMessagesMax: 30 })
      const hostile = await kit.subscriber('hostile', 'a', qos, { version })
      const reader = await kit.subscriber('reader', 'a', 1, { version })
      for (const id of range(100)) {
        await kit.broker.publish({ topicName: 'a', payload: String(id), qos: 2 })
        await flow(reader)
          .receive(publish1(id, 'a', String(id)))
          .send(puback(id))
      }
      expect(await countOf(hostile)).toBe(10)
      expect(kit.dropped('queue-full')).toBe(70)
      // What it was sent stays its own: one acknowledgement makes room for one more.
      const { packet } = await hostile.next()
      const id = packet.messageId as number
      if (qos === 1) hostile.send(puback(id))
      else hostile.send(pubrec(id), pubcomp(id))
      expect(await countOf(hostile)).toBe(qos === 1 ? 10 : 11)
      await kit.servesOthers()
    },
  )

  it('has a queue of queueBytesMax', async () => {
    const kit = await openHostile({ queueBytesMax: 10_000 })
    await kit.subscriber('hostile', 'a', 1, { version: 4 })
    for (let i = 0; i < 50; i++) {
      await kit.broker.publish({ topicName: 'a', payload: Buffer.alloc(1_000), qos: 1 })
    }
    expect(kit.dropped('queue-full')).toBe(41)
    await kit.servesOthers()
  })
})

describe('acknowledgements of what was never sent', () => {
  const COUNT = 20_000
  const rows: [string, Version, number, string | undefined][] = [
    ['PUBACK', 3, 0x40, undefined],
    ['PUBACK', 4, 0x40, undefined],
    ['PUBACK', 5, 0x40, undefined],
    ['PUBCOMP', 4, 0x70, undefined],
    ['PUBCOMP', 5, 0x70, undefined],
    ['PUBREC', 3, 0x50, '6202'],
    ['PUBREC', 4, 0x50, '6202'],
    ['PUBREC', 5, 0x50, '6203'],
    ['PUBREL', 4, 0x62, '7002'],
    ['PUBREL', 5, 0x62, '7003'],
  ]
  it.each(rows)('in floods of %s are harmless, in version %i', async (_, version, firstByte, answer) => {
    const kit = await openHostile()
    const peer = await kit.client('hostile', { version })
    const reason = answer?.endsWith('03') ? '92' : ''
    peer.send(join(range(COUNT).map((id) => Buffer.concat([Buffer.from([firstByte, 2]), u16(id)]))))
    const expected =
      answer === undefined ? [] : range(COUNT).map((id) => hex(answer + u16(id).toString('hex') + reason))
    expect(await countOf(peer)).toBe(expected.length)
    for (const bytes of expected) expect((await peer.next()).bytes.equals(bytes)).toBe(true)
    await flow(peer).receiveNothing()
    await kit.servesOthers()
  })

  it.each([
    ['PUBREC', pubrec(1)],
    ['PUBCOMP', pubcomp(1)],
  ])('and of the wrong kind, %s, leave a message in flight', async (_, wrong) => {
    const kit = await openHostile()
    const peer = await kit.subscriber('hostile', 'a', 1, { version: 4, fields: { clean: false } })
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await flow(peer)
      .receive(publish1(1, 'a', 'x'))
      .send(pubrel(1), puback(2))
      .receive(pubcomp(1))
      .send(wrong)
      .closed()
    await flow(await kit.client('hostile', { version: 4, fields: { clean: false }, sessionPresent: true }))
      .receive(publish1(1, 'a', 'x', { dup: true }))
      .send(puback(1))
      .receiveNothing()
    await kit.servesOthers()
  })
})

describe('floods', () => {
  it('of PINGREQ are answered one by one', async () => {
    const kit = await openHostile()
    const peer = await kit.client('hostile')
    peer.send(Buffer.alloc(200_000, hex('c000')))
    expect(await countOf(peer)).toBe(100_000)
    expect((await peer.next()).packet).toEqual(pingresp)
    await kit.servesOthers()
  })

  it('of SUBSCRIBE to one filter are one subscription', async () => {
    const kit = await openHostile({ subscriptionsPerSessionMax: 1 })
    const peer = await kit.client('hostile', { version: 4 })
    const packet = frame(0x82, u16(1), text('a'), hex('00'))
    peer.send(join(range(10_000).map(() => packet)))
    expect(await countOf(peer)).toBe(10_000)
    await kit.publish('a', 'x')
    expect(await countOf(peer)).toBe(10_001)
    await kit.servesOthers()
  })
})

describe('in one chunk', () => {
  const malformed = frame(0x36, text('a'), u16(3))

  it.each([
    [5, [disconnect(ReasonCode.MalformedPacket)]],
    [4, []],
    [3, []],
  ] as const)(
    'what comes before a malformed packet counts, and nothing behind it, in version %i',
    async (...row) => {
      const [version, answer] = row
      const kit = await openHostile()
      const reader = await kit.subscriber('reader', '#', 0)
      const peer = await kit.client('hostile', { version })
      const before = range(1_000).map((id) => publish1(id, 'before', String(id)))
      const after = range(1_000).map((id) => publish1(id, 'after', String(id)))
      await flow(peer)
        .send(...before, malformed, ...after)
        .receive(...range(1_000).map((id) => puback(id)), ...answer)
        .closed()
      await flow(reader)
        .receive(...range(1_000).map((id) => publish('before', String(id))))
        .receiveNothing()
      await kit.servesOthers()
    },
  )

  it.each([3, 4, 5] as const)('nothing behind DISCONNECT counts, in version %i', async (version) => {
    const kit = await openHostile()
    const reader = await kit.subscriber('reader', '#', 0)
    const peer = await kit.client('hostile', { version })
    await flow(peer)
      .send(publish1(1, 'before', 'x'), disconnect(), publish1(2, 'after', 'x'), malformed, disconnect())
      .receive(puback(1))
      .closed()
    peer.stream.destroy()
    await flow(reader).receive(publish('before', 'x')).receiveNothing()
    await kit.servesOthers()
  })
})
