// Strings that no peer may send, as fields with their length, and names that mean something to JavaScript.
import { hex, u16 } from '../kit/frames.ts'

export const NAMES = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'valueOf', '__defineGetter__']

const field = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes])

export const badStrings: readonly (readonly [what: string, field: Buffer])[] = [
  ['U+0000', field(hex('61 00 62'))],
  ['U+0000 far behind', field(Buffer.concat([Buffer.alloc(1_000, 'x'), hex('00')]))],
  ['a high surrogate', field(hex('61 ed a0 80'))],
  ['a low surrogate', field(hex('ed b0 80 61'))],
  ['a surrogate pair', field(hex('ed a0 bd ed b0 a6'))],
  ['an overlong slash', field(hex('c0 af'))],
  ['an overlong U+0000', field(hex('c0 80'))],
  ['a sequence cut by the end', field(hex('61 e2 82'))],
  ['a cut sequence far behind', field(Buffer.concat([Buffer.alloc(1_000, 'x'), hex('f0 9f 8c')]))],
  ['a stray continuation byte', field(hex('80 61'))],
  ['a byte that UTF-8 never has', field(hex('ff'))],
  ['a code point above U+10FFFF', field(hex('f4 90 80 80'))],
  ['more bytes than the packet', Buffer.concat([hex('ffff'), Buffer.alloc(70, 'x')])],
]
