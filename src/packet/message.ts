// An application message, held as one PUBLISH frame: what came in is what is kept, sent on and stored.
// Made by decodePublish (from the wire or the store) or createMessage; read by router, sessions and store.
//
//   bytes[start]                                                                        start + length
//   | flags | remaining length | topic name | packet id | properties length | properties | payload |
//                              ^ topicOffset  (QoS > 0)   (isV5)            ^ propertiesOffset
//                                                                                        ^ payloadOffset
// The properties are those that pass through unaltered [v5 MQTT-3.3.2-4] [v5 MQTT-3.3.2-15] [v5 MQTT-3.3.2-16]
// [v5 MQTT-3.3.2-17] [v5 MQTT-3.3.2-18] [v5 MQTT-3.3.2-20]; Topic Alias and Message Expiry Interval live outside.
import { arrivingChunk } from './arriving-chunk.ts'
import { FrameSlab } from './frame-slab.ts'
import type { Qos } from './protocol.ts'

/** `expiresAt` of a message without a Message Expiry Interval. */
export const NEVER = Number.POSITIVE_INFINITY

/** Who published a message that is retained: asked about again before somebody is given it. */
export interface Origin {
  readonly clientId: string
  /** Undefined: it had none. */
  readonly userName: string | undefined
  /** No rule of a file had let it, but a claim of its token, or somebody who was asked. */
  readonly isOutsideRules: boolean
}

/** For messages on their way. */
const slab = new FrameSlab(16 * 1024)
/** For messages that stay: a slab is held by any one of those in it, so there are few in each. */
const retainedSlab = new FrameSlab(1024)

export class Message {
  readonly topicName: string
  readonly qos: Qos
  readonly retain: boolean
  /** Milliseconds since the epoch, or NEVER. */
  readonly expiresAt: number
  readonly isV5: boolean
  bytes: Buffer
  start: number
  readonly length: number
  readonly topicOffset: number
  readonly propertiesOffset: number
  readonly payloadOffset: number
  /** Key of its body in the store while durable deliveries refer to it; 0: none. Set by the store alone. */
  storedId = 0
  /** Durable deliveries of the open batch that refer to it. Counted by the store alone. */
  references = 0
  /** Batch that holds the packet id it came under (QoS 2, kept session): QoS 2 deliveries wait for it. 0: none. */
  batch = 0
  /** Its frame is on its way out in the very chunk that it came in. */
  isForwarded = false
  /** Seconds since the epoch at which it was retained; 0: it is not. */
  retainedAt = 0
  /** Of one that is retained; undefined: whoever may read it is given it. */
  origin: Origin | undefined = undefined
  #isOwned = false

  constructor(
    topicName: string,
    qos: Qos,
    retain: boolean,
    expiresAt: number,
    isV5: boolean,
    bytes: Buffer,
    start: number,
    length: number,
    topicOffset: number,
    propertiesOffset: number,
    payloadOffset: number,
  ) {
    this.topicName = topicName
    this.qos = qos
    this.retain = retain
    this.expiresAt = expiresAt
    this.isV5 = isV5
    this.bytes = bytes
    this.start = start
    this.length = length
    this.topicOffset = topicOffset
    this.propertiesOffset = propertiesOffset
    this.payloadOffset = payloadOffset
  }

  /** A view, valid as long as the message is. */
  get payload(): Buffer {
    return this.bytes.subarray(this.start + this.payloadOffset, this.start + this.length)
  }

  /** The block of pass-through properties without its length: a view, empty for none. */
  get properties(): Buffer {
    return this.bytes.subarray(this.start + this.propertiesOffset, this.start + this.payloadOffset)
  }

  /** Call before keeping the message beyond the turn it came in: until then its bytes are the socket's chunk. */
  own(): void {
    if (this.#isOwned) return
    this.#isOwned = true
    if (!arrivingChunk.keeps(this)) this.moveToSlab()
  }

  /** Where the frame is most of its chunk, the chunk may as well stay. */
  moveToSlab(): void {
    if (this.length * 2 < this.bytes.buffer.byteLength) this.#moveTo(slab)
  }

  /** The same for one that stays for good: it shares no memory with those that pass by. */
  ownForGood(): void {
    this.#isOwned = true
    this.#moveTo(retainedSlab)
  }

  #moveTo(owner: FrameSlab): void {
    this.start = owner.keep(this.bytes, this.start, this.length)
    this.bytes = owner.bytes
  }
}
