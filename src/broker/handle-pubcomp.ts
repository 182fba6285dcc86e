// PUBCOMP: a QoS 2 message of the queue is done with.
import type { AckPacket } from '../packet/ack.ts'
import type { Session } from '../session/session.ts'
import type { Link } from './link.ts'

export function handlePubcomp(link: Link, packet: AckPacket): void {
  const { outbound } = link.session as Session
  if (outbound.completed(packet.packetId)) return
  outbound.refuseMisplaced(packet.packetId, 2)
  link.core.log.debug({ clientId: link.session?.clientId, packetId: packet.packetId }, 'PUBCOMP of nothing')
}
