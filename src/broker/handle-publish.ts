// PUBLISH from a client: who owns the message now? One switch on the quality of service says so.
// From dispatch.ts; to router.ts; the answer leaves through acknowledge.ts.
import { MqttError } from '../packet/mqtt-error.ts'
import { PacketType } from '../packet/protocol.ts'
import { messageOf, type PublishPacket } from '../packet/publish.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { DropReason } from '../session/drops.ts'
import type { Session } from '../session/session.ts'
import { acknowledge } from './acknowledge.ts'
import type { Link } from './link.ts'

export function handlePublish(link: Link, packet: PublishPacket): void {
  const { core, connection } = link
  const session = link.session as Session
  link.hasTakenRoom = true
  const topicName = connection.aliases.resolve(packet)
  core.gate.checkTopicName(topicName)
  core.gate.checkFlags(packet.qos, packet.retain)
  if (packet.isText) core.gate.checkPayload(packet.bytes.subarray(packet.payloadAt, packet.end))
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
        return acknowledge(link, PacketType.Puback, packetId, ReasonCode.PacketIdentifierInUse, operations)
      }
      acknowledge(link, PacketType.Puback, packetId, publish(link, session, packet, topicName, 0), operations)
      return
    case 2: {
      // Ours once the PUBREC has left; until PUBREL the same packet id is the same message. [v5 MQTT-4.3.3-10]
      // [v3.1.1 MQTT-4.3.3-2]
      if (session.inbound.has(packetId)) {
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
  const blocking = core.router.blockedBy(messageOf(packet, topicName, core.now()), session)
  if (blocking.length === 0) return false
  if (connection.version < 5 && core.overflow.oldPublishers === 'hold-back') {
    for (const { outbound } of blocking) outbound.awaitRoom()
    connection.frames.again()
    core.reading.holdBack(connection)
    return true
  }
  core.drops.count(DropReason.Rejected)
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
  const refusal = core.gate.refusePublish(topicName)
  if (refusal !== ReasonCode.Success) {
    core.log.info({ clientId: session.clientId, topicName, reasonCode: refusal }, 'publish refused')
    return refusal
  }
  const now = packet.messageExpiryInterval < 0 ? 0 : core.now()
  const message = messageOf(packet, topicName, now)
  message.batch = batch
  return core.router.publish(message, session)
}
