// Latencies by the hundred thousand a second, in 60 kB whatever their number; added up over processes and rounds.
//
//   value      0 1 2 ... 127 | 128 130 132 ... 254 | 256 260 ... 508 | 512 ...      microseconds
//   bucket     one a value   | one for 2           | one for 4       | one for 8, 64 in each power of two
//
// A value is known to 1/64 of itself. node:perf_hooks has such a histogram as well, but its counts can't leave the
// process they are made in; recording here costs about 5 ns.

/** Buckets in each power of two, and those of the values that have one each, halved. */
const PER_POWER = 64
const POWER_BITS = 6
/** 2 ** 37 microseconds are 38 hours; what is longer counts as that. */
const POWERS = 30
const BUCKETS = PER_POWER * (POWERS + 2)

/** As it is sent from process to process: bucket, count, bucket, count ... */
export interface LatencyCounts {
  readonly counts: readonly number[]
  readonly max: number
  readonly sum: number
}

export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS)
  #total = 0
  #sum = 0
  #max = 0

  get total(): number {
    return this.#total
  }

  get max(): number {
    return this.#max
  }

  get mean(): number {
    return this.#total === 0 ? 0 : this.#sum / this.#total
  }

  /** Microseconds; what is negative, by two clocks that differ, counts as 0. */
  record(microseconds: number): void {
    const value = microseconds > 0 ? microseconds : 0
    const bucket = bucketOf(value)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#total++
    this.#sum += value
    if (value > this.#max) this.#max = value
  }

  /** The value that `percent` of those recorded do not exceed, to 1/64 of it; 0 of none. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.ceil((percent / 100) * this.#total))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] as number
      if (seen >= wanted) return Math.min(highestOf(bucket), this.#max)
    }
    return this.#max
  }

  add({ counts, max, sum }: LatencyCounts): void {
    for (let i = 0; i + 1 < counts.length; i += 2) {
      const bucket = counts[i] as number
      const count = counts[i + 1] as number
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count
      this.#total += count
    }
    this.#sum += sum
    this.#max = Math.max(this.#max, max)
  }

  toCounts(): LatencyCounts {
    const counts: number[] = []
    this.#counts.forEach((count, bucket) => {
      if (count > 0) counts.push(bucket, count)
    })
    return { counts, max: this.#max, sum: this.#sum }
  }

  clear(): void {
    this.#counts.fill(0)
    this.#total = 0
    this.#sum = 0
    this.#max = 0
  }
}

function bucketOf(value: number): number {
  if (value < 2 * PER_POWER) return value | 0
  // The highest bit says which power of two, the six below it which bucket of that.
  const power = 31 - Math.clz32(Math.min(value / PER_POWER, 2 ** 31))
  if (power > POWERS) return BUCKETS - 1
  return PER_POWER * (power + 1) + (Math.floor(value / 2 ** power) & (PER_POWER - 1))
}

/** The largest whole value that falls into it. */
function highestOf(bucket: number): number {
  if (bucket < 2 * PER_POWER) return bucket
  const power = (bucket >> POWER_BITS) - 1
  return (PER_POWER + (bucket & (PER_POWER - 1)) + 1) * 2 ** power - 1
}

/** What came between two looks at the same histogram. Its `max` and `sum` are those of the whole. */
export function betweenCounts(before: LatencyCounts, after: LatencyCounts): LatencyCounts {
  const known = new Map<number, number>()
  for (let i = 0; i + 1 < before.counts.length; i += 2) {
    known.set(before.counts[i] as number, before.counts[i + 1] as number)
  }
  const counts: number[] = []
  for (let i = 0; i + 1 < after.counts.length; i += 2) {
    const bucket = after.counts[i] as number
    const count = (after.counts[i + 1] as number) - (known.get(bucket) ?? 0)
    if (count > 0) counts.push(bucket, count)
  }
  return { counts, max: after.max, sum: after.sum - before.sum }
}
