// How much waits in all queues of the broker together, and how much may. Each backlog.ts adds and takes away its part.

export interface QueueTotalsLimits {
  readonly queuedMessagesMax: number
  readonly queuedBytesMax: number
}

export class QueueTotals {
  readonly #limits: QueueTotalsLimits
  /** After a restart estimates, like those of the queues. */
  messages = 0
  bytes = 0
  /** Somebody waits until there is room in all queues together. */
  isAwaited = false

  constructor(limits: QueueTotalsLimits) {
    this.#limits = limits
  }

  add(messages: number, bytes: number): void {
    this.messages += messages
    this.bytes += bytes
  }

  hasRoomFor(bytes: number): boolean {
    const { queuedMessagesMax, queuedBytesMax } = this.#limits
    return this.messages < queuedMessagesMax && this.bytes + bytes <= queuedBytesMax
  }
}
