// Retained messages: kept when published, given to new subscriptions complete, however many there are, at the pace
// at which the client takes them.
//
//   subscribe -> cursor over the trie -> up to FEED_STEP a turn -> session/outbound.ts
//                    ^ goes on when the client has taken them, in the next turn, or when it is back
import type { Message } from '../packet/message.ts'
import { lowerQos } from '../packet/protocol.ts'
import { DropReason } from '../session/drops.ts'
import type { Session } from '../session/session.ts'
import type { Subscription } from '../session/subscription.ts'
import type { Store } from '../store/store.ts'
import type { RetainedCursor } from '../topic/retained-cursor.ts'
import { RetainedTrie } from '../topic/retained-trie.ts'
import { OWN_PREFIX } from './system-topics.ts'

/** Messages given, and trie nodes looked at, between two looks at everything else. */
const FEED_STEP = 256
const NODES_PER_STEP = 4_096
/** A feed waits while this many of the session's messages wait to be sent. */
const WAITING_MAX = 64

interface Feed {
  readonly cursor: RetainedCursor<Message>
  readonly subscription: Subscription
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

export interface RetainedParts {
  readonly store: Store
  readonly messagesMax: number
  readonly now: () => number
}

export class RetainedMessages {
  readonly #store: Store
  readonly #messagesMax: number
  readonly #now: () => number
  readonly #trie = new RetainedTrie<Message>()
  /** Bounded by the subscriptions of each session: a filter that is subscribed again starts anew. */
  readonly #feeds = new Map<Session, Feeds>()

  constructor({ store, messagesMax, now }: RetainedParts) {
    this.#store = store
    this.#messagesMax = messagesMax
    this.#now = now
  }

  get count(): number {
    return this.#trie.size
  }

  /** As the store had it at the start. */
  restore(message: Message): void {
    message.ownForGood()
    this.#trie.set(message.topicName, message)
  }

  /** An empty payload removes. False: there is no room for one more topic. [v5 MQTT-3.3.1-5] [v5 MQTT-3.3.1-6] */
  keep(message: Message): boolean {
    const { topicName } = message
    if (message.payloadOffset === message.length) {
      // Also where there is none: its removal by another client may be on its way to the disk.
      this.#trie.delete(topicName)
      this.#store.deleteRetained(topicName)
      return true // [v5 MQTT-3.3.1-7]
    }
    if (this.#trie.size >= this.#messagesMax && this.#trie.get(topicName) === undefined) return false
    message.ownForGood()
    this.#trie.set(topicName, message)
    if (!topicName.startsWith(OWN_PREFIX)) this.#store.putRetained(message)
    return true
  }

  /** Gives what matches to `session`, from now on. [v5 MQTT-3.3.1-9] */
  feed(session: Session, subscription: Subscription): void {
    const feeds = this.#feeds.get(session) ?? new Feeds()
    feeds.add({ cursor: this.#trie.cursor(subscription.plainFilter), subscription })
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
      const message = feed.cursor.step(NODES_PER_STEP)
      if (message !== undefined) this.#give(session, feed.subscription, message)
      else if (!feed.cursor.isDone) break
      else {
        feeds.remove(feed.subscription.topicFilter)
        session.settleRetained(feed.subscription)
      }
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

  #give(session: Session, subscription: Subscription, message: Message): void {
    if (message.expiresAt <= this.#now()) {
      this.#trie.delete(message.topicName)
      this.#store.deleteRetained(message.topicName)
      return
    }
    const { subscriptionIdentifier } = subscription
    const qos = lowerQos(message.qos, subscription.qos)
    const identifiers = subscriptionIdentifier === 0 ? undefined : [subscriptionIdentifier]
    if (session.outbound.push(message, qos, true, identifiers)) return // [v3.1.1 MQTT-3.3.1-8]
    session.drops.count(DropReason.QueueFull, message)
  }
}
