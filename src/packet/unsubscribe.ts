// UNSUBSCRIBE: a packet id and topic filters. From dispatch to broker/handle-unsubscribe.ts.
import { FieldReader } from './field-reader.ts'
import { FieldWriter } from './field-writer.ts'
import { protocolError } from './mqtt-error.ts'
import { decodeProperties, writeProperties } from './properties.ts'
import type { Properties, UserProperty } from './property-table.ts'
import { PacketType, type ProtocolVersion } from './protocol.ts'

export interface Unsubscribe {
  readonly packetId: number
  readonly userProperties: readonly UserProperty[]
  /** At least one. */
  readonly topicFilters: readonly string[]
}

const FIRST_BYTE = (PacketType.Unsubscribe << 4) | 0x02

/** Throws MqttError. */
export function decodeUnsubscribe(
  bytes: Buffer,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
): Unsubscribe {
  const reader = new FieldReader(bytes, bodyStart, end)
  const packetId = reader.packetId()
  const properties: Properties = version === 5 ? decodeProperties(reader, PacketType.Unsubscribe) : {}
  // [v5 MQTT-3.10.3-2] [v3.1.1 MQTT-3.10.3-2]
  if (reader.remaining === 0) protocolError('no topic filter', 'payload')
  const topicFilters: string[] = []
  while (reader.remaining > 0) topicFilters.push(reader.utf8String('topic filter'))
  return { packetId, userProperties: properties.userProperties ?? [], topicFilters }
}

export function encodeUnsubscribe(unsubscribe: Unsubscribe, version: ProtocolVersion): Buffer {
  const { packetId, userProperties, topicFilters } = unsubscribe
  const writer = new FieldWriter()
  writer.u16(packetId)
  if (version === 5) {
    writeProperties(writer, userProperties.length > 0 ? { userProperties } : {}, PacketType.Unsubscribe)
  }
  for (const topicFilter of topicFilters) writer.utf8String(topicFilter)
  return writer.frame(FIRST_BYTE)
}
