// `godwit rr`: a request, and the answer to it.
import type { IClientPublishOptions, IPublishPacket } from 'mqtt'
import { GodwitError } from '../base/errors.ts'
import type { ClientFlags } from './client-flags.ts'
import { fileBytes } from './client-settings.ts'
import { formatMessage } from './message-format.ts'
import { propertiesFor } from './packet-properties.ts'
import { connectTool, ExitCode, failureOf, ToolFailure } from './tool-client.ts'

export interface RequestFlags extends ClientFlags {
  readonly topic?: string
  readonly responseTopic?: string
  readonly message?: string
  readonly file?: string
  readonly nullMessage?: boolean
  readonly timeout?: number
  readonly format?: string
  readonly verbose?: boolean
  readonly pretty?: boolean
  readonly eol: boolean
}

export async function requestTool(flags: RequestFlags): Promise<number> {
  const { responseTopic } = flags
  if (responseTopic === undefined) usage('a response topic is needed (-e)')
  const payload = payloadOf(flags)
  let answer!: (packet: IPublishPacket) => void
  let fail!: (error: Error) => void
  const answered = new Promise<IPublishPacket>((resolve, reject) => {
    answer = resolve
    fail = reject
  })
  answered.catch(() => {}) // It is awaited below.
  const { client, topic = flags.topic } = await connectTool(flags, 'rr', answer)
  client.once('close', () => fail(new ToolFailure('Error: the connection was closed')))
  const { timeout } = flags
  const giveUp = (): void => fail(new ToolFailure('Timed out', ExitCode.TimedOut))
  const timer = timeout === undefined ? undefined : setTimeout(giveUp, timeout * 1000)
  try {
    if (topic === undefined) usage('a topic is needed (-t)')
    await client.subscribeAsync(responseTopic, { qos: flags.qos })
    await client.publishAsync(topic, payload, optionsOf(flags, responseTopic))
    print(await answered, flags)
    return ExitCode.Success
  } catch (error) {
    throw failureOf(error as Error)
  } finally {
    clearTimeout(timer)
    await client.endAsync()
  }
}

function payloadOf({ message, file, nullMessage }: RequestFlags): Buffer {
  if (message !== undefined) return Buffer.from(message)
  if (file !== undefined) return fileBytes(file)
  if (nullMessage) return Buffer.alloc(0)
  return usage('one of -m, -f and -n is needed')
}

function optionsOf({ qos, version, property }: RequestFlags, responseTopic: string): IClientPublishOptions {
  if (version < 5) return { qos }
  const properties = propertiesFor('publish', property)
  return { qos, properties: { ...properties, responseTopic } as IClientPublishOptions['properties'] & object }
}

function print(packet: IPublishPacket, { format, verbose, pretty, eol }: RequestFlags): void {
  const template = format ?? (verbose ? '%t %p' : '%p')
  process.stdout.write(formatMessage(template, packet, Date.now(), { isPretty: pretty === true }))
  if (eol) process.stdout.write('\n')
}

function usage(message: string): never {
  throw new GodwitError('ERR_GODWIT_TOOL_USAGE', message)
}
