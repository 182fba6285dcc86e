// The PUBLISH of one publisher: a frame made once, in which each message has its packet id and its stamp written.
// From load-publisher.ts; receivers read the stamp with readStamp.
//
//   | fixed header, topic, packet id, properties | when, 8 | publisher, 4 | sequence, 4 | what the payload has more |
//                                                '---------- the stamp, 16 bytes --------'
// A payload of less than 16 bytes has no stamp: then nothing is known of latency, loss and order.

import { FieldWriter } from '../packet/field-writer.ts'
import { NEVER } from '../packet/message.ts'
import type { ProtocolVersion, Qos } from '../packet/protocol.ts'
import { createMessage, encodePublish, PublishFields } from '../packet/publish.ts'

export const STAMP_BYTES = 16
/** Marks that somebody else's message was not meant for us: the number of publishers is below it. */
const PUBLISHERS_MAX = 0x7fff_ffff

export interface PublishShape {
  readonly topicName: string
  readonly payload: Buffer
  readonly qos: Qos
  readonly retain: boolean
  readonly version: ProtocolVersion
}

/** An output takes larger pieces by reference: they must not change any more. */
const PIECE_BYTES_MAX = 4_095

export class StampedPublish {
  readonly #frame: Buffer
  /** Everything up to the end of the stamp, and what is the same in each message. */
  readonly #pieces: readonly Buffer[]
  readonly #packetIdAt: number
  readonly #payloadAt: number
  readonly #hasStamp: boolean

  constructor({ topicName, payload, qos, retain, version }: PublishShape) {
    const message = createMessage({
      topicName,
      payload,
      qos,
      retain,
      expiresAt: NEVER,
      properties: Buffer.alloc(0),
    })
    const fields = new PublishFields()
    Object.assign(fields, { version, qos, retain, packetId: 1, maximumPacketSize: Number.POSITIVE_INFINITY })
    const writer = new FieldWriter()
    encodePublish(writer, message, fields)
    this.#frame = Buffer.from(writer.block())
    this.#payloadAt = this.#frame.length - payload.length
    this.#packetIdAt = this.#payloadAt - (version === 5 ? 3 : 2)
    this.#hasStamp = payload.length >= STAMP_BYTES
    const changesTo = this.#payloadAt + STAMP_BYTES
    const isOne = this.#frame.length <= PIECE_BYTES_MAX
    this.#pieces = isOne
      ? [this.#frame]
      : [this.#frame.subarray(0, changesTo), this.#frame.subarray(changesTo)]
  }

  /** To be sent before the next call. `sentAt` in microseconds of any clock that receivers share. */
  stamp(packetId: number, sentAt: number, publisher: number, sequence: number): readonly Buffer[] {
    const frame = this.#frame
    if (packetId > 0) frame.writeUInt16BE(packetId, this.#packetIdAt)
    if (this.#hasStamp) {
      frame.writeDoubleBE(sentAt, this.#payloadAt)
      frame.writeUInt32BE(publisher, this.#payloadAt + 8)
      frame.writeUInt32BE(sequence, this.#payloadAt + 12)
    }
    return this.#pieces
  }
}

/** Filled anew for each message. */
export class Stamp {
  sentAt = 0
  publisher = 0
  sequence = 0
}

/** False: the payload at bytes[start, end) has none. */
export function readStamp(bytes: Buffer, start: number, end: number, stamp: Stamp): boolean {
  if (end - start < STAMP_BYTES) return false
  stamp.sentAt = bytes.readDoubleBE(start)
  stamp.publisher = bytes.readUInt32BE(start + 8)
  stamp.sequence = bytes.readUInt32BE(start + 12)
  return stamp.publisher <= PUBLISHERS_MAX && stamp.sentAt > 0
}
