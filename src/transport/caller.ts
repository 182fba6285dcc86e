// A connection on its way in, from the accepted socket until the broker has it: where it comes from, how long it may
// take, and how it is turned away. Made by listener.ts, passed through proxy-protocol.ts, tls.ts and websocket.ts.
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { plainHost } from '../base/address-ranges.ts'
import type { PeerFacts } from '../base/peer-facts.ts'
import type { ListenerConfig } from '../config/schema.ts'
import { CloseReason } from './close-reason.ts'
import type { Visit } from './doorman.ts'

export class Caller {
  readonly socket: Socket
  readonly visit: Visit
  readonly log: Logger
  peer: PeerFacts
  #timer: NodeJS.Timeout | undefined
  #isTurnedAway = false

  constructor(socket: Socket, listener: ListenerConfig, visit: Visit, log: Logger) {
    this.socket = socket
    this.visit = visit
    this.log = log
    this.peer = peerOf(socket, listener.name)
    socket.once('close', () => {
      this.inTime()
      visit.leave()
    })
    // What goes wrong closes it; a Connection listens for itself.
    socket.on('error', ignore)
  }

  /** It has `ms` for what comes next. */
  within(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.turnAway(CloseReason.ConnectTimeout), ms)
  }

  inTime(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** `why`: in words, for the log. */
  turnAway(reason: CloseReason, why?: string): void {
    if (this.#isTurnedAway) return
    this.#isTurnedAway = true
    const { address, listenerName: listener } = this.peer
    this.log.info(
      { address, listener, reason, ...(why !== undefined && { error: why }) },
      'connection closed',
    )
    this.socket.destroy()
  }

  /** It is at `host`, as a proxy that is believed says. */
  comesFrom(host: string, port?: number): void {
    this.peer = { ...this.peer, host, address: addressText(host, port) }
    this.visit.from(host)
  }
}

const ignore = (): void => {}

/** What the stream itself shows. One that is no socket is from inside the process. */
export function peerOf(stream: Duplex, listenerName: string): PeerFacts {
  if (!(stream instanceof Socket)) return { address: 'in-process', host: '', listenerName, isTls: false }
  const host = plainHost(stream.remoteAddress ?? '')
  const address = host === '' ? 'unix' : addressText(host, stream.remotePort)
  return { address, host, listenerName, isTls: stream instanceof TLSSocket }
}

function addressText(host: string, port: number | undefined): string {
  const shown = host.includes(':') ? `[${host}]` : host
  return port === undefined ? shown : `${shown}:${port}`
}
