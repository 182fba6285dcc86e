// SUBSCRIBE: each filter taken or refused, SUBACK when the taken ones are on disk, then what is retained for them.
import { MqttError } from '../packet/mqtt-error.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { encodeSuback } from '../packet/suback.ts'
import type { Subscribe } from '../packet/subscribe.ts'
import type { Session } from '../session/session.ts'
import { type Subscription, subscriptionOf } from '../session/subscription.ts'
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
    const subscription = subscriptionOf({ ...filter, subscriptionIdentifier: packet.subscriptionIdentifier })
    if (subscribe(link, session, subscription)) fed.push(subscription)
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

/** True: the retained messages that match are to be sent. */
function subscribe(link: Link, session: Session, subscription: Subscription): boolean {
  const { shareName, noLocal, retainHandling } = subscription
  if (shareName !== undefined && noLocal) {
    throw new MqttError(ReasonCode.ProtocolError, 'No Local on a shared subscription', 'no local') // [v5 MQTT-3.8.3-4]
  }
  const replaced = session.addSubscription(subscription)
  link.core.router.subscribe(session, subscription)
  if (shareName !== undefined) return false
  return retainHandling === 0 || (retainHandling === 1 && replaced === undefined) // [v5 MQTT-3.3.1-10]
}
