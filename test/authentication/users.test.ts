// The users of a file: how lines are read, who is a stranger, and what hashing costs.
import { describe, expect, it } from 'vitest'
import { Hashing } from '../../src/authentication/hashing.ts'
import {
  makePasswordHash,
  type PasswordHash,
  parsePasswordHash,
} from '../../src/authentication/password-hash.ts'
import { scramVerifier } from '../../src/authentication/scram-verifier.ts'
import { Users } from '../../src/authentication/users.ts'

const SIX = `$6$${'A'.repeat(16)}$${'A'.repeat(86)}==`
const sevenOf = (iterations: number): string => `$7$${iterations}$${'A'.repeat(16)}$${'A'.repeat(86)}==`
const SCRAM = await scramVerifier('pencil', { iterations: 4_096 })
const SCRAM_512 = await scramVerifier('pencil', { hash: 'SHA-512', iterations: 4_096 })

const read = (...lines: string[]): Users =>
  new Users(Buffer.from(lines.join('\n')), { path: 'users', isScramOnly: false })

describe('a file of users', () => {
  it('is read between comments, with the ends of lines of any system and what editors put before them', () => {
    const users = read(
      `\ufeffada:${SIX}`,
      `# bob:${SIX}`,
      '',
      ` grace: of ward 3 :${SIX}\r`,
      `größe:${sevenOf(7)}`,
    )
    const names = ['ada', ' grace: of ward 3 ', 'größe']
    expect(names.filter((name) => users.passwordOf(name) === undefined)).toEqual([])
    for (const name of ['bob', '# bob', 'Ada', 'ada ', 'grace', ''])
      expect(users.passwordOf(name)).toBeUndefined()
  })

  it('has names that are none of the objects that JavaScript has', () => {
    const users = read(`ada:${SIX}`)
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect(users.passwordOf(name)).toBeUndefined()
    expect(read(`__proto__:${SIX}`).passwordOf('__proto__')).toMatchObject({ text: SIX })
  })

  it('may have a password and verifiers of one user, each once, in any order', () => {
    for (const lines of [
      [SIX, SCRAM, SCRAM_512],
      [SCRAM_512, SCRAM, SIX],
    ]) {
      const users = read(...lines.map((hash) => `ada:${hash}`))
      expect(users.passwordOf('ada')).toMatchObject({ text: SIX })
      expect(users.verifierOf('SHA-256', 'ada')).toMatchObject({ text: SCRAM })
      expect(users.verifierOf('SHA-512', 'ada')).toMatchObject({ text: SCRAM_512 })
    }
    expect(() => read(`ada:${SIX}`, `ada:${SCRAM}`, `ada:${sevenOf(7)}`)).toThrow(
      'users:3: the user is there',
    )
  })

  it('has no two users whom SASLprep takes for one', () => {
    expect(() => read(`IX:${SIX}`, `\u2168:${SCRAM}`)).toThrow(
      'users:2: the user of line 1 in another spelling',
    )
    expect(() => read(`\u2168:${SIX}`, `IX:${SCRAM_512}`)).toThrow('users:2: the user of line 1')
    expect(read(`IX:${SIX}`).passwordOf('\u2168')).toBeUndefined()
  })

  it('has strangers who cost what most of the users cost', () => {
    const cost = (...hashes: string[]): PasswordHash =>
      read(...hashes.map((hash, index) => `user ${index}:${hash}`)).stranger
    expect(cost(SIX, sevenOf(7), sevenOf(7), SCRAM)).toMatchObject({ kind: 'sha512-pbkdf2', iterations: 7 })
    expect(cost(sevenOf(7), sevenOf(8), sevenOf(8))).toMatchObject({ iterations: 8 })
    expect(cost(SCRAM, SCRAM, SIX)).toMatchObject({ kind: 'scram', verifier: { iterations: 4_096 } })
  })
})

describe('hashing', () => {
  const of = async (password: string, iterations: number): Promise<[string, PasswordHash]> => {
    const text = await makePasswordHash('sha512-pbkdf2', Buffer.from(password), iterations)
    return [text, parsePasswordHash(text) as PasswordHash]
  }

  it('is done so many times at once and no more: with one place the short one waits for the long one', async () => {
    const [long, short] = [await of('x', 60_000), await of('x', 1)]
    const orderWith = async (places: number): Promise<string[]> => {
      const hashing = new Hashing(places)
      const order: string[] = []
      const check = async (name: string, [text, hash]: [string, PasswordHash]): Promise<void> => {
        await hashing.isRight(text, hash, Buffer.from('y'))
        order.push(name)
      }
      await Promise.all([check('long', long), check('short', short)])
      return order
    }
    expect(await orderWith(1)).toEqual(['long', 'short'])
    expect(await orderWith(2)).toEqual(['short', 'long'])
  })

  it('is not done again for a password that was right, and is for every other', async () => {
    const hashing = new Hashing(1)
    const [text, hash] = await of('pencil', 1_000)
    expect(await hashing.isRight(text, hash, Buffer.from('pencil'))).toBe(true)
    // Of a hash that nothing passes: only what is known already is right.
    const other = { ...hash, hash: Buffer.alloc(64) } as PasswordHash
    expect(await hashing.isRight(text, other, Buffer.from('pencil'))).toBe(true)
    for (const password of ['pencils', '', 'Pencil'])
      expect(await hashing.isRight(text, other, Buffer.from(password))).toBe(false)
    expect(await hashing.isRight(`${text} `, other, Buffer.from('pencil'))).toBe(false)
  })

  it('is done once for many who come with the same password at the same time', async () => {
    const hashing = new Hashing(1)
    const [text, hash] = await of('pencil', 1_000)
    const first = hashing.isRight(text, hash, Buffer.from('pencil'))
    const never = { ...hash, hash: Buffer.alloc(64) } as PasswordHash
    const others = Array.from({ length: 5 }, () => hashing.isRight(text, never, Buffer.from('pencil')))
    expect(await Promise.all([first, ...others])).toEqual(Array(6).fill(true))
  })

  it('gives its place back where it fails', async () => {
    const hashing = new Hashing(1)
    const [text, hash] = await of('pencil', 1)
    const bad = { ...hash, iterations: -1 } as PasswordHash
    await expect(hashing.isRight('bad', bad, Buffer.from('x'))).rejects.toThrow()
    expect(await hashing.isRight(text, hash, Buffer.from('pencil'))).toBe(true)
  })
})
