// The subscribers that share one topic filter under one share name: each message goes to one of them.
// Kept by the subscription trie at the node of the filter; the router asks it to choose.
//
//   first            last            in order of joining, linked both ways: joining, leaving and taking turns
//     A <-> B <-> C <-> D            cost the same in a group of ten thousand
//           ^ chosen last            choose: C, D, A, B, the first of the best
// A Map's own iterator would keep the turn as well, but at rest it keeps every table the Map has outgrown since.

/** A message for a share of a hundred thousand members that are away must not ask them all. */
const ASKED_ENOUGH = 64

export class ShareMember<Subscriber, Subscription> {
  readonly subscriber: Subscriber
  subscription: Subscription
  /** Joined before and after it. Set by the group alone. */
  previous: ShareMember<Subscriber, Subscription> | undefined = undefined
  next: ShareMember<Subscriber, Subscription> | undefined = undefined

  constructor(subscriber: Subscriber, subscription: Subscription) {
    this.subscriber = subscriber
    this.subscription = subscription
  }
}

export class ShareGroup<Subscriber, Subscription> {
  readonly shareName: string
  /** Without the share prefix. */
  readonly topicFilter: string
  readonly #members = new Map<Subscriber, ShareMember<Subscriber, Subscription>>()
  #first: ShareMember<Subscriber, Subscription> | undefined = undefined
  #last: ShareMember<Subscriber, Subscription> | undefined = undefined
  #chosen: ShareMember<Subscriber, Subscription> | undefined = undefined

  constructor(shareName: string, topicFilter: string) {
    this.shareName = shareName
    this.topicFilter = topicFilter
  }

  /** In order of joining. */
  get members(): ReadonlyMap<Subscriber, ShareMember<Subscriber, Subscription>> {
    return this.#members
  }

  /** True if it is new; one that is a member already keeps its place and gets the new subscription. */
  join(subscriber: Subscriber, subscription: Subscription): boolean {
    const known = this.#members.get(subscriber)
    if (known !== undefined) {
      known.subscription = subscription
      return false
    }
    const member = new ShareMember(subscriber, subscription)
    this.#members.set(subscriber, member)
    member.previous = this.#last
    if (this.#last === undefined) this.#first = member
    else this.#last.next = member
    this.#last = member
    return true
  }

  leave(subscriber: Subscriber): boolean {
    const member = this.#members.get(subscriber)
    if (member === undefined) return false
    this.#members.delete(subscriber)
    if (member.previous === undefined) this.#first = member.next
    else member.previous.next = member.next
    if (member.next === undefined) this.#last = member.previous
    else member.next.previous = member.previous
    if (this.#chosen === member) this.#chosen = member.previous
    return true
  }

  /**
   * The member of the highest rank, in turn after the one chosen last; undefined: all have rank 0. The look round
   * ends with the first one of rank `best`, and after so many members with the best there was.
   */
  choose(
    rankOf: (subscriber: Subscriber) => number,
    best: number,
  ): ShareMember<Subscriber, Subscription> | undefined {
    let found: ShareMember<Subscriber, Subscription> | undefined
    let foundRank = 0
    let candidate = this.#chosen
    for (let asked = 0; asked < this.#members.size && foundRank < best; asked++) {
      if (asked >= ASKED_ENOUGH && foundRank > 0) break
      candidate = candidate?.next ?? this.#first
      const rank = candidate === undefined ? 0 : rankOf(candidate.subscriber)
      if (rank <= foundRank) continue
      found = candidate
      foundRank = rank
    }
    if (found !== undefined) this.#chosen = found
    return found
  }
}
