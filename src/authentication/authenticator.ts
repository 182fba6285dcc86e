// An authenticator: looks at what a client says of itself in CONNECT, and decides or leaves it to the next one. It
// knows neither sockets nor packets; chain.ts asks them in order.
import type { Eventual } from '../base/eventually.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Rights } from '../topic/rights.ts'
import type { AuthenticatingClient } from './client.ts'
import { isFilters } from './rights.ts'

export interface Authenticator {
  /** As `authentication.order` names it. */
  readonly name: string
  /** False: user name and password say nothing to it. Default: true. */
  readonly looksAtUserName?: boolean
  /** What it throws, or answers that is no verdict, refuses the client and is logged as an error. */
  authenticate(client: AuthenticatingClient): Eventual<Verdict>
}

export type Verdict = { readonly kind: 'ignore' } | Admission | Refusal

export interface Admission {
  readonly kind: 'accept'
  /** Who it is, never empty; owns the session. Most often the user name. */
  readonly identity: string
  /** Takes the place of the one in CONNECT. */
  readonly clientId?: string | undefined
  /** Undefined: nothing is said about them. */
  readonly rights?: Rights | undefined
  /** Milliseconds since the epoch: then the client is disconnected, unless it has authenticated anew. */
  readonly expiresAt?: number | undefined
  /** Asked when files have been read anew; false: the client is disconnected. */
  readonly holds?: (() => boolean) | undefined
}

export interface Refusal {
  readonly kind: 'refuse'
  /** For the log alone. */
  readonly why: string
  /** Default: Not authorized. */
  readonly reasonCode?: RefusalCode | undefined
}

const STRING_BYTES_MAX = 65_535

/** Who is let in without having proved anything. Only the chain answers it. */
export const ANONYMOUS: Admission = Object.freeze({ kind: 'accept', identity: '' })

/** Those a client may be refused with: they suit CONNACK. */
const REFUSAL_CODES = [
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.ClientIdentifierNotValid,
  ReasonCode.BadUserNameOrPassword,
  ReasonCode.NotAuthorized,
  ReasonCode.ServerUnavailable,
  ReasonCode.ServerBusy,
  ReasonCode.Banned,
  ReasonCode.QuotaExceeded,
  ReasonCode.ConnectionRateExceeded,
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** Of a verdict from anywhere, also from where no compiler has looked. */
export const isRefusal = ({ reasonCode }: Refusal): boolean =>
  reasonCode === undefined || (REFUSAL_CODES as readonly number[]).includes(reasonCode)

export function isAdmission(answer: Admission): boolean {
  const { identity, clientId, rights, expiresAt } = answer
  return (
    answer === ANONYMOUS ||
    (isName(identity) &&
      (clientId === undefined || isName(clientId)) &&
      (rights === undefined || (isFilters(rights.publish) && isFilters(rights.subscribe))) &&
      (expiresAt === undefined || Number.isFinite(expiresAt)))
  )
}

/** Not empty, and what a packet could say. */
function isName(name: unknown): boolean {
  if (typeof name !== 'string' || name === '' || name.includes('\0')) return false
  const bytes = Buffer.from(name)
  return bytes.length <= STRING_BYTES_MAX && bytes.toString() === name
}
