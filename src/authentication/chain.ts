// The authenticators in the order in which they are asked: the first that decides has decided, and where none does the
// client is refused, unless it says nothing of itself and anonymous clients are let in. Asked by authentication.ts.
import { type Eventual, eventually } from '../base/eventually.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { type Admission, ANONYMOUS, type Authenticator, type Refusal, type Verdict } from './authenticator.ts'
import type { AuthenticatingClient } from './client.ts'

/** On what terms clients come in. */
export interface LoginTerms {
  readonly allowAnonymous: boolean
  /** Their names, in the order in which they are asked; those that are not there are passed over. */
  readonly authenticators: readonly string[]
}

/** It has guessed nothing: it does not count as a failure. */
export const NOT_ANONYMOUS: Refusal = {
  kind: 'refuse',
  reasonCode: ReasonCode.NotAuthorized,
  why: 'anonymous clients are not allowed (allowAnonymous)',
}
const UNDECIDED: Refusal = {
  kind: 'refuse',
  reasonCode: ReasonCode.BadUserNameOrPassword,
  why: 'nobody knows this client',
}

export type Decision = Admission | Refusal

export class Chain {
  readonly #byName = new Map<string, Authenticator>()

  constructor(authenticators: readonly Authenticator[]) {
    for (const authenticator of authenticators) this.#byName.set(authenticator.name, authenticator)
  }

  /** Throws what an authenticator throws, and TypeError for what is no verdict. */
  decide(client: AuthenticatingClient, terms: LoginTerms): Eventual<Decision> {
    const authenticators = terms.authenticators.flatMap((name) => this.#byName.get(name) ?? [])
    const isLookedAt = authenticators.some(({ looksAtUserName = true }) => looksAtUserName)
    return askFrom(0)

    function askFrom(index: number): Eventual<Decision> {
      const authenticator = authenticators[index]
      if (authenticator === undefined) return undecided(client, terms, isLookedAt)
      return eventually(authenticator.authenticate(client), (verdict) => {
        return decisionOf(authenticator, verdict) ?? askFrom(index + 1)
      })
    }
  }
}

/** Where nobody looks at user names, one proves no more than none. */
function undecided(
  { userName, password }: AuthenticatingClient,
  { allowAnonymous }: LoginTerms,
  isLookedAt: boolean,
): Decision {
  const saysNothing = userName === undefined && password === undefined
  if (!saysNothing && (isLookedAt || !allowAnonymous)) return UNDECIDED
  return allowAnonymous ? ANONYMOUS : NOT_ANONYMOUS
}

/** Undefined: the next one is to decide. A refusal says whose it is. */
function decisionOf({ name }: Authenticator, verdict: Verdict): Decision | undefined {
  switch (verdict.kind) {
    case 'ignore':
      return undefined
    case 'accept':
      return verdict
    case 'refuse':
      return { ...verdict, why: `${name}: ${verdict.why}` }
    default:
      throw new TypeError(`the authenticator ${name} gave no verdict`)
  }
}
