// The same as simulation.test.ts on a real LevelDB, where the broker is closed or killed now and then: what it promised
// before, it keeps after. A fiftieth of the steps, as each of them waits for a disk.
import { expect, it } from 'vitest'
import { askedFor, expectRight } from './episodes.ts'

/** A step takes 0.2 on a machine that has nothing else to do. */
const MS_PER_STEP = 5

const { firstSeeds, stepsEach: steps } = askedFor(4, 1 / 50)

it.each(firstSeeds)(
  'a restart takes nothing from anybody, from seed %i on',
  async (firstSeed) => {
    expect(await expectRight({ store: 'level', firstSeed, steps })).toBeGreaterThanOrEqual(steps)
  },
  60_000 + steps * MS_PER_STEP,
)
