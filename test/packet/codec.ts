// The whole codec behind two functions, so that one table can hold every packet: bytes <-> { kind, fields }.
import { AckPacket, type AckType, decodeAck, encodeAck } from '../../src/packet/ack.ts'
import { type Auth, decodeAuth, encodeAuth } from '../../src/packet/auth.ts'
import { type Connack, decodeConnack, encodeConnack } from '../../src/packet/connack.ts'
import { type Connect, decodeConnect, encodeConnect } from '../../src/packet/connect.ts'
import { type Disconnect, decodeDisconnect, encodeDisconnect } from '../../src/packet/disconnect.ts'
import { FieldReader } from '../../src/packet/field-reader.ts'
import { FieldWriter } from '../../src/packet/field-writer.ts'
import { checkFixedHeaderFlags } from '../../src/packet/fixed-header.ts'
import { FrameSplitter } from '../../src/packet/frame-splitter.ts'
import { NEVER } from '../../src/packet/message.ts'
import { PINGREQ } from '../../src/packet/pingreq.ts'
import { PINGRESP } from '../../src/packet/pingresp.ts'
import { decodeProperties, encodeProperties, writeProperties } from '../../src/packet/properties.ts'
import type { Properties } from '../../src/packet/property-table.ts'
import {
  type Frame,
  PACKET_SIZE_MAX,
  PacketType,
  type ProtocolVersion,
  type Qos,
} from '../../src/packet/protocol.ts'
import {
  createMessage,
  decodePublish,
  encodePublish,
  messageOf,
  PublishFields,
  PublishPacket,
} from '../../src/packet/publish.ts'
import { decodeSuback, encodeSuback, type Suback } from '../../src/packet/suback.ts'
import { decodeSubscribe, encodeSubscribe, type Subscribe } from '../../src/packet/subscribe.ts'
import { decodeUnsuback, encodeUnsuback, type Unsuback } from '../../src/packet/unsuback.ts'
import { decodeUnsubscribe, encodeUnsubscribe, type Unsubscribe } from '../../src/packet/unsubscribe.ts'

export interface Publish {
  topicName: string
  payload: Buffer
  qos: Qos
  retain: boolean
  dup: boolean
  packetId: number
  topicAlias: number
  messageExpiryInterval: number
  /** The pass-through ones. */
  properties: Properties
}

export interface Ack {
  type: AckType
  packetId: number
  reasonCode: number
}

export type Packet =
  | ({ kind: 'connect' } & Connect)
  | ({ kind: 'connack' } & Connack)
  | ({ kind: 'publish' } & Publish)
  | ({ kind: 'ack' } & Ack)
  | ({ kind: 'subscribe' } & Subscribe)
  | ({ kind: 'suback' } & Suback)
  | ({ kind: 'unsubscribe' } & Unsubscribe)
  | ({ kind: 'unsuback' } & Unsuback)
  | { kind: 'pingreq' }
  | { kind: 'pingresp' }
  | ({ kind: 'disconnect' } & Disconnect)
  | ({ kind: 'auth' } & Auth)

/** The one frame in `bytes`; throws where there is none or more than one. */
export function onlyFrame(bytes: Buffer): Frame {
  const splitter = new FrameSplitter()
  splitter.push(bytes)
  if (!splitter.next()) throw new Error('no whole frame')
  const { start, bodyStart, end } = splitter
  if (splitter.bufferedBytes > 0) throw new Error('more than one frame')
  return { bytes: splitter.bytes, start, bodyStart, end }
}

export const decode = (bytes: Buffer, version: ProtocolVersion): Packet =>
  decodeFrame(onlyFrame(bytes), version)

export function decodeFrame(frame: Frame, version: ProtocolVersion): Packet {
  const firstByte = frame.bytes[frame.start] as number
  checkFixedHeaderFlags(firstByte, version)
  const { bytes, bodyStart, end } = frame
  switch (firstByte >>> 4) {
    case PacketType.Connect:
      return { kind: 'connect', ...decodeConnect(bytes, bodyStart, end) }
    case PacketType.Connack:
      return { kind: 'connack', ...decodeConnack(bytes, bodyStart, end, version) }
    case PacketType.Publish:
      return { kind: 'publish', ...publishOf(frame, version) }
    case PacketType.Subscribe:
      return { kind: 'subscribe', ...decodeSubscribe(bytes, bodyStart, end, version) }
    case PacketType.Suback:
      return { kind: 'suback', ...decodeSuback(bytes, bodyStart, end, version) }
    case PacketType.Unsubscribe:
      return { kind: 'unsubscribe', ...decodeUnsubscribe(bytes, bodyStart, end, version) }
    case PacketType.Unsuback:
      return { kind: 'unsuback', ...decodeUnsuback(bytes, bodyStart, end, version) }
    case PacketType.Pingreq:
      return { kind: 'pingreq' }
    case PacketType.Pingresp:
      return { kind: 'pingresp' }
    case PacketType.Disconnect:
      return { kind: 'disconnect', ...decodeDisconnect(bytes, bodyStart, end, version) }
    case PacketType.Auth:
      return { kind: 'auth', ...decodeAuth(bytes, bodyStart, end, version) }
    default: {
      const ack = new AckPacket()
      decodeAck(frame, version, ack)
      return {
        kind: 'ack',
        type: (firstByte >>> 4) as AckType,
        packetId: ack.packetId,
        reasonCode: ack.reasonCode,
      }
    }
  }
}

function publishOf(frame: Frame, version: ProtocolVersion): Publish {
  const packet = new PublishPacket()
  decodePublish(frame, version, packet)
  const message = messageOf(packet, packet.topicName, 0)
  return {
    topicName: message.topicName,
    payload: Buffer.from(message.payload),
    qos: message.qos,
    retain: message.retain,
    dup: packet.dup,
    packetId: packet.packetId,
    topicAlias: packet.topicAlias,
    messageExpiryInterval: packet.messageExpiryInterval,
    properties: blockToProperties(message.properties),
  }
}

function blockToProperties(block: Buffer): Properties {
  const writer = new FieldWriter()
  writer.variableByteInteger(block.length)
  writer.raw(block)
  const bytes = writer.block()
  return decodeProperties(new FieldReader(bytes, 0, bytes.length), PacketType.Publish)
}

export function encode(packet: Packet, version: ProtocolVersion): Buffer {
  switch (packet.kind) {
    case 'connect':
      return encodeConnect(packet)
    case 'connack':
      return encodeConnack(packet, version)
    case 'publish':
      return encodePublishPacket(packet, version)
    case 'ack': {
      const writer = new FieldWriter()
      encodeAck(writer, packet.type, packet.packetId, packet.reasonCode, version)
      return writer.block()
    }
    case 'subscribe':
      return encodeSubscribe(packet, version)
    case 'suback':
      return encodeSuback(packet, version)
    case 'unsubscribe':
      return encodeUnsubscribe(packet, version)
    case 'unsuback':
      return encodeUnsuback(packet, version)
    case 'pingreq':
      return PINGREQ
    case 'pingresp':
      return PINGRESP
    case 'disconnect':
      return encodeDisconnect(packet, version)
    case 'auth':
      return encodeAuth(packet)
  }
}

function encodePublishPacket(packet: Publish, version: ProtocolVersion): Buffer {
  const message = createMessage({
    topicName: packet.topicName,
    payload: packet.payload,
    qos: packet.qos,
    retain: packet.retain,
    expiresAt: NEVER,
    properties: encodeProperties(packet.properties, PacketType.Publish),
  })
  const fields = new PublishFields()
  fields.version = version
  fields.qos = packet.qos
  fields.retain = packet.retain
  fields.dup = packet.dup
  fields.packetId = packet.packetId
  fields.topicAlias = packet.topicAlias
  fields.messageExpiryInterval = packet.messageExpiryInterval
  fields.maximumPacketSize = PACKET_SIZE_MAX
  const writer = new FieldWriter()
  if (!encodePublish(writer, message, fields)) throw new Error('refused by its size')
  return Buffer.from(writer.block())
}

/** A property block with its length, for tests of properties alone. */
export function propertyBytes(properties: Properties, kind: Parameters<typeof writeProperties>[2]): Buffer {
  const writer = new FieldWriter()
  writeProperties(writer, properties, kind)
  return Buffer.from(writer.block())
}
