// PINGREQ: two bytes, always the same. Sent by clients; broker/handle-pingreq.ts answers it with PINGRESP.
import { PacketType } from './protocol.ts'

export const PINGREQ: Buffer = Buffer.from([PacketType.Pingreq << 4, 0])
