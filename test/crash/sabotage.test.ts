// The trial can fail: it catches a broker that acknowledges before the commit, and one that does so before the fsync;
// the second only by a power cut, as the page cache outlives a kill.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { whyNoPowerCuts } from './power-cut.ts'
import type { RoundResult } from './round-result.ts'
import { runTrial, type TrialOptions } from './trial.ts'

/** Some ten seconds a test, on a machine that has nothing else to do. */
const PATIENCE_MS = 300_000

const SABOTEUR = {
  mode: 'offline',
  kills: 1,
  keepsNothing: true,
  silenceMs: 2_000,
  program: join(import.meta.dirname, 'sabotaged-broker.ts'),
} as const

async function attempt(
  sabotage: 'before-commit' | 'before-fsync',
  options: Partial<TrialOptions> = {},
): Promise<RoundResult[]> {
  const env = { CRASH_SABOTAGE: sabotage, NODE_OPTIONS: `--import=${import.meta.resolve('tsx')}` }
  return runTrial({ ...SABOTEUR, env, ...options })
}

const lostIn = (results: readonly RoundResult[]): number => results.reduce((sum, { lost }) => sum + lost, 0)

test(
  'acknowledgements before the commit are losses after a kill',
  async () => {
    expect(lostIn(await attempt('before-commit'))).toBeGreaterThan(0)
  },
  PATIENCE_MS,
)

test(
  'acknowledgements after the write and before the fsync are none after a kill',
  async () => {
    expect(lostIn(await attempt('before-fsync'))).toBe(0)
  },
  PATIENCE_MS,
)

test.skipIf(whyNoPowerCuts())(
  'acknowledgements after the write and before the fsync are losses after a power cut',
  async () => {
    expect(lostIn(await attempt('before-fsync', { powerCuts: 'ordered' }))).toBeGreaterThan(0)
  },
  PATIENCE_MS,
)
