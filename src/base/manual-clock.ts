// A Clock that moves when it is told to: a test of a week takes a millisecond. For our tests and for yours.
import { assert } from './assert.ts'
import type { Clock, Timer } from './clock.ts'

class ManualTimer implements Timer {
  readonly callback: () => void
  readonly dueAt: number
  isCancelled = false

  constructor(callback: () => void, dueAt: number) {
    this.callback = callback
    this.dueAt = dueAt
  }

  cancel(): void {
    this.isCancelled = true
  }
}

export class ManualClock implements Clock {
  /** What timers count by: it only grows. */
  #elapsed = 0
  /** What the wall clock shows beyond it. */
  #offset: number
  /** Ordered by dueAt, then by when they were set; cancelled ones leave when their turn comes. */
  #timers: ManualTimer[] = []

  constructor(startsAt = Date.UTC(2026, 0, 1)) {
    this.#offset = startsAt
  }

  now(): number {
    return this.#offset + this.#elapsed
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer = new ManualTimer(callback, this.#elapsed + Math.max(1, delayMs))
    let index = this.#timers.length
    while (index > 0 && (this.#timers[index - 1] as ManualTimer).dueAt > timer.dueAt) index--
    this.#timers.splice(index, 0, timer)
    return timer
  }

  /** Lets time pass: each timer due until then fires at its own time, also those set on the way. */
  advance(ms: number): void {
    assert(ms >= 0, 'time passes forwards: use jump to set the clock back')
    const end = this.#elapsed + ms
    for (let timer = this.#takeDue(end); timer !== undefined; timer = this.#takeDue(end)) {
      this.#elapsed = timer.dueAt
      timer.callback()
    }
    this.#elapsed = end
  }

  /** Sets the wall clock forwards or back. Timers do not notice: what remains of their delays remains. */
  jump(ms: number): void {
    this.#offset += ms
  }

  #takeDue(end: number): ManualTimer | undefined {
    while (this.#timers.length > 0 && (this.#timers[0] as ManualTimer).dueAt <= end) {
      const timer = this.#timers.shift() as ManualTimer
      if (!timer.isCancelled) return timer
    }
    return undefined
  }
}
