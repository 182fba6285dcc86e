// A server that has failed several times in a row is left alone for a while; then one request finds out whether it
// still fails, and the others go on being refused meanwhile. For services that authentication/ and
// authorization/ ask.

const FAILURES_MAX = 5
const LEFT_ALONE_MS = 5_000

export class Breaker {
  readonly #now: () => number
  #failures = 0
  /** Milliseconds since the epoch. */
  #leftAloneUntil = 0

  /** `now` in milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Rejects with what `ask` rejects with, which counts as a failure, and without asking for a server left alone. */
  async ask<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    if (this.#leftAloneUntil > this.#now()) throw new Error('it has failed too often just now')
    if (this.#failures >= FAILURES_MAX) this.#leaveAlone()
    try {
      const answer = await ask()
      this.#failures = 0
      this.#leftAloneUntil = 0
      return answer
    } catch (error) {
      if (++this.#failures >= FAILURES_MAX) this.#leaveAlone()
      throw error
    }
  }

  #leaveAlone(): void {
    this.#leftAloneUntil = this.#now() + LEFT_ALONE_MS
  }
}
