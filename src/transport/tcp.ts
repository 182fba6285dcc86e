// A TCP listener: accepts sockets and hands them on; transport/connection.ts does the rest.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { GodwitError } from '../base/errors.ts'

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export interface Listener {
  readonly address: ListenAddress
  /** Stops accepting; open connections go on. */
  close(): Promise<void>
}

/** Rejects with ERR_GODWIT_LISTEN_*. Port 0 takes any free one, told in `address`. */
export async function listenTcp(wanted: ListenAddress, accept: (socket: Socket) => void): Promise<Listener> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, accept)
  server.listen({ host: wanted.host, port: wanted.port, backlog: 1024 })
  try {
    await once(server, 'listening')
  } catch (cause) {
    throw listenError(wanted, cause as NodeJS.ErrnoException)
  }
  const { address, port } = server.address() as AddressInfo
  return { address: { host: address, port }, close: () => closeServer(server) }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
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
