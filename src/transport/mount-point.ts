// The mount point of a listener: what stands in front of every topic of its clients, and what they do not see. Put on
// by the handlers of CONNECT, PUBLISH, SUBSCRIBE and UNSUBSCRIBE, taken off by connection.ts as a message is sent.
// Everything between, rules and log included, knows whole topics.
import type { Will } from '../packet/connect.ts'
import type { Message } from '../packet/message.ts'
import type { ByteTarget } from '../packet/protocol.ts'
import { createMessage, encodePublish, type PublishFields, type PublishPacket } from '../packet/publish.ts'
import { parseShare } from '../topic/topic-filter.ts'
import type { OutboundAliases, OutboundTopics } from './topic-aliases.ts'

export class MountPoint {
  readonly #prefix: string
  /** One message goes to many. */
  #last: Message | undefined
  #lastBelow: Message | undefined

  /** Ends with a slash. */
  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** The whole topic name of `packet`, whose frame can't be passed on as it came any more. */
  enter(packet: PublishPacket, topicName: string): string {
    packet.isVerbatim = false
    return this.#prefix + topicName
  }

  enterWill(will: Will | undefined): Will | undefined {
    return will && { ...will, topicName: will.topicName === '' ? '' : this.#prefix + will.topicName }
  }

  /** What is not valid stays so. */
  enterFilter(topicFilter: string): string {
    const share = parseShare(topicFilter)
    if (share !== undefined) return `$share/${share.shareName}/${this.#below(share.topicFilter)}`
    return topicFilter === '$share' || topicFilter.startsWith('$share/')
      ? topicFilter
      : this.#below(topicFilter)
  }

  /** `tenant/#` would match `tenant` too, which is outside; `tenant/+/#` is all that is inside. */
  #below(topicFilter: string): string {
    if (topicFilter === '') return ''
    return this.#prefix + (topicFilter === '#' ? '+/#' : topicFilter)
  }

  /** The message as its clients know it; undefined: it is none of theirs. */
  leave(message: Message): Message | undefined {
    if (message === this.#last) return this.#lastBelow
    this.#last = message
    this.#lastBelow = this.#without(message)
    return this.#lastBelow
  }

  #without({ topicName, payload, qos, retain, expiresAt, properties }: Message): Message | undefined {
    if (!topicName.startsWith(this.#prefix) || topicName === this.#prefix) return undefined
    const below = topicName.slice(this.#prefix.length)
    return createMessage({ topicName: below, payload, qos, retain, expiresAt, properties })
  }
}

/** Towards a client of such a listener. */
export class MountedTopics implements OutboundTopics {
  readonly #mountPoint: MountPoint
  readonly #aliases: OutboundAliases | undefined

  constructor(mountPoint: MountPoint, aliases: OutboundAliases | undefined) {
    this.#mountPoint = mountPoint
    this.#aliases = aliases
  }

  /** False also for what a session was to get before it came by this listener, and is outside. */
  encode(target: ByteTarget, message: Message, fields: PublishFields): boolean {
    const below = this.#mountPoint.leave(message)
    if (below === undefined) return false
    if (this.#aliases === undefined) return encodePublish(target, below, fields)
    return this.#aliases.encode(target, below, fields)
  }
}
