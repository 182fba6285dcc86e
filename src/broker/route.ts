// Who gets the messages of one topic: made when the match cache misses, used for every message until it changes.
// A client is in it once, however many of its subscriptions match: at the highest QoS, with all their identifiers.
// [v5 MQTT-3.3.4-2] [v5 MQTT-3.3.4-3] [v3.1.1 MQTT-3.3.5-1]
import type { Qos } from '../packet/protocol.ts'
import type { Session } from '../session/session.ts'
import type { Subscription } from '../session/subscription.ts'
import type { ShareGroup } from '../topic/shared-subscriptions.ts'
import type { SubscriptionTrie } from '../topic/subscription-trie.ts'

export interface Recipient {
  readonly session: Session
  readonly qos: Qos
  readonly retainAsPublished: boolean
  readonly subscriptionIdentifiers: readonly number[] | undefined
  /** As in Delivery. */
  readonly share: string
  /** The same for messages that it published itself: without its No Local subscriptions. [v5 MQTT-3.8.3-3] */
  readonly ofItsOwn: Recipient | undefined
}

export interface Route {
  readonly recipients: readonly Recipient[]
  readonly groups: readonly ShareGroup<Session, Subscription>[]
  /** Those who are subscribed and may not read it; undefined: nobody. */
  readonly withheldFrom: readonly Session[] | undefined
}

export function makeRoute(trie: SubscriptionTrie<Session, Subscription>, topicName: string): Route {
  const bySession = new Map<Session, Subscription[]>()
  const groups: ShareGroup<Session, Subscription>[] = []
  const withheldFrom = new Set<Session>()
  trie.match(
    topicName,
    (session, subscription) => {
      const { permit } = session
      if (permit !== undefined && !permit.mayReceiveThrough(subscription.topicFilter, topicName)) {
        withheldFrom.add(session)
        return
      }
      const others = bySession.get(session)
      if (others === undefined) bySession.set(session, [subscription])
      else others.push(subscription)
    },
    (group) => groups.push(group),
  )
  const recipients: Recipient[] = []
  for (const [session, subscriptions] of bySession) recipients.push(recipientOf(session, subscriptions))
  // Another of its subscriptions may bring it, where others than rules have been asked about each.
  for (const session of bySession.keys()) withheldFrom.delete(session)
  return { recipients, groups, withheldFrom: withheldFrom.size === 0 ? undefined : [...withheldFrom] }
}

/** The member that its share has chosen: there is no No Local, and nothing to merge. */
export const memberOf = (session: Session, subscription: Subscription): Recipient =>
  merge(session, [subscription], undefined)

function recipientOf(session: Session, subscriptions: readonly Subscription[]): Recipient {
  const notLocal = subscriptions.filter((subscription) => !subscription.noLocal)
  const ofItsOwn = notLocal.length === 0 ? undefined : merge(session, notLocal, undefined)
  return merge(session, subscriptions, ofItsOwn)
}

function merge(
  session: Session,
  subscriptions: readonly Subscription[],
  ofItsOwn: Recipient | undefined,
): Recipient {
  let qos: Qos = 0
  let retainAsPublished = false
  const identifiers: number[] = []
  for (const subscription of subscriptions) {
    if (subscription.qos > qos) qos = subscription.qos
    if (subscription.retainAsPublished) retainAsPublished = true
    if (subscription.subscriptionIdentifier > 0) identifiers.push(subscription.subscriptionIdentifier)
  }
  const subscriptionIdentifiers = identifiers.length === 0 ? undefined : identifiers
  // A shared subscription comes alone: its group has chosen this member.
  const first = subscriptions[0]
  const share = first?.shareName === undefined ? '' : first.topicFilter
  return { session, qos, retainAsPublished, subscriptionIdentifiers, share, ofItsOwn }
}
