// A store that keeps count of what the broker has it keep, so that what hostile clients can fill is seen from outside:
// never above the limits of the configuration, and nothing once they are gone.
import type { Limits } from '../../src/config/schema.ts'
import type { Message } from '../../src/packet/message.ts'
import type { Delivery } from '../../src/store/delivery.ts'
import type { SessionRecord, Store, SubscriptionRecord, WillRecord } from '../../src/store/store.ts'
import { HeldStore } from '../kit/held-store.ts'

interface KeptSession {
  readonly subscriptions: Set<string>
  readonly received: Set<number>
  /** Bytes by sequence. */
  readonly queue: Map<number, number>
  queueBytes: number
}

const emptySession = (): KeptSession => ({
  subscriptions: new Set(),
  received: new Set(),
  queue: new Map(),
  queueBytes: 0,
})

/** Outlives the store: what is kept is kept over a restart. */
export class Ledger {
  readonly sessions = new Map<number, KeptSession>()
  readonly wills = new Set<string>()
  readonly retained = new Set<string>()
  /** What was kept above its limit, or for nobody. */
  readonly breaches: string[] = []
  readonly limits: Limits

  constructor(limits: Limits) {
    this.limits = limits
  }

  /** Of a session that there is. */
  kept(number: number, what: string): KeptSession {
    const session = this.sessions.get(number)
    if (session !== undefined) return session
    this.breaches.push(`${what} for a session that is not there`)
    return emptySession()
  }

  atMost(count: number, limit: keyof Limits, beyond = 0): void {
    const most = this.limits[limit] + beyond
    if (count > most) this.breaches.push(`${count} where ${limit} is ${most}`)
  }

  /** What is there of hostile clients, in words; nothing: the empty text. Retained messages have no end. */
  get leftOver(): string {
    const { sessions, wills } = this
    return sessions.size + wills.size === 0
      ? ''
      : `${sessions.size} sessions and ${wills.size} wills are kept`
  }
}

export class LedgerStore extends HeldStore {
  readonly #ledger: Ledger

  constructor(inner: Store, ledger: Ledger) {
    super(inner)
    this.#ledger = ledger
  }

  override putSession(record: SessionRecord): void {
    const { sessions } = this.#ledger
    if (!sessions.has(record.number)) sessions.set(record.number, emptySession())
    this.#ledger.atMost(sessions.size, 'sessionsMax')
    super.putSession(record)
  }

  override deleteSession(record: SessionRecord): void {
    this.#ledger.sessions.delete(record.number)
    super.deleteSession(record)
  }

  override putSubscription(sessionNumber: number, record: SubscriptionRecord): void {
    const { subscriptions } = this.#ledger.kept(sessionNumber, 'a subscription')
    subscriptions.add(record.topicFilter)
    this.#ledger.atMost(subscriptions.size, 'subscriptionsPerSessionMax')
    super.putSubscription(sessionNumber, record)
  }

  override deleteSubscription(sessionNumber: number, topicFilter: string): void {
    this.#ledger.sessions.get(sessionNumber)?.subscriptions.delete(topicFilter)
    super.deleteSubscription(sessionNumber, topicFilter)
  }

  /** Also of those whose sessions are not kept. */
  override putWill(clientId: string, record: WillRecord): void {
    this.#ledger.wills.add(clientId)
    this.#ledger.atMost(this.#ledger.wills.size, 'sessionsMax')
    super.putWill(clientId, record)
  }

  override deleteWill(clientId: string): void {
    this.#ledger.wills.delete(clientId)
    super.deleteWill(clientId)
  }

  override putRetained(message: Message): void {
    this.#ledger.retained.add(message.topicName)
    this.#ledger.atMost(this.#ledger.retained.size, 'retainedMessagesMax')
    super.putRetained(message)
  }

  override deleteRetained(topicName: string): void {
    this.#ledger.retained.delete(topicName)
    super.deleteRetained(topicName)
  }

  override putReceived(sessionNumber: number, packetId: number): void {
    this.#ledger.kept(sessionNumber, 'a packet id').received.add(packetId)
    super.putReceived(sessionNumber, packetId)
  }

  override deleteReceived(sessionNumber: number, packetId: number): void {
    this.#ledger.sessions.get(sessionNumber)?.received.delete(packetId)
    super.deleteReceived(sessionNumber, packetId)
  }

  override enqueue(sessionNumber: number, delivery: Delivery): void {
    const session = this.#ledger.kept(sessionNumber, 'a message')
    const bytes = delivery.message?.length ?? 0
    session.queue.set(delivery.sequence, bytes)
    session.queueBytes += bytes
    // What is on disk and has to make room for what is newer goes a moment later.
    const { queueWindow, maximumPacketSize } = this.#ledger.limits
    this.#ledger.atMost(session.queue.size, 'queueMessagesMax', queueWindow)
    this.#ledger.atMost(session.queueBytes, 'queueBytesMax', queueWindow * maximumPacketSize)
    super.enqueue(sessionNumber, delivery)
  }

  override release(sessionNumber: number, delivery: Delivery): void {
    this.#forget(sessionNumber, delivery, true)
    super.release(sessionNumber, delivery)
  }

  override dequeue(sessionNumber: number, delivery: Delivery): void {
    this.#forget(sessionNumber, delivery, false)
    super.dequeue(sessionNumber, delivery)
  }

  /** The bytes go with the message; a released packet id stays. */
  #forget(sessionNumber: number, delivery: Delivery, isReleased: boolean): void {
    const session = this.#ledger.sessions.get(sessionNumber)
    if (session === undefined) return
    session.queueBytes -= session.queue.get(delivery.sequence) ?? 0
    if (isReleased) session.queue.set(delivery.sequence, 0)
    else session.queue.delete(delivery.sequence)
  }
}
