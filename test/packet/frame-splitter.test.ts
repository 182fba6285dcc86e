// The frame splitter: whatever the chunks, the frames are the same, and what is too large is refused early.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameSplitter } from '../../src/packet/frame-splitter.ts'
import { MqttError } from '../../src/packet/mqtt-error.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { hex } from './hex.ts'

/** Remaining Length of `length`, written by the algorithm of the specification. */
function lengthBytes(length: number): number[] {
  return length < 128 ? [length] : [(length % 128) + 128, ...lengthBytes(Math.floor(length / 128))]
}

const frameOf = (bodyLength: number, fill: number): Buffer =>
  Buffer.concat([Buffer.from([0x30, ...lengthBytes(bodyLength)]), Buffer.alloc(bodyLength, fill)])

/** All frames that `chunks` hold, each as it lay in the splitter. */
function split(splitter: FrameSplitter, chunks: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = []
  for (const chunk of chunks) {
    splitter.push(chunk)
    while (splitter.next()) {
      const { bytes, start, bodyStart, end } = splitter
      frames.push(Buffer.from(bytes.subarray(start, end)))
      expect(bodyStart - start).toBe(1 + lengthBytes(end - bodyStart).length)
    }
  }
  return frames
}

function reasonOf(action: () => unknown): number {
  try {
    action()
  } catch (error) {
    if (error instanceof MqttError) return error.reasonCode
    throw error
  }
  return 0
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  )
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge))
}

describe('FrameSplitter', () => {
  it('gives the same frames however the stream is cut', () => {
    const bodyLength = fc.oneof(
      fc.nat(5),
      fc.nat(300),
      fc.constantFrom(127, 128, 16_383, 16_384, 70_000, 300_000),
    )
    fc.assert(
      fc.property(
        fc.array(bodyLength, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (lengths, cuts) => {
          const frames = lengths.map((length, i) => frameOf(length, i))
          const chunks = cutAt(Buffer.concat(frames), cuts)
          const splitter = new FrameSplitter()
          expect(Buffer.concat(split(splitter, chunks)).equals(Buffer.concat(frames))).toBe(true)
          expect(split(splitter, [Buffer.alloc(0)])).toEqual([])
          expect(splitter.bufferedBytes).toBe(0)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('finds the variable header behind a remaining length of any size, in one chunk and over an edge', () => {
    for (const bodyLength of [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
      const bytes = frameOf(bodyLength, 7)
      for (const chunks of [[bytes], [bytes.subarray(0, 1), bytes.subarray(1)]]) {
        const splitter = new FrameSplitter()
        expect(split(splitter, chunks).length).toBe(1)
        expect(splitter.end - splitter.bodyStart).toBe(bodyLength)
      }
    }
  })

  it('does not copy a frame that lies whole within a chunk', () => {
    const chunk = Buffer.concat([frameOf(3, 1), frameOf(4, 2)])
    const splitter = new FrameSplitter()
    splitter.push(chunk)
    splitter.next()
    expect(splitter.bytes).toBe(chunk)
    splitter.next()
    expect(splitter.bytes).toBe(chunk)
    expect([splitter.start, splitter.bodyStart, splitter.end]).toEqual([5, 7, 11])
  })

  it('gathers a frame over an edge in memory of its own size, and goes on in the chunk itself', () => {
    const first = frameOf(100_000, 1)
    const chunk = Buffer.concat([first.subarray(50_000), frameOf(4, 2)])
    const splitter = new FrameSplitter()
    expect(split(splitter, [first.subarray(0, 50_000)])).toEqual([])
    splitter.push(chunk)
    expect(splitter.next()).toBe(true)
    expect(splitter.bytes.length).toBe(first.length)
    expect(splitter.bytes.buffer.byteLength).toBe(first.length)
    expect(splitter.bytes.equals(first)).toBe(true)
    expect(splitter.next()).toBe(true)
    expect(splitter.bytes).toBe(chunk)
  })

  it('holds on to no chunk once all of it is read', () => {
    const splitter = new FrameSplitter()
    const idle = splitter.bytes
    split(splitter, [frameOf(10, 1)])
    expect(splitter.bytes).toBe(idle)
    expect(splitter.bufferedBytes).toBe(0)
  })

  it('says how many bytes wait for the rest of their frame', () => {
    const splitter = new FrameSplitter()
    split(splitter, [Buffer.concat([frameOf(10, 1), frameOf(10, 2).subarray(0, 7)])])
    expect(splitter.bufferedBytes).toBe(7)
    split(splitter, [frameOf(10, 2).subarray(7, 9)])
    expect(splitter.bufferedBytes).toBe(9)
  })

  it('takes a megabyte one byte at a time in less than two seconds of CPU', () => {
    const bytes = frameOf(1_048_576, 3)
    const splitter = new FrameSplitter()
    const before = process.cpuUsage()
    let frames = 0
    for (let i = 0; i < bytes.length; i++) {
      splitter.push(bytes.subarray(i, i + 1))
      if (splitter.next()) frames++
    }
    expect(frames).toBe(1)
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000)
  })

  it('takes no more memory than a peer has sent bytes for, whatever length it claims', () => {
    const before = process.memoryUsage().arrayBuffers
    const splitters = Array.from({ length: 100 }, () => {
      const splitter = new FrameSplitter()
      split(splitter, [hex('30 ff ff ff 7f 00')])
      return splitter
    })
    expect(splitters.length).toBe(100)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 70_000)
  })
})

describe('FrameSplitter refuses', () => {
  const large = frameOf(1_000, 1)

  it('a packet above the maximum before its body is there, and again when asked again', () => {
    const splitter = new FrameSplitter(1_002)
    splitter.push(large.subarray(0, 3))
    const next = () => splitter.next()
    expect(reasonOf(next)).toBe(ReasonCode.PacketTooLarge)
    expect(reasonOf(next)).toBe(ReasonCode.PacketTooLarge)
  })

  it('a packet above the maximum whose length came one byte at a time', () => {
    const splitter = new FrameSplitter(1_002)
    expect(split(splitter, [large.subarray(0, 1), large.subarray(1, 2)])).toEqual([])
    splitter.push(large.subarray(2, 3))
    expect(reasonOf(() => splitter.next())).toBe(ReasonCode.PacketTooLarge)
  })

  it('nothing of exactly the maximum', () => {
    expect(split(new FrameSplitter(large.length), [large]).length).toBe(1)
  })

  it('by the maximum that was set since the last frame', () => {
    const splitter = new FrameSplitter(10)
    splitter.push(Buffer.concat([frameOf(2, 1), large]))
    expect(splitter.next()).toBe(true)
    splitter.maximumPacketSize = large.length
    expect(splitter.next()).toBe(true)
    splitter.maximumPacketSize = 10
    splitter.push(large)
    expect(reasonOf(() => splitter.next())).toBe(ReasonCode.PacketTooLarge)
  })

  it('a remaining length that goes on after its fourth byte, however it is cut', () => {
    const bytes = hex('30 ff ff ff ff 7f')
    for (let cut = 1; cut < 5; cut++) {
      const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)]
      expect(reasonOf(() => split(new FrameSplitter(), chunks))).toBe(ReasonCode.MalformedPacket)
    }
  })
})
