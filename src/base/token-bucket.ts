// How often something may happen: so many times a second, and after a quiet time some at once.
// Filled by the passing of time, looked at when something is taken.

export class TokenBucket {
  readonly #perSecond: number
  readonly #capacity: number
  #tokens: number
  #filledAt: number

  /** `now` in milliseconds, as for all calls. It is full at first. */
  constructor(perSecond: number, capacity: number, now: number) {
    this.#perSecond = perSecond
    this.#capacity = capacity
    this.#tokens = capacity
    this.#filledAt = now
  }

  /** False: there is none, and nothing is taken. */
  take(now: number): boolean {
    this.#fill(now)
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  isFull(now: number): boolean {
    this.#fill(now)
    return this.#tokens === this.#capacity
  }

  /** Milliseconds until there is one. */
  msUntilNext(now: number): number {
    this.#fill(now)
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000)
  }

  /** A clock that is set back fills nothing, and takes nothing away. */
  #fill(now: number): void {
    const passed = Math.max(0, now - this.#filledAt)
    this.#filledAt = now
    this.#tokens = Math.min(this.#capacity, this.#tokens + (passed / 1000) * this.#perSecond)
  }
}
