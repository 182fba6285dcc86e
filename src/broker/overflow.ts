// What happens to a message for which a session's queue has no room. Asked by router.ts, for that message alone; with
// `reject` also before anything is done with a message, so that it is refused as a whole.
//
//   drop-newest   the message is dropped for that session           disconnect   so is it, and the client told to go
//   drop-oldest   the oldest one that waits makes room              reject       its publisher is told, nobody gets it
import type { Config } from '../config/schema.ts'
import type { Message } from '../packet/message.ts'
import { lowerQos } from '../packet/protocol.ts'
import { DropReason } from '../session/drops.ts'
import { filterMatches } from '../topic/filter-matches.ts'
import type { Recipient } from './route.ts'

export type OverflowPolicy = Config['overflow']['policy']

export interface OverflowContext {
  readonly overflow: Config['overflow']
  /** The client of a session has fallen too far behind. */
  readonly onTooSlow: (clientId: string) => void
}

export class Overflow {
  readonly #context: OverflowContext
  /** Whether `reject` is the policy of any topic. */
  readonly mayReject: boolean

  constructor(context: OverflowContext) {
    this.#context = context
    const { policy, byTopic } = context.overflow
    this.mayReject = [policy, ...byTopic.map((rule) => rule.policy)].includes('reject')
  }

  /** The first rule that matches decides. */
  policyFor(topicName: string): OverflowPolicy {
    const { policy, byTopic } = this.#context.overflow
    return byTopic.find(({ topicFilter }) => filterMatches(topicFilter, topicName))?.policy ?? policy
  }

  /** `message` found no room in the queue of `recipient`. QoS 0 comes here only where it is to wait. */
  handle(message: Message, recipient: Recipient): void {
    const { session, retainAsPublished, subscriptionIdentifiers, share } = recipient
    const policy = this.policyFor(message.topicName)
    if (policy === 'drop-oldest' && session.outbound.dropOldest(message.length + share.length)) {
      const qos = lowerQos(message.qos, recipient.qos)
      const retain = message.retain && retainAsPublished
      return session.outbound.pushBeyond(message, qos, retain, subscriptionIdentifiers, share)
    }
    session.drops.count(DropReason.QueueFull, message)
    if (policy === 'disconnect') this.#context.onTooSlow(session.clientId)
  }
}
