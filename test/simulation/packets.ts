// Packets as the clients of the simulation write and read them, through our own codec for speed: it is checked against
// another one in test/packet. A PUBLISH from a server has a reader of its own, as the broker's reads those of clients.
import { AckPacket, type AckType, decodeAck, encodeAck } from '../../src/packet/ack.ts'
import { decodeConnack } from '../../src/packet/connack.ts'
import { decodeDisconnect } from '../../src/packet/disconnect.ts'
import { FieldReader } from '../../src/packet/field-reader.ts'
import { FieldWriter } from '../../src/packet/field-writer.ts'
import { decodeProperties, writeProperties } from '../../src/packet/properties.ts'
import { type Frame, PacketType, type ProtocolVersion, type Qos } from '../../src/packet/protocol.ts'
import { decodeSuback } from '../../src/packet/suback.ts'
import { decodeUnsuback } from '../../src/packet/unsuback.ts'

/** A PUBLISH as it arrived at a client. */
export interface ArrivedPublish {
  readonly kind: 'publish'
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: boolean
  readonly packetId: number
  /** Seconds; -1: none. */
  readonly expiryInterval: number
  /** In ascending order, separated by commas. */
  readonly identifiers: string
}

export type Arrived =
  | ArrivedPublish
  | { readonly kind: 'connack'; readonly sessionPresent: boolean; readonly reasonCode: number }
  | { readonly kind: 'ack'; readonly type: AckType; readonly packetId: number; readonly reasonCode: number }
  | { readonly kind: 'subscribed'; readonly packetId: number; readonly reasonCodes: readonly number[] }
  | { readonly kind: 'disconnect'; readonly reasonCode: number }

const ack = new AckPacket()

export function decode(frame: Frame, version: ProtocolVersion): Arrived {
  const { bytes, start, bodyStart, end } = frame
  const type = (bytes[start] as number) >>> 4
  switch (type) {
    case PacketType.Publish:
      return decodePublish(frame, version)
    case PacketType.Connack: {
      const { sessionPresent, reasonCode } = decodeConnack(bytes, bodyStart, end, version)
      return { kind: 'connack', sessionPresent, reasonCode }
    }
    case PacketType.Suback:
      return { kind: 'subscribed', ...decodeSuback(bytes, bodyStart, end, version) }
    case PacketType.Unsuback:
      return { kind: 'subscribed', ...decodeUnsuback(bytes, bodyStart, end, version) }
    case PacketType.Disconnect:
      return { kind: 'disconnect', reasonCode: decodeDisconnect(bytes, bodyStart, end, version).reasonCode }
    default:
      decodeAck(frame, version, ack)
      return { kind: 'ack', type: type as AckType, packetId: ack.packetId, reasonCode: ack.reasonCode }
  }
}

function decodePublish(frame: Frame, version: ProtocolVersion): ArrivedPublish {
  const reader = new FieldReader(frame.bytes, frame.bodyStart, frame.end)
  const flags = frame.bytes[frame.start] as number
  const qos = ((flags >>> 1) & 3) as Qos
  const topic = reader.utf8String('topic name')
  const packetId = qos === 0 ? 0 : reader.packetId()
  const properties = version === 5 ? decodeProperties(reader, PacketType.Publish) : {}
  return {
    kind: 'publish',
    topic,
    payload: frame.bytes.toString('latin1', reader.offset, frame.end),
    qos,
    retain: (flags & 1) === 1,
    dup: (flags & 8) === 8,
    packetId,
    expiryInterval: properties.messageExpiryInterval ?? -1,
    identifiers: identifiersOf(properties.subscriptionIdentifiers ?? []),
  }
}

export const identifiersOf = (identifiers: readonly number[]): string =>
  identifiers.length < 2 ? String(identifiers[0] ?? '') : [...identifiers].sort((a, b) => a - b).join()

export interface SentPublish {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
  /** Seconds; 0: none. */
  readonly expiry: number
}

export function encodePublish(
  publish: SentPublish,
  packetId: number,
  dup: boolean,
  version: ProtocolVersion,
): Buffer {
  const writer = new FieldWriter()
  writer.utf8String(publish.topic)
  if (publish.qos > 0) writer.u16(packetId)
  if (version === 5) {
    const properties = publish.expiry > 0 ? { messageExpiryInterval: publish.expiry } : undefined
    writeProperties(writer, properties, PacketType.Publish)
  }
  writer.raw(Buffer.from(publish.payload))
  return writer.frame(
    (PacketType.Publish << 4) | (dup ? 8 : 0) | (publish.qos << 1) | (publish.retain ? 1 : 0),
  )
}

export function encodeAnswer(
  type: AckType,
  packetId: number,
  reasonCode: number,
  version: ProtocolVersion,
): Buffer {
  const writer = new FieldWriter()
  encodeAck(writer, type, packetId, reasonCode, version)
  return writer.block()
}
