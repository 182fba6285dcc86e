// PINGREQ: the client is alive, and asks whether we are. [v5 MQTT-3.12.4-1] [v3.1.1 MQTT-3.12.4-1]
import { PINGRESP } from '../packet/pingresp.ts'
import type { Link } from './link.ts'

export function handlePingreq(link: Link): void {
  link.connection.send(PINGRESP)
}
