// `godwit passwd`: users of a password file. The whole file is read, changed, checked and put in the place of the old
// one, so that a running broker never sees half of it.
import { readFile } from 'node:fs/promises'
import { withHashes, withoutUser, withUser } from '../authentication/edit-users.ts'
import { makePasswordHash } from '../authentication/password-hash.ts'
import { ITERATIONS_MIN, scramVerifier } from '../authentication/scram-verifier.ts'
import { isRemark, Users } from '../authentication/users.ts'
import { GodwitError } from '../base/errors.ts'
import { unreadable } from '../base/unreadable.ts'
import { writeAtomically } from '../base/write-atomically.ts'
import { readPassword } from './read-password.ts'

export const HASHES = ['argon2id', 'sha512-pbkdf2', 'sha512', 'scram-sha-256', 'scram-sha-512'] as const

export interface PasswdFlags {
  readonly create?: true
  readonly batch?: true
  readonly delete?: true
  readonly upgrade?: true
  readonly hash: (typeof HASHES)[number]
  readonly iterations?: number
}

export interface PasswdRequest extends PasswdFlags {
  readonly file: string
  readonly user: string | undefined
  readonly password: string | undefined
}

/** Ends the program with a line that says what it was told wrongly. */
type Refuse = (problem: string) => never

/** Rejects with the GodwitError of a file that cannot be read, is not as it should be, or cannot be written. */
export async function passwd(request: PasswdRequest, refuse: Refuse): Promise<void> {
  const { file, user, upgrade } = request
  checkArguments(request, refuse)
  const old = request.create ? '' : await read(file)
  if (upgrade) return write(file, await upgraded(old, request, refuse))
  const name = user as string
  if (request.delete) {
    return write(file, withoutUser(old, name) ?? refuse(`there is no user ${name} in ${file}`))
  }
  const password = request.password ?? (await readPassword()) ?? refuse('the passwords are not the same')
  if (password === '') refuse('the password is empty')
  await write(file, withUser(old, name, await hashOf(password, request)))
}

function checkArguments(
  { user, password, batch, upgrade, hash, iterations }: PasswdRequest,
  refuse: Refuse,
): void {
  if (upgrade && user !== undefined) refuse('-U takes a file and nothing else')
  if (!upgrade && user === undefined) refuse('a user name is needed')
  if (batch && password === undefined) refuse('-b needs a password behind the user name')
  if (!batch && password !== undefined) refuse('a password on the command line needs -b')
  if (user !== undefined) checkName(user, refuse)
  const takesIterations = hash === 'sha512-pbkdf2' || hash.startsWith('scram-')
  if (iterations === undefined) return
  if (!takesIterations) refuse(`${hash} has no iterations`)
  if (hash.startsWith('scram-') && iterations < ITERATIONS_MIN) {
    refuse(`SCRAM has ${ITERATIONS_MIN} iterations at least`)
  }
}

function checkName(name: string, refuse: Refuse): void {
  if (name === '') refuse('the user name is empty')
  if (/[:\0\r\n]/.test(name)) refuse('a user name has no colon, no null and no line end in it')
  if (name.startsWith('#')) refuse('a line that begins with # is a comment')
}

async function upgraded(old: string, request: PasswdRequest, refuse: Refuse): Promise<string> {
  let count = 0
  const result = await withHashes(old, async (password) => {
    const hash = await hashOf(password, request)
    if (process.stderr.isTTY) process.stderr.write(`\r${++count} hashed`)
    return hash
  })
  if (count > 0) process.stderr.write('\n')
  if ('text' in result) return result.text
  return refuse(`${request.file}:${result.badLine}: a line is user:password`)
}

function hashOf(password: string, { hash, iterations }: PasswdRequest): Promise<string> {
  switch (hash) {
    case 'scram-sha-256':
    case 'scram-sha-512': {
      const options = { hash: hash === 'scram-sha-256' ? 'SHA-256' : 'SHA-512' } as const
      return scramVerifier(password, { ...options, ...(iterations !== undefined && { iterations }) })
    }
    default:
      return makePasswordHash(hash, Buffer.from(password), iterations)
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const error = unreadable('the password file', file, cause as NodeJS.ErrnoException)
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new GodwitError(error.code, `${error.message}; -c makes one`, { cause })
  }
}

/** Only what a broker would take; what was wrong in the file before is told with its line. */
async function write(file: string, text: string): Promise<void> {
  if (text.split('\n').every(isRemark))
    process.stderr.write('no user is left: godwit does not start with such a file\n')
  else new Users(Buffer.from(text), { path: file, isScramOnly: false })
  try {
    await writeAtomically(file, text)
  } catch (cause) {
    const { message } = cause as Error
    throw new GodwitError('ERR_GODWIT_CONFIG_UNWRITABLE', `cannot write ${file}: ${message}`, { cause })
  }
}
