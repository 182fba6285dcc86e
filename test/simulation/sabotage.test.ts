// The simulation can fail: brokers that are wrong on purpose are found out, and the trace that shows it is short.
import { describe, expect, it, onTestFinished } from 'vitest'
import { runEpisodes, shortest } from './episodes.ts'
import { SABOTAGES } from './sabotage.ts'
import { describeFailure, replay } from './simulation.ts'

/** Within so many steps at most. */
const STEPS_MAX = 20_000
const TRACE_MAX = 12

describe('a broker is found out that', () => {
  it.each(SABOTAGES)(
    '$title',
    async ({ store, rules, begin }) => {
      const undo = begin()
      onTestFinished(undo)
      const { failed } = await runEpisodes({ store, firstSeed: 1, steps: STEPS_MAX })
      if (failed === undefined) throw new Error('it was not')
      const { options, failure } = failed
      const found = await shortest(options, failure)
      expect(rules).toContain(found.breach.rule)
      expect(found.trace.length).toBeLessThanOrEqual(TRACE_MAX)
      const lines = describeFailure(found, options).split('\n')
      expect(lines).toHaveLength(found.trace.length + 4)
      expect(lines[0]).toContain(found.breach.rule)
      // It was the sabotage, and nothing else.
      undo()
      expect(await replay(options, found.trace)).toBe(undefined)
    },
    300_000,
  )
})
