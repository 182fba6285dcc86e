// How many may come in, and how fast: in all, by listener, by address. Who may not is told where that can be done.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { certificates } from '../kit/certificates.ts'
import { flow } from '../kit/flow.ts'
import { dialTcp, dialTls, openFrontDoor, openTls } from '../kit/front-door.ts'
import { connack, connect } from '../kit/packets.ts'

/** Whether CONNECT from this machine is answered with `code`. */
async function answers(port: number, code: number, version: 4 | 5 = 5): Promise<void> {
  const peer = await dialTcp(port, version)
  await flow(peer).send(connect('')).receive(connack(code))
  if (code !== 0) await peer.closed()
}

it.each([
  ['in all', { limits: { connectionsMax: 3 } }, {}],
  ['by listener', {}, { connectionsMax: 3 }],
  ['by address', { limits: { connectionsPerAddressMax: 3 } }, {}],
])(
  'one connection more than the limit %s is told 0x97, or 3 in 3.1.1, and one that ends makes room',
  async (_, others, listener) => {
    const { port, logged } = await openFrontDoor([{ port: 0, ...listener }], others)
    const silent = await dialTcp(port)
    await answers(port, 0)
    await answers(port, 0)
    await answers(port, ReasonCode.QuotaExceeded)
    await answers(port, 3, 4)
    await logged(/too-many-connections/)
    await silent.drop()
    await answers(port, 0)
  },
)

it('the limit of one listener leaves room at the others', async () => {
  const { addresses } = await openFrontDoor([{ port: 0, connectionsMax: 1 }, { port: 0 }])
  const [first, second] = addresses.map(({ port }) => port) as [number, number]
  await answers(first, 0)
  await answers(first, ReasonCode.QuotaExceeded)
  await answers(second, 0)
})

it.each([
  ['in all', { connectsPerSecondMax: 1 }],
  ['by address', { connectsPerSecondPerAddressMax: 1 }],
])('connections that come too fast %s are told 0x9F', async (_, limits) => {
  const { port, logged } = await openFrontDoor([{ port: 0 }], { limits })
  for (let i = 0; i < 10; i++) await answers(port, 0)
  await answers(port, ReasonCode.ConnectionRateExceeded)
  await logged(/connecting-too-fast/)
})

it('a flood is not told any more, but closed at once, and logged as one', async () => {
  const { port, logged, log } = await openFrontDoor([{ port: 0 }], { limits: { connectionsMax: 1 } })
  await dialTcp(port)
  const sockets: Socket[] = []
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()))
  let closed = 0
  for (let i = 0; i < 200; i++) {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('close', () => closed++)
    socket.on('error', () => {})
    socket.resume()
    sockets.push(socket)
  }
  await logged(/turned away/)
  // A hundred or so wait to be told.
  while (closed < 90) await new Promise(setImmediate)
  expect(log.filter(({ msg }) => msg === 'connections turned away')).toHaveLength(1)
})

it('are refused before TLS: no handshake is begun for who may not stay', async () => {
  const made = await certificates()
  const listener = { protocol: 'mqtts', port: 0, connectionsMax: 1, tls: made.pair('server') } as const
  const { port, logged } = await openFrontDoor([listener])
  const options = { ca: readFileSync(made.file('ca.crt')) }
  await flow(await dialTls(port, options))
    .send(connect('c'))
    .receive(connack())
  await expect(openTls(port, options)).rejects.toThrow(/disconnected|ECONNRESET|hang up/)
  expect(await logged(/turned away/)).toMatchObject({ reason: 'too-many-connections' })
})

it('those who are on their way in count, and are let go when the broker closes', async () => {
  const made = await certificates()
  const listener = { protocol: 'mqtts', port: 0, tls: made.pair('server') } as const
  const { port, broker } = await openFrontDoor([listener], { limits: { connectionsPerAddressMax: 1 } })
  const silent = connectTcp(port, '127.0.0.1')
  silent.on('error', () => {})
  await once(silent, 'connect')
  await expect(openTls(port, { ca: readFileSync(made.file('ca.crt')) })).rejects.toThrow()
  const gone = once(silent, 'close')
  silent.resume()
  await broker.close()
  await gone
})

it('TLS handshakes begin no faster than handshakesPerSecondMax, and all come in', async () => {
  const made = await certificates()
  const listener = { protocol: 'mqtts', port: 0, tls: made.pair('server') } as const
  const { port } = await openFrontDoor([listener], { limits: { handshakesPerSecondMax: 40 } })
  const ca = readFileSync(made.file('ca.crt'))
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: 21 }, () => openTls(port, { ca })))
  expect(performance.now() - startedAt).toBeGreaterThan(450)
})
