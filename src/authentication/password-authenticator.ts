// User name and password of CONNECT against a file of users. Made by files-of-users.ts.
//
// Whoever asks learns nothing of who is there: a stranger is hashed for as everybody is, and told no more.
import type { Watched } from '../base/file-watch.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Authenticator, Verdict } from './authenticator.ts'
import type { AuthenticatingClient } from './client.ts'
import type { Hashing } from './hashing.ts'
import type { Users } from './users.ts'

/** More makes no password safer, and the one who checks it slower. */
const PASSWORD_BYTES_MAX = 1_024

const refusal = (why: string): Verdict => ({
  kind: 'refuse',
  reasonCode: ReasonCode.BadUserNameOrPassword,
  why,
})

export function passwordAuthenticator(users: Watched<Users>, hashing: Hashing): Authenticator {
  const authenticate = async ({ userName, password }: AuthenticatingClient): Promise<Verdict> => {
    if (userName === undefined) return { kind: 'ignore' }
    if (password === undefined) return refusal('a user name without a password')
    if (password.length > PASSWORD_BYTES_MAX) return refusal('the password is too long')
    const kept = users.value.passwordOf(userName)
    const isRight = await hashing.isRight(kept?.text ?? '', kept?.hash ?? users.value.stranger, password)
    if (kept === undefined) return { kind: 'ignore' }
    if (!isRight) return refusal('wrong password')
    const holds = (): boolean => users.value.passwordOf(userName)?.text === kept.text
    return { kind: 'accept', identity: userName, holds }
  }
  return { name: 'password-file', authenticate }
}
