// PUBLISH: fields are read at their offsets and written into the receiver's output; nothing is parsed into objects.
// From transport/connection.ts to broker/handle-publish.ts on the way in, from session/outbound.ts back out.
import { arrivingChunk } from './arriving-chunk.ts'
import { copyBytes } from './frame-slab.ts'
import { Message, NEVER } from './message.ts'
import { malformed, protocolError } from './mqtt-error.ts'
import {
  type ByteTarget,
  type Frame,
  PacketType,
  type ProtocolVersion,
  type Qos,
  variableByteLength,
  writeVariableByteInteger,
} from './protocol.ts'
import { passThroughBlock, scanPublishProperties } from './publish-properties.ts'
import { readTopicName } from './topic-name-table.ts'

const DUP_FLAG = 0x08
const RETAIN_FLAG = 0x01
/** A payload up to here is copied along with its header; a larger one is passed on by reference. */
const COPY_BYTES_MAX = 2_048

/** What a PUBLISH says besides its message; one object serves all packets, filled anew by each decode. */
export class PublishPacket {
  qos: Qos = 0
  retain = false
  dup = false
  /** 0 for QoS 0. */
  packetId = 0
  /** Empty when only the alias names it. */
  topicName = ''
  /** 0: none. */
  topicAlias = 0
  /** Seconds, or -1. */
  messageExpiryInterval = -1
  /** The payload is said to be UTF-8. */
  isText = false
  isV5 = false
  /** The frame may be sent on, and kept, as it came. */
  isVerbatim = false
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  topicAt = 0
  propertiesAt = 0
  payloadAt = 0
}

/** Fills `packet` from a frame whose fixed-header type is PUBLISH. Throws MqttError. */
export function decodePublish(frame: Frame, version: ProtocolVersion, packet: PublishPacket): void {
  const { bytes, start, bodyStart, end } = frame
  const firstByte = bytes[start] as number
  const qos = (firstByte >>> 1) & 3
  packet.dup = (firstByte & DUP_FLAG) !== 0
  packet.retain = (firstByte & RETAIN_FLAG) !== 0
  if (qos === 3) malformed('QoS 3', 'flags') // [v5 MQTT-3.3.1-4] [v3.1.1 MQTT-3.3.1-4]
  if (packet.dup && qos === 0) malformed('DUP at QoS 0', 'flags') // [v5 MQTT-3.3.1-2] [v3.1.1 MQTT-3.3.1-2]
  packet.qos = qos as Qos
  packet.bytes = bytes
  packet.start = start
  packet.end = end
  packet.topicAt = bodyStart
  let at = bodyStart + 2
  if (at > end) malformed('ends within the topic name', 'topic name')
  at += ((bytes[bodyStart] as number) << 8) | (bytes[bodyStart + 1] as number)
  if (at > end) malformed('ends within the topic name', 'topic name')
  packet.topicName = readTopicName(bytes, bodyStart + 2, at)
  packet.packetId = 0
  if (qos > 0) {
    if (at + 2 > end) malformed('ends within the packet identifier', 'packet identifier')
    packet.packetId = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
    // [v5 MQTT-2.2.1-2] [v3.1.1 MQTT-2.3.1-1]
    if (packet.packetId === 0) protocolError('packet identifier 0', 'packet identifier')
    at += 2
  }
  packet.isV5 = version === 5
  packet.isVerbatim = bodyStart - start === 1 + variableByteLength(end - bodyStart)
  if (packet.isV5 && !packet.isVerbatim) malformed('not in the shortest form', 'remaining length') // [v5 MQTT-1.5.5-1]
  packet.topicAlias = 0
  packet.messageExpiryInterval = -1
  packet.isText = false
  packet.propertiesAt = at
  packet.payloadAt = at
  if (version === 5) decodeProperties(packet, at)
}

function decodeProperties(packet: PublishPacket, at: number): void {
  const { bytes, end } = packet
  let length = at < end ? (bytes[at++] as number) : malformed('has no property length', 'properties')
  if (length > 127) {
    length &= 127
    let shift = 7
    let byte = 128
    while (byte > 127) {
      if (at >= end || shift > 21) malformed('bad property length', 'properties')
      byte = bytes[at++] as number
      length |= (byte & 127) << shift
      shift += 7
    }
    if (byte === 0) malformed('property length not in the shortest form', 'properties') // [v5 MQTT-1.5.5-1]
  }
  if (at + length > end) malformed('ends within the properties', 'properties')
  packet.propertiesAt = at
  packet.payloadAt = at + length
  if (length === 0) return
  const scan = scanPublishProperties(bytes, at, at + length)
  packet.topicAlias = scan.topicAlias
  packet.messageExpiryInterval = scan.messageExpiryInterval
  packet.isText = scan.isText
  if (!scan.passesThrough) packet.isVerbatim = false
}

/** The message in `packet`; `topicName` is its own or its alias's. `now` in ms since the epoch. */
export function messageOf(packet: PublishPacket, topicName: string, now: number): Message {
  const { bytes, start, messageExpiryInterval } = packet
  const expiresAt = messageExpiryInterval < 0 ? NEVER : now + messageExpiryInterval * 1000
  if (!packet.isVerbatim || packet.topicName.length === 0) {
    return createMessage({
      topicName,
      payload: bytes.subarray(packet.payloadAt, packet.end),
      qos: packet.qos,
      retain: packet.retain,
      expiresAt,
      properties: passThroughBlock(bytes, packet.propertiesAt, packet.payloadAt),
    })
  }
  return new Message(
    topicName,
    packet.qos,
    packet.retain,
    expiresAt,
    packet.isV5,
    bytes,
    start,
    packet.end - start,
    packet.topicAt - start,
    packet.propertiesAt - start,
    packet.payloadAt - start,
  )
}

export interface MessageParts {
  readonly topicName: string
  readonly payload: Buffer
  readonly qos: Qos
  readonly retain: boolean
  /** Milliseconds since the epoch, or NEVER. */
  readonly expiresAt: number
  /** Pass-through property block without its length. */
  readonly properties: Buffer
}

/** A message made here: will, in-process publish, or a packet whose frame can't be sent on as it came. */
export function createMessage(parts: MessageParts): Message {
  const { payload, properties, qos } = parts
  const topic = Buffer.from(parts.topicName)
  const idLength = qos > 0 ? 2 : 0
  const propertiesLength = variableByteLength(properties.length) + properties.length
  const remaining = 2 + topic.length + idLength + propertiesLength + payload.length
  const topicOffset = 1 + variableByteLength(remaining)
  const bytes = Buffer.allocUnsafe(topicOffset + remaining)
  bytes[0] = (PacketType.Publish << 4) | (qos << 1) | (parts.retain ? RETAIN_FLAG : 0)
  writeVariableByteInteger(bytes, 1, remaining)
  bytes.writeUInt16BE(topic.length, topicOffset)
  bytes.set(topic, topicOffset + 2)
  let at = topicOffset + 2 + topic.length + idLength
  if (idLength > 0) bytes.writeUInt16BE(0, at - 2)
  at = writeVariableByteInteger(bytes, at, properties.length)
  bytes.set(properties, at)
  bytes.set(payload, at + properties.length)
  return new Message(
    parts.topicName,
    qos,
    parts.retain,
    parts.expiresAt,
    true,
    bytes,
    0,
    bytes.length,
    topicOffset,
    at,
    at + properties.length,
  )
}

/** How a message is sent to one receiver. Reused by its senders: read at once, never kept. */
export class PublishFields {
  version: ProtocolVersion = 4
  qos: Qos = 0
  retain = false
  dup = false
  packetId = 0
  /** 0: none. */
  topicAlias = 0
  /** The alias alone names the topic. */
  omitsTopic = false
  /** Seconds left, or -1. */
  messageExpiryInterval = -1
  subscriptionIdentifiers: readonly number[] | undefined = undefined
  /** Of the whole packet, in bytes. */
  maximumPacketSize = 0
}

/** Adds one PUBLISH to `target`. False, and nothing added: it would be above `maximumPacketSize`. */
export function encodePublish(target: ByteTarget, message: Message, fields: PublishFields): boolean {
  const isV5 = fields.version === 5
  const firstByte =
    (PacketType.Publish << 4) |
    (fields.dup ? DUP_FLAG : 0) |
    (fields.qos << 1) |
    (fields.retain ? RETAIN_FLAG : 0)
  if (message.isV5 !== isV5 || message.qos !== fields.qos || (isV5 && addsProperties(fields))) {
    return encodeAnew(target, message, fields, firstByte)
  }
  if (message.length > fields.maximumPacketSize) return false
  // The frame as it came, but for the flags and the packet identifier.
  const { bytes, start } = message
  if (arrivingChunk.mayChange(message) && !message.isForwarded) {
    message.isForwarded = true
    patch(bytes, start, message, firstByte, fields)
    target.forward(bytes, start, start + message.length)
    return true
  }
  const headLength = message.length > COPY_BYTES_MAX ? message.payloadOffset : message.length
  target.reserve(headLength)
  const at = target.length
  copyBytes(bytes, start, target.bytes, at, headLength)
  patch(target.bytes, at, message, firstByte, fields)
  target.length = at + headLength
  if (headLength < message.length) target.append(bytes, start + headLength, start + message.length)
  return true
}

/** Flags and packet identifier of the frame of `message` that lies at bytes[at]. */
function patch(
  bytes: Buffer,
  at: number,
  { topicOffset }: Message,
  firstByte: number,
  { qos, packetId }: PublishFields,
): void {
  bytes[at] = firstByte
  if (qos === 0) return
  const topicAt = at + topicOffset
  const idAt = topicAt + 2 + (((bytes[topicAt] as number) << 8) | (bytes[topicAt + 1] as number))
  bytes[idAt] = packetId >>> 8
  bytes[idAt + 1] = packetId & 0xff
}

const addsProperties = (fields: PublishFields): boolean =>
  fields.topicAlias !== 0 || fields.messageExpiryInterval >= 0 || fields.subscriptionIdentifiers !== undefined

function encodeAnew(target: ByteTarget, message: Message, fields: PublishFields, firstByte: number): boolean {
  const { bytes, start } = message
  const topicAt = start + message.topicOffset
  const topicLength = ((bytes[topicAt] as number) << 8) | (bytes[topicAt + 1] as number)
  const payloadAt = start + message.payloadOffset
  const passedLength = fields.version === 5 ? message.payloadOffset - message.propertiesOffset : 0
  const propertiesLength = fields.version === 5 ? passedLength + addedLength(fields) : 0
  const payloadLength = message.length - message.payloadOffset
  const headLength =
    2 +
    (fields.omitsTopic ? 0 : topicLength) +
    (fields.qos > 0 ? 2 : 0) +
    (fields.version === 5 ? variableByteLength(propertiesLength) + propertiesLength : 0)
  const remaining = headLength + payloadLength
  const size = 1 + variableByteLength(remaining) + remaining
  if (size > fields.maximumPacketSize) return false
  target.reserve(size - payloadLength)
  const to = target.bytes
  let at = target.length
  to[at++] = firstByte
  at = writeVariableByteInteger(to, at, remaining)
  if (fields.omitsTopic) {
    to[at++] = 0
    to[at++] = 0
  } else {
    copyBytes(bytes, topicAt, to, at, 2 + topicLength)
    at += 2 + topicLength
  }
  if (fields.qos > 0) {
    to[at++] = fields.packetId >>> 8
    to[at++] = fields.packetId & 0xff
  }
  if (fields.version === 5) {
    at = writeVariableByteInteger(to, at, propertiesLength)
    at = writeAdded(to, at, fields)
    copyBytes(bytes, start + message.propertiesOffset, to, at, passedLength)
    at += passedLength
  }
  target.length = at
  if (payloadLength > 0) target.append(bytes, payloadAt, payloadAt + payloadLength)
  return true
}

const MESSAGE_EXPIRY_INTERVAL = 0x02
const SUBSCRIPTION_IDENTIFIER = 0x0b
const TOPIC_ALIAS = 0x23

function addedLength(fields: PublishFields): number {
  let length = (fields.topicAlias === 0 ? 0 : 3) + (fields.messageExpiryInterval < 0 ? 0 : 5)
  for (const identifier of fields.subscriptionIdentifiers ?? []) length += 1 + variableByteLength(identifier)
  return length
}

function writeAdded(to: Buffer, at: number, fields: PublishFields): number {
  if (fields.messageExpiryInterval >= 0) {
    to[at++] = MESSAGE_EXPIRY_INTERVAL
    at = to.writeUInt32BE(fields.messageExpiryInterval, at)
  }
  if (fields.topicAlias !== 0) {
    to[at++] = TOPIC_ALIAS
    at = to.writeUInt16BE(fields.topicAlias, at)
  }
  for (const identifier of fields.subscriptionIdentifiers ?? []) {
    to[at++] = SUBSCRIPTION_IDENTIFIER
    at = writeVariableByteInteger(to, at, identifier)
  }
  return at
}
