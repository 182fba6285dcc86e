// The same over TCP, for what only a socket can do: resets, half-closed connections, and buffers of the kernel.
import { once } from 'node:events'
import { connect as dial, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { flow } from '../kit/flow.ts'
import { connect4, frame, hex, text, u16 } from '../kit/frames.ts'
import { connect, decode, disconnect, encode, publish, subscribe, willOf } from '../kit/packets.ts'
import { type HostileBroker, openHostile } from './hostile-broker.ts'

async function listening(): Promise<{ kit: HostileBroker; open: () => Promise<Socket> }> {
  const kit = await openHostile()
  const [address] = await kit.broker.listen([{ host: '127.0.0.1', port: 0 }])
  if (address === undefined) throw new Error('it listens')
  const open = async (): Promise<Socket> => {
    const socket = dial({ ...address, allowHalfOpen: true })
    socket.on('error', () => {})
    onTestFinished(() => {
      socket.destroy()
    })
    await once(socket, 'connect')
    return socket
  }
  return { kit, open }
}

/** The reason of the next disconnect of `clientId`. */
const goneFor = (kit: HostileBroker, clientId: string): Promise<string> =>
  new Promise((resolve) =>
    kit.broker.on('disconnected', (facts) => {
      if (facts.clientId === clientId) resolve(facts.reason)
    }),
  )

async function next(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString('hex')
}

const willing = encode(connect('hostile', { will: willOf('gone', 'reset') }), 4)

describe('a socket', () => {
  it.each([
    ['between two packets', hex('')],
    ['within a fixed header', hex('30')],
    ['within a remaining length', hex('30 80')],
    ['in the middle of a PUBLISH', frame(0x30, text('a'), Buffer.alloc(50_000)).subarray(0, 20_000)],
  ])('that is reset %s ends its session and publishes its will', async (_, bytes) => {
    const { kit, open } = await listening()
    const watcher = await kit.subscriber('watcher', 'gone', 0)
    const socket = await open()
    socket.write(willing)
    expect(await next(socket)).toBe('20020000')
    const reason = goneFor(kit, 'hostile')
    socket.write(Buffer.concat([hex('c000'), bytes]))
    expect(await next(socket)).toBe('d000')
    socket.resetAndDestroy()
    expect(await reason).toBe('socket-error')
    await flow(watcher).receive(publish('gone', 'reset'))
    await kit.servesOthers()
  })

  it('that is reset within its CONNECT is nothing to anybody', async () => {
    const { kit, open } = await listening()
    for (let i = 0; i < 50; i++) {
      const socket = await open()
      socket.write(connect4('hostile').subarray(0, i % 20))
      socket.resetAndDestroy()
    }
    await kit.servesOthers()
  })

  it('whose writing side ends is gone, and is ended from our side too', async () => {
    const { kit, open } = await listening()
    const watcher = await kit.subscriber('watcher', 'gone', 0)
    const socket = await open()
    socket.write(willing)
    await once(socket, 'data')
    const reason = goneFor(kit, 'hostile')
    socket.end(frame(0x30, text('gone'), Buffer.from('first')))
    await once(socket, 'end')
    expect(await reason).toBe('client-closed')
    await flow(watcher).receive(publish('gone', 'first'), publish('gone', 'reset'))
    await kit.servesOthers()
  })

  it('that is closed for a violation has its DISCONNECT before the end, though it goes on writing', async () => {
    const { kit, open } = await listening()
    const socket = await open()
    socket.write(encode(connect('hostile'), 5))
    await once(socket, 'data')
    const garbage = Buffer.alloc(1_000_000, 'x')
    socket.write(hex('00 00'))
    socket.write(garbage)
    expect(decode(Buffer.from(await next(socket), 'hex'), 5)).toMatchObject(disconnect(0x81))
    socket.write(garbage)
    await once(socket, 'end')
    await kit.servesOthers()
  })

  it('that writes and never reads is not read from, and others go on', async () => {
    const { kit, open } = await listening()
    const socket = await open()
    socket.write(connect4('hostile'))
    await once(socket, 'data')
    socket.pause()
    const pings = Buffer.alloc(1_000_000, hex('c000'))
    let written = 0
    // Until nobody takes it any more: the kernel's buffers are full, and the broker's.
    for (; socket.writableLength < 10_000_000 && written < 200; written++) {
      socket.write(pings)
      await kit.servesOthers()
    }
    expect(written).toBeLessThan(200)
    const reason = goneFor(kit, 'hostile')
    socket.resetAndDestroy()
    expect(await reason).toBe('socket-error')
    await kit.servesOthers()
  })
})

it('a thousand sockets that come and go at once leave the listener as it was', async () => {
  const { kit, open } = await listening()
  for (let round = 0; round < 10; round++) {
    const sockets = await Promise.all(Array.from({ length: 100 }, open))
    sockets.forEach((socket, i) => {
      if (i % 4 === 0) socket.write(connect4(`client ${i}`))
      if (i % 4 === 1) socket.write(Buffer.concat([connect4(`client ${i}`), frame(0x32, text('a'), u16(1))]))
      if (i % 4 === 2) socket.write(hex('10 7f'))
      if (i % 3 === 0) socket.destroy()
      else socket.resetAndDestroy()
    })
    await kit.servesOthers()
  }
  const socket = await open()
  socket.write(Buffer.concat([connect4('last'), encode(subscribe(1, 'a', 0), 4)]))
  expect(await next(socket)).toBe('200200009003000100')
})
