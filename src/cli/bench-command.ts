// `godwit bench LOAD`: a command for each load. bench-flags.ts has the flags, bench.ts does the work.
import { Command } from 'commander'
import { readPlanFile } from '../harness/plan-file.ts'
import type { RunPlan } from '../harness/run-plan.ts'
import { type LoadOptions, scenarios } from '../harness/scenarios.ts'
import { trials } from '../harness/trials/trials.ts'
import { bench } from './bench.ts'
import { addBenchFlags, type BenchFlags } from './bench-flags.ts'
import { benchTrial } from './bench-trial.ts'

export function createBenchCommand(): Command {
  const command = new Command('bench')
    .description('load any MQTT broker, and tell what it did')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
  for (const [name, { summary, defaults, plan }] of scenarios) {
    const load = { name, defaults, plan }
    const subcommand = new Command(name).description(summary)
    command.addCommand(addBenchFlags(subcommand).action((flags: BenchFlags) => bench(load, flags)))
  }
  for (const [name, trial] of Object.entries(trials)) {
    const subcommand = new Command(name).description(trial.summary)
    command.addCommand(
      addBenchFlags(subcommand).action((flags: BenchFlags) => benchTrial(name, trial, flags)),
    )
  }
  command.addCommand(
    addBenchFlags(new Command('file'))
      .argument('<plan>', 'JSON file with groups of clients')
      .description('a mix of your own, from a file')
      .action((path: string, flags: BenchFlags) => {
        const plan = ({ target, prefix }: LoadOptions): RunPlan => readPlanFile(path, target, prefix)
        return bench({ name: path, defaults: {}, plan }, flags)
      }),
  )
  return command
}
