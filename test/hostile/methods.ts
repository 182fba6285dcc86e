// Authentication methods for hostile clients to play with: one that answers as it is told, and SCRAM without users.
import type { AuthenticationAnswer, AuthenticationMethod } from '../../src/authentication/method.ts'
import { scramSha256 } from '../../src/authentication/scram.ts'

export const OBEY = 'obey'

/** The first byte of the data decides, modulo their number. */
const ANSWERS: readonly ((data: Buffer) => AuthenticationAnswer | Promise<AuthenticationAnswer>)[] = [
  (data) => ({ kind: 'continue', data }),
  (data) => ({ kind: 'accept', identity: 'ada', data }),
  () => ({ kind: 'refuse', why: 'asked to' }),
  (data) => new Promise((resolve) => setImmediate(() => resolve({ kind: 'continue', data }))),
  () => new Promise((resolve) => setImmediate(() => resolve({ kind: 'accept', identity: 'ada' }))),
]

const obey: AuthenticationMethod = {
  name: OBEY,
  begin:
    () =>
    (data = Buffer.alloc(1)) =>
      ANSWERS[(data[0] ?? 0) % ANSWERS.length]?.(data) ?? { kind: 'refuse', why: 'no answer' },
}

export const METHODS: readonly AuthenticationMethod[] = [
  obey,
  scramSha256({ verifierOf: () => undefined, secret: 'hostile', iterations: 4_096 }),
]
