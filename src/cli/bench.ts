// `godwit bench LOAD`: rounds of one load on one broker, or on several in turn, and what came of them.
import { writeFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { GodwitError } from '../base/errors.ts'
import type { BenchResult } from '../harness/bench-result.ts'
import { findListener } from '../harness/broker-figures.ts'
import { measureRound } from '../harness/measure-round.ts'
import { htmlReport } from '../harness/report-html.ts'
import { alignedLines, comparisonOf, tableOf } from '../harness/report-table.ts'
import { medianRound, type RoundFigures } from '../harness/run-figures.ts'
import type { RunPlan } from '../harness/run-plan.ts'
import type { LoadOptions } from '../harness/scenarios.ts'
import { type BenchFlags, loadOptionsOf } from './bench-flags.ts'
import { createProgressDisplay } from './bench-progress.ts'
import { version } from './version.ts'

/** Something was lost, came twice or out of order, or did not connect. */
export const EXIT_NOT_CLEAN = 1

export interface Load {
  readonly name: string
  readonly defaults: Partial<LoadOptions>
  readonly plan: (options: LoadOptions) => RunPlan
}

export interface ComparedBroker {
  readonly name: string
  readonly url: string
  readonly processId: number | undefined
}

export async function bench(load: Load, flags: BenchFlags): Promise<void> {
  const options = loadOptionsOf(flags, load.defaults)
  const brokers = brokersOf(flags, options.target.url)
  const display = createProgressDisplay(process.stderr)
  const rounds = new Map<string, RoundFigures[]>(brokers.map(({ name }) => [name, []]))
  for (let round = 1; round <= flags.rounds; round++) {
    for (const { name, url, processId } of brokers) {
      const title = `${load.name}${brokers.length > 1 ? ` ${name}` : ''} ${round}/${flags.rounds}`
      const plan = load.plan({ ...options, target: { ...options.target, url } })
      const onProgress = (progress: Parameters<typeof display.show>[1]): void => display.show(title, progress)
      const settings = { processes: flags.processes, brokerProcess: processId, onProgress }
      rounds.get(name)?.push(await measureRound(plan, settings))
      display.clear()
    }
  }
  const result = resultOf(load, load.plan(options), brokers, rounds)
  report(result, flags)
  if (result.brokers.some(({ rounds }) => rounds.some(isNotClean))) process.exitCode = EXIT_NOT_CLEAN
}

const isNotClean = ({ lost, duplicates, outOfOrder, connectionsFailed }: RoundFigures): boolean =>
  (lost ?? 0) + duplicates + outOfOrder + connectionsFailed > 0

function resultOf(
  load: Load,
  plan: RunPlan,
  brokers: readonly ComparedBroker[],
  rounds: ReadonlyMap<string, readonly RoundFigures[]>,
): BenchResult {
  const by = (round: RoundFigures): number => round.brokerMicrosecondsPerMessage ?? -round.receivedPerSecond
  return {
    load: load.name,
    at: new Date().toISOString(),
    godwit: version,
    machine: {
      processors: cpus().length,
      processor: cpus()[0]?.model ?? 'unknown',
      system: `${type()} ${release()}`,
      node: process.version,
      'memory, GiB': Math.round(totalmem() / 2 ** 30),
    },
    // Secrets are nobody's business.
    plan: { ...plan, target: { ...plan.target, password: '', tls: undefined } },
    brokers: brokers.map(({ name, url }) => {
      const own = rounds.get(name) ?? []
      return { name, url, rounds: own, median: medianRound(own, by) }
    }),
  }
}

function report(result: BenchResult, { json, html }: BenchFlags): void {
  if (json === '-') return void process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
  for (const { name, url, median, rounds } of result.brokers) {
    const which = rounds.length > 1 ? `, median of ${rounds.length} rounds` : ''
    process.stdout.write(`${result.load}, ${name === url ? url : `${name} at ${url}`}${which}\n`)
    for (const line of alignedLines(tableOf(median))) process.stdout.write(`  ${line}\n`)
  }
  if (result.brokers.length > 1) {
    process.stdout.write(`${alignedLines(comparisonOf(result.brokers)).join('\n')}\n`)
  }
  if (json !== undefined) write(json, JSON.stringify(result, null, 2))
  if (html !== undefined) write(html, htmlReport(result))
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, `${text}\n`)
  } catch (cause) {
    throw new GodwitError('ERR_GODWIT_BENCH_FILE', `${path} cannot be written`, { cause })
  }
}

/** name=host:port[:pid]; without --compare the one that the flags name. */
export function brokersOf({ compare, brokerProcess }: BenchFlags, url: string): ComparedBroker[] {
  if (compare === undefined) return [{ name: url, url, processId: brokerProcess ?? localListener(url) }]
  return compare.map((text) => {
    const match = /^([^=]+)=(.+?):(\d+)(?::(\d+))?$/.exec(text)
    if (match === null) {
      throw new GodwitError(
        'ERR_GODWIT_BENCH_BROKER',
        `'${text}' is not NAME=HOST:PORT or NAME=HOST:PORT:PID`,
      )
    }
    const [, name = '', host, port, process] = match
    const compared = new URL(url)
    compared.hostname = host as string
    compared.port = port as string
    const own = process === undefined ? localListener(compared.href) : Number(process)
    return { name, url: compared.href, processId: own }
  })
}

function localListener(url: string): number | undefined {
  const { hostname, port } = new URL(url)
  const isLocal = ['localhost', '[::1]'].includes(hostname) || hostname.startsWith('127.')
  return isLocal ? findListener(Number(port)) : undefined
}
