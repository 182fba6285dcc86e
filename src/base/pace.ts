// How much of one turn of the event loop a kind of work may take: what is left goes on in the next turn, when everybody
// else has had theirs. Work is counted in units of about a microsecond, and the clock is looked at now and then only:
// little work never knows of it.
//
//   do a piece -> spend(units) -> isSpent: the rest in the next turn, after `nextTurn`, or by `inTurns`

/** Several kinds of work may share a turn, and a collection of garbage may come on top. */
const SLICE_MS = 5
const UNITS_PER_LOOK = 256
/** Whatever else went on in a turn. */
const EACH_TURN_MIN = 32

export class Pace {
  /** This turn's share is used up. */
  isSpent = false
  #units = 0
  #endsAt = 0
  readonly #beginTurn = (): void => {
    this.isSpent = false
    this.#units = 0
    this.#endsAt = 0
  }

  spend(units: number): void {
    this.#units += units
    if (this.#units >= UNITS_PER_LOOK) this.#look()
  }

  /** Resolves when everybody else has had a turn. */
  nextTurn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Calls `each` for all of `items`, of so many units each, over as many turns as it takes; then `done`. */
  inTurns<T>(items: Iterator<T>, units: number, each: (item: T) => void, done = (): void => {}): void {
    for (let count = 0; count < EACH_TURN_MIN || !this.isSpent; count++) {
      const next = items.next()
      if (next.done === true) return done()
      each(next.value)
      this.spend(units)
    }
    setImmediate(() => this.inTurns(items, units, each, done))
  }

  #look(): void {
    const now = performance.now()
    if (this.#endsAt === 0) {
      this.#endsAt = now + SLICE_MS - this.#units / 1000
      setImmediate(this.#beginTurn)
    }
    this.#units = 0
    if (now >= this.#endsAt) this.isSpent = true
  }
}
