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

const WRONG: Verdict = {
  kind: 'refuse',
  reasonCode: ReasonCode.BadUserNameOrPassword,
  why: 'wrong password, or none',
}

export function passwordAuthenticator(users: Watched<Users>, hashing: Hashing): Authenticator {
  const authenticate = async ({ userName, password }: AuthenticatingClient): Promise<Verdict> => {
    if (userName === undefined) return { kind: 'ignore' }
    const kept = users.value.passwordOf(userName)
    const isHashed = password !== undefined && password.length <= PASSWORD_BYTES_MAX
    const { text, hash } = kept ?? { text: '', hash: users.value.stranger }
    const isRight = isHashed && (await hashing.isRight(text, hash, password))
    if (kept === undefined) return { kind: 'ignore' }
    if (!isRight) return WRONG
    const holds = (): boolean => users.value.passwordOf(userName)?.text === kept.text
    return { kind: 'accept', identity: userName, holds }
  }
  return { name: 'password-file', authenticate }
}
