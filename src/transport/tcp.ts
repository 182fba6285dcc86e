// A TCP listener: accepts sockets and hands them on; transport/connection.ts does the rest.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { GodwitError } from '../base/errors.ts'
import { withSharedReads } from './shared-reads.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export interface Listener {
  readonly address: ListenAddress
  /** Stops accepting; open connections go on. */
  close(): Promise<void>
}

export interface TcpSettings {
  /** See shared-reads.ts. */
  readonly sharedReads: boolean
}

/** Rejects with ERR_GODWIT_LISTEN_*. Port 0 takes any free one, told in `address`. */
export async function listenTcp(
  wanted: ListenAddress,
  { sharedReads }: TcpSettings,
  accept: (socket: Socket) => void,
): Promise<Listener> {
  const options = { noDelay: true, allowHalfOpen: true, pauseOnConnect: sharedReads }
  const server = createServer(options, (socket) => accept(sharedReads ? withSharedReads(socket) : socket))
  // An accept that fails, for want of a file descriptor or of memory, is that of whoever dialled: we listen on.
  server.on('error', () => {})
  server.listen({ host: wanted.host, port: wanted.port, backlog: 1024 })
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw listenError(wanted, cause as NodeJS.ErrnoException)
  }
  const { address, port } = server.address() as AddressInfo
  return { address: { host: address, port }, close: () => closeServer(server) }
}

/** The port is free when it resolves; connections are the broker's. */
function closeServer(server: Server): Promise<void> {
  server.close()
  return new Promise((resolve) => setImmediate(resolve))
}

function listenError({ host, port }: ListenAddress, cause: NodeJS.ErrnoException): GodwitError {
  const where = `${host}:${port}`
  if (cause.code === 'EADDRINUSE') {
    return new GodwitError('ERR_GODWIT_LISTEN_IN_USE', `${where} is in use by another program`, { cause })
  }
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new GodwitError('ERR_GODWIT_LISTEN_DENIED', `not allowed to listen on ${where}`, { cause })
  }
  return new GodwitError('ERR_GODWIT_LISTEN_FAILED', `can't listen on ${where}: ${cause.message}`, { cause })
}
