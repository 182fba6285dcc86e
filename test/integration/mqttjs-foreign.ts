// MQTT.js as one of the clients of foreign-clients.test.ts.
import type { IClientOptions, IPublishPacket, MqttClient } from 'mqtt'
import {
  ConnectRefused,
  type ForeignClient,
  type ForeignClientKind,
  type ForeignConnectOptions,
  type ForeignMessage,
  type ForeignProperties,
  type ForeignVersion,
} from './foreign-client.ts'
import { type Joined, joinMqttJs } from './mqttjs-client.ts'

type PublishProperties = NonNullable<IPublishPacket['properties']>

export const mqttJs: ForeignClientKind = {
  name: 'MQTT.js',
  package: 'mqtt (of npm)',
  tellsSessionPresent: true,
  tellsPubackCodes: 'refusals',
  isInstalled: () => true,
  prepare: async () => {},
  async connect(port, options, whenOver) {
    const joined = await joinMqttJs(port, optionsOf(options), whenOver).catch(
      (error: Error & { code?: unknown }) => {
        throw typeof error.code === 'number' ? new ConnectRefused(error.code) : error
      },
    )
    return new MqttJsForeign(joined, options.version, await subackCodes(joined.client, options))
  },
}

class MqttJsForeign implements ForeignClient {
  readonly sessionPresent: boolean
  readonly subackCodes: readonly number[]
  readonly #joined: Joined
  readonly #version: ForeignVersion

  constructor(joined: Joined, version: ForeignVersion, codes: readonly number[]) {
    this.#joined = joined
    this.#version = version
    this.sessionPresent = joined.connack.sessionPresent
    this.subackCodes = codes
  }

  async publish(message: ForeignMessage): Promise<number> {
    const { topicName, payload, qos, retain, properties } = message
    const options = {
      qos,
      retain,
      ...(this.#version === 5 && { properties: toMqttJs(properties) }),
    }
    try {
      await this.#joined.client.publishAsync(topicName, payload, options)
      return 0
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (typeof code === 'number') return code
      throw error
    }
  }

  async publishUnderAlias(message: ForeignMessage, payloads: readonly string[]): Promise<void> {
    for (const [i, text] of payloads.entries()) {
      const topicName = i === 0 ? message.topicName : ''
      await this.publish({ ...message, topicName, payload: Buffer.from(text) })
    }
  }

  async next(): Promise<ForeignMessage> {
    const { topic, payload, qos, retain, properties } = await this.#joined.inbox.one()
    return {
      topicName: topic,
      payload: Buffer.from(payload),
      qos,
      retain,
      properties: fromMqttJs(properties ?? {}),
    }
  }

  async disconnect(): Promise<void> {
    await this.#joined.client.endAsync()
  }

  async drop(): Promise<void> {
    this.#joined.client.stream.destroy()
  }
}

function optionsOf(options: ForeignConnectOptions): IClientOptions {
  const { version, clientId, cleanStart, sessionExpiryInterval, will } = options
  return {
    protocolVersion: version,
    clientId,
    clean: cleanStart,
    resubscribe: false,
    ...(version === 5 && { properties: { sessionExpiryInterval } }),
    ...(will !== undefined && {
      will: {
        topic: will.topicName,
        payload: will.payload,
        qos: will.qos,
        retain: will.retain,
        ...(version === 5 && { properties: toMqttJs(will.properties) }),
      },
    }),
  }
}

/** Its promise of a SUBACK rejects when any filter is refused, and forgets the others: so the packet itself. */
async function subackCodes(
  client: MqttClient,
  { topicFilters, maximumQos }: ForeignConnectOptions,
): Promise<readonly number[]> {
  if (topicFilters.length === 0) return []
  const suback = new Promise<readonly number[]>((resolve) => {
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'suback') resolve(packet.granted as number[])
    })
  })
  client.subscribe([...topicFilters], { qos: maximumQos }, () => {})
  return suback
}

function toMqttJs({ correlationData, userProperties, ...others }: ForeignProperties): PublishProperties {
  const grouped: Record<string, string[]> = {}
  for (const [name, value] of userProperties ?? []) grouped[name] = [...(grouped[name] ?? []), value]
  return {
    ...others,
    ...(correlationData !== undefined && { correlationData: Buffer.from(correlationData) }),
    ...(userProperties !== undefined && { userProperties: grouped }),
  }
}

function fromMqttJs(properties: PublishProperties): ForeignProperties {
  const { contentType, responseTopic, correlationData, messageExpiryInterval, userProperties } = properties
  return {
    ...(contentType !== undefined && { contentType }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData: correlationData.toString() }),
    ...(messageExpiryInterval !== undefined && { messageExpiryInterval }),
    ...(userProperties !== undefined && {
      userProperties: Object.entries(userProperties).flatMap(([name, values]) =>
        [values].flat().map((value) => [name, value] as const),
      ),
    }),
  }
}
