// What the queue towards one client once got wrong: each was a defect, and shall not be one again.
import { describe, expect, it } from 'vitest'
import { DropReason } from '../../src/session/drops.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { HeldStore } from '../kit/held-store.ts'
import { levelQueue, memoryQueue, messageOf, Queue, settled } from './queue.ts'
import { RecordingSink } from './recording-sink.ts'

const UNLIMITED = 65_535

type Make = (limits?: Parameters<typeof memoryQueue>[0]) => Queue | Promise<Queue>
const KINDS: [string, Make][] = [
  ['in memory', (limits) => memoryQueue(limits)],
  ['on disk', levelQueue],
]

/** Its queue cannot be read the next `failures` times. */
class UnreadableStore extends HeldStore {
  failures = 0

  override async readQueue(...range: Parameters<HeldStore['readQueue']>) {
    if (this.failures > 0) {
      this.failures--
      throw new Error('cannot be read')
    }
    return super.readQueue(...range)
  }
}

function unreadableQueue() {
  const store = new UnreadableStore(new MemoryStore())
  return { store, queue: new Queue(store, { queueWindow: 2 }, true) }
}

describe.each(KINDS)('a kept queue %s', (_, make) => {
  it('goes on when every message of its window has expired and nothing is in flight', async () => {
    const queue = await make({ queueWindow: 4 })
    const expiresAt = queue.clock.now() + 999
    for (let i = 0; i < 9; i++) queue.outbound.push(messageOf('expires', 1, expiresAt), 1, false, undefined)
    queue.push(1, 'first', 'second')
    queue.clock.advance(1_000)
    const sink = new RecordingSink()
    queue.outbound.attach(sink, UNLIMITED)
    for (let i = 0; i < 4; i++) await settled(queue)
    expect(sink.payloads).toEqual(['first', 'second'])
    expect(queue.drops.of(DropReason.Expired)).toBe(9)
    expect(queue.outbound.inFlight).toBe(2)
  })

  it('goes on when every message of its window is too large and nothing is in flight', async () => {
    const queue = await make({ queueWindow: 4 })
    for (let i = 0; i < 9; i++) queue.push(1, 'x'.repeat(50))
    queue.push(1, 'first', 'second')
    const sink = new RecordingSink()
    sink.sizeMax = 40
    queue.outbound.attach(sink, UNLIMITED)
    for (let i = 0; i < 4; i++) await settled(queue)
    expect(sink.payloads).toEqual(['first', 'second'])
    expect(queue.drops.of(DropReason.TooLarge)).toBe(9)
    expect(queue.outbound.inFlight).toBe(2)
  })

  it('does not know what is done by a repeated PUBREC, and holds the quota afterwards', async () => {
    const queue = await make()
    const { outbound } = queue
    const sink = new RecordingSink()
    outbound.attach(sink, 2)
    queue.push(2, '0', '1', '2', '3', '4')
    await settled(queue)
    // The first stays in flight, so that the second is done and still in the window.
    expect([outbound.received(2), outbound.completed(2)]).toEqual([true, true])
    expect([outbound.received(2), outbound.completed(2)]).toEqual([false, false])
    await settled(queue)
    expect(sink.payloads).toEqual(['0', '1', '2'])
    expect(outbound.inFlight).toBe(2)
    expect([outbound.received(3), outbound.completed(3)]).toEqual([true, true])
    await settled(queue)
    expect(sink.payloads).toEqual(['0', '1', '2', '3'])
    expect(outbound.inFlight).toBe(2)
  })
})

describe('a queue that could not be read', () => {
  it('is read again with the next message', async () => {
    const { store, queue } = unreadableQueue()
    queue.push(1, '0', '1')
    store.failures = 1
    const sink = new RecordingSink()
    queue.outbound.attach(sink, UNLIMITED)
    await settledAfter(queue, store)
    expect(sink.payloads).toEqual([])
    expect(queue.readErrors).toHaveLength(1)
    queue.push(1, '2')
    await settledAfter(queue, store)
    expect(sink.payloads).toEqual(['0', '1'])
    queue.outbound.acknowledged(1, 1, false)
    await settledAfter(queue, store)
    expect(sink.payloads).toEqual(['0', '1', '2'])
  })

  it('is read again with the next acknowledgement', async () => {
    const { store, queue } = unreadableQueue()
    queue.push(1, '0', '1', '2', '3')
    const sink = new RecordingSink()
    queue.outbound.attach(sink, UNLIMITED)
    await settledAfter(queue, store)
    store.failures = 1
    queue.outbound.acknowledged(1, 1, false)
    await settledAfter(queue, store)
    expect(sink.payloads).toEqual(['0', '1'])
    expect(queue.readErrors).toHaveLength(1)
    queue.outbound.acknowledged(2, 1, false)
    await settledAfter(queue, store)
    expect(sink.payloads).toEqual(['0', '1', '2', '3'])
  })
})

/** `settled` reads from the store too: the failure has to have been the queue's. */
async function settledAfter(queue: Queue, store: UnreadableStore): Promise<void> {
  expect(store.failures).toBe(0)
  await settled(queue)
}

it('is never sent further ahead of an unanswered head than a crash leaves in doubt', async () => {
  const queue = await levelQueue({ queueWindow: 8 })
  queue.push(1, ...Array.from({ length: 12 }, (_, i) => i))
  const first = new RecordingSink()
  queue.outbound.attach(first, UNLIMITED)
  await settled(queue)
  expect(first.payloads).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
  queue.outbound.acknowledged(4, 1, false)
  queue.outbound.detach()
  const second = new RecordingSink()
  queue.outbound.attach(second, UNLIMITED)
  await settled(queue)
  expect(second.payloads).toEqual(['0', '1', '2', '4', '5', '6', '7'])
  queue.outbound.acknowledged(1, 1, false)
  await settled(queue)
  expect(second.payloads.slice(7)).toEqual(['8'])
})

it.each(KINDS)('what ends while its oldest messages are being read counts no more, %s', async (_, make) => {
  const queue = await make({ queueMessagesMax: 5 })
  queue.push(1, 1, 2, 3, 4, 5)
  expect(queue.outbound.dropOldest(1)).toBe(true)
  queue.outbound.end()
  await settled(queue)
  expect(queue.totals).toMatchObject({ messages: 0, bytes: 0 })
})
