// An authentication method: what CONNECT names, and what the Authentication Data of CONNECT and AUTH means. It knows
// neither sockets nor packets; scram.ts is one, who embeds the broker may bring more, exchange.ts runs them.
import type { Eventual } from '../base/eventually.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Admission, Refusal, RefusalCode } from './authenticator.ts'
import type { AuthenticatingClient } from './client.ts'

export interface AuthenticationMethod {
  /** As clients name it in CONNECT. */
  readonly name: string
  /** A new exchange with one client, at its CONNECT and again for each re-authentication. */
  begin(client: AuthenticatingClient): AuthenticationStep
}

/** From what the client sent to what it is answered. Undefined: the packet had no Authentication Data. */
export type AuthenticationStep = (data: Buffer | undefined) => Eventual<AuthenticationAnswer>

/**
 * `continue`: go on; `data` goes to the client, and what it sends back is the next step. Otherwise it goes with
 * CONNACK, or with the AUTH that says Success; where a live session is refused there is nothing to carry it.
 */
export type AuthenticationAnswer = ({ readonly kind: 'continue' } | Admission | Refusal) & {
  readonly data?: Buffer | undefined
}

/** The refusal codes that DISCONNECT has too. */
const AFTER_CONNACK: ReadonlySet<RefusalCode> = new Set([
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.NotAuthorized,
  ReasonCode.ServerBusy,
  ReasonCode.QuotaExceeded,
  ReasonCode.ConnectionRateExceeded,
])

/** The reason code for DISCONNECT where a live session is refused. */
export const refusalAfterConnack = (reasonCode: RefusalCode): RefusalCode =>
  AFTER_CONNACK.has(reasonCode) ? reasonCode : ReasonCode.NotAuthorized
