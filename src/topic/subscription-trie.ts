// Who is subscribed to a topic name: the one matcher of subscriptions. The router asks it through the match cache.
//
//   root       +------ a ------ b  <- "a/b"          topics whose first level does not begin with $
//              |       +------- + ----- c            "a/+/c"
//              +------ #                             "#"
//   dollar     +------ $SYS --- #                    topics whose first level does: wildcards of the
//                                                    first level are not on this side [v5 MQTT-4.7.2-1]
// Matching goes down all branches together, one level at a time, so each level is cut out of the name once.
// The branches lie in a tree: however `+` and literals multiply, no node is looked at twice.
import { LevelTable, levelEnd, startsWithDollar } from './level.ts'
import type { ShareGroup } from './shared-subscriptions.ts'
import { SubscriptionNode } from './subscription-node.ts'

/** Filters and names must be valid (topicFilterProblem, topicNameProblem) and without a share prefix. */
export class SubscriptionTrie<Subscriber extends NonNullable<unknown>, Subscription> {
  readonly #root = new SubscriptionNode<Subscriber, Subscription>('')
  readonly #dollar = new SubscriptionNode<Subscriber, Subscription>('')
  readonly #levels = new LevelTable()
  #size = 0

  /** Number of subscriptions, shared ones included. */
  get size(): number {
    return this.#size
  }

  /** False once the last subscription has gone: nothing of it is left behind. */
  get hasNodes(): boolean {
    return this.#root.wayCount + this.#dollar.wayCount > 0
  }

  /** True if it is new, false if it replaced the subscriber's subscription to the same filter. */
  add(topicFilter: string, subscriber: Subscriber, subscription: Subscription): boolean {
    const isNew = this.#make(topicFilter).add(subscriber, subscription)
    if (isNew) this.#size++
    return isNew
  }

  /** False if there was none. */
  remove(topicFilter: string, subscriber: Subscriber): boolean {
    const node = this.#find(topicFilter)
    if (node === undefined || !node.remove(subscriber)) return false
    this.#removed(topicFilter, node)
    return true
  }

  /** As `add`; a subscriber may be in several groups of one filter and subscribe to it alone besides. */
  addShared(
    shareName: string,
    topicFilter: string,
    subscriber: Subscriber,
    subscription: Subscription,
  ): boolean {
    const group = this.#make(topicFilter).makeGroup(shareName, topicFilter)
    const isNew = group.join(subscriber, subscription)
    if (isNew) this.#size++
    return isNew
  }

  /** Those who share `topicFilter` under `shareName`; undefined: nobody does. */
  group(shareName: string, topicFilter: string): ShareGroup<Subscriber, Subscription> | undefined {
    return this.#find(topicFilter)?.group(shareName)
  }

  removeShared(shareName: string, topicFilter: string, subscriber: Subscriber): boolean {
    const node = this.#find(topicFilter)
    if (node === undefined || !node.leaveGroup(shareName, subscriber)) return false
    this.#removed(topicFilter, node)
    return true
  }

  /**
   * Visits every subscription and share group whose filter matches, in no promised order; a subscriber with
   * several matching filters once for each. The visitors may change the trie: nodes are found before the first visit.
   */
  match(
    topicName: string,
    visit: (subscriber: Subscriber, subscription: Subscription) => void,
    visitGroup: (group: ShareGroup<Subscriber, Subscription>) => void,
  ): void {
    const nodes = this.#matching(topicName)
    for (let i = 0; i < nodes.length; i++) nodes[i]?.visit(visit, visitGroup)
  }

  /** Whether anyone, alone or in a group, is subscribed to `topicName`. */
  hasInterest(topicName: string): boolean {
    return this.#matching(topicName).length > 0
  }

  #matching(topicName: string): SubscriptionNode<Subscriber, Subscription>[] {
    const matching: SubscriptionNode<Subscriber, Subscription>[] = []
    let branches = [this.#rootOf(topicName)]
    for (let start = 0; start <= topicName.length && branches.length > 0; ) {
      const end = levelEnd(topicName, start)
      const level = topicName.slice(start, end)
      const below: SubscriptionNode<Subscriber, Subscription>[] = []
      for (const node of branches) {
        if (node.multiLevel !== undefined) matching.push(node.multiLevel)
        if (node.singleLevel !== undefined) below.push(node.singleLevel)
        const child = node.child(level)
        if (child !== undefined) below.push(child)
      }
      branches = below
      start = end + 1
    }
    for (const node of branches) {
      if (node.hasSubscribers) matching.push(node)
      // "a/#" matches "a" as well.
      if (node.multiLevel !== undefined) matching.push(node.multiLevel)
    }
    return matching
  }

  #find(topicFilter: string): SubscriptionNode<Subscriber, Subscription> | undefined {
    let node: SubscriptionNode<Subscriber, Subscription> | undefined = this.#rootOf(topicFilter)
    for (let start = 0; start <= topicFilter.length && node !== undefined; ) {
      const end = levelEnd(topicFilter, start)
      node = node.way(topicFilter.slice(start, end))
      start = end + 1
    }
    return node
  }

  #make(topicFilter: string): SubscriptionNode<Subscriber, Subscription> {
    let node = this.#rootOf(topicFilter)
    for (let start = 0; start <= topicFilter.length; ) {
      const end = levelEnd(topicFilter, start)
      const level = topicFilter.slice(start, end)
      node = node.way(level) ?? node.addWay(this.#levels.keep(level))
      start = end + 1
    }
    return node
  }

  #removed(topicFilter: string, node: SubscriptionNode<Subscriber, Subscription>): void {
    this.#size--
    if (!node.hasSubscribers && node.wayCount === 0) this.#prune(topicFilter)
  }

  /** Cuts off the empty end of `topicFilter` below the last node that others need: one edge, whatever its length. */
  #prune(topicFilter: string): void {
    let node: SubscriptionNode<Subscriber, Subscription> | undefined = this.#rootOf(topicFilter)
    let keeper = node
    let cut = ''
    for (let start = 0; start <= topicFilter.length && node !== undefined; ) {
      const end = levelEnd(topicFilter, start)
      const level = topicFilter.slice(start, end)
      if (start === 0 || node.hasSubscribers || node.wayCount > 1) {
        keeper = node
        cut = level
      }
      node = node.way(level)
      start = end + 1
    }
    keeper.removeWay(cut)
  }

  #rootOf(topic: string): SubscriptionNode<Subscriber, Subscription> {
    return startsWithDollar(topic) ? this.#dollar : this.#root
  }
}
