// CONNACK: the answer to CONNECT. Encoded for clients by broker/admission.ts and answer-fault.ts; decoded by whoever is
// a client.
import { FieldReader } from './field-reader.ts'
import { FieldWriter } from './field-writer.ts'
import { malformed, protocolError } from './mqtt-error.ts'
import { decodeProperties, writeProperties } from './properties.ts'
import type { Properties } from './property-table.ts'
import { PacketType, type ProtocolVersion } from './protocol.ts'
import { connectReturnCode, ReasonCode } from './reason-codes.ts'

export interface Connack {
  readonly sessionPresent: boolean
  /** Of MQTT 5; a decoded 3.x CONNACK has its return code here. */
  readonly reasonCode: number
  readonly properties?: Properties
}

const NO_PROPERTIES: Properties = Object.freeze({})
const RETURN_CODE_MAX = 5

/** In 3.x the reason code becomes the nearest return code, and MQTT 3.1 has no session present. */
export function encodeConnack(connack: Connack, version: ProtocolVersion): Buffer {
  const { reasonCode, properties } = connack
  const writer = new FieldWriter()
  // [v5 MQTT-3.2.2-6] [v3.1.1 MQTT-3.2.2-4]
  const sessionPresent = connack.sessionPresent && reasonCode === ReasonCode.Success && version > 3
  writer.u8(sessionPresent ? 1 : 0)
  writer.u8(version === 5 ? reasonCode : connectReturnCode(reasonCode))
  if (version === 5) writeProperties(writer, properties, PacketType.Connack)
  return writer.frame(PacketType.Connack << 4)
}

/** Throws MqttError. */
export function decodeConnack(
  bytes: Buffer,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
): Required<Connack> {
  const reader = new FieldReader(bytes, bodyStart, end)
  const flags = reader.u8('connect acknowledge flags')
  if (flags > 1 && version > 3) malformed('reserved flags', 'connect acknowledge flags') // [v5 MQTT-3.2.2-1]
  const reasonCode = reader.u8('reason code')
  if (version < 5 && reasonCode > RETURN_CODE_MAX) protocolError('unknown return code', 'return code')
  // [v5 MQTT-3.2.2-8]
  if (version === 5 && !isConnackReason(reasonCode)) protocolError(`reason code ${reasonCode}`, 'reason code')
  const properties = version === 5 ? decodeProperties(reader, PacketType.Connack) : NO_PROPERTIES
  reader.finish()
  return { sessionPresent: version > 3 && flags === 1, reasonCode, properties }
}

const REASONS: ReadonlySet<number> = new Set([
  ReasonCode.Success,
  ReasonCode.UnspecifiedError,
  ReasonCode.MalformedPacket,
  ReasonCode.ProtocolError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.UnsupportedProtocolVersion,
  ReasonCode.ClientIdentifierNotValid,
  ReasonCode.BadUserNameOrPassword,
  ReasonCode.NotAuthorized,
  ReasonCode.ServerUnavailable,
  ReasonCode.ServerBusy,
  ReasonCode.Banned,
  ReasonCode.BadAuthenticationMethod,
  ReasonCode.TopicNameInvalid,
  ReasonCode.PacketTooLarge,
  ReasonCode.QuotaExceeded,
  ReasonCode.PayloadFormatInvalid,
  ReasonCode.RetainNotSupported,
  ReasonCode.QosNotSupported,
  ReasonCode.UseAnotherServer,
  ReasonCode.ServerMoved,
  ReasonCode.ConnectionRateExceeded,
])

const isConnackReason = (reasonCode: number): boolean => REASONS.has(reasonCode)
