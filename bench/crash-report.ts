// The words and figures of bench/crash.ts: a line for each kill, and a table with a column for each mode.
import { faultsOf, type RoundResult } from '../test/crash/round-result.ts'

type Count = {
  [Name in keyof RoundResult]: RoundResult[Name] extends number ? Name : never
}[keyof RoundResult]

const SUMS: readonly (readonly [Count, string])[] = [
  ['acknowledged', 'messages acknowledged at the kill'],
  ['unacknowledged', 'messages in flight'],
  ['newcomers', 'new sessions and subscriptions'],
  ['wills', 'wills due'],
  ['lost', 'LOST: acknowledged before the kill'],
  ['lostAfterwards', 'LOST: acknowledged after the restart'],
  ['twice', 'TWICE at QoS 2'],
  ['disordered', 'OUT OF ORDER'],
  ['sessionsLost', 'SESSIONS LOST'],
  ['subscriptionsLost', 'SUBSCRIPTIONS LOST'],
  ['retainedLost', 'RETAINED LOST'],
  ['willsLost', 'WILLS LOST'],
  ['willsWrong', 'WILLS early or uninvited'],
  ['swallowed', 'of the lost: under a packet id still held'],
  ['again', 'again at QoS 1, as it may be'],
  ['forgiven', 'gone or twice within what everysec allows'],
  ['bytesCut', 'bytes cut off'],
  ['namesUndone', 'names undone'],
]
const FAULTS = SUMS.filter(([, title]) => /^[A-Z]{4}/.test(title)).map(([name]) => name)

export interface Totals extends Record<string, number> {}

/** Sums, and of what is no sum the largest. */
export function totalsOf(results: readonly RoundResult[]): Record<string, Totals> {
  const totals: Record<string, Totals> = {}
  for (const mode of ['online', 'offline'] as const) {
    const rounds = results.filter((result) => result.mode === mode)
    if (rounds.length === 0) continue
    const sums = SUMS.map(([name]) => [name, rounds.reduce((sum, round) => sum + round[name], 0)])
    totals[mode] = {
      kills: rounds.length,
      killsAgain: rounds.filter(({ isKilledAgain }) => isKilledAgain).length,
      ...Object.fromEntries(sums),
      forgivenMs: Math.max(...rounds.map(({ forgivenMs }) => forgivenMs)),
      startMs: Math.max(...rounds.map(({ startMs }) => startMs)),
    }
  }
  return totals
}

/** Rows by title, with a column for each mode. */
export function tableOf(results: readonly RoundResult[]): Record<string, Record<string, number>> {
  const totals = totalsOf(results)
  const titles: readonly (readonly [string, string])[] = [
    ['kills', 'kills'],
    ['killsAgain', 'of them followed by one more during the recovery'],
    ...SUMS,
    ['forgivenMs', 'the oldest of what was gone, ms before the cut'],
    ['startMs', 'slowest start, ms'],
  ]
  const rowOf = (name: string): Record<string, number> =>
    Object.fromEntries(Object.entries(totals).map(([mode, total]) => [mode, total[name] as number]))
  return Object.fromEntries(titles.map(([name, title]) => [title, rowOf(name)]))
}

export function progressOf(result: RoundResult, number: number, kills: number): string {
  const { mode, killedAfterMs, acknowledged, isKilledAgain, bytesCut, forgiven, forgivenMs } = result
  const facts = [
    `${mode}, killed after ${killedAfterMs} ms${isKilledAgain ? ', and again' : ''}`,
    `${acknowledged} acknowledged`,
    ...(bytesCut > 0 ? [`${bytesCut} bytes cut off`] : []),
    ...(forgiven > 0 ? [`${forgiven} gone that may be, up to ${forgivenMs} ms old`] : []),
    faultsOf(result) === 0 ? 'nothing lost' : faultsIn(result),
  ]
  return `${String(number).padStart(String(kills).length)}/${kills}  ${facts.join('; ')}`
}

function faultsIn(result: RoundResult): string {
  const broken = FAULTS.filter((name) => result[name] > 0).map((name) => `${name} ${result[name]}`)
  return `BROKEN: ${broken.join(', ')}`
}
