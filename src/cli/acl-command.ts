// `godwit acl`: what it may be asked. acl.ts answers.
import { Command, Option } from 'commander'
import { checkAcl, type ExplainFlags, explainAcl } from './acl.ts'

export function createAclCommand(): Command {
  const acl = new Command('acl')
    .description('check a file of rules, and say which rule decides')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
  acl
    .command('check')
    .description('whether every line of an ACL file is right; a line for each that is not')
    .argument('<file>', 'ACL file, in the syntax of Mosquitto')
    .helpOption('-h, --help', 'print this help')
    .action((file: string) => checkAcl(file))
  acl
    .command('explain')
    .description('which rule allows or refuses something; exit code 0: allowed, 1: refused')
    .usage('[options] USER CLIENT pub|sub TOPIC')
    .argument('<user>', 'user name; - for a client that has none')
    .argument('<client>', 'client id')
    .argument('<action>', 'pub to publish, sub to subscribe and receive')
    .argument('<topic>', 'topic name; with sub a topic filter')
    .helpOption('-h, --help', 'print this help')
    .option('-c, --config <file>', 'YAML file with options, whose authorization.aclFile is meant')
    .option('-f, --file <file>', 'ACL file, in place of the one in the options')
    .addOption(new Option('-q, --qos <qos>', 'of what is published').choices(['0', '1', '2']).default('0'))
    .option('-r, --retain', 'it is to be retained')
    .option('--rights <json>', 'what the client has brought: {"pub": [filter, ...], "sub": [filter, ...]}')
    .addHelpText(
      'after',
      '\nWhat a service over HTTP or a function of a program would say is not known here.',
    )
    .action(
      (
        userName: string,
        clientId: string,
        action: string,
        topic: string,
        flags: ExplainFlags,
        self: Command,
      ) => {
        if (action !== 'pub' && action !== 'sub') self.error(`the action is pub or sub, not '${action}'`)
        return explainAcl({ userName, clientId, action, topic, ...flags })
      },
    )
  return acl
}
