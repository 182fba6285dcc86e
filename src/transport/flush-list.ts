// Write late, together: connections with something to say, each once, flushed before the loop sleeps.
// connection.ts adds itself at its first packet of a turn; one setImmediate a turn flushes them all.

/** Above this many at once the pooled buffers would weigh more than the coalescing saves. */
const LENGTH_MAX = 4_096

export interface Flushable {
  flush(): void
}

export class FlushList {
  #waiting: Flushable[] = []
  /** The list of the turn before, empty: two take turns. */
  #spare: Flushable[] = []
  #isScheduled = false
  readonly #flushAll = (): void => {
    this.#isScheduled = false
    this.flush()
  }

  /** The caller adds itself once until it has been flushed. */
  add(connection: Flushable): void {
    // Before it is added: it has nothing to say yet, and would not be flushed again.
    if (this.#waiting.length >= LENGTH_MAX) this.flush()
    this.#waiting.push(connection)
    if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(this.#flushAll)
    }
  }

  flush(): void {
    const waiting = this.#waiting
    this.#waiting = this.#spare
    for (let i = 0; i < waiting.length; i++) (waiting[i] as Flushable).flush()
    waiting.length = 0
    this.#spare = waiting
  }
}
