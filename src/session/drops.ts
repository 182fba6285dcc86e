// Nothing is lost in silence: every message that does not reach a session is counted here, by reason, for its session
// and for the broker.

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
  /** What the disk had of it could not be read. */
  Damaged: 'damaged',
} as const
export type DropReason = (typeof DropReason)[keyof typeof DropReason]

export class Drops {
  /** Counts along: that of the broker, for that of a session. */
  readonly #whole: Drops | undefined
  #counts: Map<DropReason, number> | undefined

  constructor(whole?: Drops) {
    this.#whole = whole
  }

  count(reason: DropReason, messages = 1): void {
    this.#counts ??= new Map()
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + messages)
    this.#whole?.count(reason, messages)
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
