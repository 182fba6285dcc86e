// From one message to the sessions that get it. Everything that is published passes here: packets from
// handle-publish.ts, wills, and messages from inside the process; on to session/outbound.ts.
import type { Pace } from '../base/pace.ts'
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
import type { Overflow } from './overflow.ts'
import type { RetainedMessages } from './retained-messages.ts'
import { makeRoute, memberOf, type Recipient, type Route } from './route.ts'

const READY = 5

/** Who of a share gets a message: one that can have it at once, one that is connected, one that will be back. */
function rankFor(message: Message, { outbound, isDurable }: Session): number {
  if (outbound.isEnded) return 0
  if (outbound.isReady) return READY
  if (!outbound.isOnline && !isDurable) return 0
  const isFull = !outbound.hasRoomFor(message)
  if (outbound.isOnline) return isFull ? 1 : 4
  return isFull ? 2 : 3
}

export interface RouterParts {
  readonly retained: RetainedMessages
  readonly drops: Drops
  readonly overflow: Overflow
  readonly pace: Pace
  readonly cacheEntries: number
}

export class Router {
  readonly #trie = new SubscriptionTrie<Session, Subscription>()
  readonly #routes: MatchCache<Route>
  readonly #retained: RetainedMessages
  readonly #drops: Drops
  readonly #overflow: Overflow
  readonly #pace: Pace
  /** Whether `blockedBy` has to be asked. */
  readonly mayReject: boolean

  constructor({ retained, drops, overflow, pace, cacheEntries }: RouterParts) {
    this.#retained = retained
    this.#drops = drops
    this.#overflow = overflow
    this.#pace = pace
    this.mayReject = overflow.mayReject
    // Bounded by recipients, not by names: ten thousand subscribers of `#` times all names would be a gigabyte.
    this.#routes = new MatchCache(
      cacheEntries,
      (topicName) => makeRoute(this.#trie, topicName),
      ({ recipients }) => 1 + recipients.length,
    )
  }

  get subscriptionCount(): number {
    return this.#trie.size
  }

  /** Whether anyone is subscribed to `topicName`. */
  hasInterest(topicName: string): boolean {
    return this.#trie.hasInterest(topicName)
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
    this.#pace.spend(copies)
    for (let i = 0; i < recipients.length; i++) {
      const recipient = recipients[i] as Recipient
      const copy = recipient.session === publisher ? recipient.ofItsOwn : recipient
      if (copy === undefined) copies--
      else if (!push(message, copy)) this.#overflow.handle(message, copy)
    }
    if (groups.length > 0) for (const group of groups) this.#deliverToOne(message, group)
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
      const recipient = message && group && chosenOf(group, message)
      if (message === undefined || recipient === undefined) this.#drops.count(DropReason.SessionEnded)
      else if (message.expiresAt < now) this.#drops.count(DropReason.Expired)
      // No overflow here: the end of one session must not be that of the next.
      else if (!push(message, recipient)) recipient.session.outbound.drops.count(DropReason.QueueFull)
    }
  }

  /** Undefined: it has no members any more, or `share` is none. */
  #groupOf(share: string): ShareGroup<Session, Subscription> | undefined {
    const parsed = parseShare(share)
    return parsed && this.#trie.group(parsed.shareName, parsed.topicFilter)
  }

  #deliverToOne(message: Message, group: ShareGroup<Session, Subscription>): void {
    const recipient = chosenOf(group, message)
    if (recipient !== undefined && !push(message, recipient)) this.#overflow.handle(message, recipient)
  }

  /**
   * The sessions for want of whose room the message is to be rejected: then nobody is to get it. None: it is taken.
   * Of a share that has no room at all every member is named.
   */
  blockedBy(message: Message, publisher: Session | undefined): Session[] {
    const { topicName } = message
    const isConcerned = this.mayReject && message.qos > 0
    if (!isConcerned || this.#overflow.policyFor(topicName) !== 'reject') return []
    const { recipients, groups } = this.#routes.lookup(topicName)
    const isFull = ({ outbound }: Session): boolean => !outbound.hasRoomFor(message)
    const full: Session[] = []
    for (const recipient of recipients) {
      const copy = recipient.session === publisher ? recipient.ofItsOwn : recipient
      if (copy !== undefined && copy.qos > 0 && isFull(copy.session)) full.push(copy.session)
    }
    for (const { members } of groups) {
      if ([...members.keys()].every(isFull)) full.push(...members.keys())
    }
    return full
  }
}

/** Undefined: nobody is there, or will be back. */
function chosenOf(group: ShareGroup<Session, Subscription>, message: Message): Recipient | undefined {
  const member = group.choose((session) => rankFor(message, session), READY)
  return member && memberOf(member.subscriber, member.subscription)
}

/** False: there is no room. */
function push(message: Message, recipient: Recipient): boolean {
  const { session, retainAsPublished, subscriptionIdentifiers, share } = recipient
  const qos = lowerQos(message.qos, recipient.qos)
  const retain = message.retain && retainAsPublished // [v5 MQTT-3.3.1-12] [v5 MQTT-3.3.1-13]
  return session.outbound.push(message, qos, retain, subscriptionIdentifiers, share)
}
