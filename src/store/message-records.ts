// Values that hold a message or point to one: body, retained, queue. Written by batch-encoder.ts,
// read by queue-reader.ts, restore.ts and session-sweeper.ts.
//
//   body, retained   | 2 | message |
//   queue            | 2 | flags | identifiers, if any | share, if any | message  |      it lies here
//                                                      | id, 8 | frame length, 4 |  it lies at body/<id>
//                                                      |          |      released: the receiver has it
//   message          | flags | times, if any | origin, if any | topic, properties, payload offset | PUBLISH frame |
//
// Times are expiresAt and retainedAt, offsets are varints. The frame is as in Message: an ordinary PUBLISH whose packet
// id means nothing.
import { Message, NEVER, type Origin } from '../packet/message.ts'
import type { Qos } from '../packet/protocol.ts'
import { Delivery, DeliveryState } from './delivery.ts'
import { RECORD_FORMAT } from './records.ts'
import { unsealedLength } from './seal.ts'
import { ValueReader } from './value-reader.ts'
import type { ValueWriter } from './value-writer.ts'

// Flags of a message; the low two bits are its QoS.
const MESSAGE_RETAIN = 0x04
const MESSAGE_IS_V5 = 0x08
const MESSAGE_EXPIRES = 0x10
const MESSAGE_IS_RETAINED = 0x20
const MESSAGE_ORIGIN = 0x40
// Flags of its origin.
const ORIGIN_USER_NAME = 0x01
const ORIGIN_OUTSIDE_RULES = 0x02
/** Type byte, Remaining Length, topic length: a frame has more than these. */
const FRAME_BYTES_MIN = 4

// Flags of a queue row; the low two bits are the QoS of the delivery.
const QUEUE_RETAIN = 0x04
const QUEUE_RELEASED = 0x08
const QUEUE_REFERENCE = 0x10
const QUEUE_IDENTIFIERS = 0x20
const QUEUE_SHARE = 0x40

/** Format version and flags. */
const QUEUE_HEAD_BYTES = 2
const MESSAGE_ID_BYTES = 8
const FRAME_LENGTH_BYTES = 4

export function encodeMessage(to: ValueWriter, message: Message): ValueWriter {
  return writeMessage(to.begin(RECORD_FORMAT), message)
}

function writeMessage(to: ValueWriter, message: Message): ValueWriter {
  const expires = message.expiresAt !== NEVER
  const isRetained = message.retainedAt !== 0
  const { origin } = message
  to.u8(
    message.qos |
      (message.retain ? MESSAGE_RETAIN : 0) |
      (message.isV5 ? MESSAGE_IS_V5 : 0) |
      (expires ? MESSAGE_EXPIRES : 0) |
      (isRetained ? MESSAGE_IS_RETAINED : 0) |
      (origin === undefined ? 0 : MESSAGE_ORIGIN),
  )
  if (expires) to.f64(message.expiresAt)
  if (isRetained) to.u32(message.retainedAt)
  if (origin !== undefined) writeOrigin(to, origin)
  to.varint(message.topicOffset).varint(message.propertiesOffset).varint(message.payloadOffset)
  return to.raw(message.bytes, message.start, message.length)
}

function writeOrigin(to: ValueWriter, { clientId, userName, isOutsideRules }: Origin): void {
  to.u8((userName === undefined ? 0 : ORIGIN_USER_NAME) | (isOutsideRules ? ORIGIN_OUTSIDE_RULES : 0))
  to.text(clientId)
  if (userName !== undefined) to.text(userName)
}

function readOrigin(value: ValueReader): Origin {
  const flags = value.u8()
  const clientId = value.text()
  const userName = (flags & ORIGIN_USER_NAME) === 0 ? undefined : value.text()
  return { clientId, userName, isOutsideRules: (flags & ORIGIN_OUTSIDE_RULES) !== 0 }
}

/** The message keeps `bytes`. */
export function decodeMessage(bytes: Buffer | undefined): Message | undefined {
  return readMessage(new ValueReader(bytes, RECORD_FORMAT))
}

function readMessage(value: ValueReader): Message | undefined {
  const flags = value.u8()
  const expiresAt = (flags & MESSAGE_EXPIRES) === 0 ? NEVER : value.f64()
  const retainedAt = (flags & MESSAGE_IS_RETAINED) === 0 ? 0 : value.u32()
  const origin = (flags & MESSAGE_ORIGIN) === 0 ? undefined : readOrigin(value)
  const topicOffset = value.varint()
  const propertiesOffset = value.varint()
  const payloadOffset = value.varint()
  const qos = flags & 3
  const { bytes, offset: start, left: length } = value
  if (value.isDamaged || qos === 3 || length < FRAME_BYTES_MIN) return undefined
  if (topicOffset + 2 > propertiesOffset || propertiesOffset > payloadOffset || payloadOffset > length) {
    return undefined
  }
  const topicStart = start + topicOffset + 2
  const topicEnd = topicStart + bytes.readUInt16BE(topicStart - 2)
  if (topicEnd > start + propertiesOffset) return undefined
  const message = new Message(
    bytes.toString('utf8', topicStart, topicEnd),
    qos as Qos,
    (flags & MESSAGE_RETAIN) !== 0,
    expiresAt,
    (flags & MESSAGE_IS_V5) !== 0,
    bytes,
    start,
    length,
    topicOffset,
    propertiesOffset,
    payloadOffset,
  )
  message.retainedAt = retainedAt
  message.origin = origin
  return message
}

/** `message` undefined: released. `bodyId` 0: the message goes into the row. */
export function encodeDelivery(
  to: ValueWriter,
  delivery: Delivery,
  message: Message | undefined,
  bodyId: number,
): ValueWriter {
  if (message === undefined) return writeDelivery(to, delivery, QUEUE_RELEASED)
  if (bodyId !== 0) return encodeReference(to, delivery, bodyId, message.length)
  return writeMessage(writeDelivery(to, delivery, 0), message)
}

/** Of one whose message is the body of that id; its frame has `frameLength` bytes. */
export function encodeReference(
  to: ValueWriter,
  delivery: Delivery,
  bodyId: number,
  frameLength: number,
): ValueWriter {
  return writeDelivery(to, delivery, QUEUE_REFERENCE)
    .u32(Math.floor(bodyId / 2 ** 32))
    .u32(bodyId % 2 ** 32)
    .u32(frameLength)
}

/** All but the message; `where` it is. */
function writeDelivery(to: ValueWriter, delivery: Delivery, where: number): ValueWriter {
  const identifiers = delivery.subscriptionIdentifiers
  let flags = delivery.qos | where
  if (delivery.retain) flags |= QUEUE_RETAIN
  if (identifiers !== undefined && identifiers.length > 0) flags |= QUEUE_IDENTIFIERS
  if (delivery.share !== '') flags |= QUEUE_SHARE
  to.begin(RECORD_FORMAT).u8(flags)
  if ((flags & QUEUE_IDENTIFIERS) !== 0) {
    to.varint(identifiers?.length ?? 0)
    for (const identifier of identifiers ?? []) to.varint(identifier)
  }
  return delivery.share === '' ? to : to.text(delivery.share)
}

/** A delivery as stored: `storedId` set and no message for one whose body is yet to be read. */
export function decodeDelivery(sequence: number, bytes: Buffer | undefined): Delivery | undefined {
  const value = new ValueReader(bytes, RECORD_FORMAT)
  const flags = value.u8()
  const qos = flags & 3
  const identifiers = (flags & QUEUE_IDENTIFIERS) === 0 ? undefined : readIdentifiers(value)
  const share = (flags & QUEUE_SHARE) === 0 ? '' : value.text()
  if (value.isDamaged || qos === 3) return undefined
  const retain = (flags & QUEUE_RETAIN) !== 0
  const delivery = new Delivery(sequence, undefined, qos as Qos, retain, identifiers, share)
  delivery.isWritten = true
  if ((flags & QUEUE_RELEASED) !== 0) {
    delivery.state = DeliveryState.Released
  } else if ((flags & QUEUE_REFERENCE) !== 0) {
    delivery.storedId = value.u32() * 2 ** 32 + value.u32()
    value.u32()
    if (delivery.storedId === 0) return undefined
  } else {
    delivery.message = readMessage(value)
    if (delivery.message === undefined) return undefined
  }
  return value.isDamaged ? undefined : delivery
}

function readIdentifiers(value: ValueReader): number[] {
  const identifiers: number[] = []
  for (let left = value.varint(); left > 0 && !value.isDamaged; left--) identifiers.push(value.varint())
  return identifiers
}

/** Bytes that the row stands for: its own, and those of the body it refers to. */
export function deliveryBytes(stored: Buffer): number {
  const at = referenceAt(stored)
  return stored.length + (at < 0 ? 0 : stored.readUInt32BE(at + MESSAGE_ID_BYTES))
}

/** The body that the row refers to; 0: none. */
export function bodyIdOf(stored: Buffer): number {
  const at = referenceAt(stored)
  return at < 0 ? 0 : stored.readUInt32BE(at) * 2 ** 32 + stored.readUInt32BE(at + 4)
}

/** Where message id and frame length begin; -1: the row refers to no body. */
function referenceAt(stored: Buffer): number {
  const at = unsealedLength(stored) - MESSAGE_ID_BYTES - FRAME_LENGTH_BYTES
  return at >= QUEUE_HEAD_BYTES && ((stored[1] as number) & QUEUE_REFERENCE) !== 0 ? at : -1
}
