// UTF-8 Encoded Strings: refused where they are ill-formed, kept as they are otherwise.
import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MqttError } from '../../src/packet/mqtt-error.ts'
import { checkUtf8, decodeUtf8 } from '../../src/packet/utf8.ts'
import { hex } from './hex.ts'

const whole = (bytes: Buffer): string => decodeUtf8(bytes, 0, bytes.length, 'field')

function isRefused(action: () => unknown): boolean {
  try {
    action()
    return false
  } catch (error) {
    if (error instanceof MqttError && error.reasonCode === 0x81 && error.field === 'field') return true
    throw error
  }
}

describe('decodeUtf8', () => {
  it.each([
    ['nothing', '', ''],
    ['a byte order mark', 'ef bb bf "a"', '\ufeffa'],
    ['a byte order mark in the middle', '"a" ef bb bf "b"', 'a\ufeffb'],
    ['U+FFFD itself', 'ef bf bd', '\ufffd'],
    ['U+FFFE and U+FFFF', 'ef bf be ef bf bf', '\ufffe\uffff'],
    ['the last code point', 'f4 8f bf bf', '\u{10ffff}'],
    ['control characters other than U+0000', '01 1f 7f c2 85', '\x01\x1f\x7f\x85'],
  ])('keeps %s', (_what, bytes, text) => {
    expect(whole(hex(bytes))).toBe(text)
    expect(isRefused(() => checkUtf8(hex(bytes), 0, hex(bytes).length, 'field'))).toBe(false)
  })

  it('reads between start and end and nowhere else', () => {
    expect(decodeUtf8(hex('ff "abc" 00'), 1, 4, 'field')).toBe('abc')
  })

  it('gives back any text', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 }).filter((value) => !value.includes('\0'))
    fc.assert(
      fc.property(text, (value) => {
        expect(whole(Buffer.from(value))).toBe(value)
      }),
    )
  })

  it('and checkUtf8 refuse exactly ill-formed bytes and U+0000, whatever the length', () => {
    const byte = fc.oneof(
      fc.nat(127),
      fc.constantFrom(0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0x80),
      fc.nat(255),
    )
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 8 }), fc.constantFrom(0, 80), (values, padding) => {
        const bytes = Buffer.concat([Buffer.from(values), Buffer.alloc(padding, 0x61)])
        const expected = !isUtf8(bytes) || bytes.includes(0)
        expect(isRefused(() => whole(bytes))).toBe(expected)
        expect(isRefused(() => checkUtf8(bytes, 0, bytes.length, 'field'))).toBe(expected)
      }),
      { numRuns: 5_000 },
    )
  })
})
