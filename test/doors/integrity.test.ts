// Whatever lies between, a client gets what was sent to it, byte for byte and in order: also one that reads slowly,
// when the memory of what was written may serve again for somebody else.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { createWebSocketStream, WebSocket } from 'ws'
import { certificates } from '../kit/certificates.ts'
import { flow } from '../kit/flow.ts'
import { dialTcp, dialTls, openFrontDoor, peerOver } from '../kit/front-door.ts'
import { connack, connect, suback, subscribe } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'

const MESSAGES = 2_000
const CLIENTS = 4
const sizeOf = (index: number): number => (index % 50 === 0 ? 40_000 : (index * 37) % 3_000)
const payloadOf = (client: number, index: number): Buffer =>
  Buffer.alloc(sizeOf(index), `${client}:${index};`)

async function dialWebSocket(url: string, ca?: Buffer): Promise<Peer> {
  const socket = new WebSocket(url, 'mqtt', ca === undefined ? {} : { ca })
  await once(socket, 'open')
  return peerOver(createWebSocketStream(socket) as Duplex)
}

it.each(['mqtt', 'mqtts', 'ws', 'wss'] as const)('over %s', async (protocol) => {
  const made = await certificates()
  const ca = readFileSync(made.file('ca.crt'))
  const isTls = protocol.endsWith('s') && protocol !== 'ws'
  const tls = isTls ? made.pair('server') : {}
  const { port, broker } = await openFrontDoor([{ protocol, port: 0, tls }])
  const dial = (): Promise<Peer> => {
    if (protocol === 'mqtt') return dialTcp(port)
    if (protocol === 'mqtts') return dialTls(port, { ca })
    return dialWebSocket(`${protocol}://127.0.0.1:${port}/mqtt`, isTls ? ca : undefined)
  }
  const peers: Peer[] = []
  for (let client = 0; client < CLIENTS; client++) {
    const peer = await dial()
    await flow(peer)
      .send(connect(`c${client}`), subscribe(1, `to/${client}`, 1))
      .receive(connack(), suback(1, 1))
    peers.push(peer)
  }
  peers[0]?.stall()
  for (let index = 0; index < MESSAGES; index++) {
    // Several a turn, and several turns: what is written finds the sockets in every state.
    for (let client = 0; client < CLIENTS; client++) {
      void broker.publish({ topicName: `to/${client}`, payload: payloadOf(client, index), qos: 0 })
    }
    if (index % 7 === 0) await new Promise(setImmediate)
  }
  peers[0]?.resume()
  for (const [client, peer] of peers.entries()) {
    for (let index = 0; index < MESSAGES; index++) {
      const { packet } = await peer.next()
      if (packet.payload !== payloadOf(client, index).toString()) {
        expect.fail(`client ${client} got something else than message ${index}`)
      }
    }
  }
})
