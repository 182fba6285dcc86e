// Takes the PROXY header off the beginning of a connection. Between tcp.ts, which accepts, and whoever speaks next:
// TLS, WebSocket or MQTT. proxy-header.ts knows its form.
import type { Socket } from 'node:net'
import { type ProxyHeader, ProxyHeaderError, parseProxyHeader } from './proxy-header.ts'

/**
 * Calls `done` once the header is there, with what follows it still to be read; or `refuse` with the reason for what is
 * no header. Neither is called for a socket that closes before: the deadline is the caller's.
 */
export function takeProxyHeader(
  socket: Socket,
  done: (header: ProxyHeader) => void,
  refuse: (why: string) => void,
): void {
  let received: Buffer = Buffer.alloc(0)
  const read = (): void => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      received = Buffer.concat([received, chunk])
    }
    let header: ProxyHeader | undefined
    try {
      if (received.length > 0) header = parseProxyHeader(received)
    } catch (error) {
      socket.off('readable', read)
      if (!(error instanceof ProxyHeaderError)) throw error
      return refuse(error.message)
    }
    if (header === undefined) return
    socket.off('readable', read)
    const { length } = header
    if (received.length > length) socket.unshift(received.subarray(length))
    // By then the socket has forgotten that it was read in this way, and whoever is next reads as they like.
    setImmediate(() => {
      if (!socket.destroyed) done({ length, source: header.source })
    })
  }
  socket.on('readable', read)
}
