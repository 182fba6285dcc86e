// One subscription of one session, as the store keeps it, with its topic filter taken apart.
import type { SubscriptionRecord } from '../store/store.ts'
import { parseShare } from '../topic/topic-filter.ts'

export interface Subscription extends SubscriptionRecord {
  /** Undefined for a subscription that is not shared. */
  readonly shareName: string | undefined
  /** The topic filter without `$share/{shareName}/`. */
  readonly plainFilter: string
}

export function subscriptionOf(record: SubscriptionRecord): Subscription {
  const share = parseShare(record.topicFilter)
  return {
    topicFilter: record.topicFilter,
    qos: record.qos,
    noLocal: record.noLocal,
    retainAsPublished: record.retainAsPublished,
    retainHandling: record.retainHandling,
    subscriptionIdentifier: record.subscriptionIdentifier,
    owesRetained: record.owesRetained,
    shareName: share?.shareName,
    plainFilter: share?.topicFilter ?? record.topicFilter,
  }
}
