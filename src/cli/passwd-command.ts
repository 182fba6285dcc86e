// `godwit passwd`, in the manner of mosquitto_passwd: its flags. passwd.ts does the work.
import { Command, InvalidArgumentError, Option } from 'commander'
import { ITERATIONS_DEFAULT, ITERATIONS_MAX } from '../authentication/password-hash.ts'
import { HASHES, type PasswdFlags, passwd } from './passwd.ts'

export function createPasswdCommand(): Command {
  return new Command('passwd')
    .description('add, change and remove users in a password file')
    .usage('[options] FILE USER [PASSWORD]   or   -U FILE')
    .argument('<file>', 'password file: a line for each user, as mosquitto_passwd writes it')
    .argument('[user]', 'user name')
    .argument('[password]', 'with -b; others on this machine can see it while the program runs')
    .helpOption('-h, --help', 'print this help')
    .option('-c, --create', 'make a new file; one that is there is replaced')
    .option('-b, --batch', 'take the password from the command line')
    .addOption(new Option('-D, --delete', 'remove the user').conflicts(['create', 'batch', 'upgrade']))
    .addOption(
      new Option('-U, --upgrade', 'hash a file of plain passwords').conflicts(['create', 'batch', 'delete']),
    )
    .addOption(
      new Option('-H, --hash <kind>', 'how to hash; Mosquitto before 2.1 reads those of sha512')
        .choices(HASHES)
        .default('argon2id'),
    )
    .addOption(
      new Option(
        '-I, --iterations <count>',
        `of sha512-pbkdf2 (${ITERATIONS_DEFAULT}) and scram (15000)`,
      ).argParser(parseIterations),
    )
    .addHelpText(
      'after',
      '\nWithout -b the password is asked for on a terminal, and read from standard input elsewhere.\n' +
        'A running godwit takes the changed file within a few seconds.',
    )
    .action((file: string, user: Given, password: Given, flags: PasswdFlags, command: Command) =>
      passwd({ file, user, password, ...flags }, (problem) => command.error(problem)),
    )
}

type Given = string | undefined

function parseIterations(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > ITERATIONS_MAX)
    throw new InvalidArgumentError(`It must be a number from 1 to ${ITERATIONS_MAX}.`)
  return count
}
