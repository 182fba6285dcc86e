// setTimeout on the clock of the test, for as long as a test wants: the two seconds that a connection has to take its
// last bytes are the process's own, and shall neither be waited for nor be forgotten.
import type { Clock, Timer } from '../../src/base/clock.ts'

const systemSetTimeout = globalThis.setTimeout
const systemClearTimeout = globalThis.clearTimeout

/** A timeout as far as anybody in src/ uses it. */
class ClockTimeout {
  readonly timer: Timer

  constructor(timer: Timer) {
    this.timer = timer
  }

  unref(): this {
    return this
  }
}

/** From now on setTimeout counts by `clock`. Returns what puts it back. */
export function timeoutsOn(clock: Clock): () => void {
  const set = (callback: () => void, delayMs = 0): ClockTimeout =>
    new ClockTimeout(clock.setTimer(callback, delayMs))
  const clear = (timeout: unknown): void => {
    if (timeout instanceof ClockTimeout) timeout.timer.cancel()
    else systemClearTimeout(timeout as NodeJS.Timeout | undefined)
  }
  globalThis.setTimeout = set as unknown as typeof setTimeout
  globalThis.clearTimeout = clear as typeof clearTimeout
  return () => {
    globalThis.setTimeout = systemSetTimeout
    globalThis.clearTimeout = systemClearTimeout
  }
}
