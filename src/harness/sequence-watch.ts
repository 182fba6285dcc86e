// What one receiver has of one publisher, whose messages are numbered 0, 1, 2 ...: what came twice, and out of order.
// What is lost is what is missing at the end: see run-figures.ts.
//
//   0 1 2 . 4 5 . . 8          next = 9, missing = { 3, 6, 7 }
//   now 6: late, so out of order;  now 4: twice

/** Beyond so many the oldest are given up: they count as lost, and as twice should they come. */
const MISSING_MAX = 100_000

export const Arrival = { Expected: 0, OutOfOrder: 1, Duplicate: 2 } as const
export type Arrival = (typeof Arrival)[keyof typeof Arrival]

export class SequenceWatch {
  #next: number
  readonly #allowsGaps: boolean
  #missing: Set<number> | undefined

  /** `next`: the first number that is expected. `allowsGaps`: others get some of them. */
  constructor(next = 0, allowsGaps = false) {
    this.#next = next
    this.#allowsGaps = allowsGaps
  }

  note(sequence: number): Arrival {
    if (sequence === this.#next) {
      this.#next++
      return Arrival.Expected
    }
    if (sequence < this.#next) {
      const isLate = this.#allowsGaps ? sequence < this.#next - 1 : this.#missing?.delete(sequence) === true
      return isLate ? Arrival.OutOfOrder : Arrival.Duplicate
    }
    if (!this.#allowsGaps) this.#noteMissing(sequence)
    this.#next = sequence + 1
    return Arrival.Expected
  }

  #noteMissing(until: number): void {
    this.#missing ??= new Set()
    const from = Math.max(this.#next, until - MISSING_MAX)
    for (let missing = from; missing < until; missing++) this.#missing.add(missing)
    for (const oldest of this.#missing) {
      if (this.#missing.size <= MISSING_MAX) break
      this.#missing.delete(oldest)
    }
  }
}
