// PUBREC: a client has received a QoS 2 message. PUBREL leaves when it is on disk that the message may not be sent
// again: the client forgets the packet id at PUBREL, and would take a repeat for news. [v5 MQTT-4.3.3-5]
import type { AckPacket } from '../packet/ack.ts'
import { PacketType } from '../packet/protocol.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Session } from '../session/session.ts'
import { acknowledge } from './acknowledge.ts'
import type { Link } from './link.ts'

export function handlePubrec(link: Link, packet: AckPacket): void {
  const { outbound } = link.session as Session
  const { packetId } = packet
  const operations = link.core.store.operations
  if (packet.reasonCode >= 0x80) {
    // No PUBREL follows. [v5 MQTT-4.3.3-4]
    if (!outbound.acknowledged(packetId, 2, true)) outbound.refuseMisplaced(packetId, 2)
    return
  }
  const isKnown = outbound.received(packetId)
  if (!isKnown) outbound.refuseMisplaced(packetId, 2)
  const reasonCode = isKnown ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound
  acknowledge(link, PacketType.Pubrel, packetId, reasonCode, operations)
}
