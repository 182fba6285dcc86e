// `godwit bench TRIAL`: one trial on one broker, and its facts as lines or as JSON.
import { writeFileSync } from 'node:fs'
import { alignedLines, duration, number } from '../harness/report-table.ts'
import { type TrialDefinition, type TrialFact, TrialStage } from '../harness/trials/trial.ts'
import { brokersOf, EXIT_NOT_CLEAN } from './bench.ts'
import { type BenchFlags, loadOptionsOf } from './bench-flags.ts'
import { createProgressDisplay } from './bench-progress.ts'

export async function benchTrial(name: string, trial: TrialDefinition, flags: BenchFlags): Promise<void> {
  const options = loadOptionsOf(flags, trial.defaults)
  const display = createProgressDisplay(process.stderr)
  for (const broker of brokersOf(flags, options.target.url)) {
    const stage = new TrialStage(
      { ...options, target: { ...options.target, url: broker.url } },
      {
        processes: flags.processes,
        brokerProcess: broker.processId,
        onProgress: (progress) => display.show(`${name} ${broker.name}`, progress),
      },
    )
    const { facts, isClean } = await trial.act(stage).finally(() => stage.end())
    display.clear()
    print(`${name}, ${broker.name}`, facts, flags.json === '-')
    if (flags.json !== undefined && flags.json !== '-') {
      writeFileSync(flags.json, `${JSON.stringify({ trial: name, broker, facts, isClean }, null, 2)}\n`)
    }
    if (!isClean) process.exitCode = EXIT_NOT_CLEAN
  }
}

function print(title: string, facts: readonly TrialFact[], isJson: boolean): void {
  if (isJson) return void process.stdout.write(`${JSON.stringify({ title, facts }, null, 2)}\n`)
  process.stdout.write(`${title}\n`)
  const rows = facts.map((each) => [each.name, textOf(each)])
  for (const line of alignedLines(rows)) process.stdout.write(`  ${line}\n`)
}

const textOf = ({ value, unit }: TrialFact): string =>
  unit === 'µs' ? duration(value) : unit === '/s' ? `${number(value)}/s` : `${number(value)} ${unit}`
