// What the command line says: its commands and flags, and the one line and exit code for what it got wrong.
// start.ts does the work; later commands stand beside it.
import { Command, CommanderError, Help, InvalidArgumentError, Option } from 'commander'
import { GodwitError } from '../base/errors.ts'
import { type StartFlags, start } from './start.ts'
import { version } from './version.ts'

/** Told something that cannot be: an option, the configuration, an address, a folder. */
const EXIT_REFUSED = 2

export async function runCli(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(argv)
  } catch (error) {
    if (error instanceof GodwitError) printError(error.message)
    // Commander has printed its line already; its exit code is 0 for --help and --version.
    else if (!(error instanceof CommanderError)) throw error
    process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : EXIT_REFUSED
  }
}

function createProgram(): Command {
  const startCommand = createStartCommand()
  const program = new Command('godwit')
    .description('An MQTT broker where an acknowledgement means that the message is on disk.')
    .usage('[start] [options]')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    // `start` may be left out, so the help of the program is its help too.
    .configureHelp({
      visibleOptions: (command) => [
        ...new Help().visibleOptions(startCommand),
        ...(command === startCommand ? [] : command.options),
      ],
    })
    .addCommand(startCommand, { isDefault: true })
  for (const command of [program, startCommand]) {
    command.exitOverride().configureOutput({ outputError: (text) => printError(oneLine(text)) })
  }
  return program
}

function createStartCommand(): Command {
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
    .action((flags: StartFlags, command: Command) => {
      const [unexpected] = command.args
      if (unexpected !== undefined) command.error(`unexpected argument '${unexpected}'`)
      return start(flags)
    })
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('It must be a number from 0 to 65535.')
  return port
}

/** Commander's own words, its guess at what was meant included. */
const oneLine = (text: string): string =>
  text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')

/** A list of mistakes has a line for each; everything else is one line. */
function printError(text: string): void {
  for (const line of text.split('\n')) process.stderr.write(`godwit: ${line}\n`)
}
