// TimerWheel on a manual clock: on time, in order, over leaps of the clock, idle when nothing is scheduled.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Timer } from '../../src/base/clock.ts'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { TimerWheel, type WheelTask } from '../../src/base/timer-wheel.ts'

const START = Date.UTC(2026, 0, 1)
const DAY = 86_400_000

class Task implements WheelTask {
  dueAt = 0
  readonly expiredAt: number[] = []
  readonly #then: (now: number) => void

  constructor(andThen: (now: number) => void = () => {}) {
    this.#then = andThen
  }

  expire(now: number): void {
    this.expiredAt.push(now)
    this.#then(now)
  }
}

/** A manual clock that counts the timers set on it. */
class CountingClock extends ManualClock {
  timersSet = 0

  override setTimer(callback: () => void, delayMs: number): Timer {
    this.timersSet++
    return super.setTimer(callback, delayMs)
  }
}

function setup(): { clock: CountingClock; wheel: TimerWheel } {
  const clock = new CountingClock(START)
  return { clock, wheel: new TimerWheel(clock) }
}

test('expires each task once, at most a tick late and never early, whatever the deadlines', () => {
  const delays = fc.array(fc.integer({ min: -1_000, max: 200_000 }), { minLength: 1, maxLength: 50 })
  const steps = fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 30 })
  fc.assert(
    fc.property(delays, steps, (delaysMs, stepsMs) => {
      const { clock, wheel } = setup()
      const tasks = delaysMs.map(() => new Task())
      for (const [index, task] of tasks.entries()) wheel.schedule(task, START + (delaysMs[index] as number))
      for (const step of stepsMs) clock.advance(step)
      clock.advance(200_200)
      for (const task of tasks) {
        expect(task.expiredAt).toHaveLength(1)
        const lateMs = (task.expiredAt[0] as number) - Math.max(task.dueAt, START)
        expect(lateMs).toBeGreaterThanOrEqual(0)
        expect(lateMs).toBeLessThanOrEqual(100)
      }
      expect(wheel.length).toBe(0)
    }),
  )
})

test('expires what is due in one run in order of the deadlines, not of the slots', () => {
  const { clock, wheel } = setup()
  const order: number[] = []
  const delays = [70_000, 50, 51_300, 120_000, -5_000, 51_200, 10]
  for (const delay of delays) wheel.schedule(new Task(() => order.push(delay)), START + delay)
  clock.jump(200_000)
  clock.advance(100)
  expect(order).toEqual(delays.toSorted((a, b) => a - b))
})

test('a deadline years ahead expires then', () => {
  const { clock, wheel } = setup()
  const task = new Task()
  wheel.schedule(task, START + 400 * DAY)
  clock.jump(400 * DAY - 1_000)
  clock.advance(900)
  expect(task.expiredAt).toEqual([])
  clock.advance(100)
  expect(task.expiredAt).toEqual([START + 400 * DAY])
})

test('notices within a second that the clock has leapt, and looks at each slot once for it', () => {
  const { clock, wheel } = setup()
  const [soon, later] = [new Task(), new Task()]
  wheel.schedule(soon, START + 30_000)
  wheel.schedule(later, START + 400_000 * DAY)
  clock.jump(365_000 * DAY)
  const timersSet = clock.timersSet
  clock.advance(1_000)
  expect(soon.expiredAt).toHaveLength(1)
  expect(later.expiredAt).toHaveLength(0)
  expect(clock.timersSet - timersSet).toBeLessThan(4)
})

test('ten days pass with a timer a second, not one a tick', () => {
  const { clock, wheel } = setup()
  const task = new Task()
  wheel.schedule(task, START + 10 * DAY)
  clock.advance(10 * DAY)
  expect(task.expiredAt).toEqual([START + 10 * DAY])
  expect(clock.timersSet).toBeLessThan(880_000)
})

test('goes on after the clock was set back', () => {
  const { clock, wheel } = setup()
  const [before, after] = [new Task(), new Task()]
  wheel.schedule(before, START + 5_000)
  clock.advance(1_000)
  clock.jump(-DAY)
  wheel.schedule(after, START - DAY + 3_000)
  clock.advance(2_100)
  expect(after.expiredAt).toHaveLength(1)
  expect(before.expiredAt).toHaveLength(0)
  clock.advance(DAY + 2_000)
  expect(before.expiredAt).toHaveLength(1)
})

test('a task that is scheduled again is moved', () => {
  const { clock, wheel } = setup()
  const task = new Task()
  wheel.schedule(task, START + 1_000)
  wheel.schedule(task, START + 60_000)
  expect(wheel.length).toBe(1)
  clock.advance(59_900)
  expect(task.expiredAt).toEqual([])
  wheel.schedule(task, START + 59_950)
  clock.advance(1_000)
  expect(task.expiredAt).toHaveLength(1)
})

test('a cancelled task does not expire, and cancelling it again changes nothing', () => {
  const { clock, wheel } = setup()
  const [task, overdue, other] = [new Task(), new Task(), new Task()]
  wheel.schedule(task, START + 1_000)
  wheel.schedule(overdue, START - 1_000)
  wheel.schedule(other, START + 1_000)
  for (const cancelled of [task, overdue, task, overdue, new Task()]) wheel.cancel(cancelled)
  expect(wheel.length).toBe(1)
  clock.advance(5_000)
  expect([task.expiredAt, overdue.expiredAt]).toEqual([[], []])
  expect(other.expiredAt).toHaveLength(1)
})

test('a task may put itself off, as a keep alive does', () => {
  const { clock, wheel } = setup()
  const task: Task = new Task((now) => wheel.schedule(task, now + 10_000))
  wheel.schedule(task, START + 10_000)
  clock.advance(60_000)
  expect(task.expiredAt).toHaveLength(6)
})

test('a task that is always overdue runs once a tick and holds nothing up', () => {
  const { clock, wheel } = setup()
  const task: Task = new Task(() => wheel.schedule(task, START))
  wheel.schedule(task, START)
  clock.advance(1_000)
  expect(task.expiredAt).toHaveLength(10)
})

test('a task may cancel or put off another that is due in the same run', () => {
  const { clock, wheel } = setup()
  const [cancelled, putOff] = [new Task(), new Task()]
  const first = new Task((now) => {
    wheel.cancel(cancelled)
    wheel.schedule(putOff, now + 5_000)
  })
  wheel.schedule(first, START + 10)
  wheel.schedule(cancelled, START + 20)
  wheel.schedule(putOff, START + 30)
  clock.advance(100)
  expect([cancelled.expiredAt, putOff.expiredAt]).toEqual([[], []])
  clock.advance(5_000)
  expect(cancelled.expiredAt).toEqual([])
  expect(putOff.expiredAt).toHaveLength(1)
})

test('a task that throws stops neither the others nor the wheel, and is heard of', () => {
  const { clock, wheel } = setup()
  const [same, later] = [new Task(), new Task()]
  const failing = new Task(() => {
    throw new Error('the task failed')
  })
  wheel.schedule(failing, START + 10)
  wheel.schedule(same, START + 20)
  wheel.schedule(later, START + 500)
  expect(() => clock.advance(100)).toThrow('a task of the timer wheel threw')
  expect(same.expiredAt).toHaveLength(1)
  clock.advance(500)
  expect(later.expiredAt).toHaveLength(1)
})

test('has no timer while nothing is scheduled', () => {
  const { clock, wheel } = setup()
  const task = new Task()
  wheel.schedule(task, START + 1_000)
  wheel.cancel(task)
  wheel.schedule(task, START + 300)
  clock.advance(1_000)
  const timersSet = clock.timersSet
  clock.advance(DAY)
  expect(clock.timersSet).toBe(timersSet)
  expect(task.expiredAt).toHaveLength(1)
})
