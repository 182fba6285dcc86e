// A client that writes and never reads, or asks for far more than it sends: memory has a bound, and others go on.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { flow, turns } from '../kit/flow.ts'
import { frame, hex, text, u16 } from '../kit/frames.ts'
import { publish } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openHostile } from './hostile-broker.ts'

const OUTPUT_BYTES_MAX = 200_000
const CHUNK_BYTES = 65_536
/** What a connection may pile up in a turn before it is written. */
const TURN_BYTES = 1_048_576
const LONG_TOPIC = 'a'.repeat(65_535)

const repeated = (packet: Buffer): Buffer => Buffer.alloc(CHUNK_BYTES - (CHUNK_BYTES % packet.length), packet)

/** Turns until all of it has been taken from the peer. */
async function taken(peer: Peer): Promise<void> {
  while (peer.stream.writableLength > 0) await turns(1)
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a client that writes and never reads', () => {
  it.each([
    ['PINGREQ', hex('c000'), 2],
    ['PUBLISH of QoS 1', frame(0x32, text('a'), u16(1)), 4],
    ['PUBREC', hex('50020001'), 4],
    ['SUBSCRIBE', frame(0x82, u16(1), text('a'), hex('00')), 5],
  ])(
    '%s is not read from until it takes its answers, and has them all then',
    async (_, packet, answerBytes) => {
      const kit = await openHostile({ outputBytesMax: OUTPUT_BYTES_MAX })
      const peer = await kit.client('hostile', { version: 4 })
      peer.stall()
      const chunk = repeated(packet)
      const chunks = 40
      for (let i = 0; i < chunks; i++) {
        peer.stream.write(chunk)
        await turns(1)
      }
      // What was not read is still its own; what was read has its answers waiting.
      const readBytes = chunks * chunk.length - peer.stream.writableLength
      const waiting = (readBytes / packet.length) * answerBytes
      expect(waiting).toBeGreaterThan(OUTPUT_BYTES_MAX / 2)
      expect(waiting).toBeLessThan(OUTPUT_BYTES_MAX + 4 * CHUNK_BYTES)
      await kit.servesOthers()
      let bytes = 0
      peer.stream.removeAllListeners('data')
      peer.stream.on('data', (read: Buffer) => {
        bytes += read.length
      })
      peer.resume()
      await taken(peer)
      await kit.settle()
      expect(bytes).toBe(((chunks * chunk.length) / packet.length) * answerBytes)
      await kit.servesOthers()
    },
  )

  it('and goes, leaves nothing', async () => {
    const kit = await openHostile({ outputBytesMax: OUTPUT_BYTES_MAX, connectionsMax: 10, sessionsMax: 10 })
    for (let i = 0; i < 12; i++) {
      const peer = await kit.client('hostile', { version: 4, fields: { keepalive: 5 } })
      peer.stall()
      for (let n = 0; n < 20; n++) peer.stream.write(repeated(hex('50020001')))
      await turns(20)
      peer.brokerEnd.destroy()
    }
    await kit.servesOthers()
    await kit.leavesNothing()
  })

  it('and says that it sends no more, keeps nothing longer than the grace', async () => {
    const kit = await openHostile()
    const peer = await kit.subscriber('hostile', 'a', 0, { version: 4 })
    peer.stall()
    await kit.broker.publish({ topicName: 'a', payload: Buffer.alloc(1_000_000) })
    await turns()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    peer.stream.end()
    await turns()
    expect(peer.brokerEnd.writableLength).toBeGreaterThan(900_000)
    vi.advanceTimersByTime(1_900)
    expect(peer.brokerEnd.destroyed).toBe(false)
    vi.advanceTimersByTime(200)
    expect(peer.brokerEnd.destroyed).toBe(true)
    vi.useRealTimers()
    await kit.servesOthers()
  })

  it('and is closed for what it sends, is gone after the grace', async () => {
    const kit = await openHostile()
    const peer = await kit.subscriber('hostile', 'a', 0, { version: 4 })
    peer.stall()
    await kit.broker.publish({ topicName: 'a', payload: Buffer.alloc(1_000_000) })
    await turns()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    peer.send(hex('00 00'))
    await turns()
    expect(peer.brokerEnd.destroyed).toBe(false)
    vi.advanceTimersByTime(2_100)
    expect(peer.brokerEnd.destroyed).toBe(true)
    vi.useRealTimers()
    await kit.servesOthers()
  })
})

describe('a topic alias that makes 65 kB of 8 bytes', () => {
  const setAlias = frame(0x30, text(LONG_TOPIC), hex('03 23 0001'))
  const byAlias = frame(0x30, u16(0), hex('03 23 0001'))

  it('fills a subscriber that does not read up to its limit, and the rest is dropped and counted', async () => {
    const kit = await openHostile({ outputBytesMax: OUTPUT_BYTES_MAX })
    const slow = await kit.subscriber('slow', '+', 0, { version: 4 })
    slow.stall()
    const hostile = await kit.client('hostile')
    const before = process.memoryUsage().arrayBuffers
    hostile.send(setAlias, ...Array.from({ length: 8_000 }, () => byAlias))
    await taken(hostile)
    await turns()
    // 8,000 messages would be 524 MB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000)
    const dropped = kit.dropped('not-writable')
    const keptBytes = (8_001 - dropped) * LONG_TOPIC.length
    expect(keptBytes).toBeLessThan(OUTPUT_BYTES_MAX + 2 * TURN_BYTES)
    slow.resume()
    await kit.settle()
    expect(slow.waiting).toBe(8_001 - dropped)
    await kit.servesOthers()
  })

  it('fills a queue up to its bytes', async () => {
    const kit = await openHostile({ queueBytesMax: 1_000_000 })
    await kit.subscriber('slow', '+', 1, { version: 4 })
    const hostile = await kit.client('hostile')
    const first = frame(0x32, text(LONG_TOPIC), u16(1), hex('03 23 0001'))
    const next = frame(0x32, u16(0), u16(1), hex('03 23 0001'))
    hostile.send(first, ...Array.from({ length: 1_000 }, () => next))
    await kit.settle()
    expect(kit.dropped('queue-full')).toBe(1_001 - 15)
    await kit.servesOthers()
  })
})

it('a subscriber that does not read leaves the others of its topic as quick as they are', async () => {
  const kit = await openHostile({ outputBytesMax: OUTPUT_BYTES_MAX })
  const slow = await kit.subscriber('slow', 'a', 0, { version: 4 })
  const quick = await kit.subscriber('quick', 'a', 0, { version: 4 })
  slow.stall()
  const payload = 'x'.repeat(10_000)
  for (let i = 0; i < 200; i++) {
    await flow(quick)
      .do(() => kit.publish('a', payload))
      .receive(publish('a', payload))
  }
  expect((200 - kit.dropped('not-writable')) * payload.length).toBeLessThan(2 * OUTPUT_BYTES_MAX)
  await kit.servesOthers()
})
