// The flags that `godwit pub`, `sub` and `rr` share: those of Mosquitto's clients, under their letters and names.
// The commands add their own; client-settings.ts makes of them what MQTT.js wants.
import { type Command, InvalidArgumentError, Option } from 'commander'

export type Version = 3 | 4 | 5

export interface ClientFlags {
  readonly host: string
  readonly port?: number
  readonly url?: string
  readonly unix?: string
  readonly ws?: boolean
  readonly path: string
  readonly id?: string
  readonly idPrefix?: string
  readonly keepalive: number
  readonly username?: string
  readonly pw?: string
  readonly qos: 0 | 1 | 2
  readonly version: Version
  /** False with -c: the session is kept. */
  readonly disableCleanSession?: boolean
  readonly sessionExpiryInterval?: number
  readonly property: readonly (readonly string[])[]
  readonly bind?: string
  readonly debug?: boolean
  readonly quiet?: boolean
  readonly willTopic?: string
  readonly willPayload?: string
  readonly willQos: 0 | 1 | 2
  readonly willRetain?: boolean
  readonly cafile?: string
  readonly capath?: string
  readonly cert?: string
  readonly key?: string
  readonly insecure?: boolean
  readonly ciphers?: string
  readonly tlsVersion?: string
  readonly tlsAlpn?: string
  readonly tlsUseOsCerts?: boolean
  readonly psk?: string
  readonly pskIdentity?: string
}

export const option = (flags: string, description: string, parse: (text: string) => unknown): Option =>
  new Option(flags, description).argParser(parse)

export const whole =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }

const VERSIONS: ReadonlyMap<string, Version> = new Map([
  ['31', 3],
  ['mqttv31', 3],
  ['311', 4],
  ['mqttv311', 4],
  ['5', 5],
  ['mqttv5', 5],
])

function versionOf(text: string): Version {
  const version = VERSIONS.get(text)
  if (version === undefined) throw new InvalidArgumentError('It must be mqttv5, mqttv311 or mqttv31.')
  return version
}

const NEVER = 0xffff_ffff

const sessionExpiryOf = (text: string): number =>
  text === '-1' || text === '∞' ? NEVER : whole(0, NEVER)(text)

/** Each time it is given is one more. */
export const collect = (text: string, before: readonly string[] = []): string[] => [...before, text]

const collectProperty = (text: string, before: readonly string[][] = []): string[][] => [
  ...before,
  JSON.parse(text) as string[],
]

/** Help is --help alone: -h is the host. */
export function addClientFlags(command: Command): Command {
  const options = [
    new Option('-h, --host <host>', 'broker').default('localhost'),
    option('-p, --port <port>', 'port (1883, 8883 with TLS)', whole(1, 65_535)),
    new Option('-L, --url <url>', 'mqtt://, mqtts://, ws:// or wss://, with user, host and topic').conflicts(
      'unix',
    ),
    new Option('--unix <path>', 'unix socket'),
    new Option('--ws', 'WebSocket'),
    new Option('--path <path>', 'path of the WebSocket').default('/mqtt'),
    new Option('-i, --id <id>', 'client id'),
    new Option('-I, --id-prefix <prefix>', 'client id: the prefix and the process id').conflicts('id'),
    option('-k, --keepalive <seconds>', 'keep alive', whole(0, 65_535)).default(60),
    new Option('-u, --username <name>', 'user name'),
    new Option('-P, --pw <password>', 'password'),
    option('-q, --qos <qos>', 'quality of service', whole(0, 2)).default(0),
    option('-V, --version <version>', 'mqttv5, mqttv311 or mqttv31', versionOf).default(4, 'mqttv311'),
    new Option('-c, --disable-clean-session', 'keep the session'),
    option('-x, --session-expiry-interval <seconds>', 'how long it is kept (5.0)', sessionExpiryOf),
    option('-D, --property <packet>', 'PACKET NAME VALUE [VALUE]: a property (5.0)', (text) => text)
      .argParser(collectProperty)
      .default([]),
    new Option('-A, --bind <address>', 'local address'),
    new Option('-d, --debug', 'tell what goes on'),
    new Option('--quiet', 'no error messages'),
    new Option('--nodelay', 'as it is anyway'),
    new Option('--will-topic <topic>', 'topic of the will'),
    new Option('--will-payload <text>', 'its payload'),
    option('--will-qos <qos>', 'its quality of service', whole(0, 2)).default(0),
    new Option('--will-retain', 'it is to be retained'),
    new Option('--cafile <file>', 'CA certificates, PEM'),
    new Option('--capath <folder>', 'folder of CA certificates, PEM'),
    new Option('--cert <file>', 'client certificate, PEM'),
    new Option('--key <file>', 'its key, PEM'),
    new Option('--insecure', 'take a certificate for another host'),
    new Option('--ciphers <list>', 'TLS ciphers'),
    new Option('--tls-version <version>', 'tlsv1.2 or tlsv1.3').choices(['tlsv1.2', 'tlsv1.3']),
    new Option('--tls-alpn <protocol>', 'application protocol'),
    new Option('--tls-use-os-certs', 'trust what the system trusts'),
    new Option('--psk <hex>', 'pre-shared key'),
    new Option('--psk-identity <identity>', 'whose it is'),
  ]
  for (const each of options) command.addOption(each)
  return command.helpOption('--help', 'print this help')
}

const FOUR_PARTS = 'user-property'

/** `-D PACKET NAME VALUE [VALUE]` as one argument, which is what a parser of flags can take. */
export function foldProperties(argv: readonly string[]): string[] {
  const folded: string[] = []
  for (let i = 0; i < argv.length; i++) {
    folded.push(argv[i] as string)
    if (argv[i] !== '-D' && argv[i] !== '--property') continue
    const length = argv[i + 2] === FOUR_PARTS ? 4 : 3
    folded.push(JSON.stringify(argv.slice(i + 1, i + 1 + length)))
    i += length
  }
  return folded
}
