// SUBSCRIBE: each filter taken or refused, SUBACK when the taken ones are on disk, then what is retained for them.
import { MqttError } from '../packet/mqtt-error.ts'
import { lowerQos, type Qos } from '../packet/protocol.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { encodeSuback } from '../packet/suback.ts'
import type { Subscribe, SubscribeFilter } from '../packet/subscribe.ts'
import type { Session } from '../session/session.ts'
import { type Subscription, subscriptionOf } from '../session/subscription.ts'
import { parseShare } from '../topic/topic-filter.ts'
import { whenCommitted } from './acknowledge.ts'
import type { Refusal } from './gate.ts'
import { isInUse } from './handle-publish.ts'
import type { Link } from './link.ts'
import { workThrough } from './working-through.ts'

/** See base/pace.ts. */
const FEED_UNITS = 4
const IN_USE: Refusal = {
  reasonCode: ReasonCode.PacketIdentifierInUse,
  why: 'a QoS 2 message has the packet id',
}

export function handleSubscribe(link: Link, packet: Subscribe): void {
  const { core } = link
  const session = link.session as Session
  const operations = core.store.operations
  link.hasTakenRoom = true
  packet.filters.forEach(checkNoLocal)
  const fed: Subscription[] = []
  const reasonCodes: ReasonCode[] = []
  let why = ''
  const subscribe = (filter: SubscribeFilter): void => {
    const refusal = refuse(link, packet, filter)
    if (refusal !== undefined) {
      reasonCodes.push(refusal.reasonCode)
      why ||= `topic filter ${reasonCodes.length}: ${refusal.why}`
      return
    }
    const isFed = isToBeFed(session, filter)
    const qos = lowerQos(filter.qos, core.features.maximumQos as Qos)
    reasonCodes.push(qos) // [v5 MQTT-3.8.4-6] [v5 MQTT-3.2.2-10]
    const subscription = subscriptionOf({
      ...(link.isBridge ? asOfBridge(filter) : filter),
      qos,
      subscriptionIdentifier: packet.subscriptionIdentifier,
      owesRetained: isFed && core.retained.count > 0,
    })
    core.system.awaited(subscription.plainFilter)
    session.addSubscription(subscription)
    core.router.subscribe(session, subscription)
    if (isFed) fed.push(subscription)
  }
  workThrough(link, packet.filters, subscribe, () => {
    if (why !== '') core.log.info({ clientId: session.clientId, why }, 'subscription refused')
    whenCommitted(core.store, operations, () => {
      // [v5 MQTT-3.8.4-1] [v5 MQTT-3.8.4-2] [v3.1.1 MQTT-3.8.4-1] [v3.1.1 MQTT-3.8.4-2]
      link.answer((properties, version) => {
        return encodeSuback({ packetId: packet.packetId, reasonCodes, properties }, version)
      }, why)
      feed(link, session, fed)
    })
  })
}

function refuse(link: Link, packet: Subscribe, { topicFilter }: SubscribeFilter): Refusal | undefined {
  if (isInUse(link, packet.packetId)) return IN_USE
  const { gate } = link.core
  const refusal = gate.refuseSubscribe(link.session as Session, topicFilter)
  return refusal ?? gate.refuseFeature(topicFilter, packet.subscriptionIdentifier)
}

/** Those that are still there: the session may have ended meanwhile, and the client may have unsubscribed. */
function feed({ core }: Link, session: Session, fed: readonly Subscription[]): void {
  core.pace.inTurns(fed.values(), FEED_UNITS, (subscription) => {
    const isThere = core.sessions.byClientId(session.clientId) === session
    if (isThere && session.subscriptions.has(subscription.topicFilter)) {
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

/** Before anything of the packet is done. [v5 MQTT-3.8.3-4] */
function checkNoLocal({ topicFilter, noLocal }: SubscribeFilter): void {
  if (!noLocal || parseShare(topicFilter) === undefined) return
  throw new MqttError(ReasonCode.ProtocolError, 'No Local on a shared subscription', 'no local')
}
