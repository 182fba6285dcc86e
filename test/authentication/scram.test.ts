// SCRAM without a broker: the vector of RFC 7677 and one of SHA-512, and what an exchange refuses.
import { describe, expect, it } from 'vitest'
import type { AuthenticationAnswer, AuthenticationStep } from '../../src/authentication/method.ts'
import { scramSha256 } from '../../src/authentication/scram.ts'
import { type FoundVerifier, ScramExchange } from '../../src/authentication/scram-exchange.ts'
import {
  parseScramVerifier,
  type ScramVerifier,
  scramVerifier,
} from '../../src/authentication/scram-verifier.ts'
import { PASSWORDS, verifierOf } from './authenticating-broker.ts'
import { clientOf } from './client-of.ts'
import { ScramClient } from './scram-client.ts'

const USER_FIRST = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'
const SERVER_NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
const SALT = 'W22ZaJ0SNY7soEsUEjb6gQ=='
const PROOF = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
const NONCE = `rOprNGfwEbeRWgbNEkqO${SERVER_NONCE}`

const begin = (options = {}): AuthenticationStep =>
  scramSha256({ verifierOf, iterations: 4_096, ...options }).begin(clientOf())

const say = async (step: AuthenticationStep, text: string): Promise<AuthenticationAnswer> =>
  step(Buffer.from(text))

/** The text of an answer's data. */
const textOf = (answer: AuthenticationAnswer): string => String(answer.data ?? '')

const refusalOf = (value: string, reasonCode = 0x87) => ({
  kind: 'refuse',
  reasonCode,
  data: Buffer.from(`e=${value}`),
})

describe('the test vector of RFC 7677', () => {
  const verifierOfUser = async (): Promise<ScramVerifier> =>
    parseScramVerifier(
      await scramVerifier('pencil', { iterations: 4_096, salt: Buffer.from(SALT, 'base64') }),
    ) as ScramVerifier

  it('is answered word for word', async () => {
    const found: FoundVerifier = { verifier: await verifierOfUser(), isKnown: true }
    const exchange = new ScramExchange(() => found, SERVER_NONCE)
    const asked = await exchange.step(Buffer.from(USER_FIRST))
    expect([asked.kind, textOf(asked)]).toEqual(['continue', `r=${NONCE},s=${SALT},i=4096`])
    expect(await exchange.step(Buffer.from(`c=biws,r=${NONCE},p=${PROOF}`))).toEqual({
      kind: 'accept',
      identity: 'user',
      data: Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='),
    })
  })

  it('is what the client of these tests says too', async () => {
    const client = new ScramClient('user', 'pencil')
    expect(client.first).toBe(USER_FIRST)
    expect(client.final(`r=${NONCE},s=${SALT},i=4096`)).toBe(`c=biws,r=${NONCE},p=${PROOF}`)
    expect(client.serverFinal).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
  })
})

it('SCRAM-SHA-512 is the same with longer keys, as the vector shows that XMPP servers test with', async () => {
  const salt = 'Yin2FuHTt/M0kJWb0t9OI32n2VmOGi3m+JfjOvuDF88='
  const serverNonce = '02431b08-2f89-4bad-a4e6-80c0564ec865'
  const nonce = `rOprNGfwEbeRWgbNEkqO${serverNonce}`
  const proof = 'Hc5yec3NmCD7t+kFRw4/3yD6/F3SQHc7AVYschRja+Bc3sbdjlA0eH1OjJc0DD4ghn1tnXN5/Wr6qm9xmaHt4A=='
  const signature = 'BQuhnKHqYDwQWS5jAw4sZed+C9KFUALsbrq81bB0mh+bcUUbbMPNNmBIupnS2AmyyDnG5CTBQtkjJ9kyY4kzmw=='
  const options = { hash: 'SHA-512', iterations: 4_096, salt: Buffer.from(salt, 'base64') } as const
  const verifier = parseScramVerifier(await scramVerifier('pencil', options)) as ScramVerifier
  const exchange = new ScramExchange(() => ({ verifier, isKnown: true }), serverNonce)
  expect(textOf(await exchange.step(Buffer.from(USER_FIRST)))).toBe(`r=${nonce},s=${salt},i=4096`)
  const accepted = await exchange.step(Buffer.from(`c=biws,r=${nonce},p=${proof}`))
  expect([accepted.kind, textOf(accepted)]).toEqual(['accept', `v=${signature}`])
})

describe('a verifier', () => {
  it('is in the form of PostgreSQL, with a salt of its own each time', async () => {
    const [one, two] = [await scramVerifier('pencil'), await scramVerifier('pencil')]
    expect(one).toMatch(/^SCRAM-SHA-256\$15000:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/)
    expect(one).not.toBe(two)
    expect(parseScramVerifier(one)).toMatchObject({ iterations: 15_000 })
  })

  it('is of the password as SASLprep prepares it, or as it stands where SASLprep prohibits it', async () => {
    const salt = Buffer.from(SALT, 'base64')
    const of = (password: string) => scramVerifier(password, { iterations: 4_096, salt })
    expect(await of('I\u00ADX')).toBe(await of('IX'))
    expect(await of('\u2168')).toBe(await of('IX'))
    expect(await of('IX\u0007')).not.toBe(await of('IX'))
  })

  it('is not made of nothing, nor with too few iterations or too little salt', async () => {
    await expect(scramVerifier('')).rejects.toThrow('a password has')
    await expect(scramVerifier('x', { iterations: 4_095 })).rejects.toThrow('iterations are from 4096')
    await expect(scramVerifier('x', { salt: Buffer.alloc(7) })).rejects.toThrow('a salt has from 8')
  })

  it.each([
    ['nothing', ''],
    ['another hash', 'SCRAM-SHA-1$4096:QUJDREVGR0g=$x:y'],
    ['too few iterations', `SCRAM-SHA-256$4095:${SALT}$${PROOF}:${PROOF}`],
    ['too many iterations', `SCRAM-SHA-256$99999999:${SALT}$${PROOF}:${PROOF}`],
    ['too little salt', `SCRAM-SHA-256$4096:QUI=$${PROOF}:${PROOF}`],
    ['a key that is cut off', `SCRAM-SHA-256$4096:${SALT}$${PROOF}:${PROOF.slice(1)}`],
    ['something behind it', `SCRAM-SHA-256$4096:${SALT}$${PROOF}:${PROOF} `],
  ])('is not %s', (_, text) => {
    expect(parseScramVerifier(text)).toBeUndefined()
  })
})

describe('an exchange', () => {
  it.each([...PASSWORDS])('lets %j in with the right password', async (user, password) => {
    const step = begin()
    const client = new ScramClient(user, password, { gs2Header: 'y,,' })
    const asked = await say(step, client.first)
    expect(textOf(asked)).toMatch(/^r=rOprNGfwEbeRWgbNEkqO[\x21-\x2b\x2d-\x7e]{24},s=[^,]+,i=4096$/)
    const answer = await say(step, client.final(textOf(asked)))
    expect(answer).toEqual({ kind: 'accept', identity: user, data: Buffer.from(client.serverFinal) })
  })

  it('passes over extensions that it does not know', async () => {
    const step = begin()
    const client = new ScramClient('ada', 'pencil', { extension: ',x=a=b,Y=\u00e9' })
    const asked = await say(step, client.first)
    expect(await say(step, client.final(textOf(asked)))).toMatchObject({ kind: 'accept' })
  })

  it('waits for a first message that CONNECT left out, once', async () => {
    const step = begin()
    expect(await step(undefined)).toEqual({ kind: 'continue' })
    expect(await say(step, new ScramClient('ada', 'pencil').first)).toMatchObject({ kind: 'continue' })
    const silent = begin()
    await silent(undefined)
    expect(await silent(undefined)).toMatchObject(refusalOf('other-error'))
  })

  it('takes a name in any form that SASLprep makes the same, also as the one to act as', async () => {
    const step = begin()
    const client = new ScramClient('a\u00ADda', 'pencil', { gs2Header: 'n,a=ada,' })
    const asked = await say(step, client.first)
    const answer = await say(step, client.final(textOf(asked)))
    expect(answer).toMatchObject({ kind: 'accept', identity: 'ada' })
  })

  it('waits for a look-up that takes its time', async () => {
    const step = begin({ verifierOf: async (user: string) => verifierOf(user) })
    const client = new ScramClient('ada', 'pencil')
    const asked = await say(step, client.first)
    expect(await say(step, client.final(textOf(asked)))).toMatchObject({ kind: 'accept' })
  })

  it('fails where a look-up gives what is no verifier', async () => {
    expect(() => begin({ verifierOf: () => 'pencil' })(Buffer.from(USER_FIRST))).toThrow(TypeError)
    await expect(begin({ verifierOf: async () => 'pencil' })(Buffer.from(USER_FIRST))).rejects.toBeInstanceOf(
      TypeError,
    )
  })

  it.each([
    ['channel binding', 'p=tls-unique,,n=ada,r=12345678', 'channel-binding-not-supported'],
    ['a mandatory extension', 'n,,m=x,n=ada,r=12345678', 'extensions-not-supported'],
    ['a mandatory extension further on', 'n,,n=ada,r=12345678,m=x', 'extensions-not-supported'],
    ['another user to act as', 'n,a=grace,n=ada,r=12345678', 'other-error'],
    ['no user', 'n,,n=,r=12345678', 'invalid-username-encoding'],
    ['a user of nothing that stays', 'n,,n=\u00AD,r=12345678', 'invalid-username-encoding'],
    ['a user with a control character', 'n,,n=a\u0007,r=12345678', 'invalid-username-encoding'],
    ['a wrong escape', 'n,,n=a=2c,r=12345678', 'invalid-username-encoding'],
    ['no nonce', 'n,,n=ada', 'other-error'],
    ['a short nonce', 'n,,n=ada,r=1234567', 'other-error'],
    ['a nonce of 257', `n,,n=ada,r=${'1'.repeat(257)}`, 'other-error'],
    ['a nonce with a space', 'n,,n=ada,r=1234 5678', 'other-error'],
    ['its attributes in another order', 'n,,r=12345678,n=ada', 'other-error'],
    ['an extension without a value', 'n,,n=ada,r=12345678,x=', 'other-error'],
    ['no header', 'n=ada,r=12345678', 'other-error'],
    ['a flag that is none', 'x,,n=ada,r=12345678', 'other-error'],
    ['a byte order mark', '\uFEFFn,,n=ada,r=12345678', 'other-error'],
    ['a null', 'n,,n=a\0da,r=12345678', 'invalid-encoding'],
    ['2049 bytes', `n,,n=ada,r=12345678,x=${'x'.repeat(2_027)}`, 'other-error'],
  ])('refuses a first message with %s', async (_, text, value) => {
    expect(await say(begin(), text)).toMatchObject(refusalOf(value))
  })

  it('refuses a first message that is not UTF-8, and takes one of 2048 bytes', async () => {
    expect(await begin()(Buffer.from('n,,n=\xff,r=12345678', 'latin1'))).toMatchObject(
      refusalOf('invalid-encoding'),
    )
    const text = `n,,n=ada,r=12345678,x=${'x'.repeat(2_026)}`
    expect([text.length, (await say(begin(), text)).kind]).toEqual([2_048, 'continue'])
  })

  it.each<[string, (final: string) => string, string]>([
    ['another header', (text) => text.replace('c=biws', 'c=eSws'), 'channel-bindings-dont-match'],
    [
      'its header in other base64',
      (text) => text.replace('c=biws', 'c=biws='),
      'channel-bindings-dont-match',
    ],
    ['a tampered nonce', (text) => text.replace('r=r', 'r=R'), 'other-error'],
    ['the nonce of the client alone', (text) => text.replace(/(r=.{20})[^,]*/, '$1'), 'other-error'],
    ['a mandatory extension', (text) => text.replace(',p=', ',m=1,p='), 'extensions-not-supported'],
    ['an extension that the proof is not of', (text) => text.replace(',p=', ',x=1,p='), 'invalid-proof'],
    ['no proof', (text) => text.replace(/,p=.*/, ''), 'other-error'],
    ['a proof that is cut off', (text) => text.slice(0, -4), 'invalid-encoding'],
    ['a proof without its padding', (text) => text.slice(0, -1), 'invalid-encoding'],
    ['something behind the proof', (text) => `${text},x=1`, 'other-error'],
    ['2 kB too much', (text) => text.replace(',p=', `,x=${'x'.repeat(2_048)},p=`), 'other-error'],
    ['nothing in it', () => '', 'other-error'],
  ])('refuses a final message with %s', async (_, tamper, value) => {
    const step = begin()
    const client = new ScramClient('ada', 'pencil')
    const asked = await say(step, client.first)
    const tampered = tamper(client.final(textOf(asked)))
    const reasonCode = value === 'invalid-proof' ? 0x86 : 0x87
    expect(await say(step, tampered)).toMatchObject(refusalOf(value, reasonCode))
  })

  it('refuses a proof with any one bit changed', async () => {
    for (const bit of [0, 1, 7, 100, 255]) {
      const step = begin()
      const client = new ScramClient('ada', 'pencil')
      const final = client.final(textOf(await say(step, client.first)))
      const at = final.lastIndexOf('p=') + 2
      const proof = Buffer.from(final.slice(at), 'base64')
      proof[bit >> 3] = (proof[bit >> 3] as number) ^ (1 << (bit & 7))
      const answer = await say(step, final.slice(0, at) + proof.toString('base64'))
      expect(answer).toMatchObject(refusalOf('invalid-proof', 0x86))
    }
  })

  it('refuses what was said in another exchange', async () => {
    const client = new ScramClient('ada', 'pencil')
    const step = begin()
    const final = client.final(textOf(await say(step, client.first)))
    expect(await say(step, final)).toMatchObject({ kind: 'accept' })
    const replay = begin()
    await say(replay, client.first)
    expect(await say(replay, final)).toMatchObject(refusalOf('other-error'))
  })
})

describe('somebody unknown', () => {
  it('is refused also with a proof that fits what is shown instead of a verifier', async () => {
    const verifier = parseScramVerifier(verifierOf('ada') ?? '') as ScramVerifier
    for (const isKnown of [true, false]) {
      const exchange = new ScramExchange(() => ({ verifier, isKnown }), SERVER_NONCE)
      const client = new ScramClient('ada', 'pencil')
      const asked = await exchange.step(Buffer.from(client.first))
      const answer = await exchange.step(Buffer.from(client.final(textOf(asked))))
      expect(answer.kind).toBe(isKnown ? 'accept' : 'refuse')
    }
  })

  const saltIn = (serverFirst: string): string => /,s=([^,]+),/.exec(serverFirst)?.[1] ?? ''
  const saltFor = async (user: string, secret?: string): Promise<string> =>
    saltIn(textOf(await say(begin({ secret }), new ScramClient(user, 'x').first)))

  it('is told apart from somebody with a wrong password by nothing in the answers', async () => {
    const answers: AuthenticationAnswer[][] = []
    for (const user of ['ada', 'nobody']) {
      const step = begin()
      const client = new ScramClient(user, 'wrong')
      const asked = await say(step, client.first)
      answers.push([asked, await say(step, client.final(textOf(asked)))])
    }
    const [known, unknown] = answers as [AuthenticationAnswer[], AuthenticationAnswer[]]
    const shapeOf = (answer: AuthenticationAnswer | undefined) =>
      answer &&
      textOf(answer)
        .replace(/(r=.{20})[^,]*/, '$1')
        .replace(/s=.{22}==/, 's=')
    expect(shapeOf(unknown[0])).toBe(shapeOf(known[0]))
    expect(unknown[1]).toEqual(known[1])
    expect(known[1]).toMatchObject(refusalOf('invalid-proof', 0x86))
  })

  it('is shown one salt for each name, and the same after a start with the same secret', async () => {
    const method = scramSha256({ verifierOf })
    const ask = async (user: string) =>
      saltIn(textOf(await say(method.begin(clientOf()), new ScramClient(user, 'x').first)))
    expect(await ask('nobody')).toBe(await ask('nobody'))
    expect(await ask('nobody')).not.toBe(await ask('no one'))
    expect(await saltFor('nobody', 'secret')).toBe(await saltFor('nobody', 'secret'))
    expect(await saltFor('nobody', 'secret')).not.toBe(await saltFor('nobody', 'another'))
  })
})
