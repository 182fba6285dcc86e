// Tokens: whose they are, what they may do and until when, and every way in which one is not taken.
import { describe, expect, it } from 'vitest'
import type { Tokens } from '../../src/authentication/tokens.ts'
import { clientOf } from './client-of.ts'
import { type Asked, HttpServer } from './http-server.ts'
import {
  clock,
  ec,
  ed,
  fileOf,
  forged,
  jwkOf,
  openTokens,
  otherRsa,
  pemOf,
  rsa,
  SECRET,
  tokenOf,
} from './token-maker.ts'

const ADA = { kind: 'accept', identity: 'ada' }
const INVALID = { kind: 'refuse', reasonCode: 0x86 }
const NOT_ALLOWED = { kind: 'refuse', reasonCode: 0x87 }
const UNAVAILABLE = { kind: 'refuse', reasonCode: 0x88 }

const withSecret = async (more = {}): Promise<Tokens> =>
  openTokens({ secretFile: await fileOf(`${SECRET}\n`), ...more })

const verdict = (tokens: Tokens, token: string, clientId = 'c') =>
  tokens.verdictOf(token, clientOf({ clientId }))

describe('a token', () => {
  it('says who it is, and until when', async () => {
    const exp = Math.floor(clock.now() / 1000) + 60
    expect(await verdict(await withSecret(), await tokenOf(SECRET))).toMatchObject({
      ...ADA,
      clientId: undefined,
      rights: undefined,
      expiresAt: (exp + 5) * 1000,
    })
  })

  it.each([
    ['HS256', SECRET, undefined],
    ['HS384', SECRET, undefined],
    ['HS512', SECRET, undefined],
    ['RS256', rsa.privateKey, rsa.publicKey],
    ['RS512', rsa.privateKey, rsa.publicKey],
    ['PS384', rsa.privateKey, rsa.publicKey],
    ['ES256', ec.privateKey, ec.publicKey],
    ['EdDSA', ed.privateKey, ed.publicKey],
    ['Ed25519', ed.privateKey, ed.publicKey],
  ] as const)('may be signed with %s', async (alg, key, publicKey) => {
    const token = await tokenOf(key, {}, { alg })
    if (publicKey === undefined) return expect(await verdict(await withSecret(), token)).toMatchObject(ADA)
    const forms = [pemOf(publicKey), jwkOf(publicKey), { keys: [jwkOf(publicKey)] }]
    for (const form of forms) {
      const text = typeof form === 'string' ? form : JSON.stringify(form)
      expect(await verdict(await openTokens({ keyFile: await fileOf(text) }), token)).toMatchObject(ADA)
    }
  })

  it('is one of several keys, which its key id tells, or a try', async () => {
    const keys = [jwkOf(otherRsa.publicKey, { kid: 'old' }), jwkOf(rsa.publicKey, { kid: 'new' })]
    const tokens = await openTokens({ keyFile: await fileOf(JSON.stringify({ keys })) })
    const sign = (key: typeof rsa.privateKey, kid?: string) =>
      tokenOf(key, {}, { alg: 'RS256', ...(kid !== undefined && { kid }) })
    for (const kid of ['new', undefined])
      expect(await verdict(tokens, await sign(rsa.privateKey, kid))).toMatchObject(ADA)
    expect(await verdict(tokens, await sign(rsa.privateKey, 'old'))).toMatchObject(INVALID)
    expect(await verdict(tokens, await sign(rsa.privateKey, 'unknown'))).toMatchObject(INVALID)
  })

  it('has its user name, client id and rights in the claims that the options name', async () => {
    const claims = { sub: 'x', name: 'bob', device: 'meter', can: { pub: ['a'], sub: ['b/#'], all: ['c'] } }
    const tokens = await withSecret({ userNameClaim: 'name', clientIdClaim: 'device', rightsClaim: 'can' })
    const token = await tokenOf(SECRET, claims)
    const bob = { kind: 'accept', identity: 'bob', clientId: 'meter' }
    const rights = { publish: ['a', 'c'], subscribe: ['b/#', 'c'] }
    for (const clientId of ['meter', ''])
      expect(await verdict(tokens, token, clientId)).toMatchObject({ ...bob, rights })
    expect(await verdict(tokens, token, 'other')).toMatchObject(NOT_ALLOWED)
    expect(await verdict(tokens, await tokenOf(SECRET, { name: 'bob' }), '')).toMatchObject(NOT_ALLOWED)
  })

  it.each([
    ['is of nobody', { sub: undefined }],
    ['is of an empty name', { sub: '' }],
    ['is of a number', { sub: 7 }],
    ['is of another issuer', { iss: 'https://else.example' }],
    ['is of no issuer', { iss: undefined }],
    ['is for another audience', { aud: ['web'] }],
    ['is for no audience', { aud: undefined }],
  ])('that %s is refused with 0x87', async (_, claims) => {
    const tokens = await withSecret({ issuer: 'https://id.example', audience: 'mqtt' })
    const right = { iss: 'https://id.example', aud: ['web', 'mqtt'] }
    expect(await verdict(tokens, await tokenOf(SECRET, right))).toMatchObject(ADA)
    expect(await verdict(tokens, await tokenOf(SECRET, { ...right, ...claims }))).toMatchObject(NOT_ALLOWED)
  })

  it('is taken from its time on to its time, give or take what clocks differ', async () => {
    const tokens = await withSecret()
    for (const exp of [1, -4])
      expect(await verdict(tokens, await tokenOf(SECRET, {}, { exp }))).toMatchObject(ADA)
    expect(await verdict(tokens, await tokenOf(SECRET, {}, { exp: -6 }))).toMatchObject(NOT_ALLOWED)
    expect(await verdict(tokens, await tokenOf(SECRET, {}, { nbf: 4 }))).toMatchObject(ADA)
    expect(await verdict(tokens, await tokenOf(SECRET, {}, { nbf: 7 }))).toMatchObject(NOT_ALLOWED)
  })

  it('without an end is taken where that is allowed', async () => {
    const token = await tokenOf(SECRET, {}, { exp: undefined })
    expect(await verdict(await withSecret(), token)).toMatchObject(NOT_ALLOWED)
    const lenient = await withSecret({ requireExpiry: false })
    expect(await verdict(lenient, token)).toMatchObject({ ...ADA, expiresAt: undefined })
  })

  it.each([
    ['of another secret', () => tokenOf(`${SECRET}!`)],
    ['without a signature', async () => (await tokenOf(SECRET)).replace(/[^.]*$/, '')],
    ['with claims that were changed', async () => forgedClaims(await tokenOf(SECRET))],
    ['of algorithm none', () => forged({ alg: 'none' }, {})],
    ['of algorithm None, signed', () => forged({ alg: 'None' }, {}, SECRET)],
    ['of an algorithm that is not there', () => forged({ alg: 'HS1' }, {}, SECRET)],
    ['that names no algorithm', () => forged({}, {}, SECRET)],
    ['that asks for an extension', () => forged({ alg: 'HS256', crit: ['b64'], b64: false }, {}, SECRET)],
    ['that brings its own key', () => forged({ alg: 'HS256', jwk: { kty: 'oct', k: 'AA' } }, {}, 'x')],
    ['of a private key', () => tokenOf(rsa.privateKey, {}, { alg: 'RS256' })],
    ['that is longer than any', async () => (await tokenOf(SECRET)).padEnd(16_385, 'A')],
    ['that is no JSON', () => 'eyJhbGciOiJIUzI1NiJ.e.s'],
  ])('%s is refused', async (_, made) => {
    expect(await verdict(await withSecret(), await made())).toMatchObject({ kind: 'refuse' })
  })

  it('signed with the public key as a secret is refused, whatever form the key has', async () => {
    for (const text of [pemOf(rsa.publicKey), JSON.stringify(jwkOf(rsa.publicKey))]) {
      const tokens = await openTokens({ keyFile: await fileOf(text) })
      for (const key of [text, text.trim(), pemOf(rsa.publicKey)]) {
        expect(await verdict(tokens, forged({ alg: 'HS256' }, {}, key))).toMatchObject(INVALID)
      }
    }
  })

  it('is refused where its algorithm is not on the list', async () => {
    const tokens = await withSecret({ algorithms: ['HS512'] })
    expect(await verdict(tokens, await tokenOf(SECRET))).toMatchObject(INVALID)
    expect(await verdict(tokens, await tokenOf(SECRET, {}, { alg: 'HS512' }))).toMatchObject(ADA)
  })

  it('whose rights say nothing clear is refused', async () => {
    const tokens = await withSecret()
    for (const acl of ['#', 7, null, { pub: 'a' }, { publish: ['a'] }, { sub: ['a#'] }, [{}]]) {
      expect(await verdict(tokens, await tokenOf(SECRET, { acl }))).toMatchObject({ kind: 'refuse' })
    }
  })
})

function forgedClaims(token: string): string {
  const [header, , signature] = token.split('.')
  const claims = Buffer.from(JSON.stringify({ sub: 'root', exp: 9_999_999_999 })).toString('base64url')
  return `${header}.${claims}.${signature}`
}

describe('what keeps a broker from starting', () => {
  it.each([
    [
      'a short secret',
      async () => ({ secretFile: await fileOf('short') }),
      /: the secret has fewer than 32 bytes$/,
    ],
    [
      'a public key as a secret',
      async () => ({ secretFile: await fileOf(pemOf(rsa.publicKey)) }),
      /: a key in PEM is/,
    ],
    ['an empty key file', async () => ({ keyFile: await fileOf('') }), /: neither PEM nor a JWK/],
    [
      'a private key',
      async () => ({
        keyFile: await fileOf(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string),
      }),
      /: a private key: the public one is enough here$/,
    ],
    [
      'a private JWK',
      async () => ({ keyFile: await fileOf(JSON.stringify(jwkOf(ec.privateKey))) }),
      /: neither PEM nor a JWK/,
    ],
    [
      'a secret among public keys',
      async () => ({ keyFile: await fileOf('{"keys":[{"kty":"oct","k":"AAAA"}]}') }),
      /: neither PEM nor a JWK/,
    ],
    [
      'a broken key',
      async () => ({ keyFile: await fileOf('-----BEGIN PUBLIC KEY-----\nAA\n') }),
      /: no public key/,
    ],
    [
      'a key that is not there',
      async () => ({ keyFile: '/nonexistent/key' }),
      /jwt\.keyFile .*no such file$/,
    ],
    [
      'two kinds of keys',
      async () => ({ secretFile: await fileOf(SECRET), jwksUrl: 'http://127.0.0.1/' }),
      /takes one of/,
    ],
    [
      'an algorithm of the other kind',
      async () => ({ secretFile: await fileOf(SECRET), algorithms: ['RS256' as const] }),
      /RS256 does not go with this kind of key$/,
    ],
    [
      'an address of another protocol',
      async () => ({ jwksUrl: 'file:///etc/passwd' }),
      /jwksUrl is no address/,
    ],
  ])('%s', async (_, input, message) => {
    const opening = openTokens(await input())
    await expect(opening).rejects.toThrow(message)
    await expect(opening).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_GODWIT_CONFIG_/) })
  })
})

describe('keys behind an address', () => {
  const setOf = (...keys: object[]) => ({ body: JSON.stringify({ keys }) })
  const open = async (answer: (asked: Asked) => ReturnType<HttpServer['answer']>, more = {}) => {
    const server = await HttpServer.open(answer)
    return { server, tokens: await openTokens({ jwksUrl: server.url, ...more }) }
  }

  it('are fetched when they are needed, once for many tokens', async () => {
    const { server, tokens } = await open(() => setOf(jwkOf(rsa.publicKey, { kid: 'a', alg: 'RS256' })))
    expect(server.asked).toEqual([])
    const token = await tokenOf(rsa.privateKey, {}, { alg: 'RS256', kid: 'a' })
    for (let i = 0; i < 3; i++) expect(await verdict(tokens, token)).toMatchObject(ADA)
    expect(server.asked).toHaveLength(1)
  })

  it('that do not have the one of a token are not fetched at every such token', async () => {
    const { server, tokens } = await open(() => setOf(jwkOf(rsa.publicKey, { kid: 'a' })))
    const unknown = await tokenOf(otherRsa.privateKey, {}, { alg: 'RS256', kid: 'b' })
    for (let i = 0; i < 5; i++) expect(await verdict(tokens, unknown)).toMatchObject(INVALID)
    expect(server.asked).toHaveLength(1)
  })

  it('let nobody in by a secret among them', async () => {
    const { tokens } = await open(() => setOf({ kty: 'oct', k: Buffer.from(SECRET).toString('base64url') }))
    expect(await verdict(tokens, await tokenOf(SECRET))).toMatchObject(INVALID)
  })

  it.each([
    ['an error', () => ({ status: 500 }), {}],
    ['nothing', () => 'hang up' as const, {}],
    ['no JSON', () => ({ body: 'x' }), {}],
    ['another address', () => ({ status: 302, headers: { location: 'http://127.0.0.1:1/' } }), {}],
    ['more than fits', () => setOf({ kty: 'RSA', n: 'A'.repeat(2_000_000) }), {}],
    ['too late', () => new Promise<never>(() => {}), { timeoutMs: 50 }],
  ])('that answers with %s lets nobody in: 0x88', async (_, answer, more) => {
    const { tokens } = await open(answer, more)
    const token = await tokenOf(rsa.privateKey, {}, { alg: 'RS256' })
    expect(await verdict(tokens, token)).toMatchObject(UNAVAILABLE)
  })

  it('are let alone while their server fails again and again', async () => {
    const { server, tokens } = await open(() => ({ status: 500 }))
    const token = await tokenOf(rsa.privateKey, {}, { alg: 'RS256' })
    for (let i = 0; i < 8; i++) expect(await verdict(tokens, token)).toMatchObject(UNAVAILABLE)
    expect(server.asked).toHaveLength(5)
    clock.advance(5_100)
    for (let i = 0; i < 2; i++) expect(await verdict(tokens, token)).toMatchObject(UNAVAILABLE)
    expect(server.asked).toHaveLength(6)
  })

  it('are there again when their server is', async () => {
    let isUp = false
    const { tokens } = await open(() => (isUp ? setOf(jwkOf(rsa.publicKey)) : { status: 503 }))
    const token = await tokenOf(rsa.privateKey, {}, { alg: 'RS256' })
    expect(await verdict(tokens, token)).toMatchObject(UNAVAILABLE)
    isUp = true
    expect(await verdict(tokens, token)).toMatchObject(ADA)
  })
})
