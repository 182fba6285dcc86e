// The two ways a session speaks: what a connection, or a subscriber inside the process, takes from it.
import type { AckType } from '../packet/ack.ts'
import type { Message } from '../packet/message.ts'
import type { PublishFields } from '../packet/publish.ts'

export interface Sink {
  /** False while the peer does not take what it was sent: QoS 1 and 2 wait in their queue. */
  readonly isWritable: boolean
  /** Bytes that wait for the peer: above a limit QoS 0 is dropped. */
  readonly backlog: number
  /** `fields` is reused: read at once. False: larger than the peer allows, not sent. */
  deliver(message: Message, fields: PublishFields): boolean
  acknowledge(type: AckType, packetId: number, reasonCode: number): void
}
