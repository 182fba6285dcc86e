// CONNECT: the first packet of a connection, and the only one that says which version it speaks.
// From transport/connection.ts to broker/handle-connect.ts, which alone judges client id, will topic and credentials.
import { FieldReader, ownCopy } from './field-reader.ts'
import { FieldWriter } from './field-writer.ts'
import { MqttError, malformed } from './mqtt-error.ts'
import { decodeProperties, encodeProperties, writeProperties } from './properties.ts'
import { type Properties, type UserProperty, WILL } from './property-table.ts'
import {
  PACKET_SIZE_MAX,
  PacketType,
  type ProtocolVersion,
  type Qos,
  SESSION_NEVER_EXPIRES,
} from './protocol.ts'
import { passThroughBlock } from './publish-properties.ts'
import { ReasonCode } from './reason-codes.ts'

export interface Will {
  readonly topicName: string
  readonly payload: Buffer
  readonly qos: Qos
  readonly retain: boolean
  /** Pass-through property block, as in Message.properties. */
  readonly properties: Buffer
  /** Seconds from its publication; undefined: never expires. */
  readonly messageExpiryInterval: number | undefined
  /** Seconds. */
  readonly delayInterval: number
}

/** All that is kept owns its memory. What a 3.x client cannot say has the default of MQTT 5. */
export interface Connect {
  readonly version: ProtocolVersion
  /** Bit 7 of the protocol level: another broker, by a convention of Mosquitto's. */
  readonly isBridge: boolean
  readonly clientId: string
  readonly cleanStart: boolean
  /** Seconds; 0: no limit. */
  readonly keepAlive: number
  /** Seconds. CleanSession of 3.x becomes 0 or SESSION_NEVER_EXPIRES. */
  readonly sessionExpiryInterval: number
  readonly receiveMaximum: number
  /** Bytes of a packet. */
  readonly maximumPacketSize: number
  readonly topicAliasMaximum: number
  readonly requestResponseInformation: boolean
  readonly requestProblemInformation: boolean
  readonly userProperties: readonly UserProperty[]
  readonly authenticationMethod: string | undefined
  readonly authenticationData: Buffer | undefined
  readonly userName: string | undefined
  readonly password: Buffer | undefined
  readonly will: Will | undefined
}

const CLEAN_START_FLAG = 0x02
const WILL_FLAG = 0x04
const WILL_RETAIN_FLAG = 0x20
const PASSWORD_FLAG = 0x40
const USER_NAME_FLAG = 0x80
const BRIDGE_BIT = 0x80
export const RECEIVE_MAXIMUM_DEFAULT = 65_535

/** Protocol name and level as on the wire: MQIsdp goes with 3, MQTT with 4 and 5. */
const PROTOCOL_NAMES = { 3: 'MQIsdp', 4: 'MQTT', 5: 'MQTT' } as const

/**
 * The version a CONNECT speaks, 0 for none that we know. It may be asked about any bytes, so that a CONNECT
 * that cannot be decoded is answered in its own version. Never throws.
 */
export function connectVersion(bytes: Buffer, bodyStart: number, end: number): ProtocolVersion | 0 {
  for (const version of [4, 5, 3] as const) {
    const name = PROTOCOL_NAMES[version]
    const levelAt = bodyStart + 2 + name.length
    if (levelAt >= end || bytes.readUInt16BE(bodyStart) !== name.length) continue
    if (bytes.toString('latin1', bodyStart + 2, levelAt) !== name) continue
    const level = bytes[levelAt] as number
    if (level === version || (level === (version | BRIDGE_BIT) && version !== 5)) return version
  }
  return 0
}

/** Throws MqttError: 0x84 for a protocol that we don't speak, else 0x81, 0x82 or what a property deserves. */
export function decodeConnect(bytes: Buffer, bodyStart: number, end: number): Connect {
  const reader = new FieldReader(bytes, bodyStart, end)
  reader.utf8String('protocol name')
  const level = reader.u8('protocol level')
  const version = connectVersion(bytes, bodyStart, end)
  // [v5 MQTT-3.1.2-1] [v5 MQTT-3.1.2-2] [v3.1.1 MQTT-3.1.2-1] [v3.1.1 MQTT-3.1.2-2]
  if (version === 0) throw new MqttError(ReasonCode.UnsupportedProtocolVersion, 'not spoken here', 'protocol')
  const flags = reader.u8('connect flags')
  checkConnectFlags(flags, version)
  const keepAlive = reader.u16('keep alive')
  const properties: Properties = version === 5 ? decodeProperties(reader, PacketType.Connect) : {}
  const cleanStart = (flags & CLEAN_START_FLAG) !== 0
  // [v5 MQTT-3.1.3-1] [v3.1.1 MQTT-3.1.3-1] in this order
  const clientId = reader.utf8String('client identifier')
  const will = (flags & WILL_FLAG) === 0 ? undefined : decodeWill(reader, flags, version)
  const userName = isPresent(reader, flags & USER_NAME_FLAG, version)
    ? reader.utf8String('user name')
    : undefined
  const password = isPresent(reader, flags & PASSWORD_FLAG, version) ? reader.binary('password') : undefined
  reader.finish()
  return {
    version,
    isBridge: (level & BRIDGE_BIT) !== 0,
    clientId,
    cleanStart,
    keepAlive,
    sessionExpiryInterval: version === 5 ? (properties.sessionExpiryInterval ?? 0) : expiryOf(cleanStart),
    receiveMaximum: properties.receiveMaximum ?? RECEIVE_MAXIMUM_DEFAULT,
    maximumPacketSize: properties.maximumPacketSize ?? PACKET_SIZE_MAX,
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    requestResponseInformation: properties.requestResponseInformation ?? false,
    requestProblemInformation: properties.requestProblemInformation ?? true,
    userProperties: properties.userProperties ?? [],
    authenticationMethod: properties.authenticationMethod,
    authenticationData: properties.authenticationData,
    userName,
    password,
    will,
  }
}

const expiryOf = (cleanSession: boolean): number => (cleanSession ? 0 : SESSION_NEVER_EXPIRES)

/** MQTT 3.1 calls these bits unused, or to be disregarded without a will: they pass there. */
function checkConnectFlags(flags: number, version: ProtocolVersion): void {
  const field = 'connect flags'
  const hasWill = (flags & WILL_FLAG) !== 0
  // [v5 MQTT-3.1.2-12] [v3.1.1 MQTT-3.1.2-14]
  if (willQosOf(flags) === 3 && (hasWill || version > 3)) malformed('will QoS 3', field)
  const hasPasswordOnly = (flags & (PASSWORD_FLAG | USER_NAME_FLAG)) === PASSWORD_FLAG
  // [v3.1.1 MQTT-3.1.2-22]
  if (hasPasswordOnly && version < 5) malformed('password without user name', field)
  if (version === 3) return
  // [v5 MQTT-3.1.2-3] [v3.1.1 MQTT-3.1.2-3]
  if ((flags & 1) !== 0) malformed('reserved flag', field)
  if (hasWill) return
  // [v5 MQTT-3.1.2-11] [v3.1.1 MQTT-3.1.2-13]
  if (willQosOf(flags) !== 0) malformed('will QoS without will', field)
  // [v5 MQTT-3.1.2-13] [v3.1.1 MQTT-3.1.2-15]
  if ((flags & WILL_RETAIN_FLAG) !== 0) malformed('will retain without will', field)
}

const willQosOf = (flags: number): number => (flags >>> 3) & 3

/** In MQTT 3.1 the Remaining Length has the last word: a flag may be set and its field missing at the end. */
function isPresent(reader: FieldReader, flag: number, version: ProtocolVersion): boolean {
  return flag !== 0 && !(version === 3 && reader.remaining === 0)
}

function decodeWill(reader: FieldReader, flags: number, version: ProtocolVersion): Will {
  let properties: Properties = {}
  let block = ownCopy(reader.bytes, 0, 0)
  if (version === 5) {
    const start = reader.offset
    properties = decodeProperties(reader, WILL)
    block = passOn(reader.bytes, start, reader.offset)
  }
  return {
    topicName: reader.utf8String('will topic'),
    payload: reader.binary('will payload'),
    qos: willQosOf(flags) as Qos,
    retain: (flags & WILL_RETAIN_FLAG) !== 0,
    properties: block,
    messageExpiryInterval: properties.messageExpiryInterval,
    delayInterval: properties.willDelayInterval ?? 0,
  }
}

/** `start` is at the block's length, which has been checked. */
function passOn(bytes: Buffer, start: number, end: number): Buffer {
  let blockStart = start
  while ((bytes[blockStart++] as number) >= 0x80);
  const block = passThroughBlock(bytes, blockStart, end)
  return ownCopy(block, 0, block.length)
}

/** What is left out of an encoded CONNECT has the specification's default; version 5 and clean start are ours. */
export function encodeConnect(connect: Partial<Connect>): Buffer {
  const { version = 5, will, userName, password } = connect
  const writer = new FieldWriter()
  writer.utf8String(PROTOCOL_NAMES[version])
  writer.u8(version | (connect.isBridge ? BRIDGE_BIT : 0))
  writer.u8(flagsOf(connect))
  writer.u16(connect.keepAlive ?? 0)
  if (version === 5) writeProperties(writer, propertiesOf(connect), PacketType.Connect)
  writer.utf8String(connect.clientId ?? '')
  if (will !== undefined) encodeWill(writer, will, version)
  if (userName !== undefined) writer.utf8String(userName)
  if (password !== undefined) writer.binary(password)
  return writer.frame(PacketType.Connect << 4)
}

function flagsOf({ cleanStart = true, will, userName, password }: Partial<Connect>): number {
  return (
    (cleanStart ? CLEAN_START_FLAG : 0) |
    (will === undefined ? 0 : WILL_FLAG | (will.qos << 3) | (will.retain ? WILL_RETAIN_FLAG : 0)) |
    (userName === undefined ? 0 : USER_NAME_FLAG) |
    (password === undefined ? 0 : PASSWORD_FLAG)
  )
}

/** Only what differs from the default goes on the wire. */
function propertiesOf(connect: Partial<Connect>): Properties {
  const properties: Properties = {}
  const { receiveMaximum = RECEIVE_MAXIMUM_DEFAULT, maximumPacketSize = PACKET_SIZE_MAX } = connect
  if (connect.sessionExpiryInterval) properties.sessionExpiryInterval = connect.sessionExpiryInterval
  if (receiveMaximum !== RECEIVE_MAXIMUM_DEFAULT) properties.receiveMaximum = receiveMaximum
  if (maximumPacketSize !== PACKET_SIZE_MAX) properties.maximumPacketSize = maximumPacketSize
  if (connect.topicAliasMaximum) properties.topicAliasMaximum = connect.topicAliasMaximum
  if (connect.requestResponseInformation) properties.requestResponseInformation = true
  if (connect.requestProblemInformation === false) properties.requestProblemInformation = false
  if (connect.userProperties?.length) properties.userProperties = connect.userProperties
  if (connect.authenticationMethod !== undefined)
    properties.authenticationMethod = connect.authenticationMethod
  if (connect.authenticationData !== undefined) properties.authenticationData = connect.authenticationData
  return properties
}

function encodeWill(writer: FieldWriter, will: Will, version: ProtocolVersion): void {
  if (version === 5) {
    const properties: Properties = {}
    if (will.messageExpiryInterval !== undefined)
      properties.messageExpiryInterval = will.messageExpiryInterval
    if (will.delayInterval !== 0) properties.willDelayInterval = will.delayInterval
    const added = encodeProperties(properties, WILL)
    writer.variableByteInteger(added.length + will.properties.length)
    writer.raw(added)
    writer.raw(will.properties)
  }
  writer.utf8String(will.topicName)
  writer.binary(will.payload)
}
