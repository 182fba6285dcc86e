// One level of the subscription trie: the ways down from it, and who subscribed to the filter that ends here.
//
//   ways down     children          literal levels
//                 singleLevel       "+"
//                 multiLevel        "#", always a leaf
//   subscribers   none              subscriber and subscribers undefined
//                 one               subscriber + subscription: nearly all nodes, without a Map of 200 bytes
//                 from the second   subscribers, until the last one goes
//   groups        share name -> ShareGroup
import { LevelNode } from './level-node.ts'
import { ShareGroup } from './shared-subscriptions.ts'

export class SubscriptionNode<Subscriber extends NonNullable<unknown>, Subscription> extends LevelNode<
  SubscriptionNode<Subscriber, Subscription>,
  Map<string, SubscriptionNode<Subscriber, Subscription>>
> {
  singleLevel: SubscriptionNode<Subscriber, Subscription> | undefined = undefined
  multiLevel: SubscriptionNode<Subscriber, Subscription> | undefined = undefined
  #subscriber: Subscriber | undefined = undefined
  #subscription: Subscription | undefined = undefined
  #subscribers: Map<Subscriber, Subscription> | undefined = undefined
  #groups: Map<string, ShareGroup<Subscriber, Subscription>> | undefined = undefined

  /** Whether a filter ends here. */
  get hasSubscribers(): boolean {
    return this.#subscriber !== undefined || this.#subscribers !== undefined || this.#groups !== undefined
  }

  get wayCount(): number {
    return this.childCount + (this.singleLevel ? 1 : 0) + (this.multiLevel ? 1 : 0)
  }

  /** The node that `level` of a topic filter leads to. */
  way(level: string): SubscriptionNode<Subscriber, Subscription> | undefined {
    if (level === '+') return this.singleLevel
    return level === '#' ? this.multiLevel : this.child(level)
  }

  addWay(level: string): SubscriptionNode<Subscriber, Subscription> {
    const node = new SubscriptionNode<Subscriber, Subscription>(level)
    if (level === '+') this.singleLevel = node
    else if (level === '#') this.multiLevel = node
    else this.addChild(node)
    return node
  }

  removeWay(level: string): void {
    if (level === '+') this.singleLevel = undefined
    else if (level === '#') this.multiLevel = undefined
    else this.removeChild(level)
  }

  /** True if it is new, false if it replaced the subscriber's subscription. */
  add(subscriber: Subscriber, subscription: Subscription): boolean {
    if (this.#subscribers !== undefined) {
      const before = this.#subscribers.size
      return this.#subscribers.set(subscriber, subscription).size > before
    }
    const only = this.#subscriber
    if (only === undefined || only === subscriber) {
      this.#subscriber = subscriber
      this.#subscription = subscription
      return only === undefined
    }
    this.#subscribers = new Map([[only, this.#subscription as Subscription]])
    this.#subscribers.set(subscriber, subscription)
    this.#forgetOnly()
    return true
  }

  remove(subscriber: Subscriber): boolean {
    if (this.#subscribers !== undefined) {
      const isRemoved = this.#subscribers.delete(subscriber)
      if (this.#subscribers.size === 0) this.#subscribers = undefined
      return isRemoved
    }
    if (this.#subscriber !== subscriber) return false
    this.#forgetOnly()
    return true
  }

  /** The group, made if there is none. */
  makeGroup(shareName: string, topicFilter: string): ShareGroup<Subscriber, Subscription> {
    this.#groups ??= new Map()
    let group = this.#groups.get(shareName)
    if (group === undefined) {
      group = new ShareGroup(shareName, topicFilter)
      this.#groups.set(shareName, group)
    }
    return group
  }

  group(shareName: string): ShareGroup<Subscriber, Subscription> | undefined {
    return this.#groups?.get(shareName)
  }

  leaveGroup(shareName: string, subscriber: Subscriber): boolean {
    const group = this.#groups?.get(shareName)
    if (group === undefined || !group.leave(subscriber)) return false
    if (group.members.size === 0) this.#groups?.delete(shareName)
    if (this.#groups?.size === 0) this.#groups = undefined
    return true
  }

  visit(
    visit: (subscriber: Subscriber, subscription: Subscription) => void,
    visitGroup: (group: ShareGroup<Subscriber, Subscription>) => void,
  ): void {
    if (this.#subscriber !== undefined) visit(this.#subscriber, this.#subscription as Subscription)
    this.#subscribers?.forEach((subscription, subscriber) => {
      visit(subscriber, subscription)
    })
    this.#groups?.forEach(visitGroup)
  }

  protected override makeSiblings(): Map<string, SubscriptionNode<Subscriber, Subscription>> {
    return new Map()
  }

  #forgetOnly(): void {
    this.#subscriber = undefined
    this.#subscription = undefined
  }
}
