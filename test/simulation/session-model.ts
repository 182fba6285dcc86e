// One session as it should be: what its client is still to receive, and whether what it receives is that.
// model.ts says what is published and who connects; client.ts says what arrived and what was answered.
//
//   expect, feed --> queue, passing, feeds --> arrived --> inFlight --> recorded, finished
//                                              check: whatever could have arrived by now has
import {
  ANYONE,
  Copy,
  isExpired,
  type Member,
  type ModelConnection,
  mayBeExpired,
  misfit,
  type Publication,
  type Share,
  saysTrueExpiry,
  type Terms,
} from './copy.ts'
import { Feeds } from './feeds.ts'
import { InFlight } from './in-flight.ts'
import type { ArrivedPublish } from './packets.ts'
import { breach, type Rule } from './rules.ts'
import type { SubscriptionModel } from './subscription-model.ts'
import { filtersFor } from './topics.ts'

/** The model's time; `since` is when everything had arrived last. */
export interface ModelClock {
  now: number
  since: number
  /** Publications so far. */
  order: number
}

/** What the broker was configured with. */
export interface ModelLimits {
  readonly inFlightMax: number
  /** How far a broker looks beyond the oldest message that is not acknowledged. */
  readonly queueWindow: number
}

const PAST_MAX = 200

export class SessionModel implements Member {
  readonly clientId: string
  /** Seconds; while it is connected, what it will have left when it is not. */
  expiry = 0
  /** Milliseconds since the epoch. */
  expiresAt = Number.POSITIVE_INFINITY
  readonly subscriptions = new Map<string, SubscriptionModel>()
  /** Packet ids of QoS 2 messages that the client has begun to send. */
  readonly receiving = new Set<number>()
  connection: ModelConnection | undefined = undefined
  isEnded = false
  readonly feeds: Feeds
  /** QoS 1 and 2, in the order of publication, and QoS 0. */
  #queue: Copy[] = []
  #passing: Copy[] = []
  readonly #inFlight = new InFlight()
  /** Order of the latest message from each publisher on each way. */
  readonly #latest = new Map<string, number>()
  /** What may not come any more, and what is broken if it does. */
  readonly #past = new Map<string, Rule>()
  readonly #clock: ModelClock
  readonly #limits: ModelLimits
  readonly #madeAt: number
  /** Lost in a crash, and not back since. */
  #isUncertain = false
  #places = 0

  constructor(clientId: string, clock: ModelClock, limits: ModelLimits) {
    this.clientId = clientId
    this.#clock = clock
    this.#limits = limits
    this.#madeAt = clock.order
    this.feeds = new Feeds(clock, () => this.#places++)
  }

  get isDurable(): boolean {
    return this.expiry > 0
  }

  /** A message for it; undefined: it is not there to take one of QoS 0. */
  expect(publication: Publication, terms: Terms, share?: Share): Copy | undefined {
    if (terms.qos === 0 && this.connection === undefined) return undefined
    const copy = new Copy(publication, terms, this.#places++)
    copy.share = share
    if (terms.qos > 0) this.#queue.push(copy)
    else this.#passing.push(copy)
    copy.isRequired = share === undefined && (terms.qos > 0 || this.connection?.hasConnack === true)
    return copy
  }

  attach(connection: ModelConnection): void {
    this.connection = connection
    this.#isUncertain = false
  }

  /** `mayHaveSent`: not all that was sent was seen. */
  detach(mayHaveSent: boolean): void {
    this.connection = undefined
    this.#losePassing()
    if (mayHaveSent) for (const copy of this.#queue) if (copy.packetId === 0) copy.mayBeSent = true
    this.feeds.interrupted(mayHaveSent)
  }

  /** The broker has started anew; `isLost`: while the client was connected, and not in good order. */
  restarted(isLost: boolean): void {
    if (isLost) this.#isUncertain = true
    if (!this.#isUncertain) return
    // What it was sent nobody knows, and as long as it has not come back nobody needs to find out.
    for (const copy of this.#queue) {
      if (copy.packetId === 0) copy.mayBeSent = true
      else if (copy.terms.qos === 1) copy.mayExpire = true
    }
  }

  /** It has ended: what it did not acknowledge. */
  end(): Copy[] {
    this.isEnded = true
    this.#losePassing()
    return this.#queue
  }

  /** What it has, or may have, of a share need not go on to another member. */
  loseShares(): void {
    for (const { share } of this.#queue) {
      if (share === undefined) continue
      share.isLoose = true
      share.isRequired = false
    }
  }

  #losePassing(): void {
    for (const copy of this.#passing) {
      if (copy.share === undefined) continue
      copy.share.isRequired = false
      copy.share.copies.delete(copy)
    }
    this.#passing = []
  }

  /** The message will be published again: which of them arrives cannot be told. */
  blur(payload: string): void {
    for (const { publication, share } of [...this.#queue, ...this.#passing]) {
      if (publication.payload !== payload) continue
      publication.isRepeated = true
      if (share === undefined) continue
      share.isLoose = true
      share.isRequired = false
    }
  }

  /** Another member of its share has shown that it has the message. */
  withdraw(copy: Copy): void {
    removeFrom(copy.terms.qos > 0 ? this.#queue : this.#passing, copy)
    this.#remember(copy.publication, 'shared subscription')
  }

  /** `connection` may be one that has ended a moment ago. */
  arrived(connection: ModelConnection, packet: ArrivedPublish): void {
    if (this.isEnded) return
    const known = packet.qos === 0 ? undefined : this.#inFlight.get(packet.packetId)
    if (known !== undefined) return this.#inFlight.arrivedAgain(connection, packet, known)
    if (packet.qos === 0 && connection !== this.connection) return
    const copy = this.#find(connection, packet) ?? this.#uncalledFor(packet)
    this.#checkOrder(copy)
    if (copy.share !== undefined) this.#claim(copy, copy.share)
    this.#remember(copy.publication, ['at most once', 'redelivery', 'exactly once'][packet.qos] as Rule)
    if (packet.qos === 0) return
    this.#inFlight.add(connection, packet.packetId, copy)
  }

  /** What it is; undefined: nothing that was to come. Throws if it is something, but not as it should be. */
  #find(connection: ModelConnection, packet: ArrivedPublish): Copy | undefined {
    const { qos, payload, topic } = packet
    const { found, twin, wrong } = this.#search(connection, packet)
    if (found !== undefined) return this.#taken(found)
    const fed = this.feeds.take(connection, packet)
    if (fed !== undefined) return this.#given(fed)
    if (twin !== undefined) return this.#taken(twin)
    const others = qos === 0 ? this.#queue : this.#passing
    const isOther = others.some((copy) => copy.isOf(packet) && copy.packetId === 0)
    const rule = wrong ?? this.feeds.misfit(connection, packet) ?? (isOther ? 'lower QoS' : undefined)
    if (rule === undefined) return undefined
    breach(rule, `${payload} to ${topic} came as ${JSON.stringify(packet)}`)
  }

  /** The first copy that it can be, rather one that must come than one that may. */
  #search(connection: ModelConnection, packet: ArrivedPublish) {
    let loose: Copy | undefined
    let expired: Copy | undefined
    let twin: Copy | undefined
    let wrong: Rule | undefined
    for (const copy of packet.qos === 0 ? this.#passing : this.#queue) {
      if (copy.packetId !== 0 || !copy.isOf(packet)) continue
      const problem = this.#problemWith(connection, packet, copy)
      wrong ??= problem
      const isExcused = problem === 'subscription identifier' || problem === 'message expiry'
      if (copy.hasTwin && isExcused) twin ??= copy
      if (problem !== undefined) continue
      if (mayBeExpired(copy.publication, this.#clock.now)) expired ??= copy
      else if (copy.share?.isLoose === true) loose ??= copy
      else return { found: copy, twin, wrong }
    }
    return { found: loose ?? expired, twin, wrong }
  }

  #taken(copy: Copy): Copy {
    if (copy.terms.qos === 0) removeFrom(this.#passing, copy)
    return copy
  }

  #given(copy: Copy): Copy {
    copy.isRetained = true
    this.#places++ // It may as well stand here as where it could have been.
    if (copy.terms.qos > 0) this.#queue.push(copy)
    return copy
  }

  #problemWith(connection: ModelConnection, packet: ArrivedPublish, copy: Copy): Rule | undefined {
    const { publication, terms, mayBeSent } = copy
    const { now, since } = this.#clock
    const problem = misfit(packet, terms, connection)
    if (problem !== undefined) return problem
    if (!saysTrueExpiry(packet, publication, connection, since, now)) return 'message expiry'
    if (isExpired(publication, since) && !connection.isBehind && !mayBeSent) return 'message expiry'
    if (packet.dup && !mayBeSent) return 'DUP'
    return undefined
  }

  #uncalledFor({ payload, topic, retain }: ArrivedPublish): never {
    const what = `${payload} to ${topic} was not to come`
    const past = this.#past.get(`${topic} ${payload}`)
    if (past !== undefined) breach(past, what)
    if (payload.startsWith('will')) breach('will', what)
    if (payload !== '' && Number(payload.slice(payload.indexOf('-') + 1)) < this.#madeAt && !retain) {
      breach('clean start', `${what}: it is older than the session`)
    }
    if (retain) breach('retained', what)
    const isSubscribed = filtersFor(topic).some((filter) => this.subscriptions.has(filter))
    const isOwn = payload.startsWith(`${this.clientId}-`)
    breach(isSubscribed && isOwn ? 'no local' : 'unsubscribed', what)
  }

  #checkOrder({ publication, terms, share, handedBy, isRetained }: Copy): void {
    if (isRetained || handedBy === ANYONE) return
    const { publisher, topic, payload, order, isRepeated } = publication
    if (payload === '' || isRepeated) return // One may be taken for another.
    const way = `${publisher} ${topic} ${terms.qos} ${share?.filter} ${handedBy}`
    if (order < (this.#latest.get(way) ?? 0)) breach('order', `${payload} to ${topic} came late`)
    this.#latest.set(way, order)
  }

  /** It is this member's. */
  #claim(copy: Copy, share: Share): void {
    if (share.isLoose) return void share.copies.delete(copy)
    for (const [other, member] of share.copies) if (other !== copy) member.withdraw(other)
    share.copies.clear()
    share.copies.set(copy, this)
  }

  #remember({ topic, payload }: Publication, rule: Rule): void {
    if (payload === '') return
    if (this.#past.size >= PAST_MAX) this.#past.clear()
    this.#past.set(`${topic} ${payload}`, rule)
  }

  // What the client answered.

  /** PUBREC. */
  recorded(packetId: number): void {
    this.#inFlight.recorded(packetId)
  }

  /** PUBACK, PUBCOMP, or a refusal. */
  finished(packetId: number): void {
    const copy = this.#inFlight.take(packetId)
    if (copy !== undefined) removeFrom(this.#queue, copy)
  }

  /** PUBREL has arrived. */
  released(connection: ModelConnection, packetId: number): void {
    if (!this.isEnded) this.#inFlight.released(connection, packetId)
  }

  /** Everything under way has arrived: what has not is not under way. */
  check(): void {
    const { connection } = this
    if (connection === undefined || connection.isStalled) return
    this.#checkPassing()
    const { inFlightMax, queueWindow } = this.#limits
    const { outstanding, oldest } = this.#inFlight.check(connection)
    const isFull = outstanding >= Math.min(connection.receiveMaximum, inFlightMax)
    // What is given for a subscription may stand further back than its place.
    const span = this.#places - oldest + this.feeds.size
    if (isFull || (outstanding > 0 && span >= queueWindow)) return
    this.#checkQueue(connection)
    this.feeds.check()
  }

  #checkPassing(): void {
    for (const copy of this.#passing) this.#missed(copy)
    this.#passing = []
  }

  #checkQueue(connection: ModelConnection): void {
    let hasWaiting = false
    for (const copy of this.#queue) {
      if (copy.connection === connection) continue
      if (copy.packetId !== 0 && copy.mayExpire && mayBeExpired(copy.publication, this.#clock.now)) {
        this.#inFlight.take(copy.packetId)
        copy.packetId = 0
      }
      if (copy.packetId !== 0) breach('redelivery', `${copy.publication.payload} did not go out again`)
      hasWaiting = true
      this.#missed(copy)
    }
    if (hasWaiting) this.#queue = this.#queue.filter(({ packetId }) => packetId !== 0)
  }

  /** It did not come, and will not come any more. */
  #missed(copy: Copy): void {
    const { publication, terms, share } = copy
    const { topic, payload, isWill } = publication
    share?.copies.delete(copy)
    if (mayBeExpired(publication, this.#clock.now)) return
    const what = `${payload} to ${topic} did not arrive`
    if (share !== undefined) {
      if (share.isRequired && share.copies.size === 0) breach('shared subscription', `${what} at any member`)
    } else if (copy.isRequired) {
      breach(isWill ? 'will' : terms.qos === 0 ? 'at most once' : 'at least once', what)
    }
  }
}

function removeFrom(list: Copy[], copy: Copy): void {
  const index = list.indexOf(copy)
  if (index >= 0) list.splice(index, 1)
}
