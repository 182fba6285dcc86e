// Nothing is lost in silence: every message that does not reach a session, and every one that is not taken from its
// publisher, is counted here once, by reason: for its client, and for the broker, which tells whoever listens.
import type { Message } from '../packet/message.ts'

export const DropReason = {
  /** No room in the queue: docs/overflow.md says which message goes. */
  QueueFull: 'queue-full',
  Expired: 'expired',
  /** Above the Maximum Packet Size of the client. */
  TooLarge: 'too-large',
  /** QoS 0, for a client that does not take what it was sent. */
  NotWritable: 'not-writable',
  /** QoS 0, for a client that is away. */
  Offline: 'offline-qos0',
  /** Answered with an error by the client, or the handler of a subscriber in the process failed. */
  Refused: 'refused-by-receiver',
  /** The client may not publish there, or may not read it. */
  NotAuthorized: 'not-authorized',
  /** Not taken from the publisher, who was told or closed. */
  Rejected: 'rejected',
  /** Not taken from the publisher: there is no room to retain it. */
  RetainedFull: 'retained-full',
  SessionEnded: 'session-ended',
  /** What the disk had of it could not be read. */
  Damaged: 'damaged',
} as const
export type DropReason = (typeof DropReason)[keyof typeof DropReason]

/** `clientId` is empty where there is no client to name; `message` is undefined where nobody has it any more. */
export type DropListener = (
  clientId: string,
  reason: DropReason,
  message: Message | undefined,
  messages: number,
) => void

export class Drops {
  readonly #clientId: string
  /** Counts along: that of the broker, for that of a client. */
  readonly #whole: Drops | undefined
  #counts: Map<DropReason, number> | undefined
  /** Of the whole: hears of each drop, in the middle of whatever dropped it. */
  onDrop: DropListener | undefined

  constructor(whole?: Drops, clientId = '') {
    this.#whole = whole
    this.#clientId = clientId
  }

  /** One message, or `messages` of them that nobody has any more. */
  count(reason: DropReason, message: Message | undefined, messages = 1): void {
    this.#add(reason, messages)
    const whole = this.#whole ?? this
    if (whole !== this) whole.#add(reason, messages)
    whole.onDrop?.(this.#clientId, reason, message, messages)
  }

  #add(reason: DropReason, messages: number): void {
    this.#counts ??= new Map()
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + messages)
  }

  of(reason: DropReason): number {
    return this.#counts?.get(reason) ?? 0
  }

  get total(): number {
    let total = 0
    for (const count of this.#counts?.values() ?? []) total += count
    return total
  }

  get byReason(): ReadonlyMap<DropReason, number> {
    return new Map(this.#counts)
  }
}
