// SUBACK: one reason code for each topic filter of a SUBSCRIBE, in its order [v5 MQTT-3.9.3-1] [v3.1.1 MQTT-3.9.3-1].
// Encoded by broker/handle-subscribe.ts; decoded by whoever is a client.
import { FieldReader } from './field-reader.ts'
import { FieldWriter } from './field-writer.ts'
import { protocolError } from './mqtt-error.ts'
import { decodeProperties, writeProperties } from './properties.ts'
import type { Properties } from './property-table.ts'
import { PacketType, type ProtocolVersion } from './protocol.ts'
import { ReasonCode } from './reason-codes.ts'

export interface Suback {
  readonly packetId: number
  readonly reasonCodes: readonly number[]
  readonly properties?: Properties
}

const NO_PROPERTIES: Properties = Object.freeze({})
/** The one failure that 3.x knows. */
const FAILURE = 0x80

/** In 3.x every failure becomes 0x80 [v3.1.1 MQTT-3.9.3-2]. */
export function encodeSuback(suback: Suback, version: ProtocolVersion): Buffer {
  const writer = new FieldWriter()
  writer.u16(suback.packetId)
  if (version === 5) writeProperties(writer, suback.properties, PacketType.Suback)
  for (const reasonCode of suback.reasonCodes) {
    writer.u8(version < 5 && reasonCode >= FAILURE ? FAILURE : reasonCode)
  }
  return writer.frame(PacketType.Suback << 4)
}

/** Throws MqttError. */
export function decodeSuback(
  bytes: Buffer,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
): Required<Suback> {
  const reader = new FieldReader(bytes, bodyStart, end)
  const packetId = reader.packetId()
  const properties = version === 5 ? decodeProperties(reader, PacketType.Suback) : NO_PROPERTIES
  if (reader.remaining === 0) protocolError('no reason code', 'payload')
  const reasonCodes: number[] = []
  while (reader.remaining > 0) reasonCodes.push(decodeReasonCode(reader, version))
  return { packetId, reasonCodes, properties }
}

function decodeReasonCode(reader: FieldReader, version: ProtocolVersion): number {
  const reasonCode = reader.u8('reason code')
  const isKnown = version === 5 ? REASONS.has(reasonCode) : reasonCode <= 2 || reasonCode === FAILURE
  // [v5 MQTT-3.9.3-2] [v3.1.1 MQTT-3.9.3-2]
  if (!isKnown) protocolError(`reason code ${reasonCode}`, 'reason code')
  return reasonCode
}

const REASONS: ReadonlySet<number> = new Set([
  ReasonCode.GrantedQos0,
  ReasonCode.GrantedQos1,
  ReasonCode.GrantedQos2,
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.NotAuthorized,
  ReasonCode.TopicFilterInvalid,
  ReasonCode.PacketIdentifierInUse,
  ReasonCode.QuotaExceeded,
  ReasonCode.SharedSubscriptionsNotSupported,
  ReasonCode.SubscriptionIdentifiersNotSupported,
  ReasonCode.WildcardSubscriptionsNotSupported,
])
