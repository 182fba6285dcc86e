// PUBACK: a client has a QoS 1 message of its queue.
import type { AckPacket } from '../packet/ack.ts'
import type { Session } from '../session/session.ts'
import type { Link } from './link.ts'

export function handlePuback(link: Link, packet: AckPacket): void {
  const { outbound } = link.session as Session
  if (outbound.acknowledged(packet.packetId, 1, packet.reasonCode >= 0x80)) return
  outbound.refuseMisplaced(packet.packetId, 1)
  // Late answers to an earlier connection are harmless; the specification names no reply.
  link.core.log.debug({ clientId: link.session?.clientId, packetId: packet.packetId }, 'PUBACK of nothing')
}
