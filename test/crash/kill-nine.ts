// kill -9 in the middle of the traffic, as often as you like: npx tsx test/crash/kill-nine.ts --rounds 10
// Prints one table; exits with 1 if anything acknowledged was lost, anything of QoS 2 came twice, or the order broke.
// `--mode online|offline` for one of the two alone, `--program FILE` for another build than dist/cli.js.
import { parseArgs } from 'node:util'
import { faultsOf, type Mode, type RoundResult, runTrial } from './trial.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    mode: { type: 'string', default: 'both' },
    program: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const { mode, program } = values
if (!Number.isInteger(rounds) || rounds < 1 || !['both', 'online', 'offline'].includes(mode)) {
  process.stderr.write('usage: kill-nine.ts [--rounds N] [--mode both|online|offline] [--program FILE]\n')
  process.exit(2)
}

const modes: readonly Mode[] = mode === 'both' ? ['online', 'offline'] : [mode as Mode]
const results: RoundResult[] = []
for (const each of modes) {
  results.push(...(await runTrial({ mode: each, rounds, ...(program !== undefined && { program }) })))
}
console.table(results.map(rowOf))
const totals = modes.map((each) =>
  totalOf(
    each,
    results.filter((result) => result.mode === each),
  ),
)
console.table(totals)
process.exit(results.some((result) => faultsOf(result) > 0) ? 1 : 0)

function rowOf(result: RoundResult): Record<string, string | number> {
  return {
    subscribers: result.mode,
    'killed at ms': result.killedAfterMs,
    acknowledged: result.acknowledged,
    'in flight': result.unacknowledged,
    'new sessions': result.newcomers,
    lost: result.lost,
    twice: result.twice,
    disordered: result.disordered,
    'sessions lost': result.sessionsLost,
    'subscriptions lost': result.subscriptionsLost,
    'retained lost': result.retainedLost,
    'again (QoS 1)': result.again,
    'start ms': result.startMs,
  }
}

function totalOf(mode: Mode, ofMode: readonly RoundResult[]): Record<string, string | number> {
  const rows = ofMode.map(rowOf)
  const total: Record<string, string | number> = { subscribers: mode, rounds: ofMode.length }
  for (const column of Object.keys(rows[0] ?? {})) {
    if (column === 'subscribers' || column.endsWith(' ms')) continue
    total[column] = rows.reduce((count, row) => count + Number(row[column]), 0)
  }
  return total
}
