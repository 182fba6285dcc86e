// What a server keeps of a password for SCRAM-SHA-256, in the form that PostgreSQL gives it in pg_authid:
//
//   SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>        the last three in base64
//
// It tells whether a client knows the password, and does not tell the password (RFC 5802, section 3).
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { assert } from '../base/assert.ts'
import { prepareStored } from './saslprep.ts'

export interface ScramVerifier {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export interface ScramVerifierOptions {
  /** Default: 15000. RFC 7677 asks for 4096 at least; the client has to compute them at each connect. */
  readonly iterations?: number
  /** Default: 16 random bytes. */
  readonly salt?: Buffer
}

export const KEY_BYTES = 32
export const SALT_BYTES = 16
export const ITERATIONS_MIN = 4_096
/** More would keep a client busy for seconds, and come from a mistake. */
const ITERATIONS_MAX = 10_000_000
export const ITERATIONS_DEFAULT = 15_000
const SALT_BYTES_MIN = 8
const SALT_BYTES_MAX = 64
const FORM = /^SCRAM-SHA-256\$(\d{1,8}):([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/

const derive = promisify(pbkdf2)

export const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
export const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()

/**
 * A verifier of `password`, in PostgreSQL's form. A password that SASLprep prohibits is taken as it stands, as
 * PostgreSQL does. It hashes on libuv's pool, not on the event loop.
 */
export async function scramVerifier(password: string, options: ScramVerifierOptions = {}): Promise<string> {
  const { iterations = ITERATIONS_DEFAULT, salt = randomBytes(SALT_BYTES) } = options
  assert(password !== '', 'a password has at least one character')
  assert(isIterations(iterations), `iterations are from ${ITERATIONS_MIN} to ${ITERATIONS_MAX}`)
  assert(isSalt(salt), `a salt has from ${SALT_BYTES_MIN} to ${SALT_BYTES_MAX} bytes`)
  const saltedPassword = await derive(
    prepareStored(password) ?? password,
    salt,
    iterations,
    KEY_BYTES,
    'sha256',
  )
  const storedKey = sha256(hmac(saltedPassword, 'Client Key'))
  const serverKey = hmac(saltedPassword, 'Server Key')
  const base64 = [salt, storedKey, serverKey].map((bytes) => bytes.toString('base64'))
  return `SCRAM-SHA-256$${iterations}:${base64[0]}$${base64[1]}:${base64[2]}`
}

/** Undefined: `text` is no verifier, or one with fewer iterations than RFC 7677 asks for. */
export function parseScramVerifier(text: string): ScramVerifier | undefined {
  const found = FORM.exec(text)
  if (found === null) return undefined
  const iterations = Number(found[1])
  const [salt, storedKey, serverKey] = found.slice(2).map((part) => Buffer.from(part, 'base64'))
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return undefined
  return isIterations(iterations) && isSalt(salt) ? { iterations, salt, storedKey, serverKey } : undefined
}

const isIterations = (iterations: number): boolean =>
  Number.isInteger(iterations) && iterations >= ITERATIONS_MIN && iterations <= ITERATIONS_MAX

const isSalt = ({ length }: Buffer): boolean => length >= SALT_BYTES_MIN && length <= SALT_BYTES_MAX
