// The program's commands, a file each, and the one line and exit code for what the command line got wrong.
import { Command, CommanderError, Help } from 'commander'
import { GodwitError } from '../base/errors.ts'
import { foldProperties } from '../tools/client-flags.ts'
import { createAclCommand } from './acl-command.ts'
import { createBenchCommand } from './bench-command.ts'
import { createDoctorCommand } from './doctor-command.ts'
import { createExportCommand } from './export-command.ts'
import { createImportCommand } from './import-command.ts'
import { createPasswdCommand } from './passwd-command.ts'
import { createStartCommand } from './start-command.ts'
import { createPubCommand, createRrCommand, createSubCommand } from './tool-commands.ts'
import { version } from './version.ts'

/** Told something that cannot be: an option, the configuration, an address, a folder. */
const EXIT_REFUSED = 2
const TOOLS = new Set(['pub', 'sub', 'rr'])

export async function runCli(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(argumentsOf(argv))
  } catch (error) {
    if (error instanceof GodwitError) printError(error.message)
    // Commander has printed its line already; its exit code is 0 for --help and --version.
    else if (!(error instanceof CommanderError)) throw error
    process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : EXIT_REFUSED
  }
}

/** `-D` of the clients has three or four values; of other commands it is something else. */
const argumentsOf = (argv: readonly string[]): readonly string[] =>
  TOOLS.has(argv[2] ?? '') ? foldProperties(argv) : argv

function createProgram(): Command {
  const startCommand = createStartCommand()
  /** In the order of the help. */
  const otherCommands = [
    createPubCommand(),
    createSubCommand(),
    createRrCommand(),
    createPasswdCommand(),
    createAclCommand(),
    createDoctorCommand(),
    createExportCommand(),
    createImportCommand(),
    createBenchCommand(),
  ]
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
  for (const command of otherCommands) program.addCommand(command)
  for (const command of [program, startCommand, ...otherCommands.flatMap(withSubcommands)]) {
    command.exitOverride().configureOutput({ outputError: (text) => printError(oneLine(text)) })
  }
  return program
}

/** Exit codes and messages are not inherited. */
const withSubcommands = (command: Command): Command[] => [
  command,
  ...command.commands.flatMap(withSubcommands),
]

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
