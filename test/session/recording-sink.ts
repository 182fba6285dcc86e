// A Sink that writes down what it is given: a connection without a socket, for whatever version and size.
import type { AckType } from '../../src/packet/ack.ts'
import type { Message } from '../../src/packet/message.ts'
import { PacketType, type Qos } from '../../src/packet/protocol.ts'
import type { PublishFields } from '../../src/packet/publish.ts'
import type { Sink } from '../../src/session/sink.ts'

export interface Delivered {
  readonly payload: string
  readonly qos: Qos
  readonly packetId: number
  readonly dup: boolean
  readonly retain: boolean
  readonly identifiers: readonly number[] | undefined
}

export class RecordingSink implements Sink {
  isWritable = true
  backlog = 0
  /** Bytes of a message that the peer takes at most. */
  sizeMax = Number.POSITIVE_INFINITY
  readonly delivered: Delivered[] = []
  readonly released: number[] = []
  /** Both, in their order: payloads, and the packet ids of PUBRELs. */
  readonly all: (string | number)[] = []

  deliver(message: Message, fields: PublishFields): boolean {
    if (message.length > this.sizeMax) return false
    const { qos, packetId, dup, retain } = fields
    const payload = String(message.payload)
    const identifiers = fields.subscriptionIdentifiers
    this.delivered.push({ payload, qos, packetId, dup, retain, identifiers })
    this.all.push(payload)
    return true
  }

  acknowledge(type: AckType, packetId: number, reasonCode: number): void {
    if (type !== PacketType.Pubrel || reasonCode !== 0) throw new Error(`acknowledge(${type}, ${reasonCode})`)
    this.released.push(packetId)
    this.all.push(packetId)
  }

  get payloads(): string[] {
    return this.delivered.map(({ payload }) => payload)
  }

  get packetIds(): number[] {
    return this.delivered.map(({ packetId }) => packetId)
  }
}
