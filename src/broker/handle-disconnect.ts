// DISCONNECT: the client leaves of its own accord, with or without its will. connection-end.ts does the rest.
import { type Disconnect, isClientReason } from '../packet/disconnect.ts'
import { protocolError } from '../packet/mqtt-error.ts'
import { ReasonCode, reasonName } from '../packet/reason-codes.ts'
import type { Session } from '../session/session.ts'
import { CloseReason } from '../transport/close-reason.ts'
import type { Link } from './link.ts'

export function handleDisconnect(link: Link, packet: Disconnect): void {
  const session = link.session as Session
  const { sessionExpiryInterval, reasonCode, serverReference } = packet
  if (!isClientReason(reasonCode)) protocolError(`${reasonName(reasonCode)} from a client`, 'reason code')
  if (serverReference !== undefined) protocolError('from a client', 'server reference')
  if (sessionExpiryInterval !== undefined) {
    // A session that was to end with its connection can't be kept after all.
    if (session.record.expiryInterval === 0 && sessionExpiryInterval > 0) {
      protocolError('above zero after zero in CONNECT', 'session expiry interval')
    }
    // It is stored when the connection has ended, a moment from now.
    session.record.expiryInterval = Math.min(sessionExpiryInterval, link.core.limits.sessionExpiryIntervalMax)
  }
  link.isWillDiscarded = reasonCode === ReasonCode.NormalDisconnection
  link.connection.close(CloseReason.ClientDisconnected)
}
