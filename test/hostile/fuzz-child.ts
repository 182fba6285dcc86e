// The part of `npm run fuzz` that may hang or die: runs the cases, or plays one script, and tells its parent. It writes
// the number of each case down before it begins, as a process that hangs can't be asked.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Ground } from './arena.ts'
import { describeFinding, problemAlone, runCases } from './fuzz-run.ts'
import { parseScript } from './script.ts'

export interface RunOrder {
  readonly kind: 'run'
  readonly seed: number
  readonly from: number
  readonly to: number
}
export interface PlayOrder {
  readonly kind: 'play'
  readonly ground: Ground
  /** Files are in `folder`. */
  readonly scriptFile: string
}
export type Order = (RunOrder | PlayOrder) & { readonly folder: string }

export type Report =
  | { readonly kind: 'alive'; readonly executions: number; readonly rss: number }
  | { readonly kind: 'done'; readonly executions: number; readonly finding: string }

export const CASE_FILE = 'case'
const ALIVE_MS = 500

const tell = (report: Report): unknown => process.send?.(report)

async function run({ seed, from, to, folder }: RunOrder & Order): Promise<Report> {
  let executions = 0
  let isStopped = false
  process.on('message', () => {
    isStopped = true
  })
  const file = openSync(join(folder, CASE_FILE), 'w')
  const note = Buffer.alloc(8)
  const alive = setInterval(
    () => tell({ kind: 'alive', executions, rss: process.memoryUsage.rss() }),
    ALIVE_MS,
  )
  const goesOn = (caseNumber: number): boolean => {
    executions = caseNumber - from
    note.writeDoubleBE(caseNumber)
    writeSync(file, note, 0, note.length, 0)
    return !isStopped
  }
  const found = await runCases({ seed, from, to, goesOn })
  clearInterval(alive)
  closeSync(file)
  if (!isStopped && found === undefined) executions = to - from
  return { kind: 'done', executions, finding: found === undefined ? '' : describeFinding(seed, found) }
}

async function play({ ground, scriptFile, folder }: PlayOrder & Order): Promise<Report> {
  const script = parseScript(readFileSync(join(folder, scriptFile), 'utf8'))
  tell({ kind: 'alive', executions: 0, rss: 0 })
  return { kind: 'done', executions: 1, finding: await problemAlone(ground, script) }
}

if (process.send !== undefined) {
  // The parent hears it too, and says when to stop.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
  process.on('disconnect', () => process.exit(2))
  const order = JSON.parse(process.argv[2] ?? '{}') as Order
  const failed = (error: Error): Report => ({ kind: 'done', executions: 0, finding: String(error.stack) })
  const report = await (order.kind === 'run' ? run(order) : play(order)).catch(failed)
  // Whatever is still open is not waited for.
  process.send(report, () => process.exit())
}
