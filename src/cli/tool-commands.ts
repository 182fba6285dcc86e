// `godwit pub`, `sub` and `rr`: Mosquitto's clients by their flags. tools/ does the work.
import { Command, Option } from 'commander'
import { addClientFlags, collect, option, whole } from '../tools/client-flags.ts'
import { type PublishFlags, publishTool } from '../tools/publish.ts'
import { type RequestFlags, requestTool } from '../tools/request.ts'
import { type SubscribeFlags, subscribeTool } from '../tools/subscribe.ts'
import { runTool } from '../tools/tool-client.ts'

const MILLION = 1_000_000
const topics = (flags: string, description: string): Option =>
  new Option(flags, description).argParser(collect).default([])
const percent = (text: string): number => Math.min(100, Math.max(0, Number(text) || 0))
const seconds = (text: string): number => Math.max(0, Number(text) || 0)

/** How a message is printed. */
const formatOptions = (): Option[] => [
  new Option('-F, --format <format>', 'how a message is printed, in the letters of mosquitto_sub'),
  new Option('-v, --verbose', 'topic and payload'),
  new Option('-N, --no-eol', 'no end of line behind it'),
  new Option('--pretty', 'JSON over several lines'),
  option('-W, --timeout <seconds>', 'give up then, with exit code 27', whole(1, MILLION)),
]

const payloadOptions = (): Option[] => [
  new Option('-m, --message <text>', 'payload'),
  new Option('-f, --file <file>', 'payload from a file'),
  new Option('-n, --null-message', 'no payload'),
]

export function createPubCommand(): Command {
  const command = addClientFlags(new Command('pub').description('publish a message, as mosquitto_pub'))
  const options = [
    new Option('-t, --topic <topic>', 'topic'),
    ...payloadOptions(),
    new Option('-l, --stdin-line', 'a message for each line of standard input'),
    new Option('-s, --stdin-file', 'payload from standard input'),
    new Option('-r, --retain', 'to be retained'),
    option('--repeat <number>', 'how often', whole(1, MILLION)).default(1),
    option('--repeat-delay <seconds>', 'seconds between', seconds).default(0),
    option('-M, --max-inflight <number>', 'unacknowledged messages with -l', whole(1, 65_534)).default(20),
  ]
  for (const each of options) command.addOption(each)
  return command.action((flags: PublishFlags) => runTool(flags, () => publishTool(flags)))
}

export function createSubCommand(): Command {
  const command = addClientFlags(new Command('sub').description('print what is published, as mosquitto_sub'))
  const options = [
    topics('-t, --topic <filter>', 'topic filter; may be repeated'),
    topics('-T, --filter-out <filter>', 'what matches is not printed; may be repeated'),
    topics('-U, --unsubscribe <filter>', 'topic filter to unsubscribe from; may be repeated'),
    ...formatOptions(),
    option('-C, --count <number>', 'end after so many messages', whole(1, Number.MAX_SAFE_INTEGER)),
    new Option('-E, --exit-after-suback', 'end when it is subscribed'),
    new Option('-R, --no-stale', 'nothing that is retained'),
    new Option('--retained-only', 'what is retained, then end'),
    new Option('--remove-retained', 'and remove it'),
    new Option('--retain-as-published', 'keep the RETAIN flag (5.0)'),
    new Option('--retain-handling <when>', 'send what is retained (5.0)')
      .choices(['always', 'new', 'never'])
      .default('always'),
    option('--random-filter <percent>', 'part of the messages that is printed', percent).default(100),
  ]
  for (const each of options) command.addOption(each)
  return command.action((flags: SubscribeFlags) => runTool(flags, () => subscribeTool(flags)))
}

export function createRrCommand(): Command {
  const command = addClientFlags(new Command('rr').description('ask, and print the answer, as mosquitto_rr'))
  const options = [
    new Option('-t, --topic <topic>', 'topic of the request'),
    new Option('-e, --response-topic <topic>', 'topic of the response'),
    ...payloadOptions(),
    ...formatOptions(),
  ]
  for (const each of options) command.addOption(each)
  return command.action((flags: RequestFlags) => runTool(flags, () => requestTool(flags)))
}
