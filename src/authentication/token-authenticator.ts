// A token as the password of CONNECT. What does not look like one is left to the next authenticator.
import type { Eventual } from '../base/eventually.ts'
import type { Authenticator, Verdict } from './authenticator.ts'
import type { AuthenticatingClient } from './client.ts'
import type { Tokens } from './tokens.ts'

/** A JSON object in base64url, and two parts more: the signature may be missing, and then it is refused. */
const FORM = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/

export const tokenAuthenticator = (tokens: Tokens): Authenticator => ({
  name: 'jwt',
  authenticate(client: AuthenticatingClient): Eventual<Verdict> {
    const text = client.password?.toString('latin1') ?? ''
    return FORM.test(text) ? tokens.verdictOf(text, client) : { kind: 'ignore' }
  },
})
