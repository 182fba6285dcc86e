// What a PUBLISH says, read by hand from its bytes: mqtt-packet loses the order of properties.
// A 3.x packet has no property block: one that had would begin its payload with it.
import type { Version } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'

export const Property = {
  PayloadFormatIndicator: 0x01,
  MessageExpiryInterval: 0x02,
  ContentType: 0x03,
  ResponseTopic: 0x08,
  CorrelationData: 0x09,
  SubscriptionIdentifier: 0x0b,
  TopicAlias: 0x23,
  UserProperty: 0x26,
} as const

/** A user property is `name=value`. */
export type ReceivedProperty = readonly [id: number, value: number | string]

export interface ReceivedPublish {
  readonly qos: number
  readonly retain: boolean
  readonly dup: boolean
  readonly topicName: string
  readonly payload: string
  /** By id; those of one id in the order in which they came. */
  readonly properties: readonly ReceivedProperty[]
}

/** The next packet, which is a PUBLISH, and its packet id. */
export async function nextPublish(peer: Peer): Promise<{ publish: ReceivedPublish; packetId: number }> {
  const { bytes, packet } = await peer.next()
  if (packet.cmd !== 'publish') throw new Error(`${JSON.stringify(packet)} came`)
  return {
    publish: readPublish(bytes, peer.version),
    packetId: (packet.messageId as number | undefined) ?? 0,
  }
}

export function readPublish(bytes: Buffer, version: Version): ReceivedPublish {
  const flags = (bytes[0] as number) & 15
  const qos = (flags >>> 1) & 3
  const reader = new Reader(bytes, 1)
  reader.variableByteInteger()
  const topicName = reader.text()
  if (qos > 0) reader.number(2)
  const properties = version === 5 ? readProperties(reader) : []
  const payload = bytes.toString('utf8', reader.at)
  return { qos, retain: (flags & 1) !== 0, dup: (flags & 8) !== 0, topicName, payload, properties }
}

function readProperties(reader: Reader): ReceivedProperty[] {
  const length = reader.variableByteInteger()
  const end = reader.at + length
  const properties: ReceivedProperty[] = []
  while (reader.at < end) {
    const id = reader.number(1)
    properties.push([id, readValue(reader, id)])
  }
  return properties.sort(([a], [b]) => a - b)
}

function readValue(reader: Reader, id: number): number | string {
  switch (id) {
    case Property.PayloadFormatIndicator:
      return reader.number(1)
    case Property.TopicAlias:
      return reader.number(2)
    case Property.MessageExpiryInterval:
      return reader.number(4)
    case Property.SubscriptionIdentifier:
      return reader.variableByteInteger()
    case Property.UserProperty:
      return `${reader.text()}=${reader.text()}`
    default:
      return reader.text()
  }
}

class Reader {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  number(size: number): number {
    this.at += size
    return this.#bytes.readUIntBE(this.at - size, size)
  }

  text(): string {
    const length = this.number(2)
    this.at += length
    return this.#bytes.toString('utf8', this.at - length, this.at)
  }

  variableByteInteger(): number {
    for (let value = 0, factor = 1; ; factor *= 128) {
      const byte = this.number(1)
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
}
