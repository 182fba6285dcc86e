// From a URL to a stream of bytes. Called by load-client.ts; TCP, TLS or WebSocket, the rest of the harness can't tell.
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { createWebSocketStream, WebSocket } from 'ws'
import type { ClientSettings } from './run-plan.ts'

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'mqtt:': 1883,
  'mqtts:': 8883,
  'ws:': 8083,
  'wss:': 8084,
}

export interface DialListener {
  opened(stream: Duplex): void
  failed(error: Error): void
}

export function dial(settings: ClientSettings, listener: DialListener): void {
  const { url, tls = {}, localAddress } = settings
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const where = { host, port: Number(port) || (DEFAULT_PORTS[protocol] ?? 1883), localAddress }
  const secrets = { ca: tls.ca, cert: tls.cert, key: tls.key, rejectUnauthorized: tls.insecure !== true }
  if (protocol.startsWith('ws')) return dialWebSocket(settings, secrets, listener)
  const isTls = protocol === 'mqtts:'
  const socket = isTls
    ? connectTls({ ...where, ...secrets, servername: isAddress(host) ? '' : host })
    : connectTcp(where)
  socket.setNoDelay(true)
  socket.once('error', listener.failed)
  socket.once(isTls ? 'secureConnect' : 'connect', () => {
    socket.off('error', listener.failed)
    listener.opened(socket)
  })
}

function dialWebSocket({ url, localAddress }: ClientSettings, secrets: object, listener: DialListener): void {
  const options = { ...secrets, localAddress, perMessageDeflate: false }
  const socket = new WebSocket(url, ['mqtt'], options)
  socket.once('error', listener.failed)
  socket.once('open', () => {
    socket.off('error', listener.failed)
    listener.opened(createWebSocketStream(socket))
  })
}

const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':')
