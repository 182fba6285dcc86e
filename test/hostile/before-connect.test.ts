// What costs a broker without ever being a client: connections that say nothing, too little, too slowly or too much.
import { describe, expect, it } from 'vitest'
import { PACKET_SIZE_MAX } from '../../src/packet/protocol.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { flow, turns } from '../kit/flow.ts'
import { connect4, frame, hex, text } from '../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  encode,
  publish,
  subscribe,
  type Version,
  willOf,
} from '../kit/packets.ts'
import { openHostile } from './hostile-broker.ts'

/** The default of connectTimeoutMs, and a tick of the timer wheel. */
const DEADLINE_MS = 10_000
const TICK_MS = 100

describe('a connection without a whole CONNECT', () => {
  it('that says nothing is closed at the deadline, and not before', async () => {
    const kit = await openHostile()
    const peer = kit.peer()
    kit.clock.advance(DEADLINE_MS - 1)
    await flow(peer).receiveNothing()
    kit.clock.advance(TICK_MS)
    await flow(peer).closed()
    await kit.servesOthers()
  })

  it.each([
    ['of 3.1.1', connect4('slow')],
    ['with a will and 1,000 bytes', frame(0x10, text('MQTT'), hex('04 06 0000'), text('slow'), text('w'))],
    [
      'whose remaining length says more than there is',
      hex('10 ff 7f 0004 4d515454 04 02 0000 0004 736c6f77'),
    ],
  ])('%s, a byte a second, has no more time than any other', async (_, bytes) => {
    const kit = await openHostile()
    const peer = kit.peer(4)
    for (const byte of bytes.subarray(0, 10)) {
      peer.stream.write(Buffer.from([byte]))
      await turns(1)
      expect(peer.isClosed).toBe(false)
      kit.clock.advance(1_000)
    }
    kit.clock.advance(TICK_MS)
    peer.stream.write(bytes.subarray(10))
    await flow(peer).closed()
    await kit.servesOthers()
  })

  it('is one of a thousand, and all are gone after the deadline', async () => {
    const kit = await openHostile({ connectionsMax: 1_002, sessionsMax: 1_002 })
    for (let i = 0; i < 1_000; i++) kit.peer().stream.write(i % 2 === 0 ? hex('10') : hex('10 20 0004 4d51'))
    await kit.settle()
    await flow(kit.peer()).closed()
    kit.clock.advance(DEADLINE_MS + TICK_MS)
    await kit.settle()
    expect(kit.peers.filter(({ isClosed }) => isClosed)).toHaveLength(1_001)
    expect(kit.clock.waiting).toBe(0)
    await kit.servesOthers()
    await kit.leavesNothing()
  })

  it('that sends anything else first is closed at once, whatever comes with it', async () => {
    const kit = await openHostile()
    for (const packet of [publish('a', 'x'), subscribe(1, '#', 0), disconnect()]) {
      await flow(kit.peer(4)).send(packet, connect('late')).closed()
    }
    await flow(kit.peer())
      .send(Buffer.from(`GET /${'x'.repeat(2_000)} HTTP/1.1\r\n\r\n`))
      .closed()
    await flow(kit.peer()).send(hex('16 03 01 02 00 01 00 01 fc 03 03'), Buffer.alloc(600)).closed()
    await kit.servesOthers()
  })

  it('and does not end it, is closed all the same', async () => {
    const kit = await openHostile()
    for (const bytes of [hex('30'), hex('82 80'), hex('20 02 00'), Buffer.from('GET / HTTP/1.1\r\n\r\n')]) {
      await flow(kit.peer()).send(bytes).closed()
    }
    const peer = kit.peer(4)
    for (const byte of encode(connect('slow'), 4))
      await flow(peer)
        .send(Buffer.from([byte]))
        .do(peer.settle)
    await flow(peer).receive(connack())
    await kit.servesOthers()
  })
})

describe('a CONNECT above connectBytesMax', () => {
  it.each([3, 4, 5] as const)('of version %i is refused when its length is known', async (version) => {
    const kit = await openHostile({ connectBytesMax: 100 })
    const name = version === 3 ? '0006 4d5149736470' : '0004 4d515454'
    await flow(kit.peer(version))
      .send(hex(`10 80 01 ${name} 0${version} 02`))
      .closed()
    await flow(kit.peer(version))
      .send(connect('c', { will: willOf('w', 'x'.repeat(200)) }))
      .closed()
    await flow(kit.peer(version)).send(hex('10 ff ff ff 7f')).closed()
    await kit.client('c', { version })
    await kit.servesOthers()
  })
})

describe('a length that is a lie', () => {
  it.each([
    [5, [disconnect(ReasonCode.PacketTooLarge)]],
    [4, []],
    [3, []],
  ] as const)('of 256 MB is refused before any of it has come, in version %i', async (version, answer) => {
    const kit = await openHostile()
    await flow(await kit.client('hostile', { version }))
      .send(hex('30 ff ff ff 7f'))
      .receive(...answer)
      .closed()
    await kit.servesOthers()
  })

  it('of five bytes is malformed, before CONNECT and after it, in one piece and in five', async () => {
    const kit = await openHostile()
    for (const firstByte of [0x10, 0x30, 0x82, 0xc0]) {
      const bytes = Buffer.concat([Buffer.from([firstByte]), hex('ff ff ff ff 01')])
      await flow(kit.peer()).send(bytes).closed()
      const peer = await kit.client('hostile')
      for (const byte of bytes.subarray(0, 5)) peer.send(Buffer.from([byte]))
      await flow(peer).receive(disconnect(ReasonCode.MalformedPacket)).closed()
      await flow(await kit.client('hostile', { version: 4 }))
        .send(bytes)
        .closed()
    }
    await kit.servesOthers()
  })

  it.each([0x30, 0x82, 0xe0])(
    'costs memory for what has come, not for what was said: %i',
    async (firstByte) => {
      const kit = await openHostile({ maximumPacketSize: PACKET_SIZE_MAX })
      const before = process.memoryUsage().arrayBuffers
      for (let i = 0; i < 200; i++) {
        const peer = await kit.client(`hostile ${i}`, { version: 4 })
        peer.send(Buffer.concat([Buffer.from([firstByte]), hex('ff ff ff 7f'), Buffer.alloc(100)]))
      }
      await kit.settle()
      // 200 times 256 MB were announced.
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64_000_000)
      await kit.servesOthers()
    },
  )
})

describe('a client that has connected and then says nothing', () => {
  it.each([
    [5, [disconnect(ReasonCode.KeepAliveTimeout)]],
    [4, []],
    [3, []],
  ] as const)('is closed after one and a half keep alives, in version %i', async (version, answer) => {
    const kit = await openHostile()
    const watcher = await kit.subscriber('watcher', 'gone', 0)
    const will = willOf('gone', 'silent')
    const peer = await kit.client('hostile', { version, fields: { keepalive: 10, will } })
    kit.clock.advance(14_900)
    await flow(watcher).receiveNothing()
    kit.clock.advance(200)
    await flow(peer)
      .receive(...answer)
      .closed()
    await flow(watcher).receive(publish('gone', 'silent'))
    await kit.servesOthers()
  })

  it('within a packet that it never ends, is closed too: bytes are no packet, but a sign of life', async () => {
    const kit = await openHostile()
    const peer = await kit.client('hostile', { version: 4, fields: { keepalive: 10 } })
    peer.stream.write(hex('30 7f 0001'))
    await turns(1)
    kit.clock.advance(16_100)
    await flow(peer).closed()
    await kit.servesOthers()
  })

  it('and asked for no keep alive, is given that of keepAliveMax', async () => {
    const kit = await openHostile({ keepAliveMax: 100 })
    const peer = kit.peer()
    await flow(peer)
      .send(connect('hostile', { keepalive: 0 }))
      .receive(connack(0, false, { serverKeepAlive: 100 }))
    kit.clock.advance(149_000)
    await flow(peer).do(() => expect(peer.isClosed).toBe(false))
    kit.clock.advance(2_000)
    await flow(peer).receive(disconnect(ReasonCode.KeepAliveTimeout)).closed()
  })
})

it.each<[string, Version, number]>([
  ['3.1', 3, 1],
  ['3.1.1', 4, 1],
])('a second CONNECT of %s closes, in the same chunk as the first or later', async (_, version) => {
  const kit = await openHostile()
  await flow(kit.peer(version)).send(connect('a'), connect('a')).receive(connack()).closed()
  await flow(await kit.client('a', { version }))
    .send(connect('b'))
    .closed()
  await flow(kit.peer(5))
    .send(connect('a'), connect('b'))
    .receive(connack(), disconnect(ReasonCode.ProtocolError))
    .closed()
  await kit.servesOthers()
})
