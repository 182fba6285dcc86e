// The client's messages of SCRAM under random input: what is well-formed is read as it was meant, and whatever comes
// is read or refused, never anything else.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseClientFinal, parseClientFirst, ScramError } from '../../src/authentication/scram-message.ts'

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0'))
const nonce = fc
  .array(
    fc.integer({ min: 0x21, max: 0x7e }).filter((code) => code !== 0x2c),
    { minLength: 8, maxLength: 60 },
  )
  .map((codes) => String.fromCharCode(...codes))
const extension = fc
  .tuple(fc.constantFrom('x', 'Y', 'z'), fc.stringMatching(/^[^,\0]{1,20}$/))
  .map(([letter, value]) => `,${letter}=${value}`)
const extensions = fc.array(extension, { maxLength: 3 }).map((list) => list.join(''))
const proof = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
const escaped = (text: string): string => text.replaceAll('=', '=3D').replaceAll(',', '=2C')

/** Refused by value, or read. */
function readOrRefused(parse: (data: Buffer) => unknown, data: Buffer): boolean {
  try {
    parse(data)
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(ScramError)
    return false
  }
}

it('reads every first message as it was meant', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('n', 'y'),
      fc.option(name, { nil: undefined }),
      name,
      nonce,
      extensions,
      (flag, authzid, user, clientNonce, more) => {
        const gs2Header = `${flag},${authzid === undefined ? '' : `a=${escaped(authzid)}`},`
        const bare = `n=${escaped(user)},r=${clientNonce}${more}`
        const first = parseClientFirst(Buffer.from(gs2Header + bare))
        expect(first).toEqual({ gs2Header, bare, authzid, user, nonce: clientNonce })
      },
    ),
  )
})

it('reads every final message as it was meant', () => {
  fc.assert(
    fc.property(
      fc.base64String({ maxLength: 60 }),
      nonce,
      extensions,
      proof,
      (binding, both, more, bytes) => {
        const withoutProof = `c=${binding},r=${both}${more}`
        const final = parseClientFinal(
          Buffer.from(`${withoutProof},p=${bytes.toString('base64')}`),
          bytes.length,
        )
        expect(final).toEqual({ withoutProof, channelBinding: binding, nonce: both, proof: bytes })
      },
    ),
  )
})

it('reads or refuses whatever comes', () => {
  const pieces = fc.constantFrom(
    'n',
    'y',
    'p=',
    ',',
    'a=',
    'n=ada',
    'r=12345678',
    'm=',
    '=',
    'c=biws',
    '\0',
    'é',
  )
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.array(pieces, { maxLength: 12 }).map((list) => Buffer.from(list.join(''))),
    fc.array(pieces, { maxLength: 12 }).map((list) => Buffer.from(list.join(','))),
  )
  fc.assert(
    fc.property(anything, (data) => {
      readOrRefused(parseClientFirst, data)
      readOrRefused((bytes) => parseClientFinal(bytes, 32), data)
    }),
    { numRuns: 2_000 },
  )
})

it('refuses every first message that is cut short before its nonce is long enough, and takes it from there on', () => {
  const text = 'n,a=ada,n=ada,r=12345678'
  for (let end = 0; end < text.length; end++) {
    expect(readOrRefused(parseClientFirst, Buffer.from(text.slice(0, end)))).toBe(false)
  }
  expect(readOrRefused(parseClientFirst, Buffer.from(text))).toBe(true)
})
