// SUBSCRIBE: a packet id and topic filters with their options. From dispatch to broker/handle-subscribe.ts, which
// judges the filters.
//
//   options   | 7 6 reserved | 5 4 retain handling | 3 retain as published | 2 no local | 1 0 maximum QoS |
import { FieldReader } from './field-reader.ts'
import { FieldWriter } from './field-writer.ts'
import { malformed, protocolError } from './mqtt-error.ts'
import { decodeProperties, writeProperties } from './properties.ts'
import type { Properties, UserProperty } from './property-table.ts'
import { PacketType, type ProtocolVersion, type Qos } from './protocol.ts'

export interface SubscribeFilter {
  readonly topicFilter: string
  readonly qos: Qos
  /** The three below are false and 0 before MQTT 5. */
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
}

export interface Subscribe {
  readonly packetId: number
  /** 0: none. */
  readonly subscriptionIdentifier: number
  readonly userProperties: readonly UserProperty[]
  /** At least one. */
  readonly filters: readonly SubscribeFilter[]
}

const FIRST_BYTE = (PacketType.Subscribe << 4) | 0x02
const NO_LOCAL_FLAG = 0x04
const RETAIN_AS_PUBLISHED_FLAG = 0x08
const RESERVED_BITS = { 3: 0xfc, 4: 0xfc, 5: 0xc0 } as const

/** Throws MqttError. */
export function decodeSubscribe(
  bytes: Buffer,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
): Subscribe {
  const reader = new FieldReader(bytes, bodyStart, end)
  const packetId = reader.packetId()
  const properties: Properties = version === 5 ? decodeProperties(reader, PacketType.Subscribe) : {}
  // [v5 MQTT-3.8.3-2] [v3.1.1 MQTT-3.8.3-3]
  if (reader.remaining === 0) protocolError('no topic filter', 'payload')
  const filters: SubscribeFilter[] = []
  while (reader.remaining > 0) filters.push(decodeFilter(reader, version))
  return {
    packetId,
    subscriptionIdentifier: properties.subscriptionIdentifiers?.[0] ?? 0,
    userProperties: properties.userProperties ?? [],
    filters,
  }
}

function decodeFilter(reader: FieldReader, version: ProtocolVersion): SubscribeFilter {
  const topicFilter = reader.utf8String('topic filter')
  const options = reader.u8('subscription options')
  // [v5 MQTT-3.8.3-5] [v3.1.1 MQTT-3-8.3-4]
  if ((options & RESERVED_BITS[version]) !== 0) malformed('reserved bits', 'subscription options')
  const qos = options & 3
  if (qos === 3) {
    if (version < 5) malformed('QoS 3', 'subscription options') // [v3.1.1 MQTT-3-8.3-4]
    protocolError('QoS 3', 'subscription options')
  }
  const retainHandling = options >>> 4
  if (retainHandling === 3) protocolError('retain handling 3', 'subscription options')
  return {
    topicFilter,
    qos: qos as Qos,
    noLocal: (options & NO_LOCAL_FLAG) !== 0,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED_FLAG) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  }
}

export function encodeSubscribe(subscribe: Subscribe, version: ProtocolVersion): Buffer {
  const writer = new FieldWriter()
  writer.u16(subscribe.packetId)
  if (version === 5) writeProperties(writer, propertiesOf(subscribe), PacketType.Subscribe)
  for (const filter of subscribe.filters) {
    writer.utf8String(filter.topicFilter)
    writer.u8(version === 5 ? optionsOf(filter) : filter.qos)
  }
  return writer.frame(FIRST_BYTE)
}

const optionsOf = (filter: SubscribeFilter): number =>
  filter.qos |
  (filter.noLocal ? NO_LOCAL_FLAG : 0) |
  (filter.retainAsPublished ? RETAIN_AS_PUBLISHED_FLAG : 0) |
  (filter.retainHandling << 4)

function propertiesOf({ subscriptionIdentifier, userProperties }: Subscribe): Properties {
  const properties: Properties = {}
  if (subscriptionIdentifier !== 0) properties.subscriptionIdentifiers = [subscriptionIdentifier]
  if (userProperties.length > 0) properties.userProperties = userProperties
  return properties
}
