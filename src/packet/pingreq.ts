// PINGREQ: two bytes, always the same. From dispatch.ts; broker/handle-pingreq.ts answers it with PINGRESP.
import { malformed } from './mqtt-error.ts'
import { type Frame, PacketType } from './protocol.ts'

export const PINGREQ: Buffer = Buffer.from([PacketType.Pingreq << 4, 0])

export function decodePingreq(frame: Frame): void {
  if (frame.end !== frame.bodyStart) malformed('PINGREQ has a body', 'remaining length')
}
