// What a server keeps of a password for SCRAM, in the form that PostgreSQL gives it in pg_authid:
//
//   SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>        the last three in base64
//
// It tells whether a client knows the password, and does not tell the password (RFC 5802, section 3). With SHA-512 it
// is the same, and its keys are longer.
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { assert } from '../base/assert.ts'
import { prepareStored } from './saslprep.ts'

/** As methods and verifiers name them. */
export type ScramHash = 'SHA-256' | 'SHA-512'

const DIGESTS = { 'SHA-256': 'sha256', 'SHA-512': 'sha512' } as const
/** Bytes of StoredKey, ServerKey and proof. */
export const KEY_BYTES = { 'SHA-256': 32, 'SHA-512': 64 } as const

export interface ScramVerifier {
  readonly hash: ScramHash
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export interface ScramVerifierOptions {
  /** Default: SHA-256. */
  readonly hash?: ScramHash
  /** Default: 15000. RFC 7677 asks for 4096 at least; the client has to compute them at each connect. */
  readonly iterations?: number
  /** Default: 16 random bytes. */
  readonly salt?: Buffer
}

export const SALT_BYTES = 16
export const ITERATIONS_MIN = 4_096
/** More would keep a client busy for seconds, and come from a mistake. */
const ITERATIONS_MAX = 10_000_000
export const ITERATIONS_DEFAULT = 15_000
const SALT_BYTES_MIN = 8
const SALT_BYTES_MAX = 64
const FORM =
  /^SCRAM-(SHA-256|SHA-512)\$(\d{1,8}):([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]+={1,2}):([A-Za-z0-9+/]+={1,2})$/

const pbkdf2Later = promisify(pbkdf2)

export const hmac = (hash: ScramHash, key: Buffer, text: string): Buffer =>
  createHmac(DIGESTS[hash], key).update(text).digest()
export const digest = (hash: ScramHash, bytes: Buffer): Buffer =>
  createHash(DIGESTS[hash]).update(bytes).digest()

/**
 * A verifier of `password`, in PostgreSQL's form. A password that SASLprep prohibits is taken as it stands, as
 * PostgreSQL does. It hashes on libuv's pool, not on the event loop.
 */
export async function scramVerifier(password: string, options: ScramVerifierOptions = {}): Promise<string> {
  const { hash = 'SHA-256', iterations = ITERATIONS_DEFAULT, salt = randomBytes(SALT_BYTES) } = options
  assert(password !== '', 'a password has at least one character')
  assert(isIterations(iterations), `iterations are from ${ITERATIONS_MIN} to ${ITERATIONS_MAX}`)
  assert(isSalt(salt), `a salt has from ${SALT_BYTES_MIN} to ${SALT_BYTES_MAX} bytes`)
  const { storedKey, serverKey } = await deriveKeys({ hash, iterations, salt }, password)
  const base64 = [salt, storedKey, serverKey].map((bytes) => bytes.toString('base64'))
  return `SCRAM-${hash}$${iterations}:${base64[0]}$${base64[1]}:${base64[2]}`
}

/** What a verifier holds of `password`, on libuv's pool. */
export async function deriveKeys(
  { hash, iterations, salt }: Pick<ScramVerifier, 'hash' | 'iterations' | 'salt'>,
  password: string,
): Promise<{ readonly storedKey: Buffer; readonly serverKey: Buffer }> {
  const prepared = prepareStored(password) ?? password
  const salted = await pbkdf2Later(prepared, salt, iterations, KEY_BYTES[hash], DIGESTS[hash])
  return {
    storedKey: digest(hash, hmac(hash, salted, 'Client Key')),
    serverKey: hmac(hash, salted, 'Server Key'),
  }
}

/** Undefined: `text` is no verifier, or one with fewer iterations than RFC 7677 asks for. */
export function parseScramVerifier(text: string): ScramVerifier | undefined {
  const found = FORM.exec(text)
  if (found === null) return undefined
  const hash = found[1] as ScramHash
  const iterations = Number(found[2])
  const [salt, storedKey, serverKey] = found.slice(3).map((part) => Buffer.from(part, 'base64'))
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return undefined
  if (storedKey.length !== KEY_BYTES[hash] || serverKey.length !== KEY_BYTES[hash]) return undefined
  return isIterations(iterations) && isSalt(salt)
    ? { hash, iterations, salt, storedKey, serverKey }
    : undefined
}

const isIterations = (iterations: number): boolean =>
  Number.isInteger(iterations) && iterations >= ITERATIONS_MIN && iterations <= ITERATIONS_MAX

const isSalt = ({ length }: Buffer): boolean => length >= SALT_BYTES_MIN && length <= SALT_BYTES_MAX
