// Tokens (JWT): from the text to who it is. Made by configured.ts; asked by the two ways in which a token comes, as the
// password of CONNECT (token-authenticator.ts) and in an AUTH (token-method.ts).
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { Config } from '../config/schema.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Rights } from '../topic/rights.ts'
import type { Admission, Refusal } from './authenticator.ts'
import type { AuthenticatingClient } from './client.ts'
import { rightsFrom } from './rights.ts'
import { KeysUnavailable, type TokenKeys } from './token-keys.ts'

type Settings = Config['authentication']['jwt']

const TOKEN_CHARACTERS_MAX = 16_384

export class Tokens {
  readonly #keys: TokenKeys
  readonly #settings: Settings
  readonly #now: () => number

  /** `now` in milliseconds since the epoch. */
  constructor(keys: TokenKeys, settings: Settings, now: () => number) {
    this.#keys = keys
    this.#settings = settings
    this.#now = now
  }

  async verdictOf(token: string, client: AuthenticatingClient): Promise<Admission | Refusal> {
    try {
      if (token.length > TOKEN_CHARACTERS_MAX) return refusal('the token is too long')
      return this.#admit(await this.#verify(token), client)
    } catch (error) {
      return refusalFor(error)
    }
  }

  async #verify(token: string): Promise<JWTPayload> {
    const { issuer, audience, requireExpiry, toleranceSeconds } = this.#settings
    const options = {
      algorithms: [...this.#keys.algorithms],
      clockTolerance: toleranceSeconds,
      currentDate: new Date(this.#now()),
      requiredClaims: requireExpiry ? ['exp'] : [],
      ...(issuer !== '' && { issuer }),
      ...(audience !== '' && { audience }),
    }
    const verify = async (key: JWTVerifyGetKey): Promise<JWTPayload> =>
      (await jwtVerify(token, key, options)).payload
    try {
      return await verify(this.#keys.keyFor)
    } catch (error) {
      // A set without key ids: one of those that fit may be the one.
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      for await (const key of error) {
        const payload = await verify(async () => key).catch(orNotOfThisKey)
        if (payload !== undefined) return payload
      }
      throw new errors.JWSSignatureVerificationFailed()
    }
  }

  #admit(payload: JWTPayload, { clientId }: AuthenticatingClient): Admission | Refusal {
    const { userNameClaim, clientIdClaim, rightsClaim, toleranceSeconds } = this.#settings
    const identity = payload[userNameClaim]
    if (typeof identity !== 'string' || identity === '') return refusal(`no ${userNameClaim} in the token`)
    const itsId = clientIdClaim === '' ? undefined : payload[clientIdClaim]
    if (clientIdClaim !== '' && (typeof itsId !== 'string' || itsId === '')) {
      return refusal(`no ${clientIdClaim} in the token`)
    }
    if (itsId !== undefined && clientId !== '' && clientId !== itsId) {
      return refusal('the token is for another client id')
    }
    const { exp } = payload
    const rights: Rights | undefined =
      payload[rightsClaim] === undefined ? undefined : rightsFrom(payload[rightsClaim])
    const expiresAt = exp === undefined ? undefined : (exp + toleranceSeconds) * 1000
    return { kind: 'accept', identity, clientId: itsId as string | undefined, rights, expiresAt }
  }
}

const refusal = (why: string, reasonCode: Refusal['reasonCode'] = ReasonCode.NotAuthorized): Refusal => ({
  kind: 'refuse',
  reasonCode,
  why,
})

function orNotOfThisKey(error: unknown): undefined {
  if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
}

/** The text of an error of jose says what is wrong and nothing of what the token says. */
function refusalFor(error: unknown): Refusal {
  if (error instanceof KeysUnavailable) {
    return refusal(error.message, ReasonCode.ServerUnavailable)
  }
  if (error instanceof errors.JWTExpired) return refusal('the token has expired')
  if (error instanceof errors.JWTClaimValidationFailed) return refusal(error.message)
  // TypeError: of rights, or a key that does not go with the algorithm of the token.
  if (error instanceof errors.JOSEError || error instanceof TypeError) {
    return refusal(error.message, ReasonCode.BadUserNameOrPassword)
  }
  throw error
}
