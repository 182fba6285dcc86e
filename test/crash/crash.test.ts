// The short form of bench/crash.ts: nothing that was acknowledged is lost by kill -9, nor by a power cut, and QoS 2
// comes once.
import { expect, test } from 'vitest'
import { whyNoPowerCuts } from './power-cut.ts'
import { faultsOf } from './round-result.ts'
import { runTrial } from './trial.ts'

/** Some ten seconds a test, on a machine that has nothing else to do. */
const PATIENCE_MS = 300_000

const noPowerCuts = whyNoPowerCuts()
if (noPowerCuts !== undefined) process.stderr.write(`\n!!! SKIPPED: power cuts: ${noPowerCuts}\n\n`)

test.each(['online', 'offline'] as const)(
  'a broker killed twice during the traffic keeps its word to subscribers that are %s',
  async (mode) => {
    const results = await runTrial({ mode, kills: 2 })
    expect(results.filter((result) => faultsOf(result) > 0)).toEqual([])
    for (const { acknowledged, wills } of results) {
      expect(acknowledged).toBeGreaterThanOrEqual(200)
      expect(wills).toBe(8)
    }
    expect(results.some(({ newcomers }) => newcomers > 0)).toBe(true)
  },
  PATIENCE_MS,
)

test.skipIf(noPowerCuts).each(['ordered', 'strict'] as const)(
  'with sync always, a power cut takes nothing that was acknowledged from a file system that is %s',
  async (powerCuts) => {
    const results = await runTrial({ mode: 'online', kills: 1, powerCuts })
    expect(results.filter((result) => faultsOf(result) > 0)).toEqual([])
    expect(results).toMatchObject([{ forgiven: 0 }])
  },
  PATIENCE_MS,
)

test.skipIf(noPowerCuts)(
  'with sync everysec, a power cut takes bytes, and of what had been acknowledged a second at most',
  async () => {
    const everysec = { sync: 'everysec', powerCuts: 'ordered', keepsNothing: true } as const
    const [result] = await runTrial({ mode: 'online', kills: 1, ...everysec })
    // What is acknowledged after the restart is counted apart: see RoundResult.lostAfterwards.
    expect(result).toMatchObject({ lost: 0, twice: 0, disordered: 0, sessionsLost: 0, subscriptionsLost: 0 })
    expect(result).toMatchObject({ retainedLost: 0, willsLost: 0, willsWrong: 0 })
    expect(result?.bytesCut).toBeGreaterThan(0)
  },
  PATIENCE_MS,
)
