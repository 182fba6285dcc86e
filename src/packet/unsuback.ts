// UNSUBACK: one reason code for each topic filter of an UNSUBSCRIBE, in its order [v5 MQTT-3.11.3-1]; before MQTT 5
// the packet id alone. Encoded by broker/handle-unsubscribe.ts; decoded by whoever is a client.
import { FieldReader } from './field-reader.ts'
import { FieldWriter } from './field-writer.ts'
import { protocolError } from './mqtt-error.ts'
import { decodeProperties, writeProperties } from './properties.ts'
import type { Properties } from './property-table.ts'
import { PacketType, type ProtocolVersion } from './protocol.ts'
import { ReasonCode } from './reason-codes.ts'

export interface Unsuback {
  readonly packetId: number
  /** Empty before MQTT 5. */
  readonly reasonCodes: readonly number[]
  readonly properties?: Properties
}

const NO_PROPERTIES: Properties = Object.freeze({})

export function encodeUnsuback(unsuback: Unsuback, version: ProtocolVersion): Buffer {
  const writer = new FieldWriter()
  writer.u16(unsuback.packetId)
  if (version === 5) {
    writeProperties(writer, unsuback.properties, PacketType.Unsuback)
    for (const reasonCode of unsuback.reasonCodes) writer.u8(reasonCode)
  }
  return writer.frame(PacketType.Unsuback << 4)
}

/** Throws MqttError. */
export function decodeUnsuback(
  bytes: Buffer,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
): Required<Unsuback> {
  const reader = new FieldReader(bytes, bodyStart, end)
  const packetId = reader.packetId()
  const reasonCodes: number[] = []
  let properties = NO_PROPERTIES
  if (version === 5) {
    properties = decodeProperties(reader, PacketType.Unsuback)
    if (reader.remaining === 0) protocolError('no reason code', 'payload')
    while (reader.remaining > 0) reasonCodes.push(decodeReasonCode(reader))
  }
  reader.finish()
  return { packetId, reasonCodes, properties }
}

function decodeReasonCode(reader: FieldReader): number {
  const reasonCode = reader.u8('reason code')
  // [v5 MQTT-3.11.3-2]
  if (!REASONS.has(reasonCode)) protocolError(`reason code ${reasonCode}`, 'reason code')
  return reasonCode
}

const REASONS: ReadonlySet<number> = new Set([
  ReasonCode.Success,
  ReasonCode.NoSubscriptionExisted,
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.NotAuthorized,
  ReasonCode.TopicFilterInvalid,
  ReasonCode.PacketIdentifierInUse,
])
