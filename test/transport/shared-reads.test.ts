// Small reads through one buffer, large ones through buffers of their own: what arrives is what was sent, whoever else
// sends meanwhile, and the end and a pause work as on any socket.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Listener, listenTcp } from '../../src/transport/tcp.ts'

const open: { destroy(): void }[] = []
let listener: Listener | undefined

afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy()
  await listener?.close()
})

async function pairOf(sharedReads: boolean): Promise<{ client: Socket; accepted: Socket }> {
  let accept: (socket: Socket) => void = () => {}
  const isAccepted = new Promise<Socket>((resolve) => {
    accept = resolve
  })
  listener = await listenTcp({ host: '127.0.0.1', port: 0 }, { sharedReads }, (socket) => {
    // As Connection does, at once: bytes may come with the next turn.
    socket.on('data', (chunk: Buffer) => received.get(socket)?.push(chunk))
    received.set(socket, [])
    accept(socket)
  })
  const client = connect(listener.address.port, '127.0.0.1')
  const accepted = await isAccepted
  open.push(client, accepted)
  return { client, accepted }
}

const received = new Map<Socket, Buffer[]>()
const bytesOf = (socket: Socket): Buffer => Buffer.concat(received.get(socket) ?? [])

describe.each([true, false])('with sharedReads %s', (sharedReads) => {
  it('keeps small chunks as they came, while others arrive in the same buffer', async () => {
    const { client, accepted } = await pairOf(sharedReads)
    for (const text of ['first', 'second', 'third']) {
      client.write(text)
      await once(accepted, 'data')
    }
    expect(received.get(accepted)?.map(String)).toEqual(['first', 'second', 'third'])
  })

  it('brings a megabyte unharmed, and small chunks after it', async () => {
    const { client, accepted } = await pairOf(sharedReads)
    const sent = Buffer.alloc(1 << 20)
    for (let i = 0; i < sent.length; i += 4) sent.writeUInt32BE(i, i)
    client.write(sent)
    client.end('and the rest')
    await once(accepted, 'end')
    expect(bytesOf(accepted).equals(Buffer.concat([sent, Buffer.from('and the rest')]))).toBe(true)
  })

  it('brings nothing while it is paused, and all of it afterwards', async () => {
    const { client, accepted } = await pairOf(sharedReads)
    client.write('a')
    await once(accepted, 'data')
    accepted.pause()
    await new Promise((resolve) => client.write('b'.repeat(100_000), resolve))
    expect(bytesOf(accepted).length).toBe(1)
    client.end()
    accepted.resume()
    await once(accepted, 'end')
    expect(bytesOf(accepted).toString()).toBe(`a${'b'.repeat(100_000)}`)
  })

  it('knows its peer and answers it', async () => {
    const { client, accepted } = await pairOf(sharedReads)
    expect(accepted.remotePort).toBe(client.localPort)
    accepted.write('answer')
    expect(String((await once(client, 'data'))[0])).toBe('answer')
  })
})
