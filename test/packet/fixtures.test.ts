// Every fixture used four ways: decoded, encoded, sent byte by byte, cut at every position.
import { describe, expect, it } from 'vitest'
import { FrameSplitter } from '../../src/packet/frame-splitter.ts'
import { MqttError } from '../../src/packet/mqtt-error.ts'
import { decode, decodeFrame, encode, onlyFrame } from './codec.ts'
import { fixtures } from './fixtures.ts'

describe.each(fixtures.map((row) => [`${row.title} (version ${row.version})`, row] as const))(
  '%s',
  (_title, row) => {
    it('is decoded', () => {
      expect(decode(row.bytes, row.version)).toEqual(row.packet)
    })

    if (row.decodeOnly === undefined) {
      it('is encoded to the same bytes', () => {
        expect(encode(row.packet, row.version).toString('hex')).toBe(row.bytes.toString('hex'))
      })
    }

    it('arrives one byte at a time', () => {
      const splitter = new FrameSplitter()
      row.bytes.forEach((byte, i) => {
        splitter.push(Buffer.from([byte]))
        expect(splitter.next()).toBe(i === row.bytes.length - 1)
      })
      expect(decodeFrame(splitter, row.version)).toEqual(row.packet)
      expect(splitter.next()).toBe(false)
    })

    it('arrives in two pieces, cut at every position', () => {
      for (let cut = 1; cut < row.bytes.length; cut++) {
        const splitter = new FrameSplitter()
        splitter.push(row.bytes.subarray(0, cut))
        expect(splitter.next()).toBe(false)
        expect(splitter.bufferedBytes).toBe(cut)
        splitter.push(row.bytes.subarray(cut))
        expect(splitter.next()).toBe(true)
        expect(decodeFrame(splitter, row.version)).toEqual(row.packet)
      }
    })

    it('is another packet or a mistake of the peer when its end is missing', () => {
      const { start, bodyStart, end } = onlyFrame(row.bytes)
      for (let cut = bodyStart; cut < end; cut++) {
        // What lies behind the cut is in the buffer and must not be read.
        const outcome = attempt(() =>
          decodeFrame({ bytes: row.bytes, start, bodyStart, end: cut }, row.version),
        )
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(MqttError)
        else if (row.decodeOnly === undefined) expect(outcome).not.toEqual(row.packet)
      }
    })

    it('is read at any offset of a larger chunk', () => {
      const chunk = Buffer.concat([Buffer.from([0xc0, 0x00]), row.bytes, Buffer.from([0xd0])])
      const splitter = new FrameSplitter()
      splitter.push(chunk)
      expect(splitter.next()).toBe(true)
      expect(splitter.next()).toBe(true)
      expect(splitter.bytes).toBe(chunk)
      expect(decodeFrame(splitter, row.version)).toEqual(row.packet)
    })
  },
)

function attempt(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}
