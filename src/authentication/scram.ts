// The authentication methods SCRAM-SHA-256 and SCRAM-SHA-512 over a look-up of verifiers. For the library, and for
// users-file.ts.
//
// Who is unknown is answered as who is known is: with a salt that stays the same for a name, from a secret.
import { randomBytes } from 'node:crypto'
import { type Eventual, eventually } from '../base/eventually.ts'
import type { AuthenticationMethod } from './method.ts'
import { type FindVerifier, type FoundVerifier, ScramExchange } from './scram-exchange.ts'
import {
  digest,
  hmac,
  ITERATIONS_DEFAULT,
  KEY_BYTES,
  parseScramVerifier,
  SALT_BYTES,
  type ScramHash,
  type ScramVerifier,
} from './scram-verifier.ts'

const SERVER_NONCE_BYTES = 18

export interface ScramOptions {
  /**
   * A verifier in PostgreSQL's form, as `scramVerifier` makes it, by user name in the form of SASLprep; undefined:
   * there is no such user. It had better take as long for those as for others.
   */
  readonly verifierOf: (user: string) => Eventual<string | undefined>
  /** The salts shown for unknown users come from it. Default: random, so that they change at the next start. */
  readonly secret?: string
  /** Shown for unknown users: those that your verifiers have. Default: 15000, as of `scramVerifier`. */
  readonly iterations?: number
}

export const scramSha256 = (options: ScramOptions): AuthenticationMethod => scramOf('SHA-256', options)
export const scramSha512 = (options: ScramOptions): AuthenticationMethod => scramOf('SHA-512', options)

function scramOf(hash: ScramHash, { verifierOf, ...shown }: ScramOptions): AuthenticationMethod {
  return scramMethod(
    hash,
    (user) => eventually(verifierOf(user), (text) => foundOf(hash, text)),
    () => shown,
  )
}

function foundOf(hash: ScramHash, text: string | undefined): KnownVerifier | undefined {
  if (text === undefined) return undefined
  const verifier = parseScramVerifier(text)
  if (verifier?.hash !== hash) throw new TypeError(`verifierOf gave what is no verifier of SCRAM-${hash}`)
  return { verifier }
}

/** How a user that is not there looks from outside. */
export interface ShownForUnknown {
  readonly secret?: string
  readonly iterations?: number
  readonly saltBytes?: number
}

/** That of a user who is there. */
export type KnownVerifier = Omit<FoundVerifier, 'isKnown'>

/** For verifiers that have been parsed. `shown` is asked for each exchange. */
export function scramMethod(
  hash: ScramHash,
  verifierOf: (user: string) => Eventual<KnownVerifier | undefined>,
  shown: () => ShownForUnknown,
): AuthenticationMethod {
  const unknown = unknownVerifiers(hash, shown)
  const find: FindVerifier = (user) => {
    const instead = unknown(user) // For everybody: it costs time.
    return eventually(verifierOf(user), (found) =>
      found === undefined ? { verifier: instead, isKnown: false } : { ...found, isKnown: true },
    )
  }
  return {
    name: `SCRAM-${hash}`,
    begin: () => {
      const exchange = new ScramExchange(find, randomBytes(SERVER_NONCE_BYTES).toString('base64'))
      return (data) => exchange.step(data)
    },
  }
}

function unknownVerifiers(hash: ScramHash, shown: () => ShownForUnknown): (user: string) => ScramVerifier {
  const random = randomBytes(KEY_BYTES[hash])
  return (user) => {
    const { secret, iterations = ITERATIONS_DEFAULT, saltBytes = SALT_BYTES } = shown()
    const key = secret === undefined ? random : digest(hash, Buffer.from(secret))
    const keyed = (what: string): Buffer => hmac(hash, key, `${what} ${user}`)
    const salt = Buffer.concat([keyed('salt'), keyed('more')]).subarray(0, saltBytes)
    return { hash, iterations, salt, storedKey: keyed('stored'), serverKey: keyed('server') }
  }
}
