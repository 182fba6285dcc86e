// Peers that have gone, dealt with in their order and a few a turn: ten thousand may go in the same moment, and each
// has a session to be left and maybe a will. Until its turn comes a connection is as one whose end is still on its way.
// Between the sockets' events and connection.ts.
import type { Pace } from '../base/pace.ts'
import { RingQueue } from '../base/ring-queue.ts'

/** What the end of a connection takes, see base/pace.ts. */
const END_UNITS = 40

export class Endings {
  readonly #pace: Pace
  readonly #waiting = new RingQueue<() => void>()
  #isScheduled = false
  readonly #endSome = (): void => {
    this.#isScheduled = false
    // One at least, whatever else went on in this turn.
    do this.#waiting.shift()?.()
    while (this.#hasTime() && this.#waiting.length > 0)
    if (this.#waiting.length > 0) this.#schedule()
  }

  constructor(pace: Pace) {
    this.#pace = pace
  }

  /** Calls `end` now, or in a later turn when it is its turn. */
  add(end: () => void): void {
    if (this.#waiting.length === 0 && this.#hasTime()) return end()
    this.#waiting.push(end)
    this.#schedule()
  }

  #hasTime(): boolean {
    this.#pace.spend(END_UNITS)
    return !this.#pace.isSpent
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#endSome)
  }
}
