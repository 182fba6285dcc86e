// From one message to the sessions that get it. Everything that is published passes here: packets from
// handle-publish.ts, wills, and messages from inside the process; on to session/outbound.ts.
import type { Message } from '../packet/message.ts'
import { lowerQos } from '../packet/protocol.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { DropReason, type Drops } from '../session/drops.ts'
import type { Session } from '../session/session.ts'
import type { Subscription } from '../session/subscription.ts'
import { type Delivery, DeliveryState } from '../store/delivery.ts'
import { MatchCache } from '../topic/match-cache.ts'
import type { ShareGroup } from '../topic/shared-subscriptions.ts'
import { SubscriptionTrie } from '../topic/subscription-trie.ts'
import { parseShare } from '../topic/topic-filter.ts'
import type { RetainedMessages } from './retained-messages.ts'
import { makeRoute, type Recipient, type Route, recipientOf } from './route.ts'

const isReady = (session: Session): boolean => session.outbound.isReady
const isOnline = (session: Session): boolean => session.outbound.isOnline
const isDurable = (session: Session): boolean => session.isDurable

export class Router {
  readonly #trie = new SubscriptionTrie<Session, Subscription>()
  readonly #routes: MatchCache<Route>
  readonly #retained: RetainedMessages
  readonly #drops: Drops

  constructor(retained: RetainedMessages, drops: Drops, cacheEntries: number) {
    this.#retained = retained
    this.#drops = drops
    // Bounded by recipients, not by names: ten thousand subscribers of `#` times all names would be a gigabyte.
    this.#routes = new MatchCache(
      cacheEntries,
      (topicName) => makeRoute(this.#trie, topicName),
      ({ recipients }) => 1 + recipients.length,
    )
  }

  subscribe(session: Session, subscription: Subscription): void {
    const { shareName, plainFilter } = subscription
    if (shareName === undefined) this.#trie.add(plainFilter, session, subscription)
    else this.#trie.addShared(shareName, plainFilter, session, subscription)
    this.#routes.changed(plainFilter)
  }

  unsubscribe(session: Session, { shareName, plainFilter }: Subscription): void {
    if (shareName === undefined) this.#trie.remove(plainFilter, session)
    else this.#trie.removeShared(shareName, plainFilter, session)
    this.#routes.changed(plainFilter)
  }

  /** Keeps it if it is to be retained, and gives it to all who match. `publisher`: for No Local; undefined: nobody. */
  publish(message: Message, publisher: Session | undefined): ReasonCode {
    if (message.retain && !this.#retained.keep(message)) {
      this.#drops.count(DropReason.RetainedFull)
      return ReasonCode.QuotaExceeded
    }
    const { recipients, groups } = this.#routes.lookup(message.topicName)
    let copies = recipients.length + groups.length
    for (let i = 0; i < recipients.length; i++) {
      const recipient = recipients[i] as Recipient
      if (recipient.session !== publisher) deliver(message, recipient)
      else if (recipient.ofItsOwn !== undefined) deliver(message, recipient.ofItsOwn)
      else copies--
    }
    if (groups.length > 0) for (const group of groups) deliverToOne(message, group)
    return copies > 0 ? ReasonCode.Success : ReasonCode.NoMatchingSubscribers
  }

  /**
   * What sessions that have ended leave behind. What came through a shared subscription goes to another member, but
   * for a QoS 2 message that may have been sent: that one would arrive twice. [v5 MQTT-4.8.2-5]
   */
  handOn(leftOver: readonly Delivery[], now: number): void {
    for (const { message, share, qos, state } of leftOver) {
      const mayBeHandedOn = message !== undefined && (qos === 1 || state === DeliveryState.Waiting)
      const group = mayBeHandedOn ? this.#groupOf(share) : undefined
      if (message === undefined || group === undefined) this.#drops.count(DropReason.SessionEnded)
      else if (message.expiresAt < now) this.#drops.count(DropReason.Expired)
      else if (!deliverToOne(message, group)) this.#drops.count(DropReason.SessionEnded)
    }
  }

  /** Undefined: it has no members any more, or `share` is none. */
  #groupOf(share: string): ShareGroup<Session, Subscription> | undefined {
    const parsed = parseShare(share)
    return parsed && this.#trie.group(parsed.shareName, parsed.topicFilter)
  }
}

function deliver(message: Message, recipient: Recipient): void {
  const qos = lowerQos(message.qos, recipient.qos)
  const retain = message.retain && recipient.retainAsPublished // [v5 MQTT-3.3.1-12] [v5 MQTT-3.3.1-13]
  recipient.session.outbound.push(message, qos, retain, recipient.subscriptionIdentifiers, recipient.share)
}

/** One that can send it on at once, else one that is connected, else one that will come back. False: there is none. */
function deliverToOne(message: Message, group: ShareGroup<Session, Subscription>): boolean {
  const member = group.choose(isReady) ?? group.choose(isOnline) ?? group.choose(isDurable)
  if (member === undefined) return false
  deliver(message, recipientOf(member.subscriber, [member.subscription]))
  return true
}
