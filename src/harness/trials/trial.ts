// A load with acts: what happens between them is the point. Each trial is a function over this; the loads that just
// flow are plans (scenarios.ts).
import { setTimeout as pause } from 'node:timers/promises'
import { brokerFigures } from '../broker-figures.ts'
import { LoadRun } from '../load-run.ts'
import type { RoundSettings } from '../measure-round.ts'
import { type LatencyFigures, latencyFigures } from '../run-figures.ts'
import type { ClientGroup, RunPlan } from '../run-plan.ts'
import type { LoadOptions } from '../scenarios.ts'

export interface TrialFact {
  readonly name: string
  /** Seconds, messages, microseconds ...: `unit` says which. */
  readonly value: number
  readonly unit: 's' | 'µs' | 'MiB' | '/s' | 'messages' | 'connections' | 'cores'
}

export interface TrialResult {
  readonly facts: readonly TrialFact[]
  /** Nothing was lost, twice, out of order, or failed to connect. */
  readonly isClean: boolean
}

export interface TrialDefinition {
  /** One line, for the help. */
  readonly summary: string
  readonly defaults: Partial<LoadOptions>
  readonly act: (stage: TrialStage) => Promise<TrialResult>
}

/** After so long without another message nothing more is expected. */
const QUIET_MS = 5_000
const LOOK_MS = 50

export class TrialStage {
  readonly options: LoadOptions
  readonly #settings: RoundSettings
  #run: LoadRun | undefined

  constructor(options: LoadOptions, settings: RoundSettings) {
    this.options = options
    this.#settings = settings
  }

  /** The trial's clients; made once. */
  async prepare(groups: readonly ClientGroup[], { target, connectRate } = this.options): Promise<LoadRun> {
    const plan: RunPlan = { target, groups, connectRate, warmUpSeconds: 0, seconds: 0, copies: undefined }
    this.#run = await LoadRun.prepare(plan, this.#settings.processes)
    return this.#run
  }

  async end(): Promise<void> {
    await this.#run?.end()
  }

  get brokerMiB(): number {
    const { brokerProcess } = this.#settings
    return (brokerProcess === undefined ? undefined : brokerFigures(brokerProcess)?.residentMiB) ?? 0
  }

  get brokerMicroseconds(): number {
    const { brokerProcess } = this.#settings
    return (brokerProcess === undefined ? undefined : brokerFigures(brokerProcess)?.cpuMicroseconds) ?? 0
  }

  tell(phase: string, done: number, connected = 0): void {
    this.#settings.onProgress({ phase, done: Math.min(1, done), connected, sample: undefined })
  }

  /** Looks until `isOver` or nothing has come for long; resolves with the seconds that it took. */
  async watch(
    phase: string,
    of: (figures: Awaited<ReturnType<LoadRun['figures']>>) => number,
    wanted: number,
  ): Promise<number> {
    const run = this.#run as LoadRun
    const startedAt = performance.now()
    let last = Number.NaN
    let quietSince = startedAt
    for (;;) {
      const value = of(await run.figures())
      const now = performance.now()
      this.tell(phase, value / Math.max(1, wanted))
      if (value >= wanted) return (now - startedAt) / 1000
      if (value !== last) quietSince = now
      else if (now - quietSince > QUIET_MS) return (quietSince - startedAt) / 1000
      last = value
      await pause(LOOK_MS)
    }
  }

  async seconds(phase: string, seconds: number): Promise<void> {
    const startedAt = performance.now()
    for (let passed = 0; passed < seconds; passed = (performance.now() - startedAt) / 1000) {
      this.tell(phase, passed / seconds)
      await pause(Math.min(200, (seconds - passed) * 1000))
    }
  }

  /** Of what was received since latencies were cleared. */
  async latency(): Promise<LatencyFigures> {
    return latencyFigures((await (this.#run as LoadRun).figures()).latency)
  }

  async connectLatency(): Promise<LatencyFigures> {
    return latencyFigures((await (this.#run as LoadRun).figures()).connect)
  }
}

export const fact = (name: string, value: number, unit: TrialFact['unit']): TrialFact => ({
  name,
  value,
  unit,
})
