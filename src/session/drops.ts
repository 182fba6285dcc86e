// Nothing is lost in silence: every message that does not reach a session is counted here, by reason.

export const DropReason = {
  QueueFull: 'queue-full',
  Expired: 'expired',
  TooLarge: 'too-large',
  NotWritable: 'not-writable',
  Offline: 'offline-qos0',
  Refused: 'refused-by-receiver',
  Rejected: 'rejected',
  RetainedFull: 'retained-full',
  SessionEnded: 'session-ended',
} as const
export type DropReason = (typeof DropReason)[keyof typeof DropReason]

export class Drops {
  readonly #counts = new Map<DropReason, number>()

  count(reason: DropReason, messages = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + messages)
  }

  of(reason: DropReason): number {
    return this.#counts.get(reason) ?? 0
  }

  get total(): number {
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total
  }

  entries(): IterableIterator<[DropReason, number]> {
    return this.#counts.entries()
  }
}
