// SUBSCRIBE: each filter taken or refused, SUBACK when the taken ones are on disk, then what is retained for them.
import type { Permit } from '../authorization/permit.ts'
import { type Eventual, isAwaited } from '../base/eventually.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { lowerQos, type Qos } from '../packet/protocol.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { encodeSuback } from '../packet/suback.ts'
import type { Subscribe, SubscribeFilter } from '../packet/subscribe.ts'
import type { Session } from '../session/session.ts'
import { type Subscription, subscriptionOf } from '../session/subscription.ts'
import { parseShare, topicFilterProblem } from '../topic/topic-filter.ts'
import { whenCommitted } from './acknowledge.ts'
import { askFirst } from './ask-first.ts'
import type { Refusal } from './gate.ts'
import { isInUse } from './handle-publish.ts'
import type { Link } from './link.ts'

const IN_USE: Refusal = {
  reasonCode: ReasonCode.PacketIdentifierInUse,
  why: 'a QoS 2 message has the packet id',
}

export function handleSubscribe(link: Link, packet: Subscribe): void {
  const { core } = link
  const session = link.session as Session
  const operations = core.store.operations
  link.hasWritten = true
  const filters = filtersOf(link, packet)
  filters.forEach(checkNoLocal)
  if (session.permit !== undefined && askFirst(link, askAbout(session.permit, link, filters))) return
  const fed: Subscription[] = []
  const reasonCodes: ReasonCode[] = []
  let why = ''
  for (const filter of filters) {
    const refusal = refuse(link, packet, filter)
    if (refusal !== undefined) {
      if (!session.subscriptions.has(filter.topicFilter)) session.permit?.forget(filter.topicFilter)
      reasonCodes.push(refusal.reasonCode)
      why ||= `topic filter ${reasonCodes.length}: ${refusal.why}`
      continue
    }
    const isFed = isToBeFed(session, filter)
    const qos = lowerQos(filter.qos, link.maximumQos as Qos)
    reasonCodes.push(qos) // [v5 MQTT-3.8.4-6] [v5 MQTT-3.2.2-10]
    const subscription = subscriptionOf({
      ...(link.isBridge ? asOfBridge(filter) : filter),
      qos,
      subscriptionIdentifier: packet.subscriptionIdentifier,
      owesRetained: isFed && core.retained.shelf.count > 0,
    })
    core.system.awaited(subscription.plainFilter)
    // Who comes back for its messages subscribes again: with memory short it must be read on.
    if (session.addSubscription(subscription) === undefined) link.hasTakenRoom = true
    core.router.subscribe(session, subscription)
    if (isFed) fed.push(subscription)
  }
  if (why !== '') core.log.info({ clientId: session.clientId, why }, 'subscription refused')
  whenCommitted(core.store, operations, () => {
    // [v5 MQTT-3.8.4-1] [v5 MQTT-3.8.4-2] [v3.1.1 MQTT-3.8.4-1] [v3.1.1 MQTT-3.8.4-2]
    link.answer((properties, version) => {
      return encodeSuback({ packetId: packet.packetId, reasonCodes, properties }, version)
    }, why)
    feed(link, session, fed)
  })
}

function filtersOf({ mountPoint }: Link, { filters }: Subscribe): readonly SubscribeFilter[] {
  if (mountPoint === undefined) return filters
  return filters.map((filter) => ({ ...filter, topicFilter: mountPoint.enterFilter(filter.topicFilter) }))
}

/** About one filter after the other, so that a client keeps nobody else waiting with a packet of ten thousand. */
function askAbout(
  permit: Permit,
  link: Link,
  filters: readonly SubscribeFilter[],
  from = 0,
): Eventual<unknown> {
  const { topicLevelsMax } = link.core.limits
  for (let i = from; i < filters.length; i++) {
    const { topicFilter } = filters[i] as SubscribeFilter
    const isValid = topicFilterProblem(topicFilter, topicLevelsMax) === undefined
    if (!isValid || !permit.mustAskAbout(topicFilter)) continue
    const asking = permit.askAboutSubscribing(topicFilter)
    if (isAwaited(asking)) return asking.then(() => askAbout(permit, link, filters, i + 1))
  }
  return undefined
}

function refuse(link: Link, packet: Subscribe, { topicFilter }: SubscribeFilter): Refusal | undefined {
  if (isInUse(link, packet.packetId)) return IN_USE
  const { gate } = link.core
  const refusal = gate.refuseSubscribe(link.session as Session, topicFilter)
  return refusal ?? gate.refuseFeature(topicFilter, packet.subscriptionIdentifier)
}

/** Those that are still there: the session may have ended meanwhile, and the client may have unsubscribed. */
function feed({ core }: Link, session: Session, fed: readonly Subscription[]): void {
  if (core.sessions.byClientId(session.clientId) !== session) return
  for (const subscription of fed) {
    if (session.subscriptions.has(subscription.topicFilter)) core.retained.feed(session, subscription)
  }
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
