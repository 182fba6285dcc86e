// AUTH: belongs to an authentication method, and a client without one must not send it. [v5 MQTT-4.12.0-7]
import type { Auth } from '../packet/auth.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Link } from './link.ts'

export function handleAuth(_link: Link, _packet: Auth): void {
  throw new MqttError(ReasonCode.ProtocolError, 'AUTH without an authentication method', 'packet type')
}
