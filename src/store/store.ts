// What survives a restart, in the words of sessions, queues, retained messages and commits.
// Two implementations: memory-store.ts (nothing survives, nothing waits) and level-store.ts; one suite tests both.
//
//   put/delete ... -> open batch -> cut -> written, fsynced -> committed: listeners hear, acknowledgements leave
//                     ^ grows during the turn, and while the batch before it is being written
import type { Message } from '../packet/message.ts'
import type { Qos } from '../packet/protocol.ts'
import type { Rights } from '../topic/rights.ts'
import type { Delivery } from './delivery.ts'

/**
 * Identity of a session that comes from a broker which knows no owners: it belongs to whoever resumes it first. No user
 * name can be this one. [v5 MQTT-1.5.4-2]
 */
export const UNCLAIMED = '\0'

/** A session's row. `number` is the store's short name for the client id, never used again. */
export interface SessionRecord {
  readonly number: number
  readonly clientId: string
  /** Who made it: only the same identity may resume it. Empty: anonymous. UNCLAIMED: nobody yet. */
  identity: string
  /** What it was said to be allowed when it was last connected; undefined: nothing was said. */
  rights?: Rights | undefined
  /** Seconds; SESSION_NEVER_EXPIRES for ever. */
  expiryInterval: number
  /** Milliseconds since the epoch at which the offline session ends; Infinity while connected or for ever. */
  expiresAt: number
  /** Sequences of its queue below this may have been sent; Infinity while connected: how far is not known. */
  sentBefore: number
}

export interface SubscriptionRecord {
  readonly topicFilter: string
  readonly qos: Qos
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
  /** Retained messages are still to be given for it. */
  readonly owesRetained: boolean
  /** 0: none. */
  readonly subscriptionIdentifier: number
}

export interface WillRecord {
  readonly topicName: string
  readonly payload: Buffer
  readonly qos: Qos
  readonly retain: boolean
  /** Pass-through property block, as in Message.properties. */
  readonly properties: Buffer
  /** Seconds from its publication; undefined: never expires. */
  readonly messageExpiryInterval: number | undefined
  /** Seconds. */
  readonly delayInterval: number
  /** As in the session of its client, which may be gone before it. Default: anonymous. */
  readonly identity?: string | undefined
  readonly rights?: Rights | undefined
  /** Milliseconds since the epoch at which it is due; Infinity while its client is connected. */
  dueAt: number
}

/** The ends of a stored queue: sequences in [head, tail). `tail` is the next sequence to be given. */
export interface QueueEnds {
  readonly head: number
  readonly tail: number
  /** Approximate number of bytes on disk. */
  readonly bytes: number
}

/** Receives what was stored, once, while the store opens. A session comes before its subscriptions. */
export interface Restorer {
  session(record: SessionRecord, queue: QueueEnds, receivedPacketIds: number[]): void
  subscription(sessionNumber: number, record: SubscriptionRecord): void
  retained(message: Message): void
  will(clientId: string, record: WillRecord): void
}

/** Told once what it waited for is down. `token` is whatever it passed to afterCommit. */
export interface CommitListener {
  committed(token: number): void
}

/** What could not be read since the store was opened. */
export interface StoreDamage {
  readonly count: number
  /** Files and rows that were set aside, and where; undefined: nowhere. */
  readonly quarantined: number
  readonly quarantine: string | undefined
}

export interface Store {
  /** Opens the store and hands over all that it holds. Rejects with ERR_GODWIT_STORE_*. */
  open(restorer: Restorer): Promise<void>
  /** Commits what is open and closes. */
  close(): Promise<void>

  nextSessionNumber(): number
  putSession(record: SessionRecord): void
  /** Also removes its subscriptions, queue and received packet ids. */
  deleteSession(record: SessionRecord): void
  putSubscription(sessionNumber: number, record: SubscriptionRecord): void
  deleteSubscription(sessionNumber: number, topicFilter: string): void
  putWill(clientId: string, record: WillRecord): void
  deleteWill(clientId: string): void
  putRetained(message: Message): void
  deleteRetained(topicName: string): void
  /** [v5 MQTT-4.3.3-10] Packet ids of QoS 2 messages received and not yet released by the client. */
  putReceived(sessionNumber: number, packetId: number): void
  deleteReceived(sessionNumber: number, packetId: number): void

  /** Adds to the end of the session's queue; sequences only grow. The store owns the message's bytes from here. */
  enqueue(sessionNumber: number, delivery: Delivery): void
  /** The receiver has the message (PUBREC): only the packet id is kept. */
  release(sessionNumber: number, delivery: Delivery): void
  /** Done, or dropped. */
  dequeue(sessionNumber: number, delivery: Delivery): void
  /**
   * Up to `limit` deliveries with sequence >= `from`, oldest first, once all that was enqueued before is down.
   * Fewer where they are large; none only where there is none.
   */
  readQueue(sessionNumber: number, from: number, limit: number): Promise<Delivery[]>

  /** Grows with every put and delete that an acknowledgement would have to wait for. */
  readonly operations: number
  /** Number of the batch that is open now; what is put now is down once `committedBatch` has reached it. */
  readonly openBatch: number
  readonly committedBatch: number
  /** Everything that was put is down. */
  readonly isIdle: boolean
  /** Calls `listener.committed(token)` when the open batch is down; in the order of the calls. */
  afterCommit(listener: CommitListener, token: number): void
  /** Resolves when everything put so far is down. */
  flush(): Promise<void>
  /** The open batch has reached its bound, or the disk is full: stop reading from publishers until `onRoom`. */
  readonly isSaturated: boolean
  onRoom: () => void
  /**
   * Called with what a deleted session's client had not received, in the order of its queue, a slice at a time; what
   * is put in the same turn gets down together with the end of the slice. The messages of shared subscriptions are
   * there, and all others if `readsLeftOver`. The client id is empty where a crash came in between.
   */
  onLeftOver: (deliveries: readonly Delivery[], clientId: string) => void
  readsLeftOver: boolean
  /** The disk is full: what is taken out of the store makes room, and nothing else. Told whenever it changes. */
  readonly isShortOfRoom: boolean
  onShort: (isShort: boolean) => void
  /** Called for whatever can't be read: it is set aside, and the rest serves. */
  onDamage: (description: string) => void
  readonly damage: StoreDamage
  /** Called for each write that failed; it is tried again, and nothing of it is acknowledged before it succeeds. */
  onWriteError: (error: Error) => void
}

/** What an acknowledgement means. always: fsynced; everysec: written, fsynced each second; no: written. */
export type SyncMode = 'always' | 'everysec' | 'no'
