// Write late, together: connections with something to say, each once, flushed before the loop sleeps.
// connection.ts adds itself at its first packet of a turn; one setImmediate a turn flushes them all, or as many as a
// turn may take: ten thousand writes are 60 ms.
import { Pace } from '../base/pace.ts'
import { RingQueue } from '../base/ring-queue.ts'

/** Above this many at once the pooled buffers would weigh more than the coalescing saves. */
const LENGTH_MAX = 16_384
/** A write to a socket, see base/pace.ts. */
const FLUSH_UNITS = 5

export interface Flushable {
  flush(): void
}

export class FlushList {
  readonly #waiting = new RingQueue<Flushable>()
  readonly #pace = new Pace()
  #isScheduled = false
  readonly #flushSome = (): void => {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      next.flush()
      this.#pace.spend(FLUSH_UNITS)
      if (this.#pace.isSpent && this.#waiting.length > 0) {
        setImmediate(this.#flushSome)
        return
      }
    }
    this.#isScheduled = false
  }

  /** The caller adds itself once until it has been flushed. */
  add(connection: Flushable): void {
    if (this.#waiting.length >= LENGTH_MAX) this.#waiting.shift()?.flush()
    this.#waiting.push(connection)
    if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(this.#flushSome)
    }
  }
}
