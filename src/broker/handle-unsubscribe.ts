// UNSUBSCRIBE: what is in flight is completed, nothing new comes. [v5 MQTT-3.10.4-2] [v3.1.1 MQTT-3.10.4-2]
import { ReasonCode } from '../packet/reason-codes.ts'
import { encodeUnsuback } from '../packet/unsuback.ts'
import type { Unsubscribe } from '../packet/unsubscribe.ts'
import type { Session } from '../session/session.ts'
import { topicFilterProblem } from '../topic/topic-filter.ts'
import { whenCommitted } from './acknowledge.ts'
import { isInUse } from './handle-publish.ts'
import type { Link } from './link.ts'
import { workThrough } from './working-through.ts'

export function handleUnsubscribe(link: Link, packet: Unsubscribe): void {
  const { core } = link
  const session = link.session as Session
  const operations = core.store.operations
  link.hasTakenRoom = true
  const reasonCodes: ReasonCode[] = []
  const isRefused = isInUse(link, packet.packetId)
  const unsubscribe = (topicFilter: string): void => {
    if (isRefused) {
      reasonCodes.push(ReasonCode.PacketIdentifierInUse)
      return
    }
    const removed = session.removeSubscription(topicFilter)
    if (removed !== undefined) {
      core.router.unsubscribe(session, removed)
      core.retained.stop(session, topicFilter)
      reasonCodes.push(ReasonCode.Success)
    } else {
      const isValid = topicFilterProblem(topicFilter, core.limits.topicLevelsMax) === undefined
      reasonCodes.push(isValid ? ReasonCode.NoSubscriptionExisted : ReasonCode.TopicFilterInvalid)
    }
  }
  workThrough(link, packet.topicFilters, unsubscribe, () => {
    // Where there was none, its removal by an earlier UNSUBSCRIBE may be on its way to the disk.
    whenCommitted(core.store, session.isDurable ? -1 : operations, () => {
      // [v5 MQTT-3.10.4-4] [v3.1.1 MQTT-3.10.4-4]
      link.answer((_, version) => encodeUnsuback({ packetId: packet.packetId, reasonCodes }, version))
    })
  })
}
