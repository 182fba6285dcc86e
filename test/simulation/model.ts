// A broker as it should be, without a single byte: sessions, subscriptions, retained messages, wills and time. It knows
// nothing of src/broker; where the specification leaves a choice, every choice is right.
//
// The rules, by name in rules.ts, and where they are looked after:
//
//   sessions       1 clean start   2 session expiry   3 take-over   4 liveness                    model.ts, client.ts
//   routing        5 no local   6 unsubscribed   7 shared subscription   8 will                  model.ts
//   a message      9 lower QoS  10 retain flag  11 subscription identifier  12 message expiry    copy.ts
//   a queue       13 at most once   14 at least once   15 exactly once   16 order                session-model.ts
//   in flight     17 redelivery  18 DUP  19 packet id  20 receive maximum  21 release            in-flight.ts
//   others        22 retained (feeds.ts)   23 acknowledgement (publisher.ts)
import type { ProtocolVersion } from '../../src/packet/protocol.ts'
import { ANYONE, type Copy, type ModelConnection, type Publication, type Share } from './copy.ts'
import type { SentPublish } from './packets.ts'
import { type ModelClock, type ModelLimits, SessionModel } from './session-model.ts'
import { type SubscriptionModel, termsOf } from './subscription-model.ts'
import { filtersFor, splitFilter } from './topics.ts'

export const NEVER_EXPIRES = 0xffff_ffff
/** A deadline is met up to this much late, in ms. */
const TICK_MS = 100

export interface WillOptions {
  readonly publish: SentPublish
  /** Seconds. */
  readonly delay: number
}

export interface ConnectOptions {
  readonly version: ProtocolVersion
  readonly cleanStart: boolean
  /** Seconds. */
  readonly expiry: number
  readonly receiveMaximum: number
  /** Seconds; 0: none. */
  readonly keepAlive: number
  readonly will: WillOptions | undefined
}

interface PendingWill extends WillOptions {
  /** Infinity while its client is connected. */
  dueAt: number
  lateness: number
}

export interface Connection extends ModelConnection {
  readonly session: SessionModel
  readonly sessionPresent: boolean
  readonly isCleanStart: boolean
}

export class Model {
  readonly clock: ModelClock
  readonly retained = new Map<string, Publication>()
  readonly #limits: ModelLimits
  readonly #sessions = new Map<string, SessionModel>()
  readonly #connections = new Map<string, Connection>()
  readonly #wills = new Map<string, PendingWill>()
  /** Within a step that ends connections by itself: what they were sent just before may be lost. */
  #isDisturbed = false

  constructor(limits: ModelLimits, now: number) {
    this.#limits = limits
    this.clock = { now, since: now, order: 0 }
  }

  connect(clientId: string, options: ConnectOptions): Connection {
    this.leave(clientId, false)
    const old = this.#sessions.get(clientId)
    if (old !== undefined && options.cleanStart) this.#end(old)
    const found = this.#sessions.get(clientId)
    const session = found ?? new SessionModel(clientId, this.clock, this.#limits)
    this.#sessions.set(clientId, session)
    session.expiry = options.expiry
    session.expiresAt = Number.POSITIVE_INFINITY
    this.#wills.delete(clientId)
    const { will } = options
    if (will !== undefined)
      this.#wills.set(clientId, { ...will, dueAt: Number.POSITIVE_INFINITY, lateness: 0 })
    const connection: Connection = {
      clientId,
      session,
      sessionPresent: found !== undefined,
      isCleanStart: options.cleanStart,
      version: options.version,
      receiveMaximum: options.receiveMaximum,
      keepAliveMs: options.keepAlive * 1500,
      lastHeardAt: this.clock.now,
      hasConnack: false,
      isOpen: true,
      isStalled: false,
      isBehind: false,
      lastRepeated: 0,
    }
    session.attach(connection)
    this.#connections.set(clientId, connection)
    return connection
  }

  /** The connection ends. `discardsWill`: by a farewell. */
  leave(clientId: string, discardsWill: boolean): void {
    const session = this.#detach(clientId)
    if (session === undefined) return
    const will = this.#wills.get(clientId)
    if (discardsWill) this.#wills.delete(clientId)
    else if (will !== undefined) {
      const delay = Math.min(will.delay, session.expiry)
      will.dueAt = this.clock.now + delay * 1000
      if (delay === 0) this.#publishWill(clientId)
    }
    if (session.expiry === 0) this.#end(session)
  }

  #detach(clientId: string): SessionModel | undefined {
    const connection = this.#connections.get(clientId)
    if (connection === undefined) return undefined
    this.#connections.delete(clientId)
    connection.isOpen = false
    const { session } = connection
    session.detach(connection.isBehind || this.#isDisturbed)
    session.expiresAt =
      session.expiry === NEVER_EXPIRES ? Number.POSITIVE_INFINITY : this.clock.now + session.expiry * 1000
    return session
  }

  /** Everything of it goes; a will that waits is published now. */
  #end(session: SessionModel): void {
    const { clientId } = session
    this.#sessions.delete(clientId)
    this.#publishWill(clientId)
    for (const copy of session.end()) if (copy.share !== undefined) this.#handOver(session, copy, copy.share)
  }

  /** What a member of a share did not acknowledge goes to another, unless it is QoS 2 and may have been sent. */
  #handOver(from: SessionModel, copy: Copy, share: Share): void {
    share.copies.delete(copy)
    const isSeen = copy.packetId !== 0
    if (copy.terms.qos === 2 && isSeen) return
    if (copy.terms.qos === 2 && copy.mayBeSent) share.isRequired = false
    else if (isSeen) share.isRequired = !share.isLoose
    // One that may have it anyhow may get it by this way too, and on other terms.
    for (const other of share.copies.keys()) other.handedBy = ANYONE
    const handedBy = copy.handedBy === '' ? from.clientId : ANYONE
    const members = this.#members(share.filter)
    if (members.length === 0) share.isRequired = false
    for (const member of members) this.#offer(share, member, handedBy)
  }

  #members(filter: string): SessionModel[] {
    return [...this.#sessions.values()].filter((session) => session.subscriptions.has(filter))
  }

  #offer(share: Share, member: SessionModel, handedBy: string): void {
    const subscription = member.subscriptions.get(share.filter) as SubscriptionModel
    const copy = member.expect(share.publication, termsOf(share.publication, [subscription]), share)
    if (copy === undefined) share.isRequired = false
    else {
      copy.handedBy = handedBy
      share.copies.set(copy, member)
    }
  }

  subscribe(session: SessionModel, subscription: SubscriptionModel, retainHandling: 0 | 1 | 2): void {
    const { filter } = subscription
    const isNew = !session.subscriptions.has(filter)
    session.feeds.stop(filter)
    session.subscriptions.set(filter, subscription)
    const isFed = retainHandling === 0 || (retainHandling === 1 && isNew)
    if (isFed && splitFilter(filter).shareName === '') session.feeds.begin(subscription, this.retained)
  }

  /** Somebody has a shared subscription for it. */
  isShared(topic: string): boolean {
    const isOfShare = (filter: string): boolean => splitFilter(filter).shareName !== ''
    return filtersFor(topic).some((filter) => isOfShare(filter) && this.#members(filter).length > 0)
  }

  /** False: there was no such subscription. */
  unsubscribe(session: SessionModel, filter: string): boolean {
    session.feeds.stop(filter)
    return session.subscriptions.delete(filter)
  }

  /** The same message once more: nobody can tell it from the first. */
  publishAgain(publisher: string, sent: SentPublish): boolean {
    for (const session of this.#sessions.values()) session.blur(sent.payload)
    return this.#publish(publisher, sent, { isRepeated: true })
  }

  /** False: nobody was subscribed. */
  publish(publisher: string, sent: SentPublish): boolean {
    return this.#publish(publisher, sent, {})
  }

  #publish(
    publisher: string,
    sent: SentPublish,
    { isWill = false, isRepeated = false, lateness = 0 }: Partial<Publication>,
  ): boolean {
    const { now } = this.clock
    const { topic, payload, qos, retain, expiry } = sent
    const expiresAt = expiry === 0 ? Number.POSITIVE_INFINITY : now + expiry * 1000
    const order = ++this.clock.order
    const facts = { topic, payload, qos, retain, publisher, isWill, isRepeated }
    const publication = { ...facts, publishedAt: now, expiresAt, lateness, order }
    if (retain) this.#retain(publication)
    const filters = filtersFor(topic)
    let isMatched = false
    for (const session of this.#sessions.values()) {
      const matching: SubscriptionModel[] = []
      for (const filter of filters) {
        const subscription = session.subscriptions.get(filter)
        if (subscription === undefined) continue
        if (splitFilter(filter).shareName === '') matching.push(subscription)
        else isMatched = true
      }
      if (this.#expect(session, publication, matching)) isMatched = true
    }
    for (const filter of filters) if (splitFilter(filter).shareName !== '') this.#share(publication, filter)
    return isMatched
  }

  #retain(publication: Publication): void {
    const { topic, payload } = publication
    const isRemoved = payload === ''
    if (isRemoved) this.retained.delete(topic)
    else this.retained.set(topic, publication)
    for (const { feeds } of this.#sessions.values()) feeds.changed(topic, isRemoved ? undefined : publication)
  }

  /** Whether No Local keeps a client from its own will, nobody says: then it may come either way. */
  #expect(session: SessionModel, publication: Publication, matching: SubscriptionModel[]): boolean {
    if (matching.length === 0) return false
    const isOwn = publication.publisher === session.clientId
    const allowed = isOwn ? matching.filter(({ noLocal }) => !noLocal) : matching
    if (isOwn && publication.isWill && allowed.length < matching.length) {
      const either: Share = { publication, filter: '', copies: new Map(), isRequired: false, isLoose: false }
      for (const subscriptions of [matching, allowed].filter(({ length }) => length > 0)) {
        const copy = session.expect(publication, termsOf(publication, subscriptions), either)
        if (copy !== undefined) either.copies.set(copy, session)
      }
    } else if (allowed.length > 0) session.expect(publication, termsOf(publication, allowed))
    return allowed.length > 0
  }

  #share(publication: Publication, filter: string): void {
    const members = this.#members(filter)
    if (members.length === 0) return
    const isLoose = publication.isRepeated
    const share: Share = { publication, filter, copies: new Map(), isRequired: !isLoose, isLoose }
    for (const member of members) this.#offer(share, member, '')
  }

  #publishWill(clientId: string): void {
    const will = this.#wills.get(clientId)
    if (will === undefined) return
    this.#wills.delete(clientId)
    this.#publish(clientId, will.publish, { isWill: true, lateness: will.lateness })
  }

  /** Time passes: wills are due, sessions expire, silent connections end, all at their own times. */
  advance(seconds: number): void {
    const end = this.clock.now + seconds * 1000
    this.#isDisturbed = true
    for (let next = this.#nextDeadline(); next <= end; next = this.#nextDeadline()) {
      this.clock.now = Math.max(next, this.clock.now)
      this.#meetDeadlines()
    }
    this.#isDisturbed = false
    this.clock.now = end
  }

  #nextDeadline(): number {
    let next = Number.POSITIVE_INFINITY
    for (const connection of this.#connections.values()) next = Math.min(next, silentUntil(connection))
    for (const { dueAt } of this.#wills.values()) next = Math.min(next, dueAt)
    for (const { expiresAt, connection } of this.#sessions.values()) {
      if (connection === undefined) next = Math.min(next, expiresAt)
    }
    return next
  }

  /** Of those at one time the wills come first and the ends last: in another order fewer get what is published. */
  #meetDeadlines(): void {
    const { now } = this.clock
    const silent = [...this.#connections.values()].filter((connection) => silentUntil(connection) <= now)
    for (const { clientId, session } of silent) {
      const will = this.#wills.get(clientId)
      if (will !== undefined && Math.min(will.delay, session.expiry) === 0) this.#publishWill(clientId)
    }
    const due = (session: SessionModel): boolean =>
      session.connection === undefined && session.expiresAt <= now
    for (const [clientId, { dueAt }] of [...this.#wills]) {
      const session = this.#sessions.get(clientId)
      if (dueAt <= now || (session !== undefined && due(session))) this.#publishWill(clientId)
    }
    for (const { clientId } of silent) this.leave(clientId, false)
    for (const session of [...this.#sessions.values()]) if (due(session)) this.#end(session)
  }

  /** The broker ends, in good order or killed, and is there again at once. */
  restart(isKilled: boolean): void {
    this.#isDisturbed = true
    const clientIds = [...this.#connections.keys()]
    const passing = clientIds.filter((clientId) => this.#sessions.get(clientId)?.expiry === 0)
    if (!isKilled) for (const clientId of passing) this.#publishWill(clientId)
    const sessions = clientIds.map((clientId) => this.#detach(clientId) as SessionModel)
    this.#isDisturbed = false
    for (const { clientId, expiry } of sessions) {
      const will = this.#wills.get(clientId)
      if (will === undefined) continue
      // A will may be put off until the broker is back.
      will.dueAt = this.clock.now + Math.min(will.delay, expiry) * 1000
      will.lateness = TICK_MS
    }
    for (const session of sessions) if (session.expiry === 0) this.#endAtRestart(session, isKilled)
    for (const session of this.#sessions.values()) {
      session.restarted(isKilled && sessions.includes(session))
      session.feeds.restarted(this.retained)
    }
  }

  /** Its will is not due before the broker is back. What it had at a crash may never have been on the disk. */
  #endAtRestart(session: SessionModel, isCrash: boolean): void {
    if (isCrash) session.loseShares()
    const will = this.#wills.get(session.clientId)
    this.#wills.delete(session.clientId)
    this.#end(session)
    if (will !== undefined) this.#wills.set(session.clientId, will)
  }

  /** Everything under way has arrived. */
  check(): void {
    for (const session of this.#sessions.values()) session.check()
    for (const connection of this.#connections.values()) connection.isBehind = connection.isStalled
    this.clock.since = this.clock.now
  }
}

const silentUntil = ({ keepAliveMs, lastHeardAt }: ModelConnection): number =>
  keepAliveMs === 0 ? Number.POSITIVE_INFINITY : lastHeardAt + keepAliveMs
