// Hostile bytes for as long as you like: npm run fuzz, with `-- --seconds 600`, `--seed 7`, or one case of an earlier
// run with `--seed 7 --case 1234`, or its neighbours with `--from 1000 --to 1235`. Ends with Ctrl+C or after its
// seconds; exits with 1 at the first finding, which it makes as small as it can. Writes nothing but a folder that goes.
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CASE_FILE, type Order, type PlayOrder, type Report, type RunOrder } from './fuzz-child.ts'
import { anySeed, describeFinding, groundOf } from './fuzz-run.ts'
import { recipeOf } from './recipe.ts'
import { formatScript, type Script } from './script.ts'
import { shrinkRecipe } from './shrink.ts'

const CHILD = join(import.meta.dirname, 'fuzz-child.ts')
/** Without a sign of life from a child that runs cases for thousandths of a second each, and has to start first. */
const HANG_MS = 60_000
/** For a child that plays one script, from when it says that it begins. */
const PLAY_MS = 10_000
/** A try takes a process of its own. */
const SHRINK = { tries: 100, ms: 300_000 }
const HUNG = 'the process hung'
const SCRIPT_FILE = 'script'
const LINE_MS = 10_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string' },
    case: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
  },
})

const numberOf = (name: keyof typeof values, otherwise: number): number => {
  const value = values[name]
  const number = value === undefined ? otherwise : Number(value)
  if (Number.isSafeInteger(number) && number >= 0) return number
  process.stderr.write('usage: fuzz.ts [--seed N] [--seconds N] [--case N | --from N --to N]\n')
  process.exit(2)
}

const seed = numberOf('seed', anySeed())
const secondsMax = numberOf('seconds', 0)
const one = values.case === undefined ? undefined : numberOf('case', 0)
const from = one ?? numberOf('from', 0)
const to = one === undefined ? numberOf('to', Number.MAX_SAFE_INTEGER) : one + 1

const folder = mkdtempSync(join(tmpdir(), 'godwit-fuzz-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const startedAt = Date.now()

const startChild = (order: RunOrder | PlayOrder): ChildProcess =>
  fork(CHILD, [JSON.stringify({ ...order, folder } satisfies Order)], {
    env: { ...process.env, TMPDIR: folder },
  })

interface Outcome {
  readonly executions: number
  readonly finding: string
  /** It did not say so itself: it hung, or died. */
  readonly isSilent: boolean
}

/** Runs all cases; kills the child if it hangs. */
function watch(child: ChildProcess): Promise<Outcome> {
  let executions = 0
  let aliveAt = Date.now()
  let outcome: Outcome | undefined
  let why = ''
  child.on('message', (report: Report) => {
    aliveAt = Date.now()
    executions = report.executions
    if (report.kind === 'alive') showProgress(report)
    else outcome = { ...report, isSilent: false }
  })
  const watchdog = setInterval(() => {
    if (Date.now() - aliveAt < HANG_MS) return
    why = HUNG
    child.kill('SIGKILL')
  }, 1_000)
  return new Promise((resolve) =>
    child.on('exit', (code, signal) => {
      clearInterval(watchdog)
      const finding = why || `the process ended with ${signal ?? code}`
      resolve(outcome ?? { executions, finding, isSilent: true })
    }),
  )
}

let shownAt = startedAt
function showProgress({ executions, rss }: Report & { kind: 'alive' }): void {
  const { isTTY } = process.stdout
  const now = Date.now()
  if (!isTTY && now - shownAt < LINE_MS) return
  shownAt = now
  const line = `${figures(executions)}, ${Math.round(rss / 1e6)} MB`
  process.stdout.write(isTTY ? `\r${line}   ` : `${line}\n`)
}

function figures(executions: number): string {
  const seconds = (Date.now() - startedAt) / 1000
  const perSecond = Math.round(executions / seconds)
  return `${executions} executions in ${seconds.toFixed()} s, ${perSecond} a second, seed ${seed}`
}

/** In a process of its own, as it may hang. */
async function failsAlone(script: Script, caseNumber: number): Promise<boolean> {
  writeFileSync(join(folder, SCRIPT_FILE), formatScript(script))
  const child = startChild({ kind: 'play', ground: groundOf(caseNumber), scriptFile: SCRIPT_FILE })
  let isFine = false
  let deadline: NodeJS.Timeout | undefined
  child.on('message', (report: Report) => {
    if (report.kind === 'alive') deadline = setTimeout(() => child.kill('SIGKILL'), PLAY_MS)
    else isFine = report.finding === ''
  })
  await new Promise((resolve) => child.once('exit', resolve))
  clearTimeout(deadline)
  return !isFine
}

/** Of a child that hung or died: the case it was at, made smaller. */
async function explainSilence(problem: string): Promise<string> {
  const caseNumber = readFileSync(join(folder, CASE_FILE)).readDoubleBE()
  const ground = groundOf(caseNumber)
  process.stdout.write(`\n${problem} in case ${caseNumber} of seed ${seed}; making it smaller\n`)
  const fails = (script: Script): Promise<boolean> => failsAlone(script, caseNumber)
  const small = await shrinkRecipe(recipeOf(seed, caseNumber), fails, SHRINK)
  const script = (await fails(small)) ? small : undefined
  return describeFinding(seed, { caseNumber, ground, problem, script })
}

const child = startChild({ kind: 'run', seed, from, to })
let isStopped = false
const stop = (): void => {
  isStopped = true
  if (child.connected) child.send('stop')
}
if (secondsMax > 0) setTimeout(stop, secondsMax * 1_000).unref()
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    stop()
    process.once(signal, () => child.kill('SIGKILL'))
  })
}
process.stdout.write(`seed ${seed}\n`)
const { executions, finding, isSilent } = await watch(child)
process.stdout.write(`\n${figures(executions)}\n`)
// One that was told to stop before it could listen has just gone.
const isFine = finding === '' || (isSilent && isStopped && finding !== HUNG)
if (isFine) process.stdout.write('no finding\n')
else process.stdout.write(`${isSilent ? await explainSilence(finding) : finding}\n`)
process.exit(isFine ? 0 : 1)
