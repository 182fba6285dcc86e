// The authentication method SCRAM-SHA-256 over a look-up of verifiers. For the library, and for scram-file.ts.
//
// Who is unknown is answered as who is known is: with a salt that stays the same for a name, from a secret.
import { randomBytes } from 'node:crypto'
import { type Eventual, eventually } from './eventually.ts'
import type { AuthenticationMethod } from './method.ts'
import { type FindVerifier, ScramExchange } from './scram-exchange.ts'
import {
  hmac,
  ITERATIONS_DEFAULT,
  KEY_BYTES,
  parseScramVerifier,
  SALT_BYTES,
  type ScramVerifier,
  sha256,
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

export function scramSha256({ verifierOf, ...shown }: ScramOptions): AuthenticationMethod {
  return scramMethod((user) => eventually(verifierOf(user), parsed), shown)
}

function parsed(text: string | undefined): ScramVerifier | undefined {
  if (text === undefined) return undefined
  const verifier = parseScramVerifier(text)
  if (verifier === undefined) throw new TypeError('verifierOf gave what is no verifier of SCRAM-SHA-256')
  return verifier
}

/** How a user that is not there looks from outside. */
export interface ShownForUnknown {
  readonly secret?: string
  readonly iterations?: number
  readonly saltBytes?: number
}

/** For verifiers that have been parsed. */
export function scramMethod(
  verifierOf: (user: string) => Eventual<ScramVerifier | undefined>,
  shown: ShownForUnknown,
): AuthenticationMethod {
  const unknown = unknownVerifiers(shown)
  const find: FindVerifier = (user) => {
    const instead = unknown(user) // For everybody: it costs time.
    return eventually(verifierOf(user), (found) => ({
      verifier: found ?? instead,
      isKnown: found !== undefined,
    }))
  }
  return {
    name: 'SCRAM-SHA-256',
    begin: () => {
      const exchange = new ScramExchange(find, randomBytes(SERVER_NONCE_BYTES).toString('base64'))
      return (data) => exchange.step(data)
    },
  }
}

function unknownVerifiers(shown: ShownForUnknown): (user: string) => ScramVerifier {
  const { secret, iterations = ITERATIONS_DEFAULT, saltBytes = SALT_BYTES } = shown
  const key = secret === undefined ? randomBytes(KEY_BYTES) : sha256(Buffer.from(secret))
  return (user) => {
    const salt = Buffer.concat([hmac(key, `salt ${user}`), hmac(key, `more ${user}`)]).subarray(0, saltBytes)
    return {
      iterations,
      salt,
      storedKey: hmac(key, `stored ${user}`),
      serverKey: hmac(key, `server ${user}`),
    }
  }
}
