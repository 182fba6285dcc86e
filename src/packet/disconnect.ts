// DISCONNECT: the last packet of a connection, from either side in MQTT 5, from the client alone before.
// Decoded for broker/handle-disconnect.ts; encoded where the broker ends a connection.
import { FieldReader } from './field-reader.ts'
import { FieldWriter } from './field-writer.ts'
import { protocolError } from './mqtt-error.ts'
import { decodeProperties, encodeProperties } from './properties.ts'
import type { Properties, UserProperty } from './property-table.ts'
import { PacketType, type ProtocolVersion } from './protocol.ts'
import { ReasonCode } from './reason-codes.ts'

export interface Disconnect {
  readonly reasonCode: number
  /** Seconds; undefined: as in CONNECT. Only from a client. */
  readonly sessionExpiryInterval: number | undefined
  readonly reasonString: string | undefined
  /** Only from a server. */
  readonly serverReference: string | undefined
  readonly userProperties: readonly UserProperty[]
}

const NO_BYTES = Buffer.alloc(0)

/** Throws MqttError. Before MQTT 5 nothing may follow the fixed header. */
export function decodeDisconnect(
  bytes: Buffer,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
): Disconnect {
  const reader = new FieldReader(bytes, bodyStart, end)
  const hasReason = version === 5 && reader.remaining > 0
  const reasonCode = hasReason ? reader.u8('reason code') : ReasonCode.NormalDisconnection
  // [v5 MQTT-3.14.2-1]
  if (!REASONS.has(reasonCode)) protocolError(`reason code ${reasonCode}`, 'reason code')
  const hasProperties = hasReason && reader.remaining > 0
  const properties: Properties = hasProperties ? decodeProperties(reader, PacketType.Disconnect) : {}
  reader.finish()
  return {
    reasonCode,
    sessionExpiryInterval: properties.sessionExpiryInterval,
    reasonString: properties.reasonString,
    serverReference: properties.serverReference,
    userProperties: properties.userProperties ?? [],
  }
}

/** Property length, and with it a reason code of 0, are left out where there is nothing to say. */
export function encodeDisconnect(disconnect: Partial<Disconnect>, version: ProtocolVersion): Buffer {
  const reasonCode = disconnect.reasonCode ?? ReasonCode.NormalDisconnection
  const writer = new FieldWriter()
  const block = version === 5 ? encodeProperties(propertiesOf(disconnect), PacketType.Disconnect) : NO_BYTES
  if (version === 5 && (reasonCode !== ReasonCode.NormalDisconnection || block.length > 0)) {
    writer.u8(reasonCode)
  }
  if (block.length > 0) {
    writer.variableByteInteger(block.length)
    writer.raw(block)
  }
  return writer.frame(PacketType.Disconnect << 4)
}

function propertiesOf(disconnect: Partial<Disconnect>): Properties {
  const { sessionExpiryInterval, reasonString, serverReference, userProperties } = disconnect
  const properties: Properties = {}
  if (sessionExpiryInterval !== undefined) properties.sessionExpiryInterval = sessionExpiryInterval
  if (reasonString !== undefined) properties.reasonString = reasonString
  if (serverReference !== undefined) properties.serverReference = serverReference
  if (userProperties?.length) properties.userProperties = userProperties
  return properties
}

/** Those that a client may send. [v5 MQTT-3.14.2-1] */
const CLIENT_REASONS = [
  ReasonCode.NormalDisconnection,
  ReasonCode.DisconnectWithWillMessage,
  ReasonCode.UnspecifiedError,
  ReasonCode.MalformedPacket,
  ReasonCode.ProtocolError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.BadAuthenticationMethod,
  ReasonCode.TopicNameInvalid,
  ReasonCode.ReceiveMaximumExceeded,
  ReasonCode.TopicAliasInvalid,
  ReasonCode.PacketTooLarge,
  ReasonCode.MessageRateTooHigh,
  ReasonCode.QuotaExceeded,
  ReasonCode.AdministrativeAction,
  ReasonCode.PayloadFormatInvalid,
] as const

export const isClientReason = (reasonCode: number): boolean =>
  (CLIENT_REASONS as readonly number[]).includes(reasonCode)

const REASONS: ReadonlySet<number> = new Set([
  ...CLIENT_REASONS,
  ReasonCode.NotAuthorized,
  ReasonCode.ServerBusy,
  ReasonCode.ServerShuttingDown,
  ReasonCode.KeepAliveTimeout,
  ReasonCode.SessionTakenOver,
  ReasonCode.TopicFilterInvalid,
  ReasonCode.RetainNotSupported,
  ReasonCode.QosNotSupported,
  ReasonCode.UseAnotherServer,
  ReasonCode.ServerMoved,
  ReasonCode.SharedSubscriptionsNotSupported,
  ReasonCode.ConnectionRateExceeded,
  ReasonCode.MaximumConnectTime,
  ReasonCode.SubscriptionIdentifiersNotSupported,
  ReasonCode.WildcardSubscriptionsNotSupported,
])
