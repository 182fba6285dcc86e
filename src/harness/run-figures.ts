// What a round came to: the figures that are printed, written as JSON, drawn and compared. Plain data.
import { type LatencyCounts, LatencyHistogram } from './latency-histogram.ts'

/** Microseconds. */
export interface LatencyFigures {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  /** For the curve: percentile, value. */
  readonly curve: readonly (readonly [number, number])[]
}

/** A stretch of about a second. */
export interface Sample {
  /** Seconds since the round was measured. */
  readonly at: number
  /** A second. */
  readonly sent: number
  readonly received: number
  readonly p50: number
  readonly p99: number
  /** Cores that the broker used; undefined: not known. */
  readonly brokerCores: number | undefined
  readonly brokerMiB: number | undefined
}

export interface RoundFigures {
  readonly connections: number
  readonly connectionsFailed: number
  readonly connectsPerSecond: number
  readonly connect: LatencyFigures
  /** CPU of the broker for each connection, in microseconds. */
  readonly brokerMicrosecondsPerConnect: number | undefined
  /** What was measured, without warming up. */
  readonly seconds: number
  readonly sent: number
  readonly received: number
  readonly sentPerSecond: number
  readonly receivedPerSecond: number
  readonly receivedBytesPerSecond: number
  /** From the first to the last message, warming up included. Undefined: not known. */
  readonly lost: number | undefined
  readonly duplicates: number
  readonly outOfOrder: number
  readonly refused: Readonly<Record<string, number>>
  readonly closed: Readonly<Record<string, number>>
  /** Until received; of none it is that until acknowledged. */
  readonly latency: LatencyFigures
  readonly acknowledgement: LatencyFigures
  readonly brokerMicrosecondsPerMessage: number | undefined
  readonly brokerCores: number | undefined
  readonly brokerMiB: number | undefined
  /** Of the busiest process. */
  readonly generatorCores: number
  readonly samples: readonly Sample[]
}

/** A generator that needs more of a core than this may be what was measured. */
const GENERATOR_CORES_MAX = 0.9
const CURVE = [0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.95, 99.99, 99.999, 100]

export const isGeneratorBusy = ({ generatorCores }: RoundFigures): boolean =>
  generatorCores > GENERATOR_CORES_MAX

export function latencyFigures(counts: LatencyCounts): LatencyFigures {
  const histogram = new LatencyHistogram()
  histogram.add(counts)
  return {
    count: histogram.total,
    mean: histogram.mean,
    p50: histogram.percentile(50),
    p90: histogram.percentile(90),
    p99: histogram.percentile(99),
    p999: histogram.percentile(99.9),
    max: histogram.max,
    curve: CURVE.map((percent) => [percent, histogram.percentile(percent)] as const),
  }
}

/** Of an even number of values the lower one in the middle: it is one that was measured. */
export function medianRound(
  rounds: readonly RoundFigures[],
  of: (round: RoundFigures) => number,
): RoundFigures {
  const sorted = [...rounds].sort((a, b) => of(a) - of(b))
  return sorted[(sorted.length - 1) >> 1] as RoundFigures
}
