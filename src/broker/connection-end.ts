// The end of a connection, whoever brought it about: the session stays or goes, the will is published or not.
import { CloseReason } from '../transport/close-reason.ts'
import type { Link } from './link.ts'

/** Called once for each link. */
export function detachLink(link: Link, reason: CloseReason, cause: Error | undefined): void {
  const { core, connection, session } = link
  const wasConnected = link.phase === 'connected'
  link.phase = 'closed'
  core.links.delete(link)
  core.reading.forget(connection)
  core.wheel.cancel(link)
  const { version, remoteAddress: address } = connection
  const error = cause === undefined ? {} : { error: cause.message }
  if (session === undefined) {
    core.log.info({ address, reason, ...error }, 'connection closed')
    return
  }
  const { clientId } = session
  core.log.info({ clientId, version, address, reason, ...error }, 'client disconnected')
  // At a shutdown the will of a kept session stays in the store: it is due at the next start.
  if (link.isWillDiscarded) core.wills.discard(clientId)
  else if (reason !== CloseReason.ServerShutdown) {
    core.wills.connectionLost(clientId, session.record.expiryInterval)
  }
  core.sessions.leave(link, session)
  if (wasConnected) core.tell('disconnected', { clientId, address, reason })
}
