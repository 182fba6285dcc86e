// Two codecs, one specification: on every packet that both can represent, ours and mqtt-packet agree.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MqttError } from '../../src/packet/mqtt-error.ts'
import { packets } from './arbitraries.ts'
import { decode, decodeFrame, encode, onlyFrame } from './codec.ts'
import { generate, parse } from './oracle.ts'

const cases = ([3, 4, 5] as const).flatMap((version) =>
  packets(version).map(([kind, arbitrary]) => [kind, version, arbitrary] as const),
)

describe.each(cases)('%s of version %d', (_kind, version, arbitrary) => {
  it('is decoded as mqtt-packet means it', () => {
    fc.assert(
      fc.property(arbitrary, (packet) => {
        expect(readable(decode(generate(packet, version), version))).toEqual(readable(packet))
      }),
      { numRuns: 200 },
    )
  })

  it('is encoded as mqtt-packet reads it', () => {
    fc.assert(
      fc.property(arbitrary, (packet) => {
        expect(readable(parse(encode(packet, version), version))).toEqual(readable(packet))
      }),
      { numRuns: 200 },
    )
  })

  it('comes back from our own decoder', () => {
    fc.assert(
      fc.property(arbitrary, (packet) => {
        expect(readable(decode(encode(packet, version), version))).toEqual(readable(packet))
      }),
      { numRuns: 100 },
    )
  })

  it('is decoded or refused, and never more than that, when a byte of it is changed', () => {
    fc.assert(
      fc.property(arbitrary, fc.nat(), fc.integer({ min: 1, max: 255 }), (packet, where, change) => {
        const bytes = encode(packet, version)
        const { start, bodyStart, end } = onlyFrame(bytes)
        if (bodyStart === end) return
        const changed = Buffer.from(bytes)
        const at = bodyStart + (where % (end - bodyStart))
        changed[at] = (changed[at] as number) ^ change
        try {
          decodeFrame({ bytes: changed, start, bodyStart, end }, version)
        } catch (error) {
          expect(error).toBeInstanceOf(MqttError)
        }
      }),
      { numRuns: 200 },
    )
  })
})

/** Bytes as text: comparing Buffers element by element takes seconds here. */
function readable(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (Array.isArray(value)) return value.map(readable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, readable(field)]))
}
