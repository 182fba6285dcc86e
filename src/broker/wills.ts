// Wills: published when a connection ends without a farewell, after their delay, unless the client is back before.
// Their deadlines are absolute and stored, so they go on counting over a restart.
//
//   connected -- DISCONNECT 0 --> gone
//   connected -- connection lost --> due (at once, or after the delay) --> published
//                                     '-- the client is back --> gone      '-- the session ends --> published now
import type { Permit } from '../authorization/permit.ts'
import type { TimerWheel, WheelTask } from '../base/timer-wheel.ts'
import type { Will } from '../packet/connect.ts'
import { NEVER } from '../packet/message.ts'
import { createMessage } from '../packet/publish.ts'
import type { Session } from '../session/session.ts'
import type { Store, WillRecord } from '../store/store.ts'
import type { Router } from './router.ts'

/** Whether a will may be published with `permit`, also where others have let it be left: they are not asked again. */
const isAllowed = (permit: Permit | undefined, { topicName, qos, retain }: WillRecord): boolean =>
  permit?.mayPublish(topicName, qos, retain) !== false

export interface WillsContext {
  readonly store: Store
  readonly wheel: TimerWheel
  readonly router: Router
  readonly now: () => number
  /** The client may not publish its will any more: it is gone. */
  readonly onLost: (clientId: string, will: WillRecord) => void
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
  set({ client, permit }: Session, will: Will | undefined, sessionSeconds: number): void {
    const { clientId, identity, rights } = client
    this.discard(clientId)
    if (will === undefined) return
    const delayInterval = sessionSeconds === 0 ? 0 : will.delayInterval
    const record: WillRecord = { ...will, delayInterval, identity, rights, dueAt: Number.POSITIVE_INFINITY }
    this.#pending.set(clientId, new PendingWill(clientId, record, permit, this))
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
  restore(clientId: string, record: WillRecord, permit: Permit | undefined): void {
    const now = this.#context.now()
    if (record.dueAt === Number.POSITIVE_INFINITY) {
      record.dueAt = now + record.delayInterval * 1000
      this.#context.store.putWill(clientId, record) // The next start would begin to count anew.
    }
    const pending = new PendingWill(clientId, record, permit, this)
    this.#pending.set(clientId, pending)
    this.#context.wheel.schedule(pending, record.dueAt)
  }

  /** Now, if there is one: it is due, or its session has ended. */
  publish(clientId: string): void {
    this.review(clientId)
    const pending = this.#take(clientId)
    if (pending === undefined) return
    const { record, permit } = pending
    const { topicName, qos, messageExpiryInterval } = record
    const lifetime = messageExpiryInterval === undefined ? NEVER : messageExpiryInterval * 1000
    const message = createMessage({ ...record, expiresAt: this.#context.now() + lifetime })
    if (record.retain) message.origin = permit?.originOf(topicName, qos)
    // One batch takes the will out and puts its copies in: a crash publishes it neither twice nor never.
    this.#context.store.deleteWill(clientId)
    this.#context.router.publish(message, undefined)
  }

  /** The client has brought other rights on the connection that it has. */
  entitle({ client, permit }: Session): void {
    const { clientId, rights } = client
    const pending = this.#pending.get(clientId)
    if (pending === undefined) return
    const record = { ...pending.record, rights }
    this.#pending.set(clientId, new PendingWill(clientId, record, permit, this))
    this.#context.store.putWill(clientId, record)
    this.review(clientId)
  }

  /** Removes it if its client may not publish it any more. */
  review(clientId: string): void {
    const pending = this.#pending.get(clientId)
    if (pending === undefined || isAllowed(pending.permit, pending.record)) return
    this.discard(clientId)
    this.#context.onLost(clientId, pending.record)
  }

  #take(clientId: string): PendingWill | undefined {
    const pending = this.#pending.get(clientId)
    if (pending === undefined) return undefined
    this.#pending.delete(clientId)
    this.#context.wheel.cancel(pending)
    return pending
  }
}

class PendingWill implements WheelTask {
  readonly clientId: string
  readonly record: WillRecord
  readonly permit: Permit | undefined
  readonly #wills: Wills
  dueAt = 0

  constructor(clientId: string, record: WillRecord, permit: Permit | undefined, wills: Wills) {
    this.clientId = clientId
    this.record = record
    this.permit = permit
    this.#wills = wills
  }

  expire(): void {
    this.#wills.publish(this.clientId)
  }
}
