// AUTH: one step of an extended authentication, from either side, MQTT 5 only.
// Decoded for broker/handle-auth.ts; encoded where an authenticator has more to ask.
import { FieldReader } from './field-reader.ts'
import { FieldWriter } from './field-writer.ts'
import { malformed, protocolError } from './mqtt-error.ts'
import { decodeProperties, encodeProperties } from './properties.ts'
import type { Properties, UserProperty } from './property-table.ts'
import { PacketType, type ProtocolVersion } from './protocol.ts'
import { ReasonCode } from './reason-codes.ts'

export interface Auth {
  readonly reasonCode: number
  /** Undefined only in the shortest form, which says Success and nothing else. */
  readonly authenticationMethod: string | undefined
  readonly authenticationData: Buffer | undefined
  readonly reasonString: string | undefined
  readonly userProperties: readonly UserProperty[]
}

const REASONS: ReadonlySet<number> = new Set([
  ReasonCode.Success,
  ReasonCode.ContinueAuthentication,
  ReasonCode.ReAuthenticate,
])

/** Throws MqttError. Reason code and properties may be left out together, then it is Success. */
export function decodeAuth(bytes: Buffer, bodyStart: number, end: number, version: ProtocolVersion): Auth {
  if (version < 5) malformed('reserved packet type', 'packet type')
  const reader = new FieldReader(bytes, bodyStart, end)
  const isShortest = reader.remaining === 0
  const reasonCode = isShortest ? ReasonCode.Success : reader.u8('reason code')
  // [v5 MQTT-3.15.2-1]
  if (!REASONS.has(reasonCode)) protocolError(`reason code ${reasonCode}`, 'reason code')
  const properties: Properties = isShortest ? {} : decodeProperties(reader, PacketType.Auth)
  if (!isShortest && properties.authenticationMethod === undefined) {
    protocolError('is missing', 'authenticationMethod')
  }
  reader.finish()
  return {
    reasonCode,
    authenticationMethod: properties.authenticationMethod,
    authenticationData: properties.authenticationData,
    reasonString: properties.reasonString,
    userProperties: properties.userProperties ?? [],
  }
}

export function encodeAuth(auth: Partial<Auth>): Buffer {
  const reasonCode = auth.reasonCode ?? ReasonCode.Success
  const block = encodeProperties(propertiesOf(auth), PacketType.Auth)
  const writer = new FieldWriter()
  if (reasonCode !== ReasonCode.Success || block.length > 0) {
    writer.u8(reasonCode)
    writer.variableByteInteger(block.length)
    writer.raw(block)
  }
  return writer.frame(PacketType.Auth << 4)
}

function propertiesOf(auth: Partial<Auth>): Properties {
  const { authenticationMethod, authenticationData, reasonString, userProperties } = auth
  const properties: Properties = {}
  if (authenticationMethod !== undefined) properties.authenticationMethod = authenticationMethod
  if (authenticationData !== undefined) properties.authenticationData = authenticationData
  if (reasonString !== undefined) properties.reasonString = reasonString
  if (userProperties?.length) properties.userProperties = userProperties
  return properties
}
