// A million steps of six clients against one broker at a time, judged by model.ts. A failure prints the shortest trace.
//
//   GODWIT_SIMULATION_SEED=17          only the run of this seed
//   GODWIT_SIMULATION_STEPS=20000000   so many steps, from this seed on if there is one
import { expect, it } from 'vitest'
import { askedFor, expectRight } from './episodes.ts'

/** A machine that has other things to do: a step takes 0.03 on one that has not. */
const MS_PER_STEP = 0.5

const { firstSeeds, stepsEach: steps } = askedFor(10)

it.each(firstSeeds)(
  'every client gets what it should, and nothing else, from seed %i on',
  async (firstSeed) => {
    expect(await expectRight({ store: 'memory', firstSeed, steps })).toBeGreaterThanOrEqual(steps)
  },
  60_000 + steps * MS_PER_STEP,
)
