// A connection over a stream of this process: one write a turn, back-pressure both ways, and its end.
import { describe, expect, it } from 'vitest'
import { Pace } from '../../src/base/pace.ts'
import { PacketType } from '../../src/packet/protocol.ts'
import { PublishFields } from '../../src/packet/publish.ts'
import type { CloseReason } from '../../src/transport/close-reason.ts'
import { Connection, type ConnectionHandler } from '../../src/transport/connection.ts'
import { Endings } from '../../src/transport/endings.ts'
import { FlushList } from '../../src/transport/flush-list.ts'
import { turns } from '../kit/flow.ts'
import { messageOf } from '../session/queue.ts'
import { FarEnd } from './far-end.ts'

const turn = (): Promise<void> => turns(1)

class Handler implements ConnectionHandler {
  readonly packets: number[] = []
  readonly closes: [CloseReason, string | undefined][] = []
  drains = 0
  connection!: Connection
  pauseAfter = Number.POSITIVE_INFINITY

  received(): void {
    const { frames } = this.connection
    while (!this.connection.isPaused && frames.next()) {
      this.packets.push(frames.bytes[frames.start] as number)
      if (this.packets.length === this.pauseAfter) this.connection.pause()
    }
  }

  drained(): void {
    this.drains++
  }

  closed(reason: CloseReason, cause: Error | undefined): void {
    this.closes.push([reason, cause?.message])
  }
}

function connect(flushList = new FlushList()) {
  const farEnd = new FarEnd()
  const handler = new Handler()
  const settings = { flushList, endings: new Endings(new Pace()), now: () => 0, connectBytesMax: 1_000 }
  const connection = new Connection(farEnd, settings, (made) => {
    handler.connection = made
    return handler
  })
  return { farEnd, handler, connection }
}

const PINGRESP = Buffer.from([0xd0, 0])
const fields = (packetId: number): PublishFields => Object.assign(new PublishFields(), { qos: 1, packetId })

describe('writing', () => {
  it('is one write for all packets of a turn', async () => {
    const { farEnd, connection } = connect()
    for (let i = 1; i <= 500; i++) {
      connection.deliver(messageOf('x'), fields(i))
      connection.acknowledge(PacketType.Puback, i, 0)
      connection.send(PINGRESP)
    }
    expect(farEnd.writes).toEqual([])
    await turn()
    expect(farEnd.writes).toHaveLength(1)
    const [first] = farEnd.writes
    expect(first?.subarray(0, 12).toString('hex')).toBe('320600016100017840020001')
    connection.send(PINGRESP)
    await turn()
    expect(farEnd.writes).toHaveLength(2)
  })

  it('is one write also when there are several pieces', async () => {
    const { farEnd, connection } = connect()
    connection.send(PINGRESP)
    connection.deliver(messageOf('x'.repeat(100_000)), fields(1))
    connection.send(PINGRESP)
    await turn()
    // The stream may take the first piece by itself; it is corked for the rest.
    expect(farEnd.writes).toHaveLength(1)
    expect(farEnd.writes[0]?.length).toBe(2 + 100_009 + 2)
  })

  it('reaches every one of more connections than the list holds', async () => {
    const flushList = new FlushList()
    const all = Array.from({ length: 20_000 }, () => connect(flushList))
    for (const { connection } of all) connection.send(PINGRESP)
    for (const { connection } of all) connection.acknowledge(PacketType.Puback, 1, 0)
    await turns()
    const expected = Buffer.from([0xd0, 0, 0x40, 2, 0, 1])
    const received = all.map(({ farEnd }) => Buffer.concat(farEnd.writes))
    expect(received.filter((bytes) => !bytes.equals(expected))).toEqual([])
  })

  it('is not writable while the stream is behind, knows by how much, and says when it has caught up', async () => {
    const { farEnd, handler, connection } = connect()
    farEnd.isSlow = true
    connection.deliver(messageOf('x'.repeat(5_000)), fields(1))
    expect(connection.isWritable).toBe(true)
    await turn()
    expect(connection.isWritable).toBe(false)
    expect(connection.backlog).toBe(5_008)
    connection.send(PINGRESP)
    await turn()
    expect(connection.backlog).toBe(5_010)
    expect(handler.drains).toBe(0)
    farEnd.isSlow = false
    farEnd.takeAll()
    await turn()
    expect(handler.drains).toBe(1)
    expect(connection.isWritable).toBe(true)
    expect(connection.backlog).toBe(0)
  })

  it('refuses what is above the maximum packet size', async () => {
    const { farEnd, connection } = connect()
    connection.maximumPacketSize = 10
    expect(connection.deliver(messageOf('xxxx'), fields(1))).toBe(false)
    expect(connection.deliver(messageOf('x'), fields(1))).toBe(true)
    expect(connection.send(Buffer.alloc(11))).toBe(false)
    await turn()
    expect(Buffer.concat(farEnd.writes)).toHaveLength(8)
  })
})

describe('reading', () => {
  it('stops at a packet when paused, and goes on with what had arrived', async () => {
    const { farEnd, handler, connection } = connect()
    handler.pauseAfter = 2
    farEnd.push(Buffer.from([0xc0, 0, 0xd0, 0, 0xe0, 0, 0x40]))
    await turn()
    expect(handler.packets).toEqual([0xc0, 0xd0])
    farEnd.push(Buffer.from([2, 0, 1]))
    await turn()
    expect(handler.packets).toEqual([0xc0, 0xd0])
    connection.resume()
    await turn()
    expect(handler.packets).toEqual([0xc0, 0xd0, 0xe0, 0x40])
  })

  it('notices the end of a paused stream only after what was sent before it', async () => {
    const { farEnd, handler, connection } = connect()
    handler.pauseAfter = 1
    farEnd.push(Buffer.from([0xc0, 0, 0xd0, 0]))
    await turn()
    farEnd.push(null)
    await turn()
    expect(handler.closes).toEqual([])
    connection.resume()
    await turn()
    expect(handler.packets).toEqual([0xc0, 0xd0])
    expect(handler.closes).toEqual([['client-closed', undefined]])
  })
})

describe('the end', () => {
  it('lets out what was said before it, and tells once, by the first reason', async () => {
    const { farEnd, handler, connection } = connect()
    connection.send(PINGRESP)
    connection.close('server-shutdown')
    connection.close('keep-alive-timeout')
    connection.send(PINGRESP)
    farEnd.push(null)
    await turn()
    expect(Buffer.concat(farEnd.writes)).toEqual(PINGRESP)
    expect(farEnd.writableEnded).toBe(true)
    expect(handler.closes).toEqual([['server-shutdown', undefined]])
    expect(connection.isWritable).toBe(false)
  })

  it('is known by the error of the stream', async () => {
    const { farEnd, handler } = connect()
    farEnd.destroy(new Error('connection reset'))
    await turn()
    expect(handler.closes).toEqual([['socket-error', 'connection reset']])
  })

  it('is the client’s when the stream ends, or goes without a word', async () => {
    const ended = connect()
    ended.farEnd.push(null)
    const gone = connect()
    gone.farEnd.destroy()
    await turn()
    expect(ended.handler.closes).toEqual([['client-closed', undefined]])
    expect(gone.handler.closes).toEqual([['client-closed', undefined]])
    expect(ended.farEnd.writableEnded).toBe(true)
  })

  it('takes no packet that comes after it', async () => {
    const { farEnd, handler, connection } = connect()
    connection.close('protocol-violation')
    farEnd.push(Buffer.from([0xc0, 0]))
    await turn()
    expect(handler.packets).toEqual([])
  })
})
