// `godwit start`, which may be left out: its flags. start.ts does the work.
import { Command, InvalidArgumentError, Option } from 'commander'
import type { StartFlags } from './start.ts'

export function createStartCommand(): Command {
  return new Command('start')
    .description('run a broker until SIGTERM or SIGINT')
    .helpOption('-h, --help', 'print this help')
    .option('-c, --config <file>', 'YAML file with options')
    .addOption(new Option('-p, --port <port>', 'TCP port of the first listener').argParser(parsePort))
    .option('--host <host>', 'address of the first listener')
    .addOption(new Option('--data <folder>', 'data folder').conflicts('memory'))
    .option('--memory', 'keep everything in memory: nothing survives a restart')
    .option('-v, --verbose', 'log more (level debug)')
    .allowExcessArguments()
    .action(async (flags: StartFlags, command: Command) => {
      const [unexpected] = command.args
      if (unexpected !== undefined) command.error(`unexpected argument '${unexpected}'`)
      const { start } = await import('./start.ts') // The broker is a lot to load for a command that needs none.
      return start(flags)
    })
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('It must be a number from 0 to 65535.')
  return port
}
