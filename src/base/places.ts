// How many answers of others may be under way at once: look-ups and hashing share libuv's pool with the disk, and a
// server elsewhere has its own bounds. Those beyond wait in order. Taken by authentication/exchange.ts.

export interface PlaceTaker {
  /** It has a place now, until it gives it back. Must not throw. */
  begin(): void
}

export class Places {
  #free: number
  readonly #waiting = new Set<PlaceTaker>()
  #isFilling = false

  constructor(count: number) {
    this.#free = count
  }

  /** `begin` is called within this call where a place is free. */
  take(taker: PlaceTaker): void {
    this.#waiting.add(taker)
    this.#fill()
  }

  /** Without effect on one that does not wait. */
  leave(taker: PlaceTaker): void {
    this.#waiting.delete(taker)
  }

  giveBack(): void {
    this.#free++
    this.#fill()
  }

  /** A loop and no recursion: each that begins may give its place back within the call. */
  #fill(): void {
    if (this.#isFilling) return
    this.#isFilling = true
    try {
      for (const taker of this.#waiting) {
        if (this.#free === 0) break
        this.#waiting.delete(taker)
        this.#free--
        taker.begin()
      }
    } finally {
      this.#isFilling = false
    }
  }
}
