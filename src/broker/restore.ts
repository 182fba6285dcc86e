// What the store held at the start, put back where it belongs. Sessions first, then what is due meanwhile.

import type { Message } from '../packet/message.ts'
import type { Session } from '../session/session.ts'
import { type Subscription, subscriptionOf } from '../session/subscription.ts'
import type { QueueEnds, Restorer, SessionRecord, SubscriptionRecord, WillRecord } from '../store/store.ts'
import type { Core } from './core.ts'

export interface FinishingRestorer extends Restorer {
  /** Call when the store is open: deadlines that need the whole are set now. */
  finish(): Promise<void>
}

export function restorerOf(core: Core): FinishingRestorer {
  const byNumber = new Map<number, Session>()
  const wills: [string, WillRecord][] = []
  const owed: [Session, Subscription][] = []
  return {
    session(record: SessionRecord, queue: QueueEnds, receivedPacketIds: number[]): void {
      byNumber.set(record.number, core.sessions.restore(record, { queue, receivedPacketIds }))
    },
    subscription(sessionNumber: number, record: SubscriptionRecord): void {
      const session = byNumber.get(sessionNumber)
      if (session === undefined) return
      const subscription = subscriptionOf(record)
      session.subscriptions.set(subscription.topicFilter, subscription)
      core.router.subscribe(session, subscription)
      if (subscription.owesRetained) owed.push([session, subscription])
    },
    retained(message: Message): void {
      core.retained.restore(message)
    },
    will(clientId: string, record: WillRecord): void {
      wills.push([clientId, record])
    },
    async finish(): Promise<void> {
      for (const [session, subscription] of owed) core.retained.feed(session, subscription)
      await core.sessions.startClocks()
      for (const [clientId, record] of wills) {
        core.wills.restore(clientId, record)
        if (core.store.isSaturated) await core.store.flush()
      }
      core.log.info(
        { sessions: core.sessions.count, retained: core.retained.count, wills: wills.length },
        'restored from the store',
      )
    },
  }
}
