// The subscribers that share one topic filter under one share name: each message goes to one of them.
// Kept by the subscription trie at the node of the filter; the router asks it to choose.
//
//   first            last            in order of joining, linked both ways: joining, leaving and taking turns
//     A <-> B <-> C <-> D            cost the same in a group of ten thousand
//           ^ chosen last            choose: C, D, A, B, the first that is ready
// A Map's own iterator would keep the turn as well, but at rest it keeps every table the Map has outgrown since.

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

  /** The next ready member after the one chosen last, in turn; undefined: none is ready. */
  choose(isReady: (subscriber: Subscriber) => boolean): ShareMember<Subscriber, Subscription> | undefined {
    let candidate = this.#chosen
    for (let untried = this.#members.size; untried > 0; untried--) {
      candidate = candidate?.next ?? this.#first
      if (candidate !== undefined && isReady(candidate.subscriber)) {
        this.#chosen = candidate
        return candidate
      }
    }
    return undefined
  }
}
