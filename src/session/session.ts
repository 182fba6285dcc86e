// What survives a connection: subscriptions, the queue towards the client, and what it has begun to send.
// No socket and no timer: the broker attaches connections and ends sessions.
import type { Client } from '../authentication/client.ts'
import type { Permit } from '../authorization/permit.ts'
import type { QueueEnds, SessionRecord, Store } from '../store/store.ts'
import { Drops } from './drops.ts'
import { Inbound } from './inbound.ts'
import { Outbound } from './outbound.ts'
import type { OutboundContext } from './outbound-context.ts'
import type { Subscription } from './subscription.ts'

export interface StoredSession {
  readonly queue: QueueEnds
  readonly receivedPacketIds: readonly number[]
}

export class Session {
  readonly record: SessionRecord
  /** Who may do what is asked about: of the connection, or the last one. */
  client: Client
  #permit: Permit | undefined
  readonly subscriptions = new Map<string, Subscription>()
  readonly inbound: Inbound
  readonly outbound: Outbound
  /** What did not reach it, and what of its own was not taken. */
  readonly drops: Drops
  readonly #store: Store

  /** A record with number 0 is of a session that ends with its connection and is never stored. */
  constructor(context: OutboundContext, record: SessionRecord, stored?: StoredSession) {
    const { clientId, identity, rights } = record
    this.record = record
    this.client = Object.freeze({ clientId, identity, peer: undefined, rights })
    this.#store = context.store
    this.inbound = new Inbound(context.store, record.number, stored?.receivedPacketIds)
    this.drops = new Drops(context.drops, record.clientId)
    this.outbound = new Outbound(context, this.drops, record.number, stored?.queue, record.sentBefore)
  }

  get clientId(): string {
    return this.record.clientId
  }

  /** What its client may do; undefined: everything. */
  get permit(): Permit | undefined {
    return this.#permit
  }

  /** From now on: what waits for it is looked at again before it is sent. */
  entitle(permit: Permit | undefined): void {
    this.#permit = permit
    this.outbound.entitle(permit)
  }

  get isDurable(): boolean {
    return this.record.number !== 0
  }

  /** A client is there. `expiryInterval` in seconds. */
  connected(expiryInterval: number): void {
    this.record.expiryInterval = expiryInterval
    this.inbound.begin()
    this.#note(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
  }

  /** It has gone. `expiresAt` in milliseconds since the epoch, Infinity for never. */
  disconnected(expiresAt: number): void {
    this.#note(expiresAt, this.outbound.sentBefore)
  }

  /** It went with the broker: how much of its queue was sent stays unknown until it is back. */
  lost(expiresAt: number): void {
    this.#note(expiresAt, Number.POSITIVE_INFINITY)
  }

  #note(expiresAt: number, sentBefore: number): void {
    this.record.expiresAt = expiresAt
    this.record.sentBefore = sentBefore
    if (this.isDurable) this.#store.putSession(this.record)
  }

  /** The one it replaces, if any: two with the same topic filter are one. [v5 MQTT-3.8.4-3] */
  addSubscription(subscription: Subscription): Subscription | undefined {
    const replaced = this.subscriptions.get(subscription.topicFilter)
    this.subscriptions.set(subscription.topicFilter, subscription)
    if (this.isDurable) this.#store.putSubscription(this.record.number, subscription)
    return replaced
  }

  /** What was retained for it has been given. */
  settleRetained(subscription: Subscription): void {
    if (!subscription.owesRetained || this.subscriptions.get(subscription.topicFilter) !== subscription)
      return
    if (this.isDurable) {
      this.#store.putSubscription(this.record.number, { ...subscription, owesRetained: false })
    }
  }

  removeSubscription(topicFilter: string): Subscription | undefined {
    const removed = this.subscriptions.get(topicFilter)
    if (removed === undefined) return undefined
    this.subscriptions.delete(topicFilter)
    if (this.isDurable) this.#store.deleteSubscription(this.record.number, topicFilter)
    return removed
  }
}
