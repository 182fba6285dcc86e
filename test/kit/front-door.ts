// A broker behind real listeners, and peers that come in by them: over TCP, TLS, unix sockets and WebSocket.
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { type Duplex, Writable } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import type { Broker } from '../../src/broker/index.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { type BrokerOptions, createBroker } from '../../src/server.ts'
import type { BoundAddress } from '../../src/transport/listener.ts'
import { turns } from './flow.ts'
import type { Version } from './packets.ts'
import { Peer } from './peer.ts'

type LogLine = Record<string, unknown>

export interface FrontDoor {
  readonly broker: Broker
  readonly addresses: readonly BoundAddress[]
  /** Of the first listener. */
  readonly port: number
  /** What it has logged so far. */
  readonly log: readonly LogLine[]
  /** The first line that matches, once it is there. */
  logged(pattern: RegExp): Promise<LogLine>
}

type Listeners = NonNullable<ConfigInput['listeners']>

/** Serves until the test is over. Ports of 0 are any that are free. */
export async function openFrontDoor(
  listeners: Listeners,
  others: Omit<BrokerOptions, 'listeners' | 'logger'> = {},
): Promise<FrontDoor> {
  const log: LogLine[] = []
  let wake = (): void => {}
  const sink = new Writable({
    write(chunk, _, done) {
      log.push(JSON.parse(String(chunk)))
      wake()
      done()
    },
  })
  const logger = pino({ level: 'debug' }, sink)
  const broker = await createBroker({ persistence: { enabled: false }, ...others, listeners, logger })
  onTestFinished(() => broker.close())
  const addresses = await broker.listen()
  const logged = async (pattern: RegExp): Promise<LogLine> => {
    for (;;) {
      const found = log.find((line) => pattern.test(JSON.stringify(line)))
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { broker, addresses, port: addresses[0]?.port ?? 0, log, logged }
}

/** A peer at our end of `socket`, which is destroyed with the test. */
export function peerOver(socket: Duplex, version: Version = 5): Peer {
  onTestFinished(() => void socket.destroy())
  return new Peer(version, { ours: socket, theirs: socket, settle: () => turns() })
}

/** `where` is a port of this machine, or the path of a unix socket. */
export async function dialTcp(where: number | string, version: Version = 5): Promise<Peer> {
  const socket = typeof where === 'number' ? connectTcp(where, '127.0.0.1') : connectTcp(where)
  await once(socket, 'connect')
  return peerOver(socket, version)
}

/** Rejects with what went wrong in the handshake. */
export async function openTls(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ...options })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

export async function dialTls(port: number, options: ConnectionOptions, version: Version = 5): Promise<Peer> {
  return peerOver(await openTls(port, options), version)
}
