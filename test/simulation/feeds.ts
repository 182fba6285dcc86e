// Retained messages that a session is still to be given for its subscriptions. A broker may give them at the pace of
// the client, and then the message is whichever is retained when its turn comes.
import {
  Copy,
  isExpired,
  type ModelConnection,
  mayBeExpired,
  misfit,
  type Publication,
  saysTrueExpiry,
} from './copy.ts'
import type { ArrivedPublish } from './packets.ts'
import { breach, type Rule } from './rules.ts'
import type { ModelClock } from './session-model.ts'
import { type SubscriptionModel, termsOfRetained } from './subscription-model.ts'
import { filtersFor } from './topics.ts'

interface Feed {
  readonly subscription: SubscriptionModel
  readonly topic: string
  /** The first place in the queue that it may have. */
  readonly place: number
  /** Any one of these. */
  readonly alternatives: Publication[]
  isRequired: boolean
  mayBeSent: boolean
  given: Given | undefined
}

/** A message that arrived, and for which feeds it may have been. */
interface Given {
  readonly fits: (feed: Feed) => boolean
}

export class Feeds {
  #feeds: Feed[] = []
  /** Subscriptions for which it is not certain that all has been given. */
  readonly #open = new Set<SubscriptionModel>()
  readonly #clock: ModelClock
  readonly #nextPlace: () => number

  /** `nextPlace` gives away a place of the queue. */
  constructor(clock: ModelClock, nextPlace: () => number) {
    this.#clock = clock
    this.#nextPlace = nextPlace
  }

  /** Since everything had arrived last, given or not. */
  get size(): number {
    return this.#feeds.length
  }

  /** `subscription` is new. */
  begin(subscription: SubscriptionModel, retained: ReadonlyMap<string, Publication>): void {
    this.#open.add(subscription)
    this.#add(subscription, retained, true)
  }

  #add(
    subscription: SubscriptionModel,
    retained: ReadonlyMap<string, Publication>,
    isRequired: boolean,
  ): void {
    // They come in any order: each of them may have the first place.
    let place: number | undefined
    for (const [topic, publication] of retained) {
      if (isExpired(publication, this.#clock.now) || !filtersFor(topic).includes(subscription.filter))
        continue
      const next = this.#nextPlace()
      place ??= next
      const facts = { subscription, topic, place, alternatives: [publication], isRequired }
      this.#feeds.push({ ...facts, mayBeSent: false, given: undefined })
    }
  }

  /** The subscription has gone, or is another: what was to be given for it may still come. */
  stop(filter: string): void {
    for (const feed of this.#feeds) if (feed.subscription.filter === filter) feed.isRequired = false
  }

  /** Another message is retained, or none. */
  changed(topic: string, publication: Publication | undefined): void {
    if (this.#open.size === 0) return
    for (const feed of this.#feeds) {
      if (feed.topic !== topic) continue
      if (publication === undefined) feed.isRequired = false
      else feed.alternatives.push(publication)
    }
    if (publication === undefined) return
    for (const subscription of this.#open) this.#add(subscription, new Map([[topic, publication]]), false)
  }

  /** The connection has ended: what was given at QoS 0 may be lost with it. */
  interrupted(mayHaveSent: boolean): void {
    for (const feed of this.#feeds) {
      if (feed.alternatives.some((publication) => termsOfRetained(feed.subscription, publication).qos === 0))
        feed.isRequired = false
      if (mayHaveSent) feed.mayBeSent = true
    }
  }

  /** The broker has started anew: whoever was not given everything may be given it from the beginning. */
  restarted(retained: ReadonlyMap<string, Publication>): void {
    for (const subscription of this.#open) this.#add(subscription, retained, false)
  }

  /** The one that `packet` is. Where it may be several, it is so that what came before has its place as well. */
  take(connection: ModelConnection, packet: ArrivedPublish): Copy | undefined {
    if (this.#feeds.length === 0) return undefined
    // As it was when it arrived: the question may come again later.
    const then = { ...connection }
    const { now, since } = this.#clock
    const given: Given = { fits: (feed) => publicationIn(feed, then, packet, since, now) !== undefined }
    if (!this.#place(given, new Set())) return undefined
    const feed = this.#feeds.find((each) => each.given === given) as Feed
    const publication = publicationIn(feed, then, packet, since, now) as Publication
    return new Copy(publication, termsOfRetained(feed.subscription, publication), feed.place)
  }

  /** What is wrong with it, if it is one of these at all. */
  misfit(connection: ModelConnection, packet: ArrivedPublish): Rule | undefined {
    for (const { topic, alternatives, subscription } of this.#feeds) {
      const publication = alternatives.find(({ payload }) => payload === packet.payload)
      if (topic !== packet.topic || publication === undefined) continue
      const wrong = misfit(packet, termsOfRetained(subscription, publication), connection)
      if (wrong !== undefined) return wrong
    }
    return undefined
  }

  /** Finds a feed for it, moving others where they fit as well. */
  #place(given: Given, tried: Set<Feed>): boolean {
    for (const isRequired of [true, false]) {
      for (const feed of this.#feeds) {
        if (feed.isRequired !== isRequired || tried.has(feed) || !given.fits(feed)) continue
        tried.add(feed)
        if (feed.given !== undefined && !this.#place(feed.given, tried)) continue
        feed.given = given
        return true
      }
    }
    return false
  }

  /** Finds something given that was for `feed`, though it was taken to be for another. */
  #fill(feed: Feed, tried: Set<Feed>): boolean {
    tried.add(feed)
    for (const other of this.#feeds) {
      const { given } = other
      if (given === undefined || tried.has(other) || !given.fits(feed)) continue
      if (other.isRequired && !this.#fill(other, tried)) continue
      if (other.given === given) other.given = undefined
      feed.given = given
      return true
    }
    return false
  }

  /** All has been given that was to be. */
  check(): void {
    for (const feed of this.#feeds) {
      if (feed.alternatives.some((each) => mayBeExpired(each, this.#clock.now))) feed.isRequired = false
    }
    for (const feed of this.#feeds) {
      const { isRequired, alternatives, subscription, given } = feed
      if (!isRequired || given !== undefined) continue
      if (this.#fill(feed, new Set())) continue
      const payloads = alternatives.map(({ payload }) => payload).join(' or ')
      breach('retained', `${payloads} was not given for ${subscription.filter}`)
    }
    this.#feeds = []
    this.#open.clear()
  }
}

function publicationIn(
  feed: Feed,
  connection: ModelConnection,
  packet: ArrivedPublish,
  since: number,
  now: number,
): Publication | undefined {
  if (feed.topic !== packet.topic || (packet.dup && !feed.mayBeSent)) return undefined
  return feed.alternatives.find(
    (publication) =>
      publication.payload === packet.payload &&
      misfit(packet, termsOfRetained(feed.subscription, publication), connection) === undefined &&
      saysTrueExpiry(packet, publication, connection, since, now),
  )
}
