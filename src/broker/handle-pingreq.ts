// PINGREQ: the client is alive, and asks whether we are. [v5 MQTT-3.12.4-1] [v3.1.1 MQTT-3.12.4-1]
import { malformed } from '../packet/mqtt-error.ts'
import { PINGRESP } from '../packet/pingresp.ts'
import type { Frame } from '../packet/protocol.ts'
import type { Link } from './link.ts'

export function handlePingreq(link: Link, frame: Frame): void {
  if (frame.end !== frame.bodyStart) malformed('PINGREQ with a body', 'remaining length')
  link.connection.send(PINGRESP)
}
