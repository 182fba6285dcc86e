// MQTT.js with an inbox that is there before anything can arrive.
import mqtt, { type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import type { WhenOver } from './foreign-client.ts'

export interface Joined {
  readonly client: MqttClient
  readonly inbox: Inbox
  readonly connack: IConnackPacket
}

/** Collects what comes; `next(n)` resolves with n packets once they are there. */
export class Inbox {
  readonly packets: IPublishPacket[] = []
  #wanted = 0
  #arrived: () => void = () => {}

  constructor(client: MqttClient) {
    client.on('message', (_topic, _payload, packet) => {
      this.packets.push(packet)
      if (this.packets.length >= this.#wanted) this.#arrived()
    })
  }

  async next(count: number): Promise<IPublishPacket[]> {
    this.#wanted = count
    if (this.packets.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
    this.#wanted = 0
    return this.packets.splice(0, count)
  }

  async one(): Promise<IPublishPacket> {
    return (await this.next(1))[0] as IPublishPacket
  }
}

/** Resolves when it is connected; it is gone when the test is over. `where`: a port of this machine, or an address. */
export async function joinMqttJs(
  where: number | string,
  options: IClientOptions,
  whenOver: WhenOver = onTestFinished,
): Promise<Joined> {
  // MQTT.js leaves the name of the protocol to us.
  const protocolId = options.protocolVersion === 3 ? 'MQIsdp' : 'MQTT'
  const client = mqtt.connect(typeof where === 'number' ? `mqtt://127.0.0.1:${where}` : where, {
    protocolId,
    reconnectPeriod: 0,
    ...options,
  })
  whenOver(() => void client.end(true))
  const inbox = new Inbox(client)
  const connack = await new Promise<IConnackPacket>((resolve, reject) => {
    client.once('connect', resolve)
    client.once('error', reject)
  })
  return { client, inbox, connack }
}

export async function connectMqttJs(where: number | string, options: IClientOptions): Promise<MqttClient> {
  return (await joinMqttJs(where, options)).client
}
