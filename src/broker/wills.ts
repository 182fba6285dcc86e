// Wills: published when a connection ends without a farewell, after their delay, unless the client is back before.
// Their deadlines are absolute and stored, so they go on counting over a restart.
//
//   connected -- DISCONNECT 0 --> gone
//   connected -- connection lost --> due (at once, or after the delay) --> published
//                                     '-- the client is back --> gone      '-- the session ends --> published now
import type { Pace } from '../base/pace.ts'
import type { TimerWheel, WheelTask } from '../base/timer-wheel.ts'
import type { Will } from '../packet/connect.ts'
import { NEVER } from '../packet/message.ts'
import { createMessage } from '../packet/publish.ts'
import type { Store, WillRecord } from '../store/store.ts'
import type { Router } from './router.ts'

/** As many as make the pace look at the clock: who gets it may be ten thousand. */
const PUBLISH_UNITS = 256

export interface WillsContext {
  readonly store: Store
  readonly wheel: TimerWheel
  readonly router: Router
  readonly chores: Pace
  readonly now: () => number
}

export class Wills {
  readonly #context: WillsContext
  /** At most one for each client id that is connected or has a session. */
  readonly #pending = new Map<string, PendingWill>()

  constructor(context: WillsContext) {
    this.#context = context
  }

  /**
   * The client has connected, with or without a will: an earlier one is not published any more. [v5 MQTT-3.1.3-9]
   * A will waits no longer than its session lives: SessionRegistry.end sees to that, but for one that is not kept.
   */
  set(clientId: string, will: Will | undefined, sessionSeconds: number): void {
    this.discard(clientId)
    if (will === undefined) return
    const delayInterval = sessionSeconds === 0 ? 0 : will.delayInterval
    const record: WillRecord = { ...will, delayInterval, dueAt: Number.POSITIVE_INFINITY }
    this.#pending.set(clientId, new PendingWill(clientId, record, this))
    this.#context.store.putWill(clientId, record)
  }

  /** [v5 MQTT-3.1.2-10] */
  discard(clientId: string): void {
    if (this.#take(clientId) !== undefined) this.#context.store.deleteWill(clientId)
  }

  /** The connection ended without a farewell; the session has `sessionSeconds` left. [v5 MQTT-3.1.2-8] */
  connectionLost(clientId: string, sessionSeconds: number): void {
    const pending = this.#pending.get(clientId)
    if (pending === undefined) return
    const delay = Math.min(pending.record.delayInterval, sessionSeconds)
    if (delay === 0) return this.publish(clientId)
    pending.record.dueAt = this.#context.now() + delay * 1000
    this.#context.store.putWill(clientId, pending.record)
    this.#context.wheel.schedule(pending, pending.record.dueAt)
  }

  /** As the store had it. A client that was connected at the crash lost its connection then. */
  restore(clientId: string, record: WillRecord): void {
    const now = this.#context.now()
    if (record.dueAt === Number.POSITIVE_INFINITY) {
      record.dueAt = now + record.delayInterval * 1000
      this.#context.store.putWill(clientId, record) // The next start would begin to count anew.
    }
    const pending = new PendingWill(clientId, record, this)
    this.#pending.set(clientId, pending)
    this.#context.wheel.schedule(pending, record.dueAt)
  }

  /** Now, if there is one: it is due, or its session has ended. */
  publish(clientId: string): void {
    const record = this.#take(clientId)
    if (record === undefined) return
    const { messageExpiryInterval } = record
    const lifetime = messageExpiryInterval === undefined ? NEVER : messageExpiryInterval * 1000
    const message = createMessage({ ...record, expiresAt: this.#context.now() + lifetime })
    // One batch takes the will out and puts its copies in: a crash publishes it neither twice nor never.
    this.#context.store.deleteWill(clientId)
    this.#context.router.publish(message, undefined)
    this.#context.chores.spend(PUBLISH_UNITS)
  }

  #take(clientId: string): WillRecord | undefined {
    const pending = this.#pending.get(clientId)
    if (pending === undefined) return undefined
    this.#pending.delete(clientId)
    this.#context.wheel.cancel(pending)
    return pending.record
  }
}

class PendingWill implements WheelTask {
  readonly clientId: string
  readonly record: WillRecord
  readonly #wills: Wills
  dueAt = 0

  constructor(clientId: string, record: WillRecord, wills: Wills) {
    this.clientId = clientId
    this.record = record
    this.#wills = wills
  }

  expire(): void {
    this.#wills.publish(this.clientId)
  }
}
