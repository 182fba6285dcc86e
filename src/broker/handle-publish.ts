// PUBLISH from a client: who owns the message now? One switch on the quality of service says so.
// From dispatch.ts; to router.ts; the answer leaves through acknowledge.ts.
import { MqttError } from '../packet/mqtt-error.ts'
import { PacketType } from '../packet/protocol.ts'
import { messageOf, type PublishPacket } from '../packet/publish.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Session } from '../session/session.ts'
import { acknowledge } from './acknowledge.ts'
import type { Link } from './link.ts'

export function handlePublish(link: Link, packet: PublishPacket): void {
  const { core, connection } = link
  const session = link.session as Session
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
