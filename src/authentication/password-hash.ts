// What is kept of a password, in the forms of mosquitto_passwd, and in those of SCRAM:
//
//   $6$<salt>$<SHA-512 of password and salt>
//   $7$<iterations>$<salt>$<PBKDF2 with HMAC-SHA-512>
//   $argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>      base64 without its padding
//   SCRAM-SHA-256$..., SCRAM-SHA-512$...                           see scram-verifier.ts
//
// Read from users-file.ts, checked by password-authenticator.ts, made by cli/passwd.ts. Nothing hashes on the event
// loop, except for $6$, which takes a microsecond.
import { createHash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { deriveKeys, KEY_BYTES, parseScramVerifier, type ScramVerifier } from './scram-verifier.ts'

interface Salted {
  readonly salt: Buffer
  readonly hash: Buffer
}

type Sha512 = Salted & { readonly kind: 'sha512' }
type Pbkdf2 = Salted & { readonly kind: 'sha512-pbkdf2'; readonly iterations: number }
type Argon2id = Salted & {
  readonly kind: 'argon2id'
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}
export type PasswordHash =
  | Sha512
  | Pbkdf2
  | Argon2id
  | { readonly kind: 'scram'; readonly verifier: ScramVerifier }

/** What a new hash may be, by the names of mosquitto_passwd's -H. */
export type PasswordHashKind = Exclude<PasswordHash['kind'], 'scram'>

const SHA512_BYTES = 64
const ARGON2_BYTES = 32
/** That many and no others are read by Mosquitto before 2.1. */
const SALT_BYTES = 12
const ARGON2_SALT_BYTES = 16
const SALT_BYTES_MIN = 8
const SALT_BYTES_MAX = 1_024
/** As OWASP advises for PBKDF2 with HMAC-SHA-512; Mosquitto's 101 can be had with -I. */
export const ITERATIONS_DEFAULT = 210_000
export const ITERATIONS_MAX = 10_000_000
/** Mosquitto's. */
const ARGON2_DEFAULT = { memoryKib: 47_104, passes: 1, lanes: 1 } as const
/** 1 GiB, so that no line of a file takes all memory. */
const ARGON2_MEMORY_KIB_MAX = 1_048_576
const ARGON2_PASSES_MAX = 100
const ARGON2_LANES_MAX = 16
const ARGON2_BYTES_MIN = 16
const ARGON2_BYTES_MAX = 1_024

const FORMS = {
  sha512: /^\$6\$([^$]+)\$([^$]+)$/,
  pbkdf2: /^\$7\$(\d{1,8})\$([^$]+)\$([^$]+)$/,
  argon2id: /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([^$]+)\$([^$]+)$/,
}

const pbkdf2Later = promisify(pbkdf2)

/** Undefined: `text` is in none of the forms, or beyond what any of them may cost. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  if (text.startsWith('$6$')) return parseSha512(text)
  if (text.startsWith('$7$')) return parsePbkdf2(text)
  if (text.startsWith('$argon2id$')) return parseArgon2id(text)
  const verifier = parseScramVerifier(text)
  return verifier && { kind: 'scram', verifier }
}

function parseSha512(text: string): PasswordHash | undefined {
  const [, salt = '', hash = ''] = FORMS.sha512.exec(text) ?? []
  const salted = saltedOf(salt, hash, [SHA512_BYTES, SHA512_BYTES])
  return salted && { kind: 'sha512', ...salted }
}

function parsePbkdf2(text: string): PasswordHash | undefined {
  const [, count, salt = '', hash = ''] = FORMS.pbkdf2.exec(text) ?? []
  const iterations = Number(count)
  const salted = saltedOf(salt, hash, [SHA512_BYTES, SHA512_BYTES])
  if (salted === undefined || !isFrom(1, iterations, ITERATIONS_MAX)) return undefined
  return { kind: 'sha512-pbkdf2', iterations, ...salted }
}

function parseArgon2id(text: string): PasswordHash | undefined {
  const [, memory, t, p, salt = '', hash = ''] = FORMS.argon2id.exec(text) ?? []
  const [memoryKib, passes, lanes] = [Number(memory), Number(t), Number(p)]
  const salted = saltedOf(salt, hash, [ARGON2_BYTES_MIN, ARGON2_BYTES_MAX])
  const isBounded =
    isFrom(1, lanes, ARGON2_LANES_MAX) &&
    isFrom(8 * lanes, memoryKib, ARGON2_MEMORY_KIB_MAX) &&
    isFrom(1, passes, ARGON2_PASSES_MAX)
  return salted && isBounded ? { kind: 'argon2id', memoryKib, passes, lanes, ...salted } : undefined
}

function saltedOf(
  saltText: string,
  hashText: string,
  hashBytes: readonly [number, number],
): Salted | undefined {
  const salt = fromBase64(saltText)
  const hash = fromBase64(hashText)
  if (salt === undefined || hash === undefined) return undefined
  const isSized =
    isFrom(SALT_BYTES_MIN, salt.length, SALT_BYTES_MAX) && isFrom(hashBytes[0], hash.length, hashBytes[1])
  return isSized ? { salt, hash } : undefined
}

const isFrom = (min: number, value: number, max: number): boolean => value >= min && value <= max

/** With or without its padding. */
function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  const plain = text.replace(/={1,2}$/, '')
  return bytes.toString('base64').replace(/=+$/, '') === plain ? bytes : undefined
}

/** Takes as long whatever the password is. Rejects where argon2id cannot be had on this machine. */
export async function isPassword(of: PasswordHash, password: Buffer): Promise<boolean> {
  const kept = of.kind === 'scram' ? of.verifier.storedKey : of.hash
  return timingSafeEqual(await derive(of, password), kept)
}

async function derive(of: PasswordHash, password: Buffer): Promise<Buffer> {
  switch (of.kind) {
    case 'sha512':
      return createHash('sha512').update(password).update(of.salt).digest()
    case 'sha512-pbkdf2':
      return pbkdf2Later(password, of.salt, of.iterations, SHA512_BYTES, 'sha512')
    case 'argon2id':
      return argon2id(of, password)
    case 'scram':
      return (await deriveKeys(of.verifier, password.toString())).storedKey
  }
}

/** Loaded when there is something to hash with it: there may be a machine for which it has no binary. */
async function argon2id(
  { memoryKib, passes, lanes, salt, hash }: Argon2id,
  password: Buffer,
): Promise<Buffer> {
  const { hashRaw } = await import('@node-rs/argon2')
  return hashRaw(password, {
    memoryCost: memoryKib,
    timeCost: passes,
    parallelism: lanes,
    outputLen: hash.length,
    salt,
  })
}

/** A new hash of `password`. */
export async function makePasswordHash(
  kind: PasswordHashKind,
  password: Buffer,
  iterations = ITERATIONS_DEFAULT,
): Promise<string> {
  const made = { ...blankOf(kind, iterations) }
  return textOf(made, await derive(made, password))
}

type Blank = Exclude<PasswordHash, { readonly kind: 'scram' }>

function blankOf(kind: PasswordHashKind, iterations: number): Blank {
  const salt = randomBytes(kind === 'argon2id' ? ARGON2_SALT_BYTES : SALT_BYTES)
  const hash = Buffer.alloc(kind === 'argon2id' ? ARGON2_BYTES : SHA512_BYTES)
  switch (kind) {
    case 'sha512':
      return { kind, salt, hash }
    case 'sha512-pbkdf2':
      return { kind, iterations, salt, hash }
    case 'argon2id':
      return { kind, ...ARGON2_DEFAULT, salt, hash }
  }
}

function textOf(of: Blank, hash: Buffer): string {
  const [salt, hashText] = [of.salt.toString('base64'), hash.toString('base64')]
  switch (of.kind) {
    case 'sha512':
      return `$6$${salt}$${hashText}`
    case 'sha512-pbkdf2':
      return `$7$${of.iterations}$${salt}$${hashText}`
    case 'argon2id': {
      const parameters = `m=${of.memoryKib},t=${of.passes},p=${of.lanes}`
      return `$argon2id$v=19$${parameters}$${unpadded(salt)}$${unpadded(hashText)}`
    }
  }
}

const unpadded = (base64: string): string => base64.replace(/=+$/, '')

/** One that costs the same to check as `like`, and that no password passes. */
export function passwordHashLike(like: PasswordHash): PasswordHash {
  if (like.kind !== 'scram') return { ...like, hash: randomBytes(like.hash.length) }
  const storedKey = randomBytes(KEY_BYTES[like.verifier.hash])
  return { kind: 'scram', verifier: { ...like.verifier, storedKey } }
}
