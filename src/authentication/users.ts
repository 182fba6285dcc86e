// Users and what is kept of their passwords, from a file: `authentication.passwordFile`, `authentication.scramFile`.
// Made by files-of-users.ts; password-authenticator.ts and scram.ts look users up.
//
//   # ward 3
//   ada:$7$101$...                        as mosquitto_passwd and godwit passwd write it
//   grace:SCRAM-SHA-256$15000:...$...:... this and one of SCRAM-SHA-512 may stand beside a password
import { isUtf8 } from 'node:buffer'
import { GodwitError } from '../base/errors.ts'
import { type PasswordHash, parsePasswordHash, passwordHashLike } from './password-hash.ts'
import { prepareStored } from './saslprep.ts'
import type { ShownForUnknown } from './scram.ts'
import { KEY_BYTES, type ScramHash, type ScramVerifier } from './scram-verifier.ts'

/** A name may have colons in it: the hash begins behind the last that one of the forms follows. */
const LINE = /^(.*):((?:\$6\$|\$7\$|\$argon2id\$|SCRAM-SHA-(?:256|512)\$).*)$/s

export interface KeptPassword {
  /** As it stands in the file: two that are equal are one. */
  readonly text: string
  readonly hash: PasswordHash
}

export interface KeptVerifier {
  readonly text: string
  readonly verifier: ScramVerifier
}

interface User {
  readonly name: string
  readonly line: number
  password: KeptPassword | undefined
  readonly verifiers: Map<ScramHash, KeptVerifier>
}

export interface UsersSettings {
  /** For messages. */
  readonly path: string
  /** Nothing but verifiers of SCRAM may stand in it. */
  readonly isScramOnly: boolean
}

export class Users {
  /** By the form in which names are compared. */
  readonly #users = new Map<string, User>()
  readonly #shown: Readonly<Record<ScramHash, ShownForUnknown>>
  /** For everybody who is not there. */
  readonly stranger: PasswordHash

  /** Throws ERR_GODWIT_CONFIG_INVALID with a line for each mistake. */
  constructor(content: Buffer, settings: UsersSettings) {
    const { path } = settings
    if (!isUtf8(content)) throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', `${path}: it is not UTF-8`)
    const problems: string[] = []
    for (const [index, line] of linesOf(content).entries()) {
      const problem = isRemark(line) ? undefined : this.#add(line, index + 1, settings)
      if (problem !== undefined) problems.push(`${path}:${index + 1}: ${problem}`)
    }
    // Half-written, or not the one that was meant: in neither case is it a decision to let nobody in.
    if (problems.length === 0 && this.#users.size === 0) problems.push(`${path}: there is no user in it`)
    if (problems.length > 0) throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', problems.join('\n'))
    const hashes = [...this.#users.values()].flatMap((user) => passwordOf(user)?.hash ?? [])
    this.#shown = { 'SHA-256': this.#usual('SHA-256'), 'SHA-512': this.#usual('SHA-512') }
    this.stranger = passwordHashLike(mostFrequent(hashes, costOf) as PasswordHash)
  }

  /** Of the user whose name is this, letter by letter. */
  passwordOf(name: string): KeptPassword | undefined {
    const user = this.#users.get(comparedAs(name))
    return user?.name === name ? passwordOf(user) : undefined
  }

  /** `name` in the form of SASLprep. */
  verifierOf(hash: ScramHash, name: string): KeptVerifier | undefined {
    return this.#users.get(name)?.verifiers.get(hash)
  }

  /** How those look who have a verifier, for showing the same of those who have none. */
  shownFor(hash: ScramHash): ShownForUnknown {
    return this.#shown[hash]
  }

  #usual(hash: ScramHash): ShownForUnknown {
    const verifiers = [...this.#users.values()].flatMap((user) => user.verifiers.get(hash)?.verifier ?? [])
    const iterations = mostFrequent(
      verifiers.map((verifier) => verifier.iterations),
      String,
    )
    const saltBytes = mostFrequent(
      verifiers.map(({ salt }) => salt.length),
      String,
    )
    return { ...(iterations !== undefined && { iterations }), ...(saltBytes !== undefined && { saltBytes }) }
  }

  /** What is wrong with the line, without its secrets. */
  #add(line: string, number: number, { isScramOnly }: UsersSettings): string | undefined {
    const { name, hash: text } = userOnLine(line) ?? {}
    if (name === undefined || text === undefined)
      return 'a line is user:hash; godwit passwd -U makes hashes of passwords'
    const isScram = text.startsWith('SCRAM-')
    if (name === '' || (isScram && prepareStored(name) === undefined)) {
      return 'the user name is empty, or SASLprep refuses it'
    }
    if (isScramOnly && !isScram) return 'this is no verifier of SCRAM'
    const hash = parsePasswordHash(text)
    if (hash === undefined && isScram) {
      return 'the verifier is not in the form of PostgreSQL, or below 4096 iterations'
    }
    if (hash === undefined) return 'the hash is not in a form of mosquitto_passwd, or costs too much'
    return this.#addHash(name, number, { text, hash })
  }

  #addHash(name: string, line: number, { text, hash }: KeptPassword): string | undefined {
    const key = comparedAs(name)
    const user = this.#users.get(key) ?? { name, line, password: undefined, verifiers: new Map() }
    const isThere =
      hash.kind === 'scram' ? user.verifiers.has(hash.verifier.hash) : user.password !== undefined
    if (isThere) return 'the user is there already'
    // Who proves to be the one would be taken for the other.
    if (user.name !== name) return `the user of line ${user.line} in another spelling`
    if (hash.kind === 'scram') user.verifiers.set(hash.verifier.hash, { text, verifier: hash.verifier })
    else user.password = { text, hash }
    this.#users.set(key, user)
    return undefined
  }
}

/** Their lines, without what some editors put before the first. */
const linesOf = (content: Buffer): string[] =>
  content
    .toString()
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)

export const isRemark = (line: string): boolean => line.trim() === '' || line.startsWith('#')

/** What a line says; undefined: it is none of a user with a hash. */
export function userOnLine(line: string): { readonly name: string; readonly hash: string } | undefined {
  const [, name, hash] = (isRemark(line) ? undefined : LINE.exec(line.trimEnd())) ?? []
  return name === undefined || hash === undefined ? undefined : { name, hash }
}

const comparedAs = (name: string): string => prepareStored(name) ?? name

/** A verifier of SCRAM will do for a password. */
function passwordOf({ password, verifiers }: User): KeptPassword | undefined {
  const kept = verifiers.get('SHA-256') ?? verifiers.get('SHA-512')
  if (password !== undefined || kept === undefined) return password
  return { text: kept.text, hash: { kind: 'scram', verifier: kept.verifier } }
}

/** The same for all that take as long to check. */
function costOf(hash: PasswordHash): string {
  switch (hash.kind) {
    case 'sha512':
      return hash.kind
    case 'sha512-pbkdf2':
      return `${hash.kind} ${hash.iterations}`
    case 'argon2id':
      return `${hash.kind} ${hash.memoryKib} ${hash.passes} ${hash.lanes}`
    case 'scram':
      return `SCRAM ${KEY_BYTES[hash.verifier.hash]} ${hash.verifier.iterations}`
  }
}

/** The first of them where several are; undefined for none. */
function mostFrequent<Value>(values: readonly Value[], keyOf: (value: Value) => string): Value | undefined {
  const groups = new Map<string, Value[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group === undefined) groups.set(keyOf(value), [value])
    else group.push(value)
  }
  return [...groups.values()].sort((a, b) => b.length - a.length)[0]?.[0]
}
