// `godwit sub`: prints what comes, in the format that is wanted, until it has enough.
import type { IClientSubscribeOptions, IPublishPacket, MqttClient } from 'mqtt'
import { GodwitError } from '../base/errors.ts'
import { filterMatches } from '../topic/filter-matches.ts'
import type { ClientFlags } from './client-flags.ts'
import { formatMessage, NotJson } from './message-format.ts'
import { propertiesFor } from './packet-properties.ts'
import { connectTool, ExitCode, failureOf, ToolFailure } from './tool-client.ts'

export interface SubscribeFlags extends ClientFlags {
  readonly topic: readonly string[]
  readonly filterOut: readonly string[]
  readonly unsubscribe: readonly string[]
  readonly count?: number
  readonly timeout?: number
  readonly exitAfterSuback?: boolean
  readonly format?: string
  readonly verbose?: boolean
  readonly pretty?: boolean
  readonly eol: boolean
  /** False: nothing that is retained. */
  readonly stale: boolean
  readonly retainedOnly?: boolean
  readonly removeRetained?: boolean
  readonly retainAsPublished?: boolean
  readonly retainHandling: 'always' | 'new' | 'never'
  readonly randomFilter: number
}

const RETAIN_HANDLING = { always: 0, new: 1, never: 2 } as const

export async function subscribeTool(flags: SubscribeFlags): Promise<number> {
  if (flags.topic.length === 0 && flags.url === undefined) usage('a topic filter is needed (-t)')
  const reader = new Reader(flags)
  const { client, topic } = await connectTool(flags, 'sub', (packet) => reader.take(packet))
  try {
    return await reader.read(client, [...flags.topic, ...(topic === undefined ? [] : [topic])])
  } catch (error) {
    throw failureOf(error as Error)
  } finally {
    await client.endAsync()
  }
}

class Reader {
  readonly #flags: SubscribeFlags
  /** Topics whose retained message is to go. */
  readonly #toRemove: string[] = []
  #printed = 0
  #end!: (exitCode: number) => void
  #fail!: (error: Error) => void
  readonly #ended = new Promise<number>((resolve, reject) => {
    this.#end = resolve
    this.#fail = reject
  })

  constructor(flags: SubscribeFlags) {
    this.#flags = flags
    this.#ended.catch(() => {}) // It is awaited by `read`.
  }

  /** Resolves with the exit code. */
  async read(client: MqttClient, topicFilters: readonly string[]): Promise<number> {
    const { timeout, exitAfterSuback, unsubscribe } = this.#flags
    client.once('close', () => this.#fail(new ToolFailure('Error: the connection was closed')))
    client.once('error', this.#fail)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => this.#end(ExitCode.Success))
    }
    const timer = timeout === undefined ? undefined : setTimeout(() => this.#timedOut(), timeout * 1000)
    await this.#subscribe(client, topicFilters)
    for (const topicFilter of unsubscribe) await client.unsubscribeAsync(topicFilter)
    if (exitAfterSuback) this.#end(ExitCode.Success)
    const exitCode = await this.#ended.finally(() => clearTimeout(timer))
    for (const topic of this.#toRemove) await client.publishAsync(topic, '', { qos: 1, retain: true })
    return exitCode
  }

  async #subscribe(client: MqttClient, topicFilters: readonly string[]): Promise<void> {
    const { qos, version, retainAsPublished, retainHandling, property } = this.#flags
    const properties = propertiesFor('subscribe', property)
    const options: IClientSubscribeOptions = {
      qos,
      ...(version === 5 && {
        rap: retainAsPublished === true,
        rh: RETAIN_HANDLING[retainHandling],
        ...(Object.keys(properties).length > 0 && { properties }),
      }),
    }
    for (const topicFilter of topicFilters) await client.subscribeAsync(topicFilter, options)
  }

  #timedOut(): void {
    if (!this.#flags.quiet) process.stderr.write('Timed out\n')
    this.#end(ExitCode.TimedOut)
  }

  take(packet: IPublishPacket): void {
    const { filterOut, stale, retainedOnly, removeRetained, randomFilter, count } = this.#flags
    if (retainedOnly && !packet.retain) return this.#end(ExitCode.Success)
    if (filterOut.some((topicFilter) => filterMatches(topicFilter, packet.topic))) return
    if (packet.retain && removeRetained) this.#toRemove.push(packet.topic)
    if (packet.retain && !stale) return
    if (Math.random() * 100 >= randomFilter) return
    if (count !== undefined && this.#printed >= count) return
    this.#print(packet)
    this.#printed++
    if (count !== undefined && this.#printed >= count) this.#end(ExitCode.Success)
  }

  #print(packet: IPublishPacket): void {
    try {
      process.stdout.write(this.#lineOf(packet))
    } catch (error) {
      if (!(error instanceof NotJson)) return this.#fail(error as Error)
      if (!this.#flags.quiet) process.stderr.write(`${error.message}\n`)
    }
  }

  #lineOf(packet: IPublishPacket): Buffer {
    const { format, verbose, pretty, eol } = this.#flags
    if (format !== undefined) {
      const line = formatMessage(format, packet, Date.now(), { isPretty: pretty === true })
      return eol ? Buffer.concat([line, Buffer.from('\n')]) : line
    }
    const payload = Buffer.from(packet.payload)
    const isEmpty = payload.length === 0
    const head = verbose ? `${packet.topic} ${isEmpty ? '(null)' : ''}` : ''
    if (isEmpty && !verbose) return Buffer.alloc(0)
    return Buffer.concat([Buffer.from(head), payload, Buffer.from(eol ? '\n' : '')])
  }
}

function usage(message: string): never {
  throw new GodwitError('ERR_GODWIT_TOOL_USAGE', message)
}
