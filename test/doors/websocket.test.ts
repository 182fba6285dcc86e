// MQTT over WebSocket: frames in any cut, what is no binary frame, who may have a WebSocket, and the bounds of it all.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ClientOptions, createWebSocketStream, WebSocket } from 'ws'
import type { ListenerInput } from '../../src/config/schema.ts'
import { certificates } from '../kit/certificates.ts'
import { flow } from '../kit/flow.ts'
import { openFrontDoor, peerOver } from '../kit/front-door.ts'
import {
  connack,
  connect,
  disconnect,
  encode,
  pingreq,
  pingresp,
  puback,
  publish,
  publish1,
  suback,
  subscribe,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'

type WebSocketInput = NonNullable<ListenerInput['websocket']>

const wsListener = (websocket: WebSocketInput = {}): ListenerInput => ({ protocol: 'ws', port: 0, websocket })

interface Dial {
  readonly path?: string
  readonly subprotocols?: string | string[]
  readonly options?: ClientOptions
}

/** Rejects with `Unexpected server response: STATUS`. */
async function openWebSocket(port: number, dial: Dial = {}): Promise<WebSocket> {
  const { path = '/mqtt', subprotocols = 'mqtt', options = {} } = dial
  const scheme = options.ca === undefined ? 'ws' : 'wss'
  const socket = new WebSocket(`${scheme}://127.0.0.1:${port}${path}`, subprotocols, options)
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  return socket
}

async function dial(port: number, how?: Dial): Promise<{ peer: Peer; socket: WebSocket }> {
  const socket = await openWebSocket(port, how)
  return { peer: peerOver(createWebSocketStream(socket)), socket }
}

const closeOf = async (socket: WebSocket): Promise<number> => (await once(socket, 'close'))[0]

describe('MQTT over WebSocket', () => {
  it.each(['mqtt', 'mqttv3.1'])(
    '[v5 MQTT-6.0.0-4] [v3.1.1 MQTT-6.0.0-4] answers the subprotocol %s',
    async (name) => {
      const { port } = await openFrontDoor([wsListener()])
      const { peer, socket } = await dial(port, { subprotocols: ['other', name] })
      expect(socket.protocol).toBe(name)
      await flow(peer)
        .send(connect('c'))
        .receive(connack())
        .send(subscribe(1, 'a', 1), publish1(7, 'a', 'x'))
        .receive(suback(1, 1))
        .receiveUnordered(puback(7), publish1(1, 'a', 'x'))
        .receiveNothing()
    },
  )

  it('[v5 MQTT-6.0.0-4] [v3.1.1 MQTT-6.0.0-4] prefers mqtt where both are offered', async () => {
    const { port } = await openFrontDoor([wsListener()])
    expect((await openWebSocket(port, { subprotocols: ['mqttv3.1', 'mqtt'] })).protocol).toBe('mqtt')
  })

  it.each([[[]], [['soap']], [['MQTT']]])('refuses whoever offers %j', async (subprotocols) => {
    const { port } = await openFrontDoor([wsListener()])
    await expect(openWebSocket(port, { subprotocols })).rejects.toThrow(/400/)
  })

  it('works with TLS below it', async () => {
    const made = await certificates()
    const { port } = await openFrontDoor([{ protocol: 'wss', port: 0, tls: made.pair('server') }])
    const { peer } = await dial(port, {
      options: { ca: readFileSync(made.file('ca.crt')) },
    })
    await flow(peer).send(connect('c')).receive(connack()).receiveNothing()
  })

  it('does not compress', async () => {
    const { port } = await openFrontDoor([wsListener()])
    expect((await openWebSocket(port, { options: { perMessageDeflate: true } })).extensions).toBe('')
  })

  it('sends megabytes and takes them', async () => {
    const { port } = await openFrontDoor([wsListener()])
    const { peer } = await dial(port)
    const payload = 'long '.repeat(400_000)
    await flow(peer)
      .send(connect('c'), subscribe(1, 'a', 1))
      .receive(connack(), suback(1, 1))
      .send(publish1(7, 'a', payload))
      .receiveUnordered(puback(7), publish1(1, 'a', payload))
  })
})

describe('frames', () => {
  const packets = Buffer.concat(
    [connect('c'), subscribe(1, 'a', 0), publish('a', 'payload'), pingreq].map((each) => encode(each, 5)),
  )
  /** Hears all the answers to what `sends` send, a connection each. */
  async function inMessages(...sends: ((socket: WebSocket) => void)[]): Promise<void> {
    const { port } = await openFrontDoor([wsListener()])
    for (const send of sends) {
      const { peer, socket } = await dial(port)
      send(socket)
      await flow(peer).receive(connack()).receiveUnordered(suback(1, 0), publish('a', 'payload'), pingresp)
    }
  }

  it('[v5 MQTT-6.0.0-2] [v3.1.1 MQTT-6.0.0-2] may hold several packets', () =>
    inMessages((socket) => socket.send(packets)))

  it('[v5 MQTT-6.0.0-2] [v3.1.1 MQTT-6.0.0-2] may cut packets anywhere', () => {
    const cuts = Array.from({ length: packets.length - 1 }, (_, index) => index + 1)
    return inMessages(
      ...cuts.map((at) => (socket: WebSocket) => {
        socket.send(packets.subarray(0, at))
        socket.send(packets.subarray(at))
      }),
    )
  })

  it('may hold one byte each, and be empty in between', () =>
    inMessages((socket) => {
      for (const byte of packets) {
        socket.send(Buffer.from([byte]))
        socket.send(Buffer.alloc(0))
      }
    }))

  it('may be fragments of one message, with empty ones and pings among them', () =>
    inMessages((socket) => {
      for (const byte of packets) {
        socket.send(Buffer.from([byte]), { fin: false })
        socket.ping()
        socket.send(Buffer.alloc(0), { fin: false })
      }
      socket.send(Buffer.alloc(0), { fin: true })
    }))

  it.each(['before', 'after'])(
    '[v5 MQTT-6.0.0-1] [v3.1.1 MQTT-6.0.0-1] of text close with 1003, %s CONNECT',
    async (when) => {
      const { port, logged } = await openFrontDoor([wsListener()])
      const { peer, socket } = await dial(port)
      if (when === 'after') await flow(peer).send(connect('c')).receive(connack())
      socket.send('text')
      expect(await closeOf(socket)).toBe(1003)
      expect(await logged(/message is text/)).toMatchObject({ reason: 'socket-error' })
    },
  )

  it('of ping are answered, as many as the peer takes', async () => {
    const { port } = await openFrontDoor([wsListener()])
    const { socket, peer } = await dial(port)
    socket.ping('hello')
    expect(String((await once(socket, 'pong'))[0])).toBe('hello')
    await flow(peer).send(connect('c')).receive(connack()).receiveNothing()
  })

  it('of close end the connection, and its will is published', async () => {
    const { port, broker } = await openFrontDoor([wsListener()])
    const heard = new Promise<string>((resolve) => {
      broker.subscribe('will', ({ payload }) => resolve(payload.toString()))
    })
    const { peer, socket } = await dial(port)
    await flow(peer)
      .send(connect('c', { will: { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false } }))
      .receive(connack())
    socket.close()
    expect(await heard).toBe('gone')
  })

  it('end with a close frame when the client says farewell', async () => {
    const { port } = await openFrontDoor([wsListener()])
    const { peer, socket } = await dial(port)
    await flow(peer).send(connect('c')).receive(connack()).send(disconnect())
    expect(await closeOf(socket)).toBe(1000)
  })
})

describe('a message that is too large', () => {
  it('is not gathered before CONNECT beyond connectBytesMax and some', async () => {
    const { port } = await openFrontDoor([wsListener()], { limits: { connectBytesMax: 1_000 } })
    const { socket } = await dial(port)
    socket.send(Buffer.alloc(60_000, 0x10), { fin: false })
    socket.send(Buffer.alloc(60_000, 0x10), { fin: false })
    expect(await closeOf(socket)).toBe(1009)
  })

  it('is refused by what its frame announces', async () => {
    const { port } = await openFrontDoor([wsListener()], { limits: { maximumPacketSize: 100_000 } })
    const { socket, peer } = await dial(port)
    await flow(peer).send(connect('c')).receive(connack(0, false))
    socket.send(Buffer.alloc(100_001))
    expect(await closeOf(socket)).toBe(1009)
  })

  it('is a packet that is too large where it is no larger than a message may be', async () => {
    const { port } = await openFrontDoor([wsListener()], { limits: { maximumPacketSize: 1_000 } })
    const { peer } = await dial(port)
    await flow(peer)
      .send(connect('c'))
      .receive(connack())
      .send(publish('a', 'x'.repeat(2_000)))
      .receive(disconnect(0x95))
      .closed()
  })
})

describe('a peer that does not read', () => {
  it('loses QoS 0 beyond outputBytesMax, and keeps nobody else waiting', async () => {
    const { port, broker } = await openFrontDoor([wsListener()], { limits: { outputBytesMax: 100_000 } })
    const { socket, peer } = await dial(port)
    await flow(peer)
      .send(connect('slow'), subscribe(1, 'a', 0))
      .receive(connack(), suback(1, 0))
    socket.pause()
    const payload = Buffer.alloc(100_000)
    while ((broker.dropsOf('slow')?.get('not-writable') ?? 0) < 20)
      await broker.publish({ topicName: 'a', payload })
    socket.resume()
    await flow(peer).do(async () => {
      await peer.next()
    })
  })
})

describe('HTTP', () => {
  const get = async (port: number, path: string, headers = {}, method = 'GET'): Promise<IncomingMessage> => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers })
    sent.end()
    const [response] = await once(sent, 'response')
    response.resume()
    return response
  }

  it.each([
    ['/mqtt', 426],
    ['/mqtt?x=1', 426],
    ['/', 404],
    ['/mqtt/x', 404],
    ['/mqttx', 404],
    ['*', 404],
  ])('that asks for %s and for no WebSocket is answered %i', async (path, status) => {
    const { port } = await openFrontDoor([wsListener()])
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { statusCode, headers } = await get(port, path, {}, method)
      expect(statusCode).toBe(status)
      expect(headers.connection).toBe('close')
    }
  })

  it('gives a WebSocket at its path only', async () => {
    const { port } = await openFrontDoor([wsListener({ path: '/way/in' })])
    await openWebSocket(port, { path: '/way/in?x' })
    await expect(openWebSocket(port, { path: '/mqtt' })).rejects.toThrow(/404/)
  })

  it('gives one anywhere where the path is empty', async () => {
    const { port } = await openFrontDoor([wsListener({ path: '' })])
    await openWebSocket(port, { path: '/any/thing' })
    await openWebSocket(port, { path: '/' })
  })

  it('with more headers than headerBytesMax is answered 431', async () => {
    const { port } = await openFrontDoor([wsListener({ headerBytesMax: 1_000 })])
    expect((await get(port, '/mqtt', { 'X-Long': 'x'.repeat(2_000) })).statusCode).toBe(431)
    const options = { headers: { 'X-Long': 'x'.repeat(2_000) } }
    await expect(openWebSocket(port, { options })).rejects.toThrow(/431/)
  })

  it('that is none is answered 400 and closed', async () => {
    const { port } = await openFrontDoor([wsListener()])
    const socket = connectTcp(port, '127.0.0.1')
    socket.write(encode(connect('c'), 4))
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1.1 400 /)
    await once(socket, 'close')
  })

  it.each(['', 'GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgra'])(
    'that is not finished in time is closed (%j)',
    async (text) => {
      const { port, logged } = await openFrontDoor([wsListener()], { limits: { connectTimeoutMs: 200 } })
      const socket = connectTcp(port, '127.0.0.1')
      socket.write(text)
      socket.resume()
      await once(socket, 'close')
      expect(await logged(/connect-timeout/)).toMatchObject({ listener: 'ws-0' })
    },
  )

  it('leads to a CONNECT in time, or to the end', async () => {
    const { port, logged } = await openFrontDoor([wsListener()], { limits: { connectTimeoutMs: 200 } })
    const { socket } = await dial(port)
    await closeOf(socket)
    expect(await logged(/connect-timeout/)).toMatchObject({ reason: 'connect-timeout' })
  })
})

describe('a page of another site', () => {
  const from = (origin: string): Dial => ({ options: { origin } })

  it.each([
    ['http://localhost:3000', true],
    ['http://127.0.0.1', true],
    ['https://evil.example', false],
    ['http://localhost.evil.example', false],
    ['null', false],
    ['nonsense', false],
  ])('such as %s may connect where anybody may: %s', async (origin, isAllowed) => {
    const { port, logged } = await openFrontDoor([wsListener()])
    if (isAllowed) return void (await openWebSocket(port, from(origin)))
    await expect(openWebSocket(port, from(origin))).rejects.toThrow(/403/)
    expect(await logged(/websocket-refused/)).toMatchObject({ error: expect.stringContaining(origin) })
  })

  it('may connect where clients must say who they are', async () => {
    const { port } = await openFrontDoor([{ ...wsListener(), allowAnonymous: false }])
    await openWebSocket(port, from('https://anywhere.example'))
  })

  it('may connect if it is listed, and no other then', async () => {
    const { port } = await openFrontDoor([wsListener({ origins: ['https://app.example'] })])
    await openWebSocket(port, from('https://app.example'))
    await openWebSocket(port)
    for (const other of ['http://app.example', 'https://app.example:8443', 'http://localhost']) {
      await expect(openWebSocket(port, from(other))).rejects.toThrow(/403/)
    }
  })

  it('may connect where all are', async () => {
    const { port } = await openFrontDoor([wsListener({ origins: ['*'] })])
    await openWebSocket(port, from('null'))
  })
})

describe('X-Forwarded-For', () => {
  const through = (header: string): Dial => ({ options: { headers: { 'X-Forwarded-For': header } } })
  const addressOf = async (websocket: WebSocketInput, header: string): Promise<unknown> => {
    // What comes by a proxy may come from anywhere, so nobody is anonymous there by default.
    const { port, broker } = await openFrontDoor([{ ...wsListener(websocket), allowAnonymous: true }])
    const address = new Promise((resolve) => broker.on('connected', (client) => resolve(client.address)))
    const { peer } = await dial(port, through(header))
    await flow(peer).send(connect('c')).receive(connack())
    return await address
  }

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['203.0.113.9, 192.0.2.7', '192.0.2.7'],
    ['192.0.2.7, 127.0.0.5,127.0.0.1', '192.0.2.7'],
    ['127.0.0.8, 127.0.0.5', '127.0.0.8'],
    ['192.0.2.7:50000', '192.0.2.7'],
    ['2001:db8::1', '[2001:db8::1]'],
    ['[2001:db8::1]:443', '[2001:db8::1]'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
  ])('%s from a trusted proxy means %s', async (header, address) => {
    expect(await addressOf({ trustedProxies: ['127.0.0.0/8'] }, header)).toBe(address)
  })

  it('from anybody else means nothing', async () => {
    const mine = expect.stringMatching(/^127\.0\.0\.1:\d+$/)
    expect(await addressOf({ trustedProxies: ['10.0.0.0/8'] }, '192.0.2.7')).toEqual(mine)
    expect(await addressOf({}, '192.0.2.7')).toEqual(mine)
  })

  it.each(['', 'unknown', '192.0.2.7, x', '_hidden'])(
    '%j from a trusted proxy is refused',
    async (header) => {
      const { port } = await openFrontDoor([wsListener({ trustedProxies: ['127.0.0.1'] })])
      await expect(openWebSocket(port, through(header))).rejects.toThrow(/400/)
    },
  )
})
