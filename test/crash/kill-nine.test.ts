// The short form of kill-nine.ts: nothing that was acknowledged is lost by kill -9, and QoS 2 comes once.
import { expect, test } from 'vitest'
import { faultsOf, runTrial } from './trial.ts'

test.each(['online', 'offline'] as const)(
  'a broker killed twice during the traffic keeps its word to subscribers that are %s',
  async (mode) => {
    const results = await runTrial({ mode, rounds: 2 })
    expect(results.filter((result) => faultsOf(result) > 0)).toEqual([])
    for (const { acknowledged } of results) expect(acknowledged).toBeGreaterThanOrEqual(200)
    expect(results.some(({ newcomers }) => newcomers > 0)).toBe(true)
  },
  60_000,
)
