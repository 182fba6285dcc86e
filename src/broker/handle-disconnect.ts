// DISCONNECT: the client leaves of its own accord, with or without its will. connection-end.ts does the rest.
import type { Disconnect } from '../packet/disconnect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Session } from '../session/session.ts'
import { CloseReason } from '../transport/close-reason.ts'
import type { Link } from './link.ts'

export function handleDisconnect(link: Link, packet: Disconnect): void {
  const session = link.session as Session
  const { sessionExpiryInterval } = packet
  if (sessionExpiryInterval !== undefined) {
    // A session that was to end with its connection can't be kept after all.
    if (session.record.expiryInterval === 0 && sessionExpiryInterval > 0) {
      const why = 'session expiry interval above zero after zero in CONNECT'
      throw new MqttError(ReasonCode.ProtocolError, why, 'session expiry interval')
    }
    // It is stored when the connection has ended, a moment from now.
    session.record.expiryInterval = Math.min(sessionExpiryInterval, link.core.limits.sessionExpiryIntervalMax)
  }
  link.isWillDiscarded = packet.reasonCode === ReasonCode.NormalDisconnection
  link.connection.close(CloseReason.ClientDisconnected)
}
