// Listeners behind a proxy: who may speak for others, and that the address it passes on is the one that counts.
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { ListenerInput } from '../../src/config/schema.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { certificates } from '../kit/certificates.ts'
import { flow } from '../kit/flow.ts'
import { dialTcp, openFrontDoor, peerOver } from '../kit/front-door.ts'
import { connack, connect, encode } from '../kit/packets.ts'

/** Whoever comes from this machine is believed. */
const proxied: ListenerInput = { port: 0, allowAnonymous: true, proxyProtocol: { trusted: ['127.0.0.1'] } }
const from = (host: string, port = 50_000): Buffer =>
  Buffer.from(`PROXY TCP4 ${host} 198.51.100.1 ${port} 1883\r\n`)
const version2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c6336401c350075b', 'hex')
const local = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')

describe('behind a proxy that is trusted', () => {
  it.each([
    ['version 1', from('192.0.2.7'), '192.0.2.7:50000'],
    ['version 2', version2, '192.0.2.7:50000'],
    ['LOCAL', local, expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), expect.stringMatching(/^127\.0\.0\.1:\d+$/)],
  ])('%s says the address that events and log show', async (_, header, address) => {
    const { port, broker, logged } = await openFrontDoor([proxied])
    const connected = new Promise((resolve) => broker.on('connected', (client) => resolve(client.address)))
    await flow(await dialTcp(port))
      .send(header, connect('c'))
      .receive(connack())
      .receiveNothing()
    expect(await connected).toEqual(address)
    expect(await logged(/client connected/)).toMatchObject({ address })
  })

  it('the header may come byte by byte, and what follows it in one piece with it', async () => {
    const { port } = await openFrontDoor([proxied])
    for (const header of [from('192.0.2.7'), version2]) {
      const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true })
      const peer = peerOver(socket)
      for (const byte of header.subarray(0, -1)) {
        await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve))
      }
      socket.write(Buffer.concat([header.subarray(-1), encode(connect('c'), 5)]))
      await flow(peer).receive(connack()).receiveNothing()
    }
  })

  it('TLS and what is below WebSocket come after it', async () => {
    const made = await certificates()
    const { port, logged } = await openFrontDoor([
      { ...proxied, protocol: 'mqtts', tls: made.pair('server') },
    ])
    const raw = connectTcp(port, '127.0.0.1')
    raw.write(from('192.0.2.7'))
    const socket = connectTls({ socket: raw, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    await flow(peerOver(socket)).send(connect('c')).receive(connack()).receiveNothing()
    expect(await logged(/client connected/)).toMatchObject({ address: '192.0.2.7:50000' })
  })

  it.each([
    ['MQTT at once', encode(connect('c'), 5)],
    ['half a header and then something else', Buffer.from('PROXY TCP4 192.0.2.7 nonsense\r\n')],
  ])('%s is refused', async (_, bytes) => {
    const { port, logged } = await openFrontDoor([proxied])
    await flow(await dialTcp(port))
      .send(bytes)
      .closed()
    expect(await logged(/proxy-header-refused/)).toMatchObject({ error: expect.stringMatching(/./) })
  })

  it('silence is closed after connectTimeoutMs', async () => {
    const { port, logged } = await openFrontDoor([proxied], { limits: { connectTimeoutMs: 200 } })
    const peer = await dialTcp(port)
    peer.send(Buffer.from('PROXY '))
    await flow(peer).closed()
    expect(await logged(/connect-timeout/)).toMatchObject({ listener: 'mqtt-0' })
  })

  it('limits count the clients, not the proxy', async () => {
    const { port } = await openFrontDoor([proxied], { limits: { connectionsPerAddressMax: 2 } })
    const answered = async (host: string, code: number): Promise<void> => {
      await flow(await dialTcp(port))
        .send(from(host), connect(''))
        .receive(connack(code))
    }
    for (const host of ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.2']) await answered(host, 0)
    await answered('192.0.2.1', ReasonCode.QuotaExceeded)
    await answered('192.0.2.3', 0)
  })
})

it('who is no trusted proxy is refused, header or not', async () => {
  const { port, logged } = await openFrontDoor([
    { ...proxied, proxyProtocol: { trusted: ['10.0.0.0/8', '::1'] } },
  ])
  await flow(await dialTcp(port)).closed()
  const line = await logged(/proxy-header-refused/)
  expect(line).toMatchObject({
    address: expect.stringMatching(/^127\.0\.0\.1:/),
    error: 'no proxy that is trusted',
  })
})

it('a PROXY header is no more than bad MQTT where no proxy is expected', async () => {
  const { port, logged } = await openFrontDoor([{ port: 0 }])
  await flow(await dialTcp(port))
    .send(from('192.0.2.7'), connect('c'.repeat(100)))
    .closed()
  expect(await logged(/connection closed/)).toMatchObject({
    address: expect.stringMatching(/^127\.0\.0\.1:/),
  })
})

it('nobody is anonymous by default behind a proxy, on loopback either', async () => {
  const { port } = await openFrontDoor([{ port: 0, proxyProtocol: { trusted: ['127.0.0.1'] } }])
  await flow(await dialTcp(port))
    .send(from('192.0.2.7'), connect('c'))
    .receive(connack(ReasonCode.NotAuthorized))
    .closed()
})
