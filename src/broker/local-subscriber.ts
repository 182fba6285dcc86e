// A subscriber inside the process: a session like any other, whose sink is a function instead of a connection.
// broker.subscribe makes it; messages reach it through the router and its own outbound queue.
import type { AckType } from '../packet/ack.ts'
import { FieldReader } from '../packet/field-reader.ts'
import type { Message } from '../packet/message.ts'
import { decodeProperties } from '../packet/properties.ts'
import { PacketType, type Qos, variableByteLength } from '../packet/protocol.ts'
import type { PublishFields } from '../packet/publish.ts'
import { DropReason } from '../session/drops.ts'
import type { Session } from '../session/session.ts'
import type { Sink } from '../session/sink.ts'
import type { Core } from './core.ts'
import type { PublishProperties } from './publish-request.ts'

/** What a handler receives: its own copy, to keep. */
export interface ReceivedMessage {
  readonly topicName: string
  readonly payload: Buffer
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PublishProperties
}

/** A QoS 1 or 2 message counts as received when what it returns has resolved. */
export type MessageHandler = (message: ReceivedMessage) => void | Promise<void>

export class LocalSubscriber implements Sink {
  readonly isWritable = true
  readonly backlog = 0
  readonly #core: Core
  readonly #session: Session
  readonly #handler: MessageHandler

  constructor(core: Core, session: Session, handler: MessageHandler) {
    this.#core = core
    this.#session = session
    this.#handler = handler
  }

  deliver(message: Message, fields: PublishFields): boolean {
    const { qos, packetId, retain } = fields
    const received = receivedMessage(message, qos, retain)
    // After the queue has noted it as sent, and never inside the publisher's turn at the router.
    queueMicrotask(() => void this.#handle(received, packetId))
    return true
  }

  async #handle(received: ReceivedMessage, packetId: number): Promise<void> {
    const { outbound, drops } = this.#session
    const { qos, topicName } = received
    try {
      await this.#handler(received)
    } catch (error) {
      this.#core.log.error({ err: error, topicName }, 'subscriber in the process failed')
      if (qos === 0) drops.count(DropReason.Refused, undefined)
      else outbound.acknowledged(packetId, qos, true)
      return
    }
    if (qos === 1) outbound.acknowledged(packetId, 1, false)
    if (qos === 2 && outbound.received(packetId)) outbound.completed(packetId)
  }

  /** Nothing of it is ever sent again, so there is nothing to release. */
  acknowledge(_type: AckType, _packetId: number, _reasonCode: number): void {
    this.#core.log.error(
      { packetType: PacketType.Pubrel },
      'a subscriber in the process was asked to release',
    )
  }
}

function receivedMessage(message: Message, qos: Qos, retain: boolean): ReceivedMessage {
  const { topicName } = message
  return { topicName, payload: Buffer.from(message.payload), qos, retain, properties: propertiesOf(message) }
}

function propertiesOf(message: Message): PublishProperties {
  if (!message.isV5) return {}
  const { bytes, start, propertiesOffset, payloadOffset } = message
  const blockStart = start + propertiesOffset - variableByteLength(payloadOffset - propertiesOffset)
  return decodeProperties(new FieldReader(bytes, blockStart, start + payloadOffset), PacketType.Publish)
}
