// Our MessagePack reader beside msgpack-lite, with which aedes-persistence-level writes.
import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeMsgpack } from '../../src/aedes/msgpack.ts'

const fromAedes = createRequire(createRequire(import.meta.url).resolve('aedes-persistence-level'))
const { encode } = fromAedes('msgpack-lite') as { encode(value: unknown): Buffer }

/** As it can be told from its bytes. */
function plain(value: unknown): unknown {
  if (value === undefined) return null
  if (value === 0) return 0 // for -0 too
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  return new Map(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}

const anyPacket = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, undefined, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.uint8Array({ maxLength: 70_000 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 40 }),
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'), { maxKeys: 40 }),
  ),
})).value

test('reads what msgpack-lite writes', () => {
  fc.assert(
    fc.property(anyPacket, (value) => {
      expect(decodeMsgpack(encode(value))).toEqual(plain(value))
    }),
  )
})

test('reads each width of number, text, bytes and list', () => {
  const numbers = [-33, -129, -32_769, -2_147_483_649, 127, 128, 256, 65_536, 4_294_967_296, 0.5]
  const texts = [31, 32, 256, 65_536].map((length) => 'x'.repeat(length))
  const bytes = [0, 255, 256, 65_536].map((length) => Buffer.alloc(length, 7))
  const lists = [15, 16, 65_536].map((length) => Array.from({ length }, () => 1))
  for (const value of [...numbers, ...texts, ...bytes, ...lists]) {
    expect(decodeMsgpack(encode(value))).toEqual(value)
  }
  expect(decodeMsgpack(Buffer.from('cf0000000100000000', 'hex'))).toBe(2 ** 32)
  expect(decodeMsgpack(Buffer.from('d3ffffffffffffffff', 'hex'))).toBe(-1)
  expect(decodeMsgpack(Buffer.from('ca3f000000', 'hex'))).toBe(0.5)
})

test('has the bytes of a Uint8Array, and null for types that no packet has', () => {
  expect(decodeMsgpack(encode(Uint8Array.of(1, 2, 3)))).toEqual(Buffer.from([1, 2, 3]))
  expect(decodeMsgpack(encode(new Date(0)))).toBeNull()
})

test('calls everything damaged that is cut short, and never throws', () => {
  const whole = encode({
    cmd: 'publish',
    topic: 'a/b',
    payload: Buffer.from('21.5'),
    qos: 1,
    list: [1.5, null],
  })
  for (let length = 0; length < whole.length; length++) {
    expect(decodeMsgpack(whole.subarray(0, length))).toBeUndefined()
  }
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      decodeMsgpack(Buffer.from(bytes))
    }),
  )
  expect(decodeMsgpack(Buffer.alloc(100_000, 0x91))).toBeUndefined() // lists in lists in lists
  expect(decodeMsgpack(Buffer.from('ddffffffff', 'hex'))).toBeUndefined()
})
