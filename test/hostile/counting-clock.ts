// A manual clock that knows how many timers wait on it: none is left once nothing of the broker's is due any more.
import type { Timer } from '../../src/base/clock.ts'
import { ManualClock } from '../../src/base/manual-clock.ts'

export class CountingClock extends ManualClock {
  readonly #waiting = new Set<object>()

  get waiting(): number {
    return this.#waiting.size
  }

  override setTimer(callback: () => void, delayMs: number): Timer {
    const token = {}
    this.#waiting.add(token)
    const timer = super.setTimer(() => {
      this.#waiting.delete(token)
      callback()
    }, delayMs)
    const cancel = (): void => {
      this.#waiting.delete(token)
      timer.cancel()
    }
    return { cancel }
  }
}
