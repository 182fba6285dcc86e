// MQTT.js for programs that end: one connection, errors in words, and the exit codes of Mosquitto's clients.
import { connect, ErrorWithReasonCode, type IPublishPacket, type MqttClient } from 'mqtt'
import { GodwitError } from '../base/errors.ts'
import type { ClientFlags } from './client-flags.ts'
import { clientSettings } from './client-settings.ts'

/** Of mosquitto_pub, mosquitto_sub and mosquitto_rr. */
export const ExitCode = { Success: 0, Failed: 1, TimedOut: 27 } as const

/** Something that ends a program: a line on standard error, and how it ends. */
export class ToolFailure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = ExitCode.Failed) {
    super(message)
    this.exitCode = exitCode
  }
}

export interface ToolConnection {
  readonly client: MqttClient
  /** Of -L. */
  readonly topic: string | undefined
}

/**
 * Resolves when CONNACK has said yes; what a session has waiting may come with it, and goes to `onMessage`. Rejects
 * with ToolFailure or GodwitError.
 */
export function connectTool(
  flags: ClientFlags,
  tool: string,
  onMessage: (packet: IPublishPacket) => void = () => {},
): Promise<ToolConnection> {
  const { url, options, topic } = clientSettings(flags, tool)
  return new Promise((resolve, reject) => {
    const client = connect(url, options)
    client.on('message', (_topic, _payload, packet) => onMessage(packet))
    if (flags.debug) tellPackets(client)
    client.once('connect', () => resolve({ client, topic }))
    client.once('error', (error) => {
      client.end(true)
      reject(failureOf(error))
    })
    client.once('close', () => reject(new ToolFailure('Error: the connection was closed')))
  })
}

/** What was refused, with the reason code as the exit code. */
export function failureOf(error: Error): ToolFailure | GodwitError {
  if (error instanceof GodwitError || error instanceof ToolFailure) return error
  if (error instanceof ErrorWithReasonCode) {
    return new ToolFailure(error.message.replace(/: undefined$/, ''), error.code || ExitCode.Failed)
  }
  const { code } = error as NodeJS.ErrnoException
  return new ToolFailure(`Error: ${error.message || code}`)
}

function tellPackets(client: MqttClient): void {
  const tell = (
    direction: string,
    { cmd, messageId }: { cmd: string; messageId?: number | undefined },
  ): void => {
    const id = messageId === undefined ? '' : ` (m${messageId})`
    process.stderr.write(`${direction} ${cmd.toUpperCase()}${id}\n`)
  }
  client.on('packetsend', (packet) => tell('sending', packet))
  client.on('packetreceive', (packet) => tell('received', packet))
}

/** Runs a tool to its end and sets the exit code. */
export async function runTool(flags: Pick<ClientFlags, 'quiet'>, tool: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await tool()
  } catch (error) {
    if (!(error instanceof ToolFailure || error instanceof GodwitError)) throw error
    if (!flags.quiet) process.stderr.write(`${error.message}\n`)
    process.exitCode = error instanceof ToolFailure ? error.exitCode : ExitCode.Failed
  }
}
