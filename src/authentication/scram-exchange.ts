// One exchange of SCRAM, the server's part of it (RFC 5802, RFC 7677). Begun by scram.ts.
//
//   client-first  ->  looked up  ->  server-first: nonces, salt, iterations     (continue)
//   client-final  ->  proved     ->  server-final: our own proof                (accept)
//
// Nothing here hashes a password: a verifier is enough, and the client is the one that iterates.
import { timingSafeEqual } from 'node:crypto'
import { type Eventual, eventually } from '../base/eventually.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { AuthenticationAnswer } from './method.ts'
import { prepareQuery } from './saslprep.ts'
import { type ClientFirst, parseClientFinal, parseClientFirst, ScramError } from './scram-message.ts'
import { digest, hmac, KEY_BYTES, type ScramVerifier } from './scram-verifier.ts'

/** Of somebody unknown there is a verifier as well, which nothing proves. */
export interface FoundVerifier {
  readonly verifier: ScramVerifier
  readonly isKnown: boolean
  /** As of an Admission. */
  readonly holds?: (() => boolean) | undefined
}

/** By prepared user name. */
export type FindVerifier = (user: string) => Eventual<FoundVerifier>

interface Challenge extends FoundVerifier {
  readonly user: string
  readonly nonce: string
  readonly channelBinding: string
  /** client-first-message-bare, server-first-message. */
  readonly saidBefore: string
}

export class ScramExchange {
  readonly #find: FindVerifier
  readonly #serverNonce: string
  #wasAsked = false
  #challenge: Challenge | undefined

  constructor(find: FindVerifier, serverNonce: string) {
    this.#find = find
    this.#serverNonce = serverNonce
  }

  step(data: Buffer = Buffer.alloc(0)): Eventual<AuthenticationAnswer> {
    try {
      if (this.#challenge !== undefined) return this.#prove(this.#challenge, data)
      if (data.length > 0 || this.#wasAsked) return this.#challengeFor(data)
      this.#wasAsked = true // CONNECT may leave the client's first message to an AUTH.
      return { kind: 'continue' }
    } catch (error) {
      if (error instanceof ScramError) return refusal(error)
      throw error
    }
  }

  #challengeFor(data: Buffer): Eventual<AuthenticationAnswer> {
    const first = parseClientFirst(data)
    const user = prepareQuery(first.user)
    if (user === undefined)
      throw new ScramError('invalid-username-encoding', 'SASLprep refuses the user name')
    if (first.authzid !== undefined && prepareQuery(first.authzid) !== user) {
      throw new ScramError('other-error', 'one user asks to act as another')
    }
    return eventually(this.#find(user), (found) => this.#ask(first, user, found))
  }

  #ask(first: ClientFirst, user: string, found: FoundVerifier): AuthenticationAnswer {
    const { verifier } = found
    const nonce = first.nonce + this.#serverNonce
    const serverFirst = `r=${nonce},s=${verifier.salt.toString('base64')},i=${verifier.iterations}`
    const channelBinding = Buffer.from(first.gs2Header).toString('base64')
    const saidBefore = `${first.bare},${serverFirst}`
    this.#challenge = { user, nonce, channelBinding, saidBefore, ...found }
    return { kind: 'continue', data: Buffer.from(serverFirst) }
  }

  #prove(challenge: Challenge, data: Buffer): AuthenticationAnswer {
    const { verifier, user, saidBefore, isKnown, holds } = challenge
    const { hash, storedKey, serverKey } = verifier
    const final = parseClientFinal(data, KEY_BYTES[hash])
    if (final.channelBinding !== challenge.channelBinding) {
      throw new ScramError('channel-bindings-dont-match', 'the GS2 header is not the one sent before')
    }
    if (final.nonce !== challenge.nonce)
      throw new ScramError('other-error', 'the nonce is not that of this exchange')
    const authMessage = `${saidBefore},${final.withoutProof}`
    const clientKey = xor(final.proof, hmac(hash, storedKey, authMessage))
    const isProof = timingSafeEqual(digest(hash, clientKey), storedKey)
    if (!isProof || !isKnown) throw new ScramError('invalid-proof', 'unknown user or wrong password')
    const serverSignature = hmac(hash, serverKey, authMessage).toString('base64')
    return { kind: 'accept', identity: user, holds, data: Buffer.from(`v=${serverSignature}`) }
  }
}

function refusal({ value, why }: ScramError): AuthenticationAnswer {
  const reasonCode = value === 'invalid-proof' ? ReasonCode.BadUserNameOrPassword : ReasonCode.NotAuthorized
  return { kind: 'refuse', reasonCode, why, data: Buffer.from(`e=${value}`) }
}

/** Both of one length. */
function xor(a: Buffer, b: Buffer): Buffer {
  const result = Buffer.from(a)
  for (let i = 0; i < result.length; i++) result[i] = (result[i] as number) ^ (b[i] as number)
  return result
}
