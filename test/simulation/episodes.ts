// Many short runs instead of a long one: a run that fails is as short as it can be before shrinking begins.
import type { StoreKind } from './host.ts'
import { shrink } from './shrink.ts'
import { describeFailure, type Failure, type RunOptions, replay, simulate } from './simulation.ts'

/** Enough for sessions to fill and expire, few enough for a trace to be shrunk in a second or two. */
export const EPISODE_STEPS: Readonly<Record<StoreKind, number>> = { memory: 1_000, level: 300 }

const { GODWIT_SIMULATION_SEED: seed, GODWIT_SIMULATION_STEPS: steps } = process.env
const STEPS = 1_000_000
/** Between the first seeds of two parts: more than there are runs in one. */
const SEEDS_APART = 1_000_000

/**
 * What a test runs: so many parts of a million steps, or of the `share` of them that it takes on. The environment may
 * ask for more or fewer steps, and for the run of one seed.
 */
export function askedFor(parts: number, share = 1): { firstSeeds: number[]; stepsEach: number } {
  const total = Math.ceil(Number(steps ?? STEPS) * share)
  if (seed !== undefined) return { firstSeeds: [Number(seed)], stepsEach: steps === undefined ? 1 : total }
  const firstSeeds = Array.from({ length: parts }, (_, part) => part * SEEDS_APART)
  return { firstSeeds, stepsEach: Math.ceil(total / parts) }
}

export interface EpisodesOptions {
  readonly store: StoreKind
  readonly firstSeed: number
  /** That do something; at least so many. */
  readonly steps: number
}

export interface Findings {
  readonly steps: number
  readonly failed: { readonly options: RunOptions; readonly failure: Failure } | undefined
}

/** Runs one seed after another until so many steps are done, or one fails. */
export async function runEpisodes({ store, firstSeed, steps }: EpisodesOptions): Promise<Findings> {
  let done = 0
  for (let seed = firstSeed; done < steps; seed++) {
    const options = { store, seed, steps: EPISODE_STEPS[store] }
    const { done: more, failure } = await simulate(options)
    done += more
    if (failure !== undefined) return { steps: done, failed: { options, failure } }
  }
  return { steps: done, failed: undefined }
}

/** The shortest trace found that breaks the same rule. */
export async function shortest(options: RunOptions, failure: Failure): Promise<Failure> {
  let last = failure
  await shrink(failure.trace, async (trace) => {
    const found = await replay(options, trace)
    if (found?.breach.rule !== failure.breach.rule) return undefined
    last = found
    return found.trace
  })
  return last
}

/** Throws with the shortest trace if a run fails; resolves to the number of steps that were done. */
export async function expectRight(options: EpisodesOptions): Promise<number> {
  const { steps, failed } = await runEpisodes(options)
  if (failed === undefined) return steps
  throw new Error(describeFailure(await shortest(failed.options, failed.failure), failed.options))
}
