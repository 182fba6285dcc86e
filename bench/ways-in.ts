// The ways into a broker as the benchmarks use them: what Mosquitto and godwit are told, and how a client comes in.
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { createWebSocketStream, WebSocket } from 'ws'
import type { Dial } from './traffic.ts'

export type WayIn = 'tcp' | 'tls' | 'ws'
export const WAYS_IN: readonly WayIn[] = ['tcp', 'tls', 'ws']

/** Lines of mosquitto.conf behind `listener`; the certificates of certs/ are in `folder`. */
export function mosquittoLines(way: WayIn, folder: string): string {
  if (way === 'ws') return 'protocol websockets\n'
  if (way === 'tcp') return ''
  const asRoot = process.getuid?.() === 0 ? 'user root\n' : '' // Else it could not read the key.
  return `certfile ${join(folder, 'server.crt')}\nkeyfile ${join(folder, 'server.key')}\n${asRoot}`
}

export function godwitEnvironment(way: WayIn, folder: string): Record<string, string> {
  if (way === 'tcp') return {}
  if (way === 'ws') return { GODWIT_LISTENERS__0__PROTOCOL: 'ws' }
  return {
    GODWIT_LISTENERS__0__PROTOCOL: 'mqtts',
    GODWIT_LISTENERS__0__TLS__CERTIFICATE: join(folder, 'server.crt'),
    GODWIT_LISTENERS__0__TLS__KEY: join(folder, 'server.key'),
  }
}

export function dialler(way: WayIn, port: number): Dial {
  const where = { host: '127.0.0.1', port, noDelay: true }
  if (way === 'tcp') return async () => connect(where)
  if (way === 'tls') {
    return async () => {
      const socket = connectTls({ ...where, rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      return socket
    }
  }
  return async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt', { perMessageDeflate: false })
    await once(socket, 'open')
    return createWebSocketStream(socket)
  }
}
