// Where clients are sent that are not served here. Asked by gate.ts, answer-fault.ts and link.ts.
import type { Config } from '../config/schema.ts'
import { ReasonCode } from '../packet/reason-codes.ts'

type Redirect = Config['redirect']

/** Undefined: nowhere. */
export function redirectionOf({ serverReference, isPermanent }: Redirect): ReasonCode | undefined {
  if (serverReference === '') return undefined
  return isPermanent ? ReasonCode.ServerMoved : ReasonCode.UseAnotherServer
}

/** The property that goes with a reason code: only these two have one. */
export function referenceFor(
  reasonCode: ReasonCode,
  { serverReference }: Redirect,
): { serverReference?: string } {
  const isRedirection = reasonCode === ReasonCode.UseAnotherServer || reasonCode === ReasonCode.ServerMoved
  return isRedirection ? { serverReference } : {}
}
