// PUBREL: the client has our PUBREC and lets go of the packet id. PUBCOMP leaves when that is on disk: else a crash
// would bring the id back, and the next message under it would be taken for a repeat and lost.
import type { AckPacket } from '../packet/ack.ts'
import { PacketType } from '../packet/protocol.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Session } from '../session/session.ts'
import { acknowledge } from './acknowledge.ts'
import type { Link } from './link.ts'

export function handlePubrel(link: Link, packet: AckPacket): void {
  const operations = link.core.store.operations
  const { inbound } = link.session as Session
  const isKnown = inbound.delete(packet.packetId)
  // What is only released over this connection has not been counted for it.
  if (isKnown && !inbound.isFirstHere(packet.packetId)) link.unacknowledged--
  // 3.1.1 answers every PUBREL alike; 5.0 may say that there was nothing to release. [v3.1.1 MQTT-4.3.3-2]
  const reasonCode = isKnown ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound
  acknowledge(link, PacketType.Pubcomp, packet.packetId, reasonCode, operations)
}
