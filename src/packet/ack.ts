// PUBACK, PUBREC, PUBREL and PUBCOMP: one shape, four packet types. Two bytes of packet identifier, and in MQTT 5
// a reason code and properties that may both be left out.
import { FieldReader } from './field-reader.ts'
import { malformed, protocolError } from './mqtt-error.ts'
import { decodeProperties } from './properties.ts'
import { type ByteTarget, type Frame, PacketType, type ProtocolVersion } from './protocol.ts'
import { ReasonCode } from './reason-codes.ts'

export type AckType =
  | typeof PacketType.Puback
  | typeof PacketType.Pubrec
  | typeof PacketType.Pubrel
  | typeof PacketType.Pubcomp

/** One object serves all packets, filled anew by each decode. */
export class AckPacket {
  packetId = 0
  reasonCode: number = ReasonCode.Success
}

/** Which reason codes each of the four may carry (sections 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1 of MQTT 5.0). */
const ofReceipt: ReadonlySet<number> = new Set([
  ReasonCode.Success,
  ReasonCode.NoMatchingSubscribers,
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.NotAuthorized,
  ReasonCode.TopicNameInvalid,
  ReasonCode.PacketIdentifierInUse,
  ReasonCode.QuotaExceeded,
  ReasonCode.PayloadFormatInvalid,
])
const ofRelease: ReadonlySet<number> = new Set([ReasonCode.Success, ReasonCode.PacketIdentifierNotFound])

/** Fills `packet` from a frame whose fixed-header type is one of the four. Throws MqttError. */
export function decodeAck(frame: Frame, version: ProtocolVersion, packet: AckPacket): void {
  const { bytes, bodyStart, end } = frame
  const length = end - bodyStart
  if (length < 2) malformed('ends within the packet identifier', 'packet identifier')
  packet.packetId = ((bytes[bodyStart] as number) << 8) | (bytes[bodyStart + 1] as number)
  packet.reasonCode = ReasonCode.Success
  if (packet.packetId === 0) protocolError('packet identifier 0', 'packet identifier')
  if (length === 2) return
  if (version !== 5) malformed('has bytes behind the packet identifier', 'remaining length')
  decodeReason(frame, packet)
}

function decodeReason(frame: Frame, packet: AckPacket): void {
  const { bytes, start, bodyStart, end } = frame
  const type = (bytes[start] as number) >>> 4
  packet.reasonCode = bytes[bodyStart + 2] as number
  const allowed = type === PacketType.Puback || type === PacketType.Pubrec ? ofReceipt : ofRelease
  // [v5 MQTT-3.4.2-1] [v5 MQTT-3.5.2-1] [v5 MQTT-3.6.2-1] [v5 MQTT-3.7.2-1]
  if (!allowed.has(packet.reasonCode)) protocolError(`reason code ${packet.reasonCode}`, 'reason code')
  if (end - bodyStart === 3) return
  const reader = new FieldReader(bytes, bodyStart + 3, end)
  decodeProperties(reader, type as AckType)
  reader.finish()
}

/** Adds one of the four to `target`; the reason code is left out where it is Success or the version has none. */
export function encodeAck(
  target: ByteTarget,
  type: AckType,
  packetId: number,
  reasonCode: number,
  version: ProtocolVersion,
): void {
  const hasReason = version === 5 && reasonCode !== ReasonCode.Success
  target.reserve(5)
  const { bytes } = target
  let at = target.length
  bytes[at++] = type === PacketType.Pubrel ? (type << 4) | 0x02 : type << 4 // [v5 MQTT-3.6.1-1]
  bytes[at++] = hasReason ? 3 : 2
  bytes[at++] = packetId >>> 8
  bytes[at++] = packetId & 0xff
  if (hasReason) bytes[at++] = reasonCode
  target.length = at
}
