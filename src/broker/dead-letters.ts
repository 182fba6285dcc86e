// Dead letters: what is dropped is published once more, to a topic of its own, and says for whom it was, why it was
// dropped and when. Told by session/drops.ts of each drop; the router takes them like all that is published.
//
//   dropped, in the midst of anything -> a dead letter is made -> the microtask after -> router
//                                     '-- too many, too large: withheld, and counted
//
// So none is published within the publishing of another message, but still in the turn of the drop: a batch is cut at
// the end of a turn, or when the one before it is down, so drop and dead letter are in the same one.
import type { Config } from '../config/schema.ts'
import { type Message, NEVER } from '../packet/message.ts'
import { encodeProperties } from '../packet/properties.ts'
import { PacketType, REMAINING_LENGTH_MAX } from '../packet/protocol.ts'
import { createMessage } from '../packet/publish.ts'
import type { DropReason } from '../session/drops.ts'
import { topicNameProblem } from '../topic/topic-name.ts'

const INTERVAL_MS = 1_000
/** For two topic names, a client id, and what goes with them. */
const ROOM_BYTES = 512 * 1024
/** What a client id may have, and one level of a topic name may not. */
const NOT_IN_A_LEVEL = /[/+#]/g

export interface DeadLettersParts {
  readonly settings: Config['deadLetters']
  readonly topicLevelsMax: number
  readonly now: () => number
  readonly publish: (message: Message) => void
}

export class DeadLetters {
  /** Made since the start. */
  count = 0
  /** Drops of the reasons asked for of which none was made: too many at once, or there is nothing left of them. */
  withheld = 0
  readonly #parts: DeadLettersParts
  readonly #reasons: ReadonlySet<DropReason>
  readonly #plainLevels: string
  #waiting: Message[] = []
  #intervalStart = 0
  #messagesLeft = 0
  #bytesLeft = 0

  constructor(parts: DeadLettersParts) {
    const { topic, reasons } = parts.settings
    this.#parts = parts
    this.#reasons = new Set(topic === '' ? [] : reasons)
    this.#plainLevels = plainLevelsOf(topic)
  }

  /** Whether messages that are dropped for `reason` have to be there. */
  wants(reason: DropReason): boolean {
    return this.#reasons.has(reason)
  }

  /** Without effect on what waits to be routed, whoever calls. */
  note(clientId: string, reason: DropReason, message: Message | undefined, messages: number): void {
    if (!this.wants(reason)) return
    if (message !== undefined && this.#isDeadLetter(message)) return
    const letter = message && this.#hasRoom() ? this.#letterOf(message, clientId, reason) : undefined
    if (letter === undefined) {
      this.withheld += messages
      return
    }
    this.count++
    this.#messagesLeft--
    this.#bytesLeft -= letter.length
    if (this.#waiting.push(letter) === 1) queueMicrotask(() => this.#publishAll())
  }

  #publishAll(): void {
    const letters = this.#waiting
    this.#waiting = []
    for (const letter of letters) this.#parts.publish(letter)
  }

  /** By its topic, which is all that tells after a restart. */
  #isDeadLetter({ topicName }: Message): boolean {
    return topicName === this.#plainLevels || topicName.startsWith(`${this.#plainLevels}/`)
  }

  #hasRoom(): boolean {
    const { settings, now } = this.#parts
    const elapsed = now() - this.#intervalStart
    if (elapsed >= INTERVAL_MS || elapsed < 0) {
      this.#intervalStart = now()
      this.#messagesLeft = settings.messagesPerSecondMax
      this.#bytesLeft = settings.bytesPerSecondMax
    }
    return this.#messagesLeft > 0 && this.#bytesLeft > 0
  }

  /** Undefined: it would have a topic name that is none, or be too large for any packet. */
  #letterOf(message: Message, clientId: string, reason: DropReason): Message | undefined {
    const { settings, topicLevelsMax, now } = this.#parts
    const topicName = settings.topic.replaceAll(/%[tcr]/g, (placeholder) => {
      if (placeholder === '%t') return message.topicName
      return placeholder === '%r' ? reason : clientId.replaceAll(NOT_IN_A_LEVEL, '_')
    })
    if (topicNameProblem(topicName, topicLevelsMax) !== undefined) return undefined
    if (message.length > REMAINING_LENGTH_MAX - ROOM_BYTES) return undefined
    const said = encodeProperties(
      {
        userProperties: [
          ['dead-letter-topic', message.topicName],
          ['dead-letter-client', clientId],
          ['dead-letter-reason', reason],
          ['dead-letter-time', new Date(now()).toISOString()],
        ],
      },
      PacketType.Publish,
    )
    return createMessage({
      topicName,
      payload: message.payload,
      qos: message.qos,
      retain: false,
      expiresAt: NEVER,
      properties: Buffer.concat([message.properties, said]),
    })
  }
}

/** The levels before the first one with a placeholder. */
function plainLevelsOf(template: string): string {
  const placeholder = template.indexOf('%')
  return placeholder === -1 ? template : template.slice(0, template.lastIndexOf('/', placeholder))
}
