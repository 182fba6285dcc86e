// PUBLISH from a client: who owns the message now? One switch on the quality of service says so.
// From dispatch.ts; to router.ts; the answer leaves through acknowledge.ts.
import { MqttError } from '../packet/mqtt-error.ts'
import { PacketType } from '../packet/protocol.ts'
import { messageOf, type PublishPacket } from '../packet/publish.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { DropReason } from '../session/drops.ts'
import type { Session } from '../session/session.ts'
import { CloseReason } from '../transport/close-reason.ts'
import { acknowledge } from './acknowledge.ts'
import { askFirst } from './ask-first.ts'
import type { Link } from './link.ts'

export function handlePublish(link: Link, packet: PublishPacket): void {
  const { core, connection } = link
  const session = link.session as Session
  link.hasTakenRoom = true
  const { mountPoint } = link
  const named = connection.aliases.resolve(packet)
  const topicName = mountPoint === undefined ? named : mountPoint.enter(packet, named)
  core.gate.checkTopicName(topicName)
  core.gate.checkFlags(packet.qos, packet.retain, link.maximumQos)
  if (packet.isText) core.gate.checkPayload(packet.bytes.subarray(packet.payloadAt, packet.end))
  const { permit } = session
  let refusal = core.gate.refusePublish(permit, topicName, packet.qos, packet.retain)
  if (refusal === undefined && permit !== undefined) {
    if (askFirst(link, permit.askAboutPublishing(topicName, packet.qos, packet.retain))) return
    refusal = core.gate.refusePublish(permit, topicName, packet.qos, packet.retain)
  }
  if (refusal !== ReasonCode.Success) return refuse(link, session, packet, topicName)
  const { packetId } = packet
  const operations = core.store.operations
  switch (packet.qos) {
    case 0: // Nobody's promise: it is sent on, and forgotten.
      publish(link, session, packet, topicName, 0)
      return
    case 1: // Ours once the PUBACK has left, which is after the commit of every kept copy.
      if (core.router.mayReject && isRejected(link, session, packet, topicName)) return
      countUnacknowledged(link)
      if (isInUse(link, packetId)) {
        session.drops.count(DropReason.Rejected, undefined)
        return acknowledge(link, PacketType.Puback, packetId, ReasonCode.PacketIdentifierInUse, operations)
      }
      acknowledge(link, PacketType.Puback, packetId, publish(link, session, packet, topicName, 0), operations)
      return
    case 2: {
      // Ours once the PUBREC has left; until PUBREL the same packet id is the same message. [v5 MQTT-4.3.3-10]
      // [v3.1.1 MQTT-4.3.3-2]
      if (session.inbound.has(packetId)) {
        if (session.inbound.isFirstHere(packetId)) countUnacknowledged(link)
        acknowledge(link, PacketType.Pubrec, packetId, ReasonCode.Success, operations)
        return
      }
      if (core.router.mayReject && isRejected(link, session, packet, topicName)) return
      countUnacknowledged(link)
      session.inbound.add(packetId)
      const batch = session.isDurable ? core.store.openBatch : 0
      const reasonCode = publish(link, session, packet, topicName, batch)
      if (reasonCode >= 0x80) session.inbound.delete(packetId)
      acknowledge(link, PacketType.Pubrec, packetId, reasonCode, operations)
      return
    }
  }
}

/** It may not publish there. A client before 5.0 has no other answer than the one for all is well. */
function refuse(link: Link, session: Session, packet: PublishPacket, topicName: string): void {
  const { core } = link
  const { qos, packetId } = packet
  const { operations } = core.store
  if (qos === 2 && session.inbound.has(packetId)) {
    return acknowledge(link, PacketType.Pubrec, packetId, ReasonCode.Success, operations)
  }
  const { clientId } = session
  core.log.debug({ clientId, topicName }, 'publish refused')
  session.drops.count(DropReason.NotAuthorized, undefined)
  if (core.disconnectsRefused) {
    return link.disconnect(ReasonCode.NotAuthorized, CloseReason.NotAuthorized, 'no right to publish there')
  }
  if (qos === 0) return
  countUnacknowledged(link)
  const type = qos === 1 ? PacketType.Puback : PacketType.Pubrec
  acknowledge(link, type, packetId, ReasonCode.NotAuthorized, operations)
}

/** By a QoS 2 message that the client has not released: then the two sides don't mean the same session. */
export function isInUse({ connection, session }: Link, packetId: number): boolean {
  return connection.version === 5 && session?.inbound.has(packetId) === true
}

/** [v5 MQTT-3.3.4-7] */
function countUnacknowledged(link: Link): void {
  if (++link.unacknowledged <= link.core.limits.receiveMaximum || link.connection.version !== 5) return
  throw new MqttError(ReasonCode.ReceiveMaximumExceeded, `more than ${link.core.limits.receiveMaximum}`, '')
}

/** There is no room, and the policy is to say so: 5.0 has an answer for it, a 3.x client waits or goes. */
function isRejected(link: Link, session: Session, packet: PublishPacket, topicName: string): boolean {
  const { core, connection } = link
  const message = messageOf(packet, topicName, core.now())
  const blocking = core.router.blockedBy(message, session)
  if (blocking.length === 0) return false
  if (connection.version < 5 && core.overflow.oldPublishers === 'hold-back') {
    for (const { outbound } of blocking) outbound.awaitRoom(message)
    connection.frames.again()
    link.holdBack()
    return true
  }
  session.drops.count(DropReason.Rejected, message)
  if (connection.version < 5) throw new MqttError(ReasonCode.QuotaExceeded, 'no room in a queue')
  countUnacknowledged(link)
  const type = packet.qos === 1 ? PacketType.Puback : PacketType.Pubrec
  acknowledge(link, type, packet.packetId, ReasonCode.QuotaExceeded, core.store.operations)
  return true
}

function publish(
  link: Link,
  session: Session,
  packet: PublishPacket,
  topicName: string,
  batch: number,
): ReasonCode {
  const { core } = link
  const now = packet.messageExpiryInterval < 0 ? 0 : core.now()
  const message = messageOf(packet, topicName, now)
  message.batch = batch
  if (packet.retain) message.origin = session.permit?.originOf(topicName, packet.qos)
  return core.router.publish(message, session)
}
