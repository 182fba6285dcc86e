// Kills the broker in the midst of traffic, as often as you like, and counts what of its word it kept. A line a kill, a
// table at the end; exit code 1 when a promise was broken, 2 for what cannot be run here. Build first.
// npx tsx bench/crash.ts [--kills 20] [--sync always|everysec|no] [--mode online|offline|both] [--seed 1]
//   --power-cut        takes away, after each kill, what no fsync has covered (test/crash/power-cut.ts); Linux, cc
//   --disk ordered     the rules by which it does so: ordered, loose, strict (test/crash/disk-journal.ts)
//   --folder DIR       where the data folder is made    --json FILE   all figures    --program FILE   another build
import { writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { DISKS, type DiskKind } from '../test/crash/disk-journal.ts'
import { whyNoPowerCuts } from '../test/crash/power-cut.ts'
import { faultsOf, type Mode, type RoundResult } from '../test/crash/round-result.ts'
import { runTrial } from '../test/crash/trial.ts'
import { progressOf, tableOf, totalsOf } from './crash-report.ts'

const SYNC_MODES = ['always', 'everysec', 'no'] as const

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    sync: { type: 'string', default: 'always' },
    mode: { type: 'string', default: 'both' },
    'power-cut': { type: 'boolean', default: false },
    disk: { type: 'string', default: 'ordered' },
    seed: { type: 'string', default: '1' },
    folder: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    program: { type: 'string' },
  },
})

function refuse(why: string): never {
  process.stderr.write(`crash: ${why}\n`)
  process.exit(2)
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value)
  return found ?? refuse(`--${name} is one of ${allowed.join(', ')}`)
}

const kills = Number(values.kills)
const seed = Number(values.seed)
if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed))
  refuse('--kills and --seed are whole numbers')
const sync = oneOf('sync', values.sync, SYNC_MODES)
const mode = oneOf('mode', values.mode, ['online', 'offline', 'both'])
const disk: DiskKind = oneOf('disk', values.disk, DISKS)
const powerCut = values['power-cut']
const noPowerCuts = powerCut ? whyNoPowerCuts() : undefined
if (noPowerCuts !== undefined) refuse(`!!! SKIPPED: power cuts: ${noPowerCuts}`)
if (powerCut && sync === 'no')
  refuse('with sync no, only the end of a process promises anything, not a power cut')

const results: RoundResult[] = []
const onRound = (result: RoundResult): void => {
  results.push(result)
  process.stdout.write(`${progressOf(result, results.length, kills)}\n`)
}
/** Half of the kills for each. */
const shares: readonly (readonly [Mode, number])[] =
  mode === 'both'
    ? [
        ['online', Math.ceil(kills / 2)],
        ['offline', Math.floor(kills / 2)],
      ]
    : [[mode, kills]]
let broken = 0
for (const [each, count] of shares) {
  if (count === 0) continue
  const { folder, program } = values
  const optional = { ...(powerCut && { powerCuts: disk }), ...(program !== undefined && { program }) }
  try {
    await runTrial({ mode: each, kills: count, sync, seed, folder, onRound, ...optional })
  } catch (error) {
    // A broker that does not come back has kept nothing of its word.
    broken++
    process.stderr.write(`crash: ${each}: ${error instanceof Error ? error.message : error}\n`)
  }
}
console.table(tableOf(results))
const totals = totalsOf(results)
if (values.json !== undefined) {
  const machine = {
    node: process.version,
    platform: process.platform,
    cpu: cpus()[0]?.model,
    cpus: cpus().length,
  }
  const run = { kills, sync, mode, powerCut, ...(powerCut && { disk }), seed, brokenOff: broken }
  writeFileSync(values.json, `${JSON.stringify({ run, machine, totals, rounds: results }, undefined, 1)}\n`)
}
process.exit(broken > 0 || results.some((result) => faultsOf(result) > 0) ? 1 : 0)
