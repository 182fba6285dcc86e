// Listens on a TCP port or a unix socket, and hands on what it accepts; listener.ts says to whom.
import { once } from 'node:events'
import { chmodSync, statSync, unlinkSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { GodwitError } from '../base/errors.ts'
import { withSharedReads } from './shared-reads.ts'

/** Connections that the system has accepted and we have not: all that come in one turn, and then others wait. */
const BACKLOG = 1_024
const SLOW_BACKLOG = 256

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export interface UnixAddress {
  readonly socketPath: string
  /** As for chmod: who may connect. */
  readonly mode: number
}

export interface AcceptSettings {
  /** See shared-reads.ts: only for sockets that are read as they are. */
  readonly sharedReads: boolean
  /** Nothing is read until somebody listens, and fewer wait to be accepted: what comes in a turn is bounded. */
  readonly isSlow?: boolean
}

export interface Listener {
  /** Of a unix socket host and port are empty. */
  readonly address: ListenAddress
  /** Stops accepting; open connections go on. */
  close(): Promise<void>
}

/** Rejects with ERR_GODWIT_LISTEN_*. Port 0 takes any free one, told in `address`. */
export async function listenTcp(
  wanted: ListenAddress | UnixAddress,
  { sharedReads, isSlow = false }: AcceptSettings,
  accept: (socket: Socket) => void,
): Promise<Listener> {
  const options = { noDelay: true, allowHalfOpen: true, pauseOnConnect: sharedReads || isSlow }
  const server = createServer(options, (socket) => accept(sharedReads ? withSharedReads(socket) : socket))
  // An accept that fails, for want of a file descriptor or of memory, is that of whoever dialled: we listen on.
  server.on('error', () => {})
  try {
    if ('socketPath' in wanted) await listenUnix(server, wanted)
    else {
      const backlog = isSlow ? SLOW_BACKLOG : BACKLOG
      server.listen({ host: wanted.host, port: wanted.port, backlog })
      await once(server, 'listening')
    }
  } catch (cause) {
    throw listenError(wanted, cause as NodeJS.ErrnoException)
  }
  const close = (): Promise<void> => closeServer(server)
  const bound = server.address()
  if (typeof bound === 'string' || bound === null) return { address: { host: '', port: 0 }, close }
  return { address: { host: bound.address, port: (bound as AddressInfo).port }, close }
}

/** A socket that a process left behind when it died is in the way; one that somebody listens on is theirs. */
async function listenUnix(server: Server, { socketPath, mode }: UnixAddress): Promise<void> {
  if (await isLeftBehind(socketPath)) unlinkSync(socketPath)
  // The file comes into being with its mode: there is no moment at which others could connect. A worker thread has no
  // umask to set.
  const before = isMainThread ? process.umask(0o777 & ~mode) : undefined
  try {
    server.listen({ path: socketPath, backlog: BACKLOG })
  } finally {
    if (before !== undefined) process.umask(before)
  }
  await once(server, 'listening')
  if (before === undefined) chmodSync(socketPath, mode)
}

async function isLeftBehind(socketPath: string): Promise<boolean> {
  if (!statSync(socketPath, { throwIfNoEntry: false })?.isSocket()) return false
  const socket = connect(socketPath)
  try {
    await once(socket, 'connect')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

/** The port is free when it resolves; connections are the broker's. */
function closeServer(server: Server): Promise<void> {
  server.close()
  return new Promise((resolve) => setImmediate(resolve))
}

function listenError(wanted: ListenAddress | UnixAddress, cause: NodeJS.ErrnoException): GodwitError {
  const where = 'socketPath' in wanted ? wanted.socketPath : `${wanted.host}:${wanted.port}`
  if (cause.code === 'EADDRINUSE') {
    return new GodwitError('ERR_GODWIT_LISTEN_IN_USE', `${where} is in use by another program`, { cause })
  }
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    return new GodwitError('ERR_GODWIT_LISTEN_DENIED', `not allowed to listen on ${where}`, { cause })
  }
  return new GodwitError('ERR_GODWIT_LISTEN_FAILED', `can't listen on ${where}: ${cause.message}`, { cause })
}
