// The flags of `godwit bench`: those that people know from emqtt_bench, and ours.
// bench-command.ts adds them to each load.
import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { GodwitError } from '../base/errors.ts'
import type { LoadOptions } from '../harness/scenarios.ts'
import type { ProtocolVersion, Qos } from '../packet/protocol.ts'

export interface BenchFlags {
  readonly host: string
  readonly port?: number
  readonly version: ProtocolVersion
  readonly count?: number
  readonly receivers?: number
  readonly startnumber: number
  readonly connrate?: number
  readonly interval?: number
  readonly topic?: string
  readonly size?: number
  readonly payload?: string
  readonly qos?: Qos
  readonly messageInterval?: number
  readonly limit?: number
  readonly inflight?: number
  readonly retain?: boolean
  readonly clean: string
  readonly sessionExpiry?: number
  readonly keepalive: number
  readonly username: string
  readonly password: string
  readonly prefix: string
  readonly ifaddr?: string
  readonly ssl?: boolean
  readonly cacertfile?: string
  readonly certfile?: string
  readonly keyfile?: string
  readonly insecure?: boolean
  readonly ws?: boolean
  readonly path: string
  readonly duration?: number
  readonly warmup?: number
  readonly rounds: number
  readonly processes: number
  readonly brokerProcess?: number
  readonly json?: string
  readonly html?: string
  readonly compare?: string[]
}

const whole =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }

const versionOf = (text: string): ProtocolVersion => {
  const version = { '3': 3, '31': 3, '4': 4, '311': 4, '3.1.1': 4, '3.1': 3, '5': 5 }[
    text.replace(/^mqttv/, '')
  ]
  if (version !== undefined) return version as ProtocolVersion
  throw new InvalidArgumentError('It must be 3, 4 or 5.')
}

const MILLION = 1_000_000
const option = (flags: string, description: string, parse: (text: string) => unknown): Option =>
  new Option(flags, description).argParser(parse)

/** Help is --help alone: -h is the host, as in every tool of this kind. */
export function addBenchFlags(command: Command): Command {
  const options = [
    new Option('-h, --host <host>', 'broker').default('127.0.0.1'),
    option(
      '-p, --port <port>',
      'port (1883; 8883 with -S, 8083 with --ws, 8084 with both)',
      whole(1, 65_535),
    ),
    option('-V, --version <version>', 'MQTT version: 3, 4 (3.1.1) or 5', versionOf).default(5),
    option('-c, --count <number>', 'clients; publishers where there are receivers too', whole(1, MILLION)),
    option('--receivers <number>', 'receivers (fanout, fanin, shared)', whole(1, MILLION)),
    option('-n, --startnumber <number>', '%i of the first client', whole(0, MILLION)).default(0),
    option('-R, --connrate <rate>', 'connections a second (1000)', whole(1, MILLION)),
    option('-i, --interval <ms>', 'milliseconds between connections, instead of -R', whole(1, 3_600_000)),
    new Option('-t, --topic <topic>', 'topic, with %i number, %c client id, %u user, %s message'),
    option(
      '-s, --size <bytes>',
      'bytes of the payload (256); from 16 on it is stamped',
      whole(0, 268_000_000),
    ),
    new Option('--payload <text|@file>', 'what the payload holds after its stamp, repeated to its size'),
    option('-q, --qos <qos>', 'quality of service (0; 1 where messages are kept)', whole(0, 2)),
    option(
      '-I, --message-interval <ms>',
      'milliseconds between messages of a client; 0: none',
      whole(0, 86_400_000),
    ),
    option('-L, --limit <number>', 'messages of each publisher; then the run ends', whole(1, 1_000_000_000)),
    option('-F, --inflight <number>', 'unacknowledged messages of a publisher (100)', whole(1, 65_534)),
    new Option('-r, --retain', 'retained messages'),
    new Option('-C, --clean <boolean>', 'clean start').choices(['true', 'false']).default('true'),
    option('-x, --session-expiry <seconds>', 'Session Expiry Interval', whole(0, 0xffff_ffff)),
    option('-k, --keepalive <seconds>', 'keep alive', whole(0, 65_535)).default(300),
    new Option('-u, --username <name>', 'user name').default(''),
    new Option('-P, --password <password>', 'password').default(''),
    new Option('--prefix <text>', 'what client ids begin with').default('bench'),
    new Option('--ifaddr <addresses>', 'local addresses to connect from, in turn, with commas between'),
    new Option('-S, --ssl', 'TLS'),
    new Option('--cacertfile <file>', 'CA certificates, PEM'),
    new Option('--certfile <file>', 'client certificate, PEM'),
    new Option('--keyfile <file>', 'its key, PEM'),
    new Option('--insecure', 'take any certificate'),
    new Option('--ws', 'WebSocket'),
    new Option('--path <path>', 'path of the WebSocket').default('/mqtt'),
    option('--duration <seconds>', 'how long is measured (10)', whole(1, 30 * 86_400)),
    option('--warmup <seconds>', 'seconds before that are left out (2)', whole(0, 86_400)),
    option('--rounds <number>', 'rounds; the median is told', whole(1, 1_000)).default(1),
    option('--processes <number>', 'processes that make the load', whole(1, 64)).default(1),
    option(
      '--broker-process <pid>',
      'process of the broker (found by its port where it is local)',
      whole(1, 2 ** 31),
    ),
    new Option('--json <file>', 'write all figures; - for standard output'),
    new Option('--html <file>', 'write a page with the plots'),
    new Option('--compare <brokers...>', 'NAME=HOST:PORT[:PID] ..., laid side by side, in turn'),
  ]
  for (const each of options) command.addOption(each)
  return command.helpOption('--help', 'print this help')
}

/** Throws ERR_GODWIT_BENCH_FILE. */
export function loadOptionsOf(flags: BenchFlags, defaults: Partial<LoadOptions>): LoadOptions {
  const { messageInterval, interval } = flags
  const rate = messageInterval === undefined ? undefined : messageInterval === 0 ? 0 : 1000 / messageInterval
  return {
    target: {
      url: urlOf(flags),
      version: flags.version,
      userName: flags.username,
      password: flags.password,
      keepAlive: flags.keepalive,
      cleanStart: flags.clean === 'true',
      sessionExpiryInterval: flags.sessionExpiry,
      tls: {
        ...(flags.cacertfile !== undefined && { ca: fileText(flags.cacertfile) }),
        ...(flags.certfile !== undefined && { cert: fileText(flags.certfile) }),
        ...(flags.keyfile !== undefined && { key: fileText(flags.keyfile) }),
        insecure: flags.insecure === true,
      },
      localAddresses: flags.ifaddr?.split(',') ?? [],
    },
    count: flags.count ?? defaults.count ?? 100,
    receivers: flags.receivers ?? defaults.receivers ?? 1,
    connectRate: flags.connrate ?? (interval === undefined ? 1_000 : 1000 / interval),
    startNumber: flags.startnumber,
    prefix: flags.prefix,
    topic: flags.topic ?? defaults.topic,
    qos: flags.qos ?? defaults.qos ?? 0,
    retain: flags.retain === true,
    payloadBytes: flags.size ?? defaults.payloadBytes ?? 256,
    payload: payloadOf(flags.payload),
    rate: rate ?? defaults.rate ?? 1,
    inFlight: flags.inflight ?? defaults.inFlight ?? 100,
    messages: flags.limit ?? defaults.messages ?? 0,
    warmUpSeconds: flags.warmup ?? defaults.warmUpSeconds ?? 2,
    seconds: flags.duration ?? defaults.seconds ?? 10,
  }
}

function urlOf({ host, port, ssl, ws, path }: BenchFlags): string {
  const scheme = ws ? (ssl ? 'wss' : 'ws') : ssl ? 'mqtts' : 'mqtt'
  const defaultPort = { mqtt: 1883, mqtts: 8883, ws: 8083, wss: 8084 }[scheme]
  const address = host.includes(':') ? `[${host}]` : host
  return `${scheme}://${address}:${port ?? defaultPort}${ws ? path : ''}`
}

/** Base64. */
function payloadOf(payload: string | undefined): string | undefined {
  if (payload === undefined) return undefined
  const bytes = payload.startsWith('@') ? fileBytes(payload.slice(1)) : Buffer.from(payload)
  return bytes.toString('base64')
}

const fileText = (path: string): string => fileBytes(path).toString('utf8')

function fileBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new GodwitError('ERR_GODWIT_BENCH_FILE', `${path} cannot be read`, { cause })
  }
}
