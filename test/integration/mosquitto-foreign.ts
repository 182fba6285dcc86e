// Mosquitto's command-line clients as one of the clients of foreign-clients.test.ts. Each of its programs does one
// thing: who is to receive is a mosquitto_sub, who only stays is a mosquitto_pub that waits for lines to send, and
// each message is sent by a mosquitto_pub of its own.
import {
  Arrivals,
  ConnectRefused,
  type ForeignClient,
  type ForeignClientKind,
  type ForeignConnectOptions,
  type ForeignMessage,
  type ForeignProperties,
  type Qos,
  type WhenOver,
} from './foreign-client.ts'
import { ExitCode, hasMosquittoClients, MosquittoProgram } from './mosquitto-programs.ts'

/** Between the fields of a message's line: no topic name here has it. */
const SEPARATOR = '\u001f'
const FORMAT = ['message', '%q', '%r', '%x', '%t', '%C', '%R', '%D', '%E', '%P'].join(SEPARATOR)
/** Who comes back to its subscriptions has to name one all the same. */
const NO_TOPIC = 'mosquitto_sub/wants/a/topic'

export const mosquitto: ForeignClientKind = {
  name: "Mosquitto's clients",
  package: 'mosquitto-clients',
  tellsSessionPresent: false,
  tellsPubackCodes: 'all',
  isInstalled: hasMosquittoClients,
  prepare: async () => {},
  connect: (port, options, whenOver) => new MosquittoForeign(port, options, whenOver).connected(),
}

class MosquittoForeign implements ForeignClient {
  readonly sessionPresent = undefined
  subackCodes: readonly number[] = []
  readonly #port: number
  readonly #whenOver: WhenOver
  readonly #version: readonly string[]
  readonly #program: MosquittoProgram
  readonly #isReceiver: boolean
  readonly #messages = new Arrivals<ForeignMessage>()

  constructor(port: number, options: ForeignConnectOptions, whenOver: WhenOver) {
    this.#whenOver = whenOver
    this.#port = port
    this.#version = ['-V', options.version === 5 ? '5' : '311']
    this.#isReceiver = options.topicFilters.length > 0 || !options.cleanStart
    const flags = [...this.#version, '-d', ...connectFlags(options)]
    this.#program = this.#isReceiver
      ? new MosquittoProgram('mosquitto_sub', port, [...flags, ...receiverFlags(options)], whenOver)
      : new MosquittoProgram('mosquitto_pub', port, [...flags, '-t', NO_TOPIC, '-l'], whenOver)
    this.#program.handle((line) => {
      if (line.startsWith(`message${SEPARATOR}`)) this.#messages.push(messageOf(line))
    })
    void this.#program.ended.then(() => {
      this.#messages.end(new Error(`it has ended: ${this.#program.errors.join('\n')}`))
    })
  }

  async connected(): Promise<ForeignClient> {
    const connack = await this.#program.line(/received CONNACK \(\d+\)$/)
    const reasonCode = Number(/\((\d+)\)$/.exec(connack)?.[1])
    if (reasonCode !== 0) throw new ConnectRefused(reasonCode)
    if (this.#isReceiver) {
      const suback = await this.#program.line(/^Subscribed \(mid: \d+\): /)
      this.subackCodes = suback.replace(/^.*: /, '').split(', ').map(Number)
    }
    return this
  }

  async publish(message: ForeignMessage): Promise<number> {
    const { payload } = message
    const publisher = this.#publisher(message, payload.length === 0 ? ['-n'] : ['-s'])
    if (payload.length > 0) publisher.input(payload)
    await succeeded(publisher)
    const codes = publisher.lines.map((line) => /received PUB(?:ACK|COMP) \(Mid: \d+, RC:(\d+)\)$/.exec(line))
    return Number(codes.find((found) => found !== null)?.[1] ?? 0)
  }

  /** From the second line on it leaves the topic name out, of its own accord. */
  async publishUnderAlias(message: ForeignMessage, payloads: readonly string[]): Promise<void> {
    await succeeded(this.#publisher(message, ['-l']).input(`${payloads.join('\n')}\n`))
  }

  next(): Promise<ForeignMessage> {
    return this.#messages.next()
  }

  async disconnect(): Promise<void> {
    // The end of its input ends a mosquitto_pub, a signal a mosquitto_sub.
    if (this.#isReceiver) this.#program.kill('SIGTERM')
    else this.#program.input('')
    await this.#program.ended
  }

  async drop(): Promise<void> {
    this.#program.kill('SIGKILL')
    await this.#program.ended
  }

  #publisher(message: ForeignMessage, flags: readonly string[]): MosquittoProgram {
    const { topicName, qos, retain, properties } = message
    const what = ['-t', topicName, '-q', String(qos), ...(retain ? ['-r'] : [])]
    const all = [...this.#version, '-d', ...what, ...propertyFlags('publish', properties), ...flags]
    return new MosquittoProgram('mosquitto_pub', this.#port, all, this.#whenOver)
  }
}

async function succeeded(program: MosquittoProgram): Promise<void> {
  const exitCode = await program.ended
  if (exitCode !== ExitCode.Success) throw new Error(`exit code ${exitCode}: ${program.errors.join('\n')}`)
}

function connectFlags(options: ForeignConnectOptions): string[] {
  const { version, clientId, sessionExpiryInterval, will } = options
  const expiry = version === 5 ? ['-x', String(sessionExpiryInterval)] : []
  const flags = ['-i', clientId, ...(options.cleanStart ? [] : ['-c']), ...expiry]
  if (will === undefined) return flags
  const what = ['--will-topic', will.topicName, '--will-qos', String(will.qos)]
  const payload = will.payload.length === 0 ? [] : ['--will-payload', will.payload.toString()]
  const retain = will.retain ? ['--will-retain'] : []
  return [...flags, ...what, ...payload, ...retain, ...propertyFlags('will', will.properties)]
}

function receiverFlags({ topicFilters, maximumQos }: ForeignConnectOptions): string[] {
  const filters = topicFilters.length > 0 ? topicFilters : [NO_TOPIC]
  return ['-F', FORMAT, '-q', String(maximumQos), ...filters.flatMap((filter) => ['-t', filter])]
}

function propertyFlags(packet: 'publish' | 'will', properties: ForeignProperties): string[] {
  const { userProperties, ...others } = properties
  const named = Object.entries(others).map(([name, value]) => [kebabCase(name), String(value)])
  const pairs = (userProperties ?? []).map((pair) => ['user-property', ...pair])
  return [...named, ...pairs].flatMap((property) => ['-D', packet, ...property])
}

const kebabCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function messageOf(line: string): ForeignMessage {
  const [, qos, retain, payload, topicName, contentType, responseTopic, correlationData, expiry, pairs] =
    line.split(SEPARATOR)
  return {
    topicName: topicName ?? '',
    payload: Buffer.from(payload ?? '', 'hex'),
    qos: Number(qos) as Qos,
    retain: retain === '1',
    properties: {
      ...(contentType && { contentType }),
      ...(responseTopic && { responseTopic }),
      ...(correlationData && { correlationData }),
      ...(expiry && { messageExpiryInterval: Number(expiry) }),
      ...(pairs && { userProperties: pairs.split(' ').map((pair) => pair.split(':') as [string, string]) }),
    },
  }
}
