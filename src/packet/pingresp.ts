// PINGRESP: two bytes, always the same. Sent by broker/handle-pingreq.ts.
import { PacketType } from './protocol.ts'

export const PINGRESP: Buffer = Buffer.from([PacketType.Pingresp << 4, 0])
