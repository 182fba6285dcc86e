// What a turn's packets become: few buffers, in order, large payloads and forwarded runs as they are.
import { describe, expect, it } from 'vitest'
import { Output, Reuse } from '../../src/transport/output.ts'
import { FarEnd } from './far-end.ts'

/** As an encoder writes. */
function write(output: Output, bytes: Buffer): void {
  output.reserve(bytes.length)
  output.bytes.set(bytes, output.length)
  output.length += bytes.length
}

/** `count` bytes that differ from their neighbours. */
const bytesOf = (count: number, from = 0): Buffer =>
  Buffer.from(Uint8Array.from({ length: count }, (_, i) => (from + i * 7) & 255))
/** What it writes, in how many pieces; it is not used again. */
function piecesOf(output: Output): Buffer[] {
  const farEnd = new FarEnd()
  output.writeTo(farEnd, Reuse.Never)
  expect(farEnd.writes).toHaveLength(1)
  return farEnd.pieces
}
const sharesMemory = (piece: Buffer | undefined, source: Buffer): boolean =>
  piece !== undefined && piece.buffer === source.buffer

describe('an output', () => {
  it('makes one buffer of many small packets', () => {
    const output = Output.take()
    const packets = Array.from({ length: 100 }, (_, i) => bytesOf(7, i))
    for (const packet of packets) write(output, packet)
    const pieces = piecesOf(output)
    expect(pieces).toHaveLength(1)
    expect(pieces[0]).toEqual(Buffer.concat(packets))
  })

  it('makes one buffer of forwarded frames that lie side by side, without copying a large one', () => {
    const output = Output.take()
    const chunk = bytesOf(10_000)
    for (let at = 0; at < 9_000; at += 100) output.forward(chunk, at, at + 100)
    const pieces = piecesOf(output)
    expect(pieces).toEqual([chunk.subarray(0, 9_000)])
    expect(sharesMemory(pieces[0], chunk)).toBe(true)
  })

  it('copies a short run, so that few buffers are written', () => {
    const output = Output.take()
    const chunk = bytesOf(1_000)
    output.forward(chunk, 0, 100)
    write(output, bytesOf(3))
    output.forward(chunk, 200, 300)
    const pieces = piecesOf(output)
    expect(pieces).toHaveLength(1)
    expect(pieces[0]).toEqual(Buffer.concat([chunk.subarray(0, 100), bytesOf(3), chunk.subarray(200, 300)]))
  })

  it('ends a run at a gap, at another chunk, and goes on with what is equal but elsewhere', () => {
    const output = Output.take()
    const one = bytesOf(100)
    const other = bytesOf(100)
    output.forward(one, 0, 10)
    output.forward(one, 20, 30)
    output.forward(other, 30, 40)
    const expected = [one.subarray(0, 10), one.subarray(20, 30), other.subarray(30, 40)]
    expect(Buffer.concat(piecesOf(output))).toEqual(Buffer.concat(expected))
  })

  it('passes a large payload by reference, between the packets before and after it', () => {
    const output = Output.take()
    const payload = bytesOf(5_000)
    write(output, bytesOf(10))
    output.append(payload, 100, 5_000)
    write(output, bytesOf(20, 5))
    output.append(payload, 0, 50)
    const pieces = piecesOf(output)
    expect(pieces).toHaveLength(3)
    expect(sharesMemory(pieces[1], payload)).toBe(true)
    expect(pieces).toEqual([
      bytesOf(10),
      payload.subarray(100),
      Buffer.concat([bytesOf(20, 5), payload.subarray(0, 50)]),
    ])
  })

  it('grows past its first buffer and past the next ones, and loses nothing', () => {
    const output = Output.take()
    const written: Buffer[] = []
    for (let i = 0; i < 400; i++) {
      const packet = bytesOf(500 + (i % 7), i)
      write(output, packet)
      written.push(packet)
    }
    const expected = Buffer.concat(written)
    const pieces = piecesOf(output)
    expect(pieces.length).toBeLessThanOrEqual(5)
    expect(Buffer.concat(pieces)).toEqual(expected)
  })

  it('has room for one packet that is larger than any of its buffers', () => {
    const output = Output.take()
    const large = bytesOf(200_000)
    write(output, bytesOf(3))
    write(output, large)
    write(output, bytesOf(5))
    expect(Buffer.concat(piecesOf(output))).toEqual(Buffer.concat([bytesOf(3), large, bytesOf(5)]))
  })

  it('keeps the order whatever comes after whatever', () => {
    const chunk = bytesOf(100_000)
    for (let seed = 0; seed < 50; seed++) {
      const output = Output.take()
      const expected: Buffer[] = []
      let at = 0
      for (let i = 0; i < 60; i++) {
        const kind = (seed * 31 + i * 17 + ((i * i) % 7)) % 4
        const count = [9, 700, 4_500, 130][(seed + i) % 4] as number
        const piece = chunk.subarray(at, at + count)
        if (kind === 0) write(output, piece)
        else if (kind === 1) output.append(chunk, at, at + count)
        else output.forward(chunk, at, at + count)
        expected.push(piece)
        at = (at + count + (kind === 3 ? 10 : 0)) % 90_000
      }
      expect(Buffer.concat(piecesOf(output)).equals(Buffer.concat(expected))).toBe(true)
    }
  })

  it('is used again only when the stream has copied it, and then starts anew', () => {
    const first = Output.take()
    write(first, bytesOf(50))
    first.append(bytesOf(5_000), 0, 5_000)
    first.forward(bytesOf(5_000), 0, 30)
    first.writeTo(new FarEnd(), Reuse.WhenWritten)
    const second = Output.take()
    expect(second).toBe(first)
    write(second, bytesOf(60, 99))
    expect(Buffer.concat(piecesOf(second))).toEqual(bytesOf(60, 99))
    // That one was kept by its stream.
    const third = Output.take()
    expect(third).not.toBe(second)
    const slow = new FarEnd()
    slow.isSlow = true
    write(third, bytesOf(70, 3))
    third.writeTo(slow, Reuse.WhenWritten)
    expect(Output.take()).not.toBe(third)
  })

  it('that grew starts small again, and what it had written stays as it was', () => {
    const first = Output.take()
    for (let i = 0; i < 100; i++) write(first, bytesOf(1_000, i))
    const farEnd = new FarEnd()
    first.writeTo(farEnd, Reuse.WhenWritten)
    const written = Buffer.concat(farEnd.writes)
    const second = Output.take()
    expect(second).toBe(first)
    expect(second.bytes.length).toBeLessThan(10_000)
    write(second, bytesOf(10))
    expect(Buffer.concat(piecesOf(second))).toEqual(bytesOf(10))
    expect(written).toEqual(Buffer.concat(Array.from({ length: 100 }, (_, i) => bytesOf(1_000, i))))
  })

  it('says when the stream wants a pause', () => {
    const output = Output.take()
    write(output, bytesOf(2_000))
    const farEnd = new FarEnd()
    farEnd.isSlow = true
    expect(output.writeTo(farEnd, Reuse.WhenWritten)).toBe(false)
    const small = Output.take()
    write(small, bytesOf(2))
    expect(small.writeTo(new FarEnd(), Reuse.WhenWritten)).toBe(true)
  })
})
