// A client library by others, in a small program of its own that does what it is told: commands on its standard
// input, what happened on its standard output. A line is a word and fields as in a URL, `message topicName=a%2Fb`,
// which C and Python take apart in a few lines; payloads are in hexadecimal. paho-client.c and paho-client.py
// are the other side.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import {
  Arrivals,
  ConnectRefused,
  type ForeignClient,
  type ForeignConnectOptions,
  type ForeignMessage,
  type ForeignProperties,
  type Qos,
  type WhenOver,
} from './foreign-client.ts'

type Fields = [name: string, value: string][]

interface Reply {
  readonly verb: string
  readonly fields: URLSearchParams
}

const flag = (value: boolean): string => (value ? '1' : '0')

export class DrivenProgram implements ForeignClient {
  sessionPresent = false
  subackCodes: readonly number[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #replies = new Arrivals<Reply>()
  readonly #messages = new Arrivals<ForeignMessage>()

  constructor([command, ...args]: readonly [command: string, ...args: string[]], whenOver: WhenOver) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#ended = once(this.#child, 'close')
    const { stdin, stdout, stderr } = this.#child
    // Who was killed reads no more.
    stdin?.on('error', () => {})
    const complaints: string[] = []
    createInterface({ input: stderr as NodeJS.ReadableStream }).on('line', (line) => complaints.push(line))
    createInterface({ input: stdout as NodeJS.ReadableStream }).on('line', (line) => this.#take(line))
    void this.#ended.then(() => {
      const why = new Error(`${command} has ended: ${complaints.join('\n')}`)
      this.#replies.end(why)
      this.#messages.end(why)
    })
    whenOver(async () => {
      this.#child.kill('SIGKILL')
      await this.#ended
    })
  }

  async connect(port: number, options: ForeignConnectOptions): Promise<ForeignClient> {
    const connack = await this.#ask('connect', connectFields(port, options))
    const reasonCode = Number(connack.get('reasonCode'))
    if (reasonCode !== 0) throw new ConnectRefused(reasonCode)
    this.sessionPresent = connack.get('sessionPresent') === '1'
    if (options.topicFilters.length > 0) {
      const filters = options.topicFilters.map((filter) => ['topicFilter', filter] as [string, string])
      const suback = await this.#ask('subscribe', [['qos', String(options.maximumQos)], ...filters])
      this.subackCodes = suback.getAll('reasonCode').map(Number)
    }
    return this
  }

  async publish(message: ForeignMessage): Promise<number> {
    return Number((await this.#ask('publish', messageFields(message))).get('reasonCode'))
  }

  async publishUnderAlias(message: ForeignMessage, payloads: readonly string[]): Promise<void> {
    for (const [i, text] of payloads.entries()) {
      const topicName = i === 0 ? message.topicName : ''
      await this.publish({ ...message, topicName, payload: Buffer.from(text) })
    }
  }

  next(): Promise<ForeignMessage> {
    return this.#messages.next()
  }

  async disconnect(): Promise<void> {
    await this.#ask('disconnect', [])
    await this.drop()
  }

  async drop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** One command at a time: its answer is the next line that is not a message. */
  async #ask(verb: string, fields: Fields): Promise<URLSearchParams> {
    this.#child.stdin?.write(`${verb} ${new URLSearchParams(fields)}\n`)
    const reply = await this.#replies.next()
    if (reply.verb !== verb) throw new Error(`${verb} was answered by ${reply.verb} ${reply.fields}`)
    return reply.fields
  }

  #take(line: string): void {
    const [verb, fields] = line.split(' ') as [string, string | undefined]
    const reply = { verb, fields: new URLSearchParams(fields) }
    if (verb === 'message') this.#messages.push(messageOf(reply.fields))
    else this.#replies.push(reply)
  }
}

function connectFields(port: number, options: ForeignConnectOptions): Fields {
  const { version, clientId, cleanStart, sessionExpiryInterval, will } = options
  return [
    ['port', String(port)],
    ['version', String(version)],
    ['clientId', clientId],
    ['cleanStart', flag(cleanStart)],
    ['sessionExpiryInterval', String(sessionExpiryInterval)],
    ...(will === undefined ? [] : messageFields(will)),
  ]
}

function messageFields({ topicName, payload, qos, retain, properties }: ForeignMessage): Fields {
  const { userProperties, ...others } = properties
  const fields: Fields = [
    ['topicName', topicName],
    ['payload', payload.toString('hex')],
    ['qos', String(qos)],
    ['retain', flag(retain)],
  ]
  for (const [name, value] of Object.entries(others)) fields.push([name, String(value)])
  for (const [name, value] of userProperties ?? []) fields.push(['userName', name], ['userValue', value])
  return fields
}

function messageOf(fields: URLSearchParams): ForeignMessage {
  return {
    topicName: fields.get('topicName') ?? '',
    payload: Buffer.from(fields.get('payload') ?? '', 'hex'),
    qos: Number(fields.get('qos')) as Qos,
    retain: fields.get('retain') === '1',
    properties: propertiesOf(fields),
  }
}

function propertiesOf(fields: URLSearchParams): ForeignProperties {
  const text = (name: keyof ForeignProperties) => (fields.has(name) ? { [name]: fields.get(name) } : {})
  const expiry = fields.get('messageExpiryInterval')
  const values = fields.getAll('userValue')
  const pairs = fields.getAll('userName').map((name, i) => [name, values[i] ?? ''] as const)
  return {
    ...text('contentType'),
    ...text('responseTopic'),
    ...text('correlationData'),
    ...(expiry !== null && { messageExpiryInterval: Number(expiry) }),
    ...(pairs.length > 0 && { userProperties: pairs }),
  }
}
