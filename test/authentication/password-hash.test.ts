// What is kept of a password: the forms of others, what is no form, and what is made here.
import { describe, expect, it } from 'vitest'
import {
  isPassword,
  makePasswordHash,
  type PasswordHash,
  parsePasswordHash,
  passwordHashLike,
} from '../../src/authentication/password-hash.ts'
import { scramVerifier } from '../../src/authentication/scram-verifier.ts'

const parse = (text: string): PasswordHash => {
  const hash = parsePasswordHash(text)
  if (hash === undefined) throw new Error(`not parsed: ${text}`)
  return hash
}

const passes = (text: string, password: string): Promise<boolean> =>
  isPassword(parse(text), Buffer.from(password))

/** Of mosquitto_passwd 2.0.11, and the test vector of the reference implementation of Argon2. */
const FOREIGN = [
  [
    'pencil',
    '$7$101$Q1MgyJakQESyYNnF$0SPRDCi2Sj3pxPLxCKa1EzjSUzYNnH2CG20OCO2F5l485tONSDaollFJvQ50++s1wFWzh3vZBmadyLvDrt6qtA==',
  ],
  [
    'pencil',
    '$6$vWv1WNxQc3o4+wAN$7r4Fy8g0BN4pgCb5izOJd/AirnKic0U4Y1ARW/T29Y5ZTbBKEU0GHAz5yOHDw0aV5f1rnTCGM1nLHrNLHUNRmw==',
  ],
  ['password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
] as const

describe('a hash', () => {
  it.each(FOREIGN)('of %s by somebody else is that of no other password', async (password, text) => {
    expect(await passes(text, password)).toBe(true)
    for (const other of ['', `${password} `, password.slice(1), password.toUpperCase()]) {
      expect(await passes(text, other)).toBe(false)
    }
  })

  it('may be a verifier of SCRAM', async () => {
    for (const hash of ['SHA-256', 'SHA-512'] as const) {
      const text = await scramVerifier('péncil', { hash, iterations: 4_096 })
      expect(await passes(text, 'péncil')).toBe(true)
      expect(await passes(text, 'pencil')).toBe(false)
    }
  })

  it.each([
    ['sha512', /^\$6\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==$/],
    ['sha512-pbkdf2', /^\$7\$210000\$[A-Za-z0-9+/]{16}\$[A-Za-z0-9+/]{86}==$/],
    ['argon2id', /^\$argon2id\$v=19\$m=47104,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/],
  ] as const)('of kind %s is made with a salt of its own', async (kind, form) => {
    const password = Buffer.from('pass\u0000word: ü')
    const [one, two] = [await makePasswordHash(kind, password), await makePasswordHash(kind, password)]
    expect(one).toMatch(form)
    expect(one).not.toBe(two)
    expect(await isPassword(parse(one), password)).toBe(true)
    expect(await isPassword(parse(two), Buffer.from('password'))).toBe(false)
  })

  it('that costs as much as another is passed by no password', async () => {
    for (const [password, text] of FOREIGN) {
      const like = passwordHashLike(parse(text))
      expect(like.kind).toBe(parse(text).kind)
      expect(await isPassword(like, Buffer.from(password))).toBe(false)
    }
    const scram = parse(await scramVerifier('pencil', { iterations: 4_096 }))
    expect(await isPassword(passwordHashLike(scram), Buffer.from('pencil'))).toBe(false)
  })
})

const [salt, hash] = ['A'.repeat(16), `${'A'.repeat(86)}==`]
const argon = (parameters: string, rest = `${'A'.repeat(22)}$${'A'.repeat(43)}`): string =>
  `$argon2id$${parameters}$${rest}`

describe('what is not taken for a hash', () => {
  it.each([
    ['nothing', ''],
    ['plain text', 'pencil'],
    ['another form of crypt', `$5$${salt}$${hash}`],
    ['no salt', `$6$$${hash}`],
    ['a salt of a few bytes', `$6$AAAA$${hash}`],
    ['a salt that is not base64', `$6$${'*'.repeat(16)}$${hash}`],
    ['a hash cut short', `$6$${salt}$${'A'.repeat(40)}`],
    ['a hash with something behind it', `$6$${salt}$${hash}$x`],
    ['no iterations', `$7$0$${salt}$${hash}`],
    ['iterations without end', `$7$99999999$${salt}$${hash}`],
    ['iterations that are no number', `$7$x$${salt}$${hash}`],
    ['no hash', `$7$101$${salt}`],
    ['another version of Argon2', argon('v=16$m=47104,t=1,p=1')],
    ['more memory than 1 GiB', argon('v=19$m=1048577,t=1,p=1')],
    ['less memory than its lanes need', argon('v=19$m=7,t=1,p=1')],
    ['no passes', argon('v=19$m=47104,t=0,p=1')],
    ['too many passes', argon('v=19$m=47104,t=101,p=1')],
    ['too many lanes', argon('v=19$m=47104,t=1,p=17')],
    ['no lanes', argon('v=19$m=47104,t=1,p=0')],
    ['a hash of Argon2 that is a few bytes', argon('v=19$m=47104,t=1,p=1', `${'A'.repeat(22)}$AAAA`)],
    ['argon2i', argon('v=19$m=47104,t=1,p=1').replace('argon2id', 'argon2i')],
    [
      'a verifier of a hash that is not known',
      `SCRAM-SHA-1$4096:${salt}$${'A'.repeat(27)}=:${'A'.repeat(27)}=`,
    ],
    [
      'a verifier with keys of another size',
      `SCRAM-SHA-512$4096:${salt}$${'A'.repeat(43)}=:${'A'.repeat(43)}=`,
    ],
  ])('%s', (_, text) => {
    expect(parsePasswordHash(text)).toBeUndefined()
  })
})
