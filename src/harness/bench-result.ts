// Everything that is told of a load on one broker, or on several: printed, drawn, and written as JSON.
import type { RoundFigures } from './run-figures.ts'
import type { RunPlan } from './run-plan.ts'

export interface BrokerResult {
  readonly name: string
  readonly url: string
  readonly rounds: readonly RoundFigures[]
  /** The one in the middle. */
  readonly median: RoundFigures
}

/** Everything that is told of a run, as `--json` writes it. */
export interface BenchResult {
  readonly load: string
  readonly at: string
  readonly godwit: string
  readonly machine: Readonly<Record<string, string | number>>
  readonly plan: RunPlan
  readonly brokers: readonly BrokerResult[]
}
