// An authentication method: what CONNECT names, and what the Authentication Data of CONNECT and AUTH means. It knows
// neither sockets nor packets; scram-sha-256.ts is one, who embeds the broker may bring more, exchange.ts runs them.
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Eventual } from './eventually.ts'

export interface AuthenticationMethod {
  /** As clients name it in CONNECT. */
  readonly name: string
  /** A new exchange with one client, at its CONNECT and again for each re-authentication. */
  begin(client: AuthenticatingClient): AuthenticationStep
}

/** What a client says of itself before anybody has looked into it. */
export interface AuthenticatingClient {
  /** Empty: it leaves the choice to the broker. */
  readonly clientId: string
  readonly userName: string | undefined
  readonly address: string
}

/** From what the client sent to what it is answered. Undefined: the packet had no Authentication Data. */
export type AuthenticationStep = (data: Buffer | undefined) => Eventual<AuthenticationAnswer>

export type AuthenticationAnswer =
  /** Go on: `data` goes to the client, and what it sends back is the next step. */
  | { readonly kind: 'continue'; readonly data?: Buffer | undefined }
  /** `identity` is who it is, and owns the session. `data` goes with CONNACK, or with the AUTH that says Success. */
  | { readonly kind: 'accept'; readonly identity: string; readonly data?: Buffer | undefined }
  /** `why` is for the log alone. `data` goes with CONNACK; after it there is nothing to carry it. */
  | {
      readonly kind: 'refuse'
      readonly why: string
      /** Default: Not authorized. */
      readonly reasonCode?: RefusalCode
      readonly data?: Buffer | undefined
    }

/** Those a method may refuse with: they suit CONNACK. */
const REFUSAL_CODES = [
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.BadUserNameOrPassword,
  ReasonCode.NotAuthorized,
  ReasonCode.ServerUnavailable,
  ReasonCode.ServerBusy,
  ReasonCode.Banned,
  ReasonCode.QuotaExceeded,
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

export const isRefusalCode = (reasonCode: number): boolean =>
  (REFUSAL_CODES as readonly number[]).includes(reasonCode)

/** Those of them that DISCONNECT has too. */
const AFTER_CONNACK: ReadonlySet<RefusalCode> = new Set([
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.NotAuthorized,
  ReasonCode.ServerBusy,
  ReasonCode.QuotaExceeded,
])

/** The reason code for DISCONNECT where a live session is refused. */
export const refusalAfterConnack = (reasonCode: RefusalCode): RefusalCode =>
  AFTER_CONNACK.has(reasonCode) ? reasonCode : ReasonCode.NotAuthorized
