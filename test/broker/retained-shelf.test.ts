// What is retained is gone at its deadline, from memory and from the disk, a bounded part of it at a time.
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { RetainedShelf } from '../../src/broker/retained-shelf.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { type Message, NEVER } from '../../src/packet/message.ts'
import { createMessage } from '../../src/packet/publish.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store } from '../../src/store/store.ts'
import { openLevelStore, temporaryFolder } from '../store/stored.ts'

const messageOf = (topicName: string, expiresAt = NEVER): Message =>
  createMessage({
    topicName,
    payload: Buffer.from('x'),
    qos: 1,
    retain: true,
    expiresAt,
    properties: Buffer.alloc(0),
  })

function shelfOn(store: Store, retainedExpirySeconds: number, clock = new ManualClock()) {
  const { limits } = resolveConfig({ limits: { retainedExpirySeconds } })
  const shelf = new RetainedShelf({ store, limits, wheel: new TimerWheel(clock), now: () => clock.now() })
  const pass = (seconds: number): void => clock.advance(seconds * 1000)
  return { shelf, clock, pass }
}

const topicNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `t/${i % 97}/${i}`)

describe('a retained message', () => {
  it('goes at its own deadline, or at the one that the broker gives it', () => {
    const { shelf, clock, pass } = shelfOn(new MemoryStore(), 60)
    shelf.put(messageOf('given one'))
    shelf.put(messageOf('$with/its own', clock.now() + 20_000))
    shelf.put(messageOf('with a longer one', clock.now() + 100_000))
    pass(19.5)
    expect(shelf.count).toBe(3)
    pass(1)
    expect([shelf.count, shelf.expired]).toEqual([2, 1])
    pass(40)
    expect([shelf.count, shelf.expired]).toEqual([1, 2])
    pass(60)
    expect([shelf.count, shelf.bytes, shelf.expired]).toEqual([0, 0, 3])
  })

  it('stays for ever where nobody says otherwise, and no timer runs for it', () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock)
    const { limits } = resolveConfig()
    const shelf = new RetainedShelf({ store: new MemoryStore(), limits, wheel, now: () => clock.now() })
    shelf.put(messageOf('a'))
    expect(wheel.length).toBe(0)
    clock.advance(10 * 365 * 86_400_000)
    expect(shelf.count).toBe(1)
  })

  it('leaves no timer behind when it is removed, or replaced by one that stays', () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock)
    const { limits } = resolveConfig()
    const shelf = new RetainedShelf({ store: new MemoryStore(), limits, wheel, now: () => clock.now() })
    for (const topicName of ['a', 'b']) shelf.put(messageOf(topicName, clock.now() + 60_000))
    expect(wheel.length).toBe(1)
    shelf.put(messageOf('a'))
    shelf.remove('b')
    expect(wheel.length).toBe(0)
    shelf.put(messageOf('b', clock.now() + 1_000))
    clock.advance(2_000)
    expect([shelf.count, wheel.length]).toEqual([1, 0])
  })

  it('counts its bytes as it comes, is replaced and goes', () => {
    const { shelf } = shelfOn(new MemoryStore(), 0)
    const message = messageOf('a')
    const { length } = message
    shelf.put(message)
    shelf.put(messageOf('b'))
    shelf.put(messageOf('a'))
    expect([shelf.count, shelf.bytes]).toEqual([2, 2 * length])
    shelf.remove('a')
    shelf.remove('a')
    expect([shelf.count, shelf.bytes]).toEqual([1, length])
  })

  it('that replaces another has a deadline of its own', () => {
    const { shelf, pass } = shelfOn(new MemoryStore(), 60)
    shelf.put(messageOf('a'))
    pass(50)
    shelf.put(messageOf('a'))
    pass(50)
    expect([shelf.count, shelf.expired]).toEqual([1, 0])
    pass(21)
    expect([shelf.count, shelf.expired]).toEqual([0, 1])
  })
})

describe('a sweep', () => {
  it('takes a part of a hundred thousand at a time, and all of them in the end', () => {
    const { shelf, pass } = shelfOn(new MemoryStore(), 60)
    for (const topicName of topicNames(100_000)) shelf.put(messageOf(topicName))
    pass(60.1)
    let left = shelf.count
    expect(left).toBeGreaterThan(0)
    while (shelf.count > 0) {
      pass(0.1)
      expect(left - shelf.count).toBeLessThanOrEqual(2_000)
      expect(shelf.count).toBeLessThan(left)
      left = shelf.count
    }
    expect(shelf.bytes).toBe(0)
  })

  it('finds what came while it was under way, in the next one', () => {
    const { shelf, clock, pass } = shelfOn(new MemoryStore(), 60)
    for (const topicName of topicNames(10_000)) shelf.put(messageOf(topicName))
    pass(60.1)
    shelf.put(messageOf('late', clock.now() + 1_000))
    pass(5)
    expect(shelf.count).toBe(1)
    pass(10)
    expect(shelf.count).toBe(0)
  })
})

describe('over a restart', () => {
  it('has its deadline from when it was retained; it goes from the disk too', async () => {
    const path = await temporaryFolder()
    const first = await openLevelStore(path)
    const clock = new ManualClock()
    const { shelf } = shelfOn(first.store, 0, clock)
    for (const topicName of ['a', 'b']) shelf.put(messageOf(topicName))
    clock.advance(30_000)
    shelf.put(messageOf('c'))
    await first.store.close()

    const second = await openLevelStore(path)
    const { shelf: restored, pass } = shelfOn(second.store, 60, clock)
    for (const message of second.stored.retainedMessages) restored.restore(message)
    expect(restored.count).toBe(3)
    pass(31)
    expect(restored.count).toBe(1)
    await second.store.close()

    const third = await openLevelStore(path)
    expect(third.stored.retainedMessages.map(({ topicName }) => topicName)).toEqual(['c'])
  })

  it('has it from the start where the disk does not say when it was retained', async () => {
    const { shelf, pass } = shelfOn(new MemoryStore(), 60)
    shelf.restore(messageOf('a'))
    pass(59)
    expect(shelf.count).toBe(1)
    pass(2)
    expect(shelf.count).toBe(0)
  })
})
