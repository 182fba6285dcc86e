// The HTTP side of a listener for MQTT over WebSocket: who may have one, and what all other requests are answered.
// Between tcp.ts or tls.ts and connection.ts; ws does the framing, websocket-stream.ts makes a stream of it.
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { AddressRanges, loopback } from '../base/address-ranges.ts'
import type { ListenerConfig } from '../config/schema.ts'
import type { Caller } from './caller.ts'
import { CloseReason } from './close-reason.ts'
import type { Connection } from './connection.ts'
import { forwardedHost, isAllowedOrigin } from './websocket-request.ts'
import { WebSocketStream } from './websocket-stream.ts'

/** Those of MQTT, the preferred first. [v5 MQTT-6.0.0-4] [v3.1.1 MQTT-6.0.0-4] */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1']
/** Several packets may come in one message, also where packets must be small. */
const MESSAGE_BYTES_MIN = 65_536

export interface WebSocketParts {
  readonly connectTimeoutMs: number
}

/** Hands on the stream, and is told the connection that was made of it. */
type Accept = (stream: Duplex) => Connection | undefined

/** Why a request is not taken: with what it is answered. */
interface Refusal {
  readonly status: 400 | 403 | 404 | 426 | 503
  readonly why: string
}

export class WebSocketDoor {
  readonly #listener: ListenerConfig
  readonly #parts: WebSocketParts
  readonly #http: Server
  readonly #websockets: WebSocketServer
  readonly #trustedProxies: AddressRanges
  readonly #callers = new WeakMap<Duplex, { readonly caller: Caller; readonly accept: Accept }>()

  constructor(listener: ListenerConfig, parts: WebSocketParts) {
    const { websocket, maximumPacketSize } = listener
    const { connectTimeoutMs } = parts
    this.#listener = listener
    this.#parts = parts
    this.#trustedProxies = new AddressRanges(websocket.trustedProxies.filter((each) => each !== 'unix'))
    this.#websockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: Math.max(maximumPacketSize, MESSAGE_BYTES_MIN),
      handleProtocols: (offered) => SUBPROTOCOLS.find((each) => offered.has(each)) ?? false,
    })
    this.#http = createServer({
      maxHeaderSize: websocket.headerBytesMax,
      headersTimeout: connectTimeoutMs,
      requestTimeout: connectTimeoutMs,
    })
    this.#http.on('upgrade', (request, stream, head) => this.#upgrade(request, stream, head))
    this.#http.on('request', (request, response) => {
      const { status, why } = this.#refusalOf(request) ?? {
        status: 426,
        why: 'this is for MQTT over WebSocket',
      }
      response.writeHead(status, { ...CLOSE_HEADERS, Upgrade: 'websocket' }).end(`${why}\n`)
    })
  }

  /** `accept` gets the stream once there is a WebSocket. */
  take(caller: Caller, stream: Duplex, accept: Accept): void {
    caller.within(this.#parts.connectTimeoutMs)
    this.#callers.set(stream, { caller, accept })
    this.#http.emit('connection', stream)
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const entry = this.#callers.get(stream)
    if (entry === undefined) return void stream.destroy()
    const { caller, accept } = entry
    const refusal =
      this.#refusalOf(request) ?? this.#refusalOfUpgrade(caller, request) ?? this.#locate(caller, request)
    if (refusal !== undefined) return refuse(caller, stream, refusal)
    this.#websockets.handleUpgrade(request, stream, head, (socket: WebSocket) => {
      caller.inTime()
      let connection: Connection | undefined
      const messageBytesMax = (): number => connection?.frames.maximumPacketSize ?? MESSAGE_BYTES_MIN
      connection = accept(new WebSocketStream(socket, stream, messageBytesMax))
    })
  }

  #refusalOf({ url = '' }: IncomingMessage): Refusal | undefined {
    const { path } = this.#listener.websocket
    const isPath = path === '' || url === path || url.startsWith(`${path}?`)
    return isPath ? undefined : { status: 404, why: 'there is nothing here' }
  }

  #refusalOfUpgrade({ socket }: Caller, { headers }: IncomingMessage): Refusal | undefined {
    const isToThisMachine = socket.localAddress === undefined || loopback.has(socket.localAddress)
    if (!isAllowedOrigin(headers, this.#listener, isToThisMachine)) {
      return { status: 403, why: `pages of ${headers.origin} may not connect (websocket.origins)` }
    }
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim())
    const isMqtt = SUBPROTOCOLS.some((each) => offered.includes(each))
    return isMqtt ? undefined : { status: 400, why: 'the WebSocket subprotocol must be mqtt or mqttv3.1' }
  }

  /** Behind a proxy that is believed the client is where that says. */
  #locate(caller: Caller, { headers }: IncomingMessage): Refusal | undefined {
    if (!this.trusts(caller)) return undefined
    const trusted = this.#trustedProxies
    const host = forwardedHost(headers['x-forwarded-for'], (each) => trusted.has(each))
    if (host === undefined) return { status: 400, why: 'X-Forwarded-For holds no address' }
    caller.comesFrom(host === '' ? caller.peer.host : host)
    return caller.visit.refusal === undefined ? undefined : { status: 503, why: 'too many connections' }
  }

  /** Whether its X-Forwarded-For is believed. */
  trusts({ peer: { host } }: Caller): boolean {
    return host === ''
      ? this.#listener.websocket.trustedProxies.includes('unix')
      : this.#trustedProxies.has(host)
  }
}

const CLOSE_HEADERS = { Connection: 'close', 'Content-Type': 'text/plain; charset=utf-8' } as const

function refuse(caller: Caller, stream: Duplex, { status, why }: Refusal): void {
  const body = `${why}\n`
  const headers = { ...CLOSE_HEADERS, 'Content-Length': String(Buffer.byteLength(body)) }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  stream.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'))
  stream.once('finish', () =>
    caller.turnAway(caller.visit.refusal?.closeReason ?? CloseReason.WebSocket, why),
  )
}
