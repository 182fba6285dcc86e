// How late the event loop was: what all clients wait for while one job holds it. Asked by system-topics.ts, and running
// only while somebody listens, since its timer wakes an idle process.
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

/** Its timer measures from one firing to the next: what is beyond this is delay. */
const RESOLUTION_MS = 5
const NS_PER_MS = 1e6

export interface LoopDelays {
  readonly mean: number
  readonly p99: number
  readonly max: number
}

export class LoopDelay {
  #histogram: IntervalHistogram | undefined

  start(): void {
    if (this.#histogram !== undefined) return
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.#histogram.enable()
  }

  stop(): void {
    this.#histogram?.disable()
    this.#histogram = undefined
  }

  /** Whole milliseconds, since the start or the last time it was asked. */
  take(): LoopDelays {
    const histogram = this.#histogram
    if (histogram === undefined || histogram.count === 0) return { mean: 0, p99: 0, max: 0 }
    const { mean, max } = histogram
    const p99 = histogram.percentile(99)
    histogram.reset()
    return { mean: delayOf(mean), p99: delayOf(p99), max: delayOf(max) }
  }
}

const delayOf = (ns: number): number => Math.max(0, Math.round(ns / NS_PER_MS - RESOLUTION_MS))
