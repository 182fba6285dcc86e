// Retained messages: kept when published (retained-shelf.ts), given to new subscriptions complete, however many there
// are, at the pace at which the client takes them.
//
//   subscribe -> cursor over the shelf -> up to FEED_STEP a turn -> session/outbound.ts
//                    ^ goes on when the client has taken them, in the next turn, or when it is back
import type { Message } from '../packet/message.ts'
import { lowerQos } from '../packet/protocol.ts'
import { DropReason } from '../session/drops.ts'
import type { Session } from '../session/session.ts'
import type { Subscription } from '../session/subscription.ts'
import type { RetainedCursor } from '../topic/retained-cursor.ts'
import { RetainedShelf, type RetainedShelfParts } from './retained-shelf.ts'

/** Messages given, and trie nodes looked at, between two looks at everything else. */
const FEED_STEP = 256
const NODES_PER_STEP = 4_096
/** A feed waits while this many of the session's messages wait to be sent. */
const WAITING_MAX = 64

interface Feed {
  readonly cursor: RetainedCursor<Message>
  readonly subscription: Subscription
  /** Its turn has come, and there was no room for it. */
  next: Message | undefined
}

/** The feeds of one session, served one after the other: a hundred thousand filters may come in one packet. */
class Feeds {
  /** It goes on in the next turn. */
  isScheduled = false
  /** By topic filter. */
  readonly #waiting = new Map<string, Feed>()
  /** Goes along with the map as it changes, and so never passes over what is gone a second time. */
  readonly #order = this.#waiting.values()
  #current: Feed | undefined

  add(feed: Feed): void {
    const { topicFilter } = feed.subscription
    this.remove(topicFilter)
    this.#waiting.set(topicFilter, feed)
  }

  remove(topicFilter: string): void {
    if (this.#current?.subscription.topicFilter === topicFilter) this.#current = undefined
    this.#waiting.delete(topicFilter)
  }

  /** The one to be served; undefined: none is left, and these feeds are to be forgotten. */
  get current(): Feed | undefined {
    this.#current ??= this.#order.next().value
    return this.#current
  }
}

export interface RetainedParts extends RetainedShelfParts {
  /** Whether a message is not to be given: its publisher may not publish it any more. */
  readonly isWithheld: (message: Message) => boolean
}

export class RetainedMessages {
  readonly shelf: RetainedShelf
  readonly #isWithheld: (message: Message) => boolean
  /** Bounded by the subscriptions of each session: a filter that is subscribed again starts anew. */
  readonly #feeds = new Map<Session, Feeds>()

  constructor({ isWithheld, ...parts }: RetainedParts) {
    this.shelf = new RetainedShelf(parts)
    this.#isWithheld = isWithheld
  }

  /** An empty payload removes. False: there is no room. [v5 MQTT-3.3.1-5] [v5 MQTT-3.3.1-6] */
  keep(message: Message): boolean {
    if (message.payloadOffset < message.length) return this.shelf.put(message)
    this.shelf.remove(message.topicName)
    return true // [v5 MQTT-3.3.1-7]
  }

  /** Gives what matches to `session`, from now on. [v5 MQTT-3.3.1-9] */
  feed(session: Session, subscription: Subscription): void {
    const feeds = this.#feeds.get(session) ?? new Feeds()
    feeds.add({ cursor: this.shelf.cursor(subscription.plainFilter), subscription, next: undefined })
    this.#feeds.set(session, feeds)
    session.outbound.onRoom = () => this.resume(session)
    this.resume(session)
  }

  /** Goes on with what the session has not been given yet. */
  resume(session: Session): void {
    const feeds = this.#feeds.get(session)
    if (feeds === undefined || feeds.isScheduled || !session.outbound.isOnline) return
    for (let given = 0; given < FEED_STEP; given++) {
      const feed = feeds.current
      if (feed === undefined) return this.forget(session)
      if (session.outbound.waiting > WAITING_MAX || session.outbound.isHeldBack) return
      const message = this.#nextOf(feed)
      if (message !== undefined && !this.#give(session, feed, message)) return
      if (message !== undefined) continue
      if (!feed.cursor.isDone) break
      feeds.remove(feed.subscription.topicFilter)
      session.settleRetained(feed.subscription)
    }
    feeds.isScheduled = true
    setImmediate(() => {
      feeds.isScheduled = false
      this.resume(session)
    })
  }

  /** The subscription has gone, and with it what it was still to be given. */
  stop(session: Session, topicFilter: string): void {
    this.#feeds.get(session)?.remove(topicFilter)
  }

  forget(session: Session): void {
    this.#feeds.delete(session)
    session.outbound.onRoom = undefined
  }

  #nextOf(feed: Feed): Message | undefined {
    const { next } = feed
    feed.next = undefined
    return next !== undefined && this.shelf.has(next) ? next : feed.cursor.step(NODES_PER_STEP)
  }

  /** False: there is no room, and will be when the client has acknowledged what it has. */
  #give({ outbound, drops, permit }: Session, feed: Feed, message: Message): boolean {
    const { subscription } = feed
    if (this.shelf.hasExpired(message)) {
      this.shelf.drop(message)
      return true
    }
    const { topicFilter, subscriptionIdentifier } = subscription
    const mayReceive = permit === undefined || permit.mayReceiveThrough(topicFilter, message.topicName)
    if (!mayReceive || this.#isWithheld(message)) {
      drops.count(DropReason.NotAuthorized, message)
      return true
    }
    const qos = lowerQos(message.qos, subscription.qos)
    const identifiers = subscriptionIdentifier === 0 ? undefined : [subscriptionIdentifier]
    if (outbound.push(message, qos, true, identifiers)) return true // [v3.1.1 MQTT-3.3.1-8]
    if (outbound.length === 0) {
      drops.count(DropReason.QueueFull, message)
      return true
    }
    feed.next = message
    return false
  }
}
