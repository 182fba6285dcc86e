// The time, as everything below the composition root sees it: systemClock in a broker, ManualClock in tests.

/** The longest delay that setTimeout takes; a longer one would fire at once. */
const SET_TIMEOUT_MAX_MS = 0x7fff_ffff

export interface Clock {
  /** Milliseconds since the epoch. The wall clock: it may leap, forwards and back. */
  now(): number
  /** Calls `callback` once, never before this call returns. Any delay; below a millisecond counts as one. */
  setTimer(callback: () => void, delayMs: number): Timer
}

export interface Timer {
  /** Without effect once the timer has fired. */
  cancel(): void
}

class SystemTimer implements Timer {
  readonly #callback: () => void
  #remainingMs: number
  #timeout: NodeJS.Timeout | undefined

  constructor(callback: () => void, delayMs: number) {
    this.#callback = callback
    this.#remainingMs = delayMs
    this.#arm()
  }

  cancel(): void {
    clearTimeout(this.#timeout)
  }

  #arm(): void {
    const delayMs = Math.min(this.#remainingMs, SET_TIMEOUT_MAX_MS)
    this.#remainingMs -= delayMs
    this.#timeout = setTimeout(() => this.#elapsed(), delayMs)
    // What keeps the process running is its sockets, never something that is due next year.
    this.#timeout.unref()
  }

  #elapsed(): void {
    if (this.#remainingMs > 0) this.#arm()
    else this.#callback()
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer: (callback, delayMs) => new SystemTimer(callback, delayMs),
}
