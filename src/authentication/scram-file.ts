// The file of `authentication.scramFile`: users and their verifiers, read once, at the start, by server.ts.
//
//   # ward 3
//   ada:SCRAM-SHA-256$15000:...$...:...
import { readFileSync } from 'node:fs'
import { GodwitError } from '../base/errors.ts'
import type { AuthenticationMethod } from './method.ts'
import { prepareStored } from './saslprep.ts'
import { scramMethod } from './scram-sha-256.ts'
import { parseScramVerifier, type ScramVerifier } from './scram-verifier.ts'

/** A name may have colons in it; the verifier begins behind the last of these. */
const SEPARATOR = ':SCRAM-SHA-256$'

/** `secret` may be empty. Throws ERR_GODWIT_CONFIG_UNREADABLE, or ERR_GODWIT_CONFIG_INVALID with a line a mistake. */
export function scramFromFile(path: string, secret: string): AuthenticationMethod {
  const users = readUsers(path)
  const verifiers = [...users.values()]
  const iterations = mostFrequent(verifiers.map((verifier) => verifier.iterations))
  const saltBytes = mostFrequent(verifiers.map(({ salt }) => salt.length))
  const shown = {
    ...(secret !== '' && { secret }),
    ...(iterations !== undefined && { iterations }),
    ...(saltBytes !== undefined && { saltBytes }),
  }
  return scramMethod((user) => users.get(user), shown)
}

function readUsers(path: string): ReadonlyMap<string, ScramVerifier> {
  const users = new Map<string, ScramVerifier>()
  const problems: string[] = []
  for (const [index, line] of readLines(path).entries()) {
    const problem = isRemark(line) ? undefined : addUser(users, line)
    if (problem !== undefined) problems.push(`${path}:${index + 1}: ${problem}`)
  }
  if (problems.length > 0) throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', problems.join('\n'))
  return users
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/)
  } catch (cause) {
    const text = `cannot read the users of authentication.scramFile: ${(cause as Error).message}`
    throw new GodwitError('ERR_GODWIT_CONFIG_UNREADABLE', text, { cause })
  }
}

const isRemark = (line: string): boolean => line.trim() === '' || line.startsWith('#')

/** What is wrong with the line, without its secrets. */
function addUser(users: Map<string, ScramVerifier>, line: string): string | undefined {
  const at = line.lastIndexOf(SEPARATOR)
  if (at === -1) return 'a line is user:SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey'
  const user = prepareStored(line.slice(0, at))
  if (user === undefined) return 'the user name is empty, or SASLprep refuses it'
  const verifier = parseScramVerifier(line.slice(at + 1).trimEnd())
  if (verifier === undefined) return 'the verifier is not in the form of PostgreSQL, or below 4096 iterations'
  if (users.has(user)) return 'the user is there already'
  users.set(user, verifier)
  return undefined
}

/** The first of them where several are; undefined for none. */
function mostFrequent(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0]
}
