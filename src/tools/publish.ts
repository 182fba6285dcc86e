// `godwit pub`: one message, or one for each line of standard input.
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import type { IClientPublishOptions, MqttClient } from 'mqtt'
import { GodwitError } from '../base/errors.ts'
import type { ClientFlags } from './client-flags.ts'
import { fileBytes } from './client-settings.ts'
import { propertiesFor } from './packet-properties.ts'
import { connectTool, ExitCode, failureOf } from './tool-client.ts'

export interface PublishFlags extends ClientFlags {
  readonly topic?: string
  readonly message?: string
  readonly file?: string
  readonly stdinLine?: boolean
  readonly stdinFile?: boolean
  readonly nullMessage?: boolean
  readonly retain?: boolean
  readonly repeat: number
  readonly repeatDelay: number
  readonly maxInflight: number
}

export async function publishTool(flags: PublishFlags): Promise<number> {
  const payload = await payloadOf(flags)
  if (flags.topic === undefined && flags.url === undefined) usage('a topic is needed (-t)')
  const { client, topic = flags.topic } = await connectTool(flags, 'pub')
  if (topic === undefined) usage('a topic is needed (-t)')
  const publish = publisherOf(client, topic, flags)
  try {
    if (payload === undefined) await publishLines(publish, flags.maxInflight)
    for (let i = 0; payload !== undefined && i < flags.repeat; i++) {
      if (i > 0) await pause(flags.repeatDelay * 1000)
      await publish(payload)
    }
  } catch (error) {
    throw failureOf(error as Error)
  } finally {
    await client.endAsync()
  }
  return ExitCode.Success
}

/** Undefined: a message a line. Exactly one of the ways is to be named. */
async function payloadOf(flags: PublishFlags): Promise<Buffer | undefined> {
  const { message, file, stdinFile, nullMessage, stdinLine } = flags
  const ways = [message, file, stdinFile, nullMessage, stdinLine].filter((way) => way !== undefined)
  if (ways.length !== 1) usage('one of -m, -f, -l, -n and -s is needed')
  if (message !== undefined) return Buffer.from(message)
  if (file !== undefined) return fileBytes(file)
  if (nullMessage) return Buffer.alloc(0)
  if (stdinLine) return undefined
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

type Publish = (payload: Buffer) => Promise<void>

function publisherOf(client: MqttClient, topic: string, flags: PublishFlags): Publish {
  const properties = propertiesFor('publish', flags.property) as IClientPublishOptions['properties']
  const options: IClientPublishOptions = {
    qos: flags.qos,
    retain: flags.retain === true,
    ...(flags.version === 5 && properties !== undefined && { properties }),
  }
  return async (payload) => void (await client.publishAsync(topic, payload, options))
}

async function publishLines(publish: Publish, inFlightMax: number): Promise<void> {
  const inFlight = new Set<Promise<void>>()
  for await (const line of createInterface({ input: process.stdin })) {
    const publishing = publish(Buffer.from(line)).finally(() => inFlight.delete(publishing))
    inFlight.add(publishing)
    if (inFlight.size >= inFlightMax) await Promise.race(inFlight)
  }
  await Promise.all(inFlight)
}

function usage(message: string): never {
  throw new GodwitError('ERR_GODWIT_TOOL_USAGE', message)
}
