// Which publishers have something due, without asking all fifteen thousand each millisecond: those of a group have the
// same rate, so that they come due in the same order, round after round.
//
//   at   | p3 | p7 | p1 | p2 | ...          in the order of their first message
//                    ^ next, in round 4: due at its start + 4 * period
import type { LoadPublisher } from './load-publisher.ts'

interface Runner {
  readonly publisher: LoadPublisher
  readonly startAt: number
}

export class Pace {
  readonly #runners: readonly Runner[]
  /** Microseconds between two messages of one publisher. */
  readonly #period: number
  #next = 0
  #round = 0

  /** `publishers` begin at `now` or within a period from it, each at a random moment of its own stretch. */
  constructor(publishers: readonly LoadPublisher[], period: number, now: number) {
    this.#period = period
    this.#runners = publishers.map((publisher, i) => {
      const startAt = now + ((i + Math.random()) / publishers.length) * period
      publisher.start(startAt, period)
      return { publisher, startAt }
    })
  }

  /** Without a rate something is always due. */
  pump(now: number): void {
    if (this.#period === 0) {
      for (const { publisher } of this.#runners) publisher.pump(now)
      return
    }
    for (;;) {
      const runner = this.#runners[this.#next]
      if (runner === undefined || runner.startAt + this.#round * this.#period > now) return
      runner.publisher.pump(now)
      if (++this.#next < this.#runners.length) continue
      this.#next = 0
      this.#round++
    }
  }
}
