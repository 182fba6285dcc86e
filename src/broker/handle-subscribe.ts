// SUBSCRIBE: each filter taken or refused, SUBACK when the taken ones are on disk, then what is retained for them.
import { MqttError } from '../packet/mqtt-error.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { encodeSuback } from '../packet/suback.ts'
import type { Subscribe, SubscribeFilter } from '../packet/subscribe.ts'
import type { Session } from '../session/session.ts'
import { type Subscription, subscriptionOf } from '../session/subscription.ts'
import { parseShare } from '../topic/topic-filter.ts'
import { whenCommitted } from './acknowledge.ts'
import type { Link } from './link.ts'

export function handleSubscribe(link: Link, packet: Subscribe): void {
  const { core, connection } = link
  const session = link.session as Session
  const operations = core.store.operations
  const fed: Subscription[] = []
  const reasonCodes: ReasonCode[] = []
  for (const filter of packet.filters) {
    const reasonCode = core.gate.refuseSubscribe(session, filter.topicFilter)
    reasonCodes.push(reasonCode === ReasonCode.Success ? filter.qos : reasonCode) // [v5 MQTT-3.8.4-6]
    if (reasonCode !== ReasonCode.Success) continue
    const isFed = isToBeFed(session, filter)
    const subscription = subscriptionOf({
      ...(link.isBridge ? asOfBridge(filter) : filter),
      subscriptionIdentifier: packet.subscriptionIdentifier,
      owesRetained: isFed && core.retained.count > 0,
    })
    checkNoLocal(subscription)
    session.addSubscription(subscription)
    core.router.subscribe(session, subscription)
    if (isFed) fed.push(subscription)
  }
  whenCommitted(core.store, operations, () => {
    // [v5 MQTT-3.8.4-1] [v5 MQTT-3.8.4-2] [v3.1.1 MQTT-3.8.4-1] [v3.1.1 MQTT-3.8.4-2]
    connection.send(encodeSuback({ packetId: packet.packetId, reasonCodes }, connection.version))
    for (const subscription of fed) {
      // The session may have ended meanwhile, and the client may have unsubscribed.
      const isThere = core.sessions.byClientId(session.clientId) === session
      if (isThere && session.subscriptions.has(subscription.topicFilter))
        core.retained.feed(session, subscription)
    }
  })
}

/** [v5 MQTT-3.3.1-9] [v5 MQTT-3.3.1-10] [v5 MQTT-3.3.1-11] */
function isToBeFed(session: Session, { topicFilter, retainHandling }: SubscribeFilter): boolean {
  if (parseShare(topicFilter) !== undefined) return false
  return retainHandling === 0 || (retainHandling === 1 && !session.subscriptions.has(topicFilter))
}

/** A bridge hears nothing that it sent itself, and passes on what is retained as such. */
function asOfBridge(filter: SubscribeFilter): SubscribeFilter {
  return { ...filter, noLocal: parseShare(filter.topicFilter) === undefined, retainAsPublished: true }
}

/** [v5 MQTT-3.8.3-4] */
function checkNoLocal({ shareName, noLocal }: Subscription): void {
  if (shareName === undefined || !noLocal) return
  throw new MqttError(ReasonCode.ProtocolError, 'No Local on a shared subscription', 'no local')
}
