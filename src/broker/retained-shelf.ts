// What is retained: within its bounds, on the disk, and until it expires. retained-messages.ts asks it for those who
// subscribe; the router puts in.
//
//   deadline   Message Expiry Interval, or where there is none retainedExpirySeconds after it was retained
//   sweep      when the earliest deadline has come: over all of it, SWEEP_STEP messages every SWEEP_STEP_MS, so that
//              ten million of them hold nobody up and cost no memory; expired ones are not given to anybody meanwhile
import type { TimerWheel, WheelTask } from '../base/timer-wheel.ts'
import type { Limits } from '../config/schema.ts'
import { type Message, NEVER } from '../packet/message.ts'
import type { Store } from '../store/store.ts'
import type { RetainedCursor } from '../topic/retained-cursor.ts'
import { RetainedTrie } from '../topic/retained-trie.ts'
import { OWN_PREFIX } from './system-topics.ts'

const SWEEP_STEP = 2_000
const SWEEP_STEP_MS = 100
/** From the end of a sweep to the next one. */
const SWEEP_PAUSE_MS = 10_000
const NODES_PER_STEP = 4_096

export interface RetainedShelfParts {
  readonly store: Store
  readonly limits: Limits
  readonly wheel: TimerWheel
  readonly now: () => number
}

export class RetainedShelf implements WheelTask {
  dueAt = 0
  /** Of all that is there. */
  bytes = 0
  /** Removed at their deadline since the start. */
  expired = 0
  readonly #parts: RetainedShelfParts
  readonly #trie = new RetainedTrie<Message>()
  /** Of the sweep under way: what is left of it. */
  #sweep: RetainedCursor<Message>[] = []
  /** Messages that have a deadline: without any there is no sweep to wait for. */
  #mortal = 0
  /** No deadline comes before it, but for those that the sweep under way will find. */
  #earliest = NEVER
  #nextSweepAt = 0

  constructor(parts: RetainedShelfParts) {
    this.#parts = parts
  }

  get count(): number {
    return this.#trie.size
  }

  cursor(topicFilter: string): RetainedCursor<Message> {
    return this.#trie.cursor(topicFilter)
  }

  /** As the store had it at the start, whatever the bounds are now. */
  restore(message: Message): void {
    if (message.retainedAt === 0) message.retainedAt = this.#seconds()
    this.#set(message)
  }

  /** False: there is no room. What is there of its topic stays. */
  put(message: Message): boolean {
    // What the broker says of itself is bounded as it is, and never stored.
    const isOwn = message.topicName.startsWith(OWN_PREFIX)
    if (!isOwn && !this.#hasRoomFor(message)) return false
    if (!isOwn) message.retainedAt = this.#seconds()
    this.#set(message)
    if (!isOwn) this.#parts.store.putRetained(message)
    return true
  }

  /** Also where there is none: its removal by another client may be on its way to the disk. */
  remove(topicName: string): void {
    this.#forget(this.#trie.delete(topicName))
    this.#parts.store.deleteRetained(topicName)
    if (this.#mortal > 0 || this.#sweep.length > 0) return
    this.#parts.wheel.cancel(this)
    this.#earliest = NEVER
  }

  #forget(message: Message | undefined): void {
    if (message === undefined) return
    this.bytes -= message.length
    if (this.#deadlineOf(message) !== NEVER) this.#mortal--
  }

  /** Not if there is another one of its topic, or none. */
  has(message: Message): boolean {
    return this.#trie.get(message.topicName) === message
  }

  hasExpired(message: Message): boolean {
    return this.#deadlineOf(message) <= this.#parts.now()
  }

  #seconds(): number {
    return Math.floor(this.#parts.now() / 1000)
  }

  #hasRoomFor({ topicName, length }: Message): boolean {
    const { retainedMessagesMax, retainedBytesMax, retainedMessageBytesMax } = this.#parts.limits
    if (length > retainedMessageBytesMax) return false
    if (this.count < retainedMessagesMax && this.bytes + length <= retainedBytesMax) return true
    const replaced = this.#trie.get(topicName)
    return replaced !== undefined && this.bytes + length - replaced.length <= retainedBytesMax
  }

  #set(message: Message): void {
    message.ownForGood()
    this.#forget(this.#trie.set(message.topicName, message))
    this.bytes += message.length
    const deadline = this.#deadlineOf(message)
    if (deadline !== NEVER) this.#mortal++
    if (deadline >= this.#earliest) return
    this.#earliest = deadline
    if (this.#sweep.length === 0) this.#schedule()
  }

  #deadlineOf({ expiresAt, retainedAt }: Message): number {
    if (expiresAt !== NEVER) return expiresAt
    const { retainedExpirySeconds } = this.#parts.limits
    return retainedExpirySeconds === 0 || retainedAt === 0
      ? NEVER
      : (retainedAt + retainedExpirySeconds) * 1000
  }

  #schedule(): void {
    this.#parts.wheel.schedule(this, Math.max(this.#earliest, this.#nextSweepAt))
  }

  expire(now: number): void {
    if (this.#sweep.length === 0) {
      this.#earliest = NEVER
      this.#sweep = this.#trie.cursors()
    }
    this.#sweepOn(now)
    if (this.#sweep.length > 0) return this.#parts.wheel.schedule(this, now + SWEEP_STEP_MS)
    this.#nextSweepAt = now + SWEEP_PAUSE_MS
    if (this.#mortal > 0) this.#schedule()
  }

  #sweepOn(now: number): void {
    for (let looked = 0; looked < SWEEP_STEP; looked++) {
      const cursor = this.#sweep[0]
      if (cursor === undefined) return
      const message = cursor.step(NODES_PER_STEP)
      if (message === undefined && cursor.isDone) this.#sweep.shift()
      if (message === undefined) continue
      const deadline = this.#deadlineOf(message)
      if (deadline > now) this.#earliest = Math.min(this.#earliest, deadline)
      else this.drop(message)
    }
  }

  /** It has expired. */
  drop(message: Message): void {
    if (!this.has(message)) return
    this.expired++
    this.remove(message.topicName)
  }
}
