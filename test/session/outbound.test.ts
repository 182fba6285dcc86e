// The queue towards one client: what is in flight, in which order, and where the rest waits.
import { describe, expect, it } from 'vitest'
import { DropReason } from '../../src/session/drops.ts'
import { levelQueue, memoryQueue, messageOf, type Queue, settled } from './queue.ts'
import { RecordingSink } from './recording-sink.ts'

const UNLIMITED = 65_535
const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i))

type Make = (limits?: Parameters<typeof memoryQueue>[0]) => Queue | Promise<Queue>
const KINDS: [string, Make][] = [
  ['in memory, kept', (limits) => memoryQueue(limits)],
  ['in memory, not kept', (limits) => memoryQueue(limits, false)],
  ['on disk', levelQueue],
]

describe.each(KINDS)('a queue %s', (_, make) => {
  it('sends in order and numbers from 1', async () => {
    const queue = await make()
    const sink = new RecordingSink()
    queue.outbound.attach(sink, UNLIMITED)
    queue.push(1, ...range(0, 5))
    expect(sink.payloads).toEqual(range(0, 5))
    expect(sink.packetIds).toEqual([1, 2, 3, 4, 5])
    expect(queue.outbound.inFlight).toBe(5)
    expect(queue.outbound.waiting).toBe(0)
  })

  it('has the quota in flight and no more, whatever order the acknowledgements come in', async () => {
    const queue = await make()
    const sink = new RecordingSink()
    queue.outbound.attach(sink, 3)
    queue.push(1, ...range(0, 10))
    expect(sink.payloads).toEqual(range(0, 3))
    expect(queue.outbound.acknowledged(2, 1, false)).toBe(true)
    expect(sink.payloads).toEqual(range(0, 4))
    expect(queue.outbound.acknowledged(3, 1, false)).toBe(true)
    expect(queue.outbound.acknowledged(3, 1, false)).toBe(false)
    expect(queue.outbound.acknowledged(1, 1, false)).toBe(true)
    expect(sink.payloads).toEqual(range(0, 6))
    expect(queue.outbound.inFlight).toBe(3)
    expect(queue.outbound.length).toBe(7)
  })

  it('takes the lower of the client’s receive maximum and ours', async () => {
    const queue = await make({ inFlightMax: 2 })
    const sink = new RecordingSink()
    queue.outbound.attach(sink, 5)
    queue.push(1, ...range(0, 5))
    expect(sink.payloads).toEqual(range(0, 2))
  })

  it('waits while the sink is not writable, and goes on with pump', async () => {
    const queue = await make()
    const sink = new RecordingSink()
    queue.outbound.attach(sink, UNLIMITED)
    sink.isWritable = false
    queue.push(1, '0', '1')
    expect(sink.payloads).toEqual([])
    expect(queue.outbound.isHeldBack).toBe(true)
    expect(queue.outbound.isReady).toBe(false)
    sink.isWritable = true
    queue.outbound.pump()
    expect(sink.payloads).toEqual(['0', '1'])
    expect(queue.outbound.isReady).toBe(true)
  })

  it('knows acknowledgements by packet id, QoS and state', async () => {
    const queue = await make()
    queue.outbound.attach(new RecordingSink(), UNLIMITED)
    queue.push(1, 'one')
    queue.push(2, 'two')
    await settled(queue)
    const { outbound } = queue
    expect(outbound.acknowledged(2, 1, false)).toBe(false)
    expect(outbound.received(1)).toBe(false)
    expect(outbound.completed(1)).toBe(false)
    expect(outbound.completed(2)).toBe(false)
    expect(outbound.acknowledged(3, 1, false)).toBe(false)
    expect(outbound.received(2)).toBe(true)
    expect(outbound.received(2)).toBe(true)
    expect(outbound.acknowledged(2, 2, true)).toBe(false)
    expect(outbound.acknowledged(1, 1, false)).toBe(true)
    expect(outbound.completed(2)).toBe(true)
    expect(outbound.completed(2)).toBe(false)
    expect(outbound.length).toBe(0)
    expect(outbound.inFlight).toBe(0)
  })

  it('counts what it drops: too large, expired, refused, full, QoS 0 above the backlog', async () => {
    const queue = await make({ queueMessagesMax: 4, outputBytesMax: 100 })
    const sink = new RecordingSink()
    sink.sizeMax = 40
    queue.outbound.attach(sink, UNLIMITED)
    queue.push(1, 'x'.repeat(50))
    queue.push(0, 'x'.repeat(50))
    expect(queue.drops.of(DropReason.TooLarge)).toBe(2)
    queue.push(1, 'refused')
    queue.outbound.acknowledged(2, 1, true)
    expect(queue.drops.of(DropReason.Refused)).toBe(1)
    sink.isWritable = false
    queue.outbound.push(messageOf('expires', 1, queue.clock.now() + 999), 1, false, undefined)
    queue.clock.advance(1_000)
    sink.isWritable = true
    queue.outbound.pump()
    expect(queue.drops.of(DropReason.Expired)).toBe(1)
    expect(queue.outbound.length).toBe(0)
    expect(queue.push(1, ...range(0, 6))).toBe(2)
    sink.backlog = 101
    queue.push(0, 'zero')
    expect(queue.drops.of(DropReason.NotWritable)).toBe(1)
    expect(sink.payloads).toEqual(['refused', ...range(0, 4)])
    expect(queue.drops.total).toBe(5)
  })

  it('hands RETAIN and subscription identifiers through', async () => {
    const queue = await make()
    const sink = new RecordingSink()
    queue.outbound.attach(sink, UNLIMITED)
    queue.outbound.push(messageOf('q1'), 1, true, [3, 4])
    queue.outbound.push(messageOf('q0', 0), 0, true, [5])
    queue.push(1, 'plain')
    expect(sink.delivered.map(({ retain, identifiers }) => [retain, identifiers])).toEqual([
      [true, [3, 4]],
      [true, [5]],
      [false, undefined],
    ])
  })

  it('calls onRoom when all that waited has gone out', async () => {
    const queue = await make()
    queue.outbound.attach(new RecordingSink(), 2)
    let calls = 0
    queue.outbound.onRoom = () => calls++
    queue.push(1, '0', '1', '2')
    queue.outbound.acknowledged(1, 1, false)
    expect(calls).toBe(1)
    expect(queue.outbound.waiting).toBe(0)
  })
})

describe.each(KINDS.filter(([name]) => !name.includes('not')))('a kept queue %s', (_, make) => {
  it('sends again with DUP what was sent before the detach, and nothing else', async () => {
    const queue = await make()
    queue.outbound.attach(new RecordingSink(), 2)
    queue.push(1, ...range(0, 4))
    queue.outbound.detach()
    expect(queue.outbound.isOnline).toBe(false)
    const sink = new RecordingSink()
    queue.outbound.attach(sink, 3)
    await settled(queue)
    expect(sink.delivered.map(({ payload, dup }) => [payload, dup])).toEqual([
      ['0', true],
      ['1', true],
      ['2', false],
    ])
    expect(sink.packetIds).toEqual([1, 2, 3])
  })

  it('sends PUBREL for what was received, in its place', async () => {
    const queue = await make()
    queue.outbound.attach(new RecordingSink(), UNLIMITED)
    queue.push(2, 'a', 'b', 'c')
    await settled(queue)
    queue.outbound.received(2)
    queue.outbound.detach()
    const sink = new RecordingSink()
    queue.outbound.attach(sink, UNLIMITED)
    await settled(queue)
    expect(sink.all).toEqual(['a', 2, 'c'])
    expect(queue.outbound.inFlight).toBe(3)
  })

  it('spills beyond its window to the store, and drains in order while new messages come', async () => {
    const queue = await make({ queueWindow: 10 })
    queue.push(1, ...range(0, 95))
    const sink = new RecordingSink()
    queue.outbound.attach(sink, 4)
    for (let i = 0; i < 200; i++) {
      if (i < 105) queue.push(1, 95 + i)
      while (sink.delivered.length <= i) await settled(queue)
      expect(queue.outbound.inFlight).toBeLessThanOrEqual(4)
      queue.outbound.acknowledged(sink.packetIds[i] as number, 1, false)
    }
    await settled(queue)
    expect(sink.payloads).toEqual(range(0, 200))
    expect(sink.delivered.every(({ dup }) => !dup)).toBe(true)
  })

  it('survives a detach while it is reading from the store', async () => {
    const queue = await make({ queueWindow: 10 })
    queue.push(1, ...range(0, 30))
    for (let i = 0; i < 5; i++) {
      const gone = new RecordingSink()
      queue.outbound.attach(gone, UNLIMITED)
      queue.outbound.detach()
    }
    const sink = new RecordingSink()
    queue.outbound.attach(sink, UNLIMITED)
    for (let i = 0; i < 30; i++) {
      while (sink.delivered.length <= i) await settled(queue)
      queue.outbound.acknowledged(i + 1, 1, false)
    }
    expect(sink.payloads).toEqual(range(0, 30))
    expect(queue.outbound.length).toBe(0)
  })

  it('does not take what was read for an earlier connection for the beginning of its queue', async () => {
    const queue = await make({ queueWindow: 4 })
    queue.push(1, ...range(0, 12))
    const first = new RecordingSink()
    queue.outbound.attach(first, UNLIMITED)
    await settled(queue)
    expect(first.payloads).toEqual(range(0, 4))
    // It begins to read from 4 on, and the connection goes: 1, 2 and 3 have to be sent again first.
    queue.outbound.acknowledged(1, 1, false)
    queue.outbound.detach()
    const second = new RecordingSink()
    queue.outbound.attach(second, UNLIMITED)
    await settled(queue)
    expect(second.payloads).toEqual(range(1, 5))
  })

  it('goes on in order after acknowledgements that left gaps in the store', async () => {
    const queue = await make()
    queue.outbound.attach(new RecordingSink(), UNLIMITED)
    queue.push(1, ...range(0, 10))
    for (const packetId of [2, 3, 5, 10]) queue.outbound.acknowledged(packetId, 1, false)
    queue.outbound.detach()
    const sink = new RecordingSink()
    queue.outbound.attach(sink, 4)
    await settled(queue)
    expect(sink.payloads).toEqual(['0', '3', '5', '6'])
    for (const packetId of [1, 4, 6, 7]) expect(queue.outbound.acknowledged(packetId, 1, false)).toBe(true)
    await settled(queue)
    queue.push(1, 'new')
    await settled(queue)
    expect(sink.payloads.slice(4)).toEqual(['7', '8', 'new'])
    expect(sink.packetIds.slice(4)).toEqual([8, 9, 11])
  })
})

it('never gives a packet id anew while it is in flight, however long the client keeps it', () => {
  const queue = memoryQueue({ inFlightMax: 2 }, false)
  const sink = new RecordingSink()
  queue.outbound.attach(sink, UNLIMITED)
  queue.push(1, 'never acknowledged')
  for (let i = 2; i <= 65_600; i++) {
    queue.push(1, i)
    const packetId = ((i - 1) % 65_535) + 1
    if (packetId !== 1) queue.outbound.acknowledged(packetId, 1, false)
  }
  expect(sink.packetIds.indexOf(1, 1)).toBe(-1)
  const sent = sink.delivered.length
  queue.outbound.acknowledged(1, 1, false)
  expect(sink.delivered.length).toBeGreaterThan(sent)
  expect(sink.packetIds.indexOf(1, 1)).toBeGreaterThan(65_000)
})

describe('a queue on disk', () => {
  it('waits with QoS 2, and with all behind it, for the commit', async () => {
    const queue = await levelQueue()
    const sink = new RecordingSink()
    queue.outbound.attach(sink, UNLIMITED)
    queue.push(1, '0')
    queue.push(2, '1')
    queue.push(1, '2')
    expect(sink.payloads).toEqual(['0'])
    await queue.store.flush()
    expect(sink.payloads).toEqual(['0', '1', '2'])
  })

  it('asks for more when all that waited for the commit turned out too large', async () => {
    const queue = await levelQueue()
    const sink = new RecordingSink()
    sink.sizeMax = 10
    queue.outbound.attach(sink, UNLIMITED)
    let calls = 0
    queue.outbound.onRoom = () => calls++
    queue.push(2, 'x'.repeat(20))
    await queue.store.flush()
    expect(sink.payloads).toEqual([])
    expect(calls).toBe(1)
  })

  it('after a restart repeats as much as may have been in flight, but nothing that has expired', async () => {
    const queue = await levelQueue({ inFlightMax: 2, queueWindow: 2 })
    const expiresAt = queue.clock.now() + 999
    queue.outbound.push(messageOf('expires', 1, expiresAt), 1, false, undefined)
    queue.push(1, '1', '2')
    await queue.store.flush()
    queue.clock.advance(1_000)
    const again = queue.make(true, { head: 0, tail: 3, bytes: 30 })
    const sink = new RecordingSink()
    again.attach(sink, UNLIMITED)
    await settled(queue)
    expect(sink.delivered.map(({ payload, dup, packetId }) => [payload, dup, packetId])).toEqual([
      ['1', true, 2],
      ['2', false, 3],
    ])
    expect(queue.drops.of(DropReason.Expired)).toBe(1)
  })
})
