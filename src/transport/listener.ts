// One listener, from the accepted socket to the stream that the broker gets, with what is known of the peer. Each step
// is a file of its own; a plain TCP listener has none of them in between.
//
//   tcp.ts -> doorman.ts -> [proxy-protocol.ts] -> [tls.ts] -> [websocket.ts] -> Broker.attach
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { AddressRanges } from '../base/address-ranges.ts'
import type { PeerFacts } from '../base/peer-facts.ts'
import type { ListenerConfig } from '../config/schema.ts'
import { Caller } from './caller.ts'
import { CloseReason } from './close-reason.ts'
import type { Connection } from './connection.ts'
import type { Doorman, DoorRefusal } from './doorman.ts'
import type { HandshakeQueue } from './handshake-queue.ts'
import { takeProxyHeader } from './proxy-protocol.ts'
import { type ListenAddress, type Listener, listenTcp } from './tcp.ts'
import { TlsDoor } from './tls.ts'
import { WebSocketDoor } from './websocket.ts'

/** Where a listener listens. Of a unix socket host is empty and port 0. */
export interface BoundAddress extends ListenAddress {
  readonly name: string
  /** Such as mqtts://0.0.0.0:8883, unix:///run/godwit.sock */
  readonly url: string
}

/** Who comes in, and by which listener. */
export interface Arrival {
  readonly peer: PeerFacts
  readonly listener: ListenerConfig
  /** It may not stay, and is told so when it has said who it is. */
  readonly refusal?: DoorRefusal | undefined
}

export interface ListenerParts {
  readonly sharedReads: boolean
  readonly connectTimeoutMs: number
  readonly doorman: Doorman
  readonly handshakes: HandshakeQueue
  readonly log: Logger
  readonly now: () => number
  readonly accept: (stream: Duplex, arrival: Arrival) => Connection
}

const TURNED_AWAY_LOG_MS = 1_000

export class OpenListener {
  readonly config: ListenerConfig
  readonly #parts: ListenerParts
  readonly #tls: TlsDoor | undefined
  readonly #websocket: WebSocketDoor | undefined
  readonly #proxies: AddressRanges | undefined
  /** On their way in. */
  readonly #callers = new Set<Caller>()
  #server!: Listener
  #turnedAway = 0
  #turnedAwayLoggedAt = Number.NEGATIVE_INFINITY

  private constructor(config: ListenerConfig, parts: ListenerParts) {
    const { protocol, proxyProtocol } = config
    this.config = config
    this.#parts = parts
    if (protocol === 'mqtts' || protocol === 'wss') this.#tls = new TlsDoor(config, parts)
    if (protocol === 'ws' || protocol === 'wss') this.#websocket = new WebSocketDoor(config, parts)
    const { trusted } = proxyProtocol
    if (trusted.length > 0) this.#proxies = new AddressRanges(trusted.filter((each) => each !== 'unix'))
  }

  /** Rejects with ERR_GODWIT_TLS_* or ERR_GODWIT_LISTEN_*. */
  static async open(config: ListenerConfig, parts: ListenerParts): Promise<OpenListener> {
    const listener = new OpenListener(config, parts)
    const { host, port, socketPath, socketMode } = config
    const where = socketPath === '' ? { host, port } : { socketPath, mode: Number.parseInt(socketMode, 8) }
    const sharedReads = parts.sharedReads && listener.#isPlain
    const isSlow = listener.#tls !== undefined
    try {
      listener.#server = await listenTcp(where, { sharedReads, isSlow }, (socket) => listener.#take(socket))
    } catch (error) {
      listener.#tls?.close()
      throw error
    }
    return listener
  }

  get address(): BoundAddress {
    const { name, protocol, socketPath } = this.config
    const { host, port } = this.#server.address
    const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
    return { name, host, port, url: socketPath === '' ? `${protocol}://${where}` : `unix://${socketPath}` }
  }

  /** Days until its certificate expires; undefined: it has none. */
  get certificateDays(): number | undefined {
    return this.#tls?.certificateDays
  }

  /** Reads certificates, keys and revocation lists again; what is wrong with them goes to the log. */
  reload(): void {
    this.#tls?.reload()
  }

  /** Stops accepting, and lets go of who is on the way in; open connections go on. */
  async close(): Promise<void> {
    this.#tls?.close()
    for (const caller of this.#callers) caller.turnAway(CloseReason.ServerShutdown)
    await this.#server.close()
  }

  get #isPlain(): boolean {
    return this.#tls === undefined && this.#websocket === undefined && this.#proxies === undefined
  }

  #take(socket: Socket): void {
    const { doorman, log } = this.#parts
    // One that has gone already has no address: it must not pass for one by a unix socket.
    if (socket.remoteAddress === undefined && this.config.socketPath === '') return void socket.destroy()
    const caller = new Caller(socket, this.config, doorman.enter(this.config), log)
    const { visit, peer } = caller
    if (this.#proxies !== undefined) return this.#takeProxied(caller, this.#proxies)
    // Behind a proxy that is believed the address to count is another one.
    if (this.#websocket?.trusts(caller) !== true) visit.from(peer.host)
    if (visit.refusal === undefined) this.#admit(caller)
    else this.#refuse(caller, visit.refusal)
  }

  #takeProxied(caller: Caller, proxies: AddressRanges): void {
    const { visit, socket, peer } = caller
    const isTrusted =
      peer.host === '' ? this.config.proxyProtocol.trusted.includes('unix') : proxies.has(peer.host)
    if (!isTrusted) return caller.turnAway(CloseReason.ProxyHeader, 'no proxy that is trusted')
    if (visit.refusal !== undefined) return this.#refuse(caller, visit.refusal)
    this.#await(caller)
    caller.within(this.#parts.connectTimeoutMs)
    const done = ({ source }: { source: { host: string; port: number } | undefined }): void => {
      caller.inTime()
      if (source !== undefined) caller.comesFrom(source.host, source.port)
      if (visit.refusal === undefined) this.#admit(caller)
      else this.#refuse(caller, visit.refusal)
    }
    takeProxyHeader(socket, done, (why) => caller.turnAway(CloseReason.ProxyHeader, why))
  }

  #admit(caller: Caller): void {
    if (this.#tls === undefined) return this.#speak(caller, caller.socket)
    this.#await(caller)
    this.#tls.take(caller, (stream) => this.#speak(caller, stream))
  }

  #speak(caller: Caller, stream: Duplex): void {
    if (this.#websocket === undefined) return void this.#enter(caller, stream)
    this.#await(caller)
    this.#websocket.take(caller, stream, (messages) => this.#enter(caller, messages))
  }

  #enter(caller: Caller, stream: Duplex, refusal?: DoorRefusal): Connection {
    caller.inTime()
    this.#callers.delete(caller)
    return this.#parts.accept(stream, { peer: caller.peer, listener: this.config, refusal })
  }

  /** Closing the listener ends those who are still on their way. */
  #await(caller: Caller): void {
    if (this.#callers.has(caller)) return
    this.#callers.add(caller)
    caller.socket.once('close', () => this.#callers.delete(caller))
  }

  /** Where CONNECT can be read without more ado it is answered; a flood is not, nor logged one by one. */
  #refuse(caller: Caller, refusal: DoorRefusal): void {
    const isSimple = this.#tls === undefined && this.#websocket === undefined
    if (isSimple && this.#parts.doorman.mayTell()) return void this.#enter(caller, caller.socket, refusal)
    this.#turnedAway++
    caller.socket.destroy()
    const now = this.#parts.now()
    if (now - this.#turnedAwayLoggedAt < TURNED_AWAY_LOG_MS) return
    const facts = { listener: this.config.name, address: caller.peer.address, reason: refusal.closeReason }
    this.#parts.log.warn({ ...facts, turnedAway: this.#turnedAway }, 'connections turned away')
    this.#turnedAwayLoggedAt = now
    this.#turnedAway = 0
  }
}
