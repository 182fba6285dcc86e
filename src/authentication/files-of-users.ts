// The files of users that the options name, and what they are for: `passwordFile` for passwords in CONNECT and for
// SCRAM where it has verifiers, `scramFile` for SCRAM alone. Read at the start, by server.ts, and when they change.
import type { FileWatch, Watched } from '../base/file-watch.ts'
import type { Config } from '../config/schema.ts'
import type { Authenticator } from './authenticator.ts'
import { Hashing } from './hashing.ts'
import type { AuthenticationMethod } from './method.ts'
import { passwordAuthenticator } from './password-authenticator.ts'
import { scramMethod } from './scram.ts'
import type { ScramHash } from './scram-verifier.ts'
import { Users } from './users.ts'

type Settings = Pick<
  Config['authentication'],
  'passwordFile' | 'scramFile' | 'scramSecret' | 'hashesAtOnceMax'
>

export interface FilesOfUsers {
  readonly methods: readonly AuthenticationMethod[]
  readonly authenticators: readonly Authenticator[]
}

/** Rejects with ERR_GODWIT_CONFIG_UNREADABLE, or ERR_GODWIT_CONFIG_INVALID with a line a mistake. */
export async function readFilesOfUsers(settings: Settings, files: FileWatch): Promise<FilesOfUsers> {
  const { passwordFile, scramFile, scramSecret, hashesAtOnceMax } = settings
  const withPasswords = await read('passwordFile', passwordFile, files)
  const forScram = await read('scramFile', scramFile, files)
  const all = [forScram, withPasswords].filter((users) => users !== undefined)
  return {
    methods:
      all.length === 0
        ? []
        : (['SHA-256', 'SHA-512'] as const).map((hash) => scramOf(all, hash, scramSecret)),
    authenticators:
      withPasswords === undefined ? [] : [passwordAuthenticator(withPasswords, new Hashing(hashesAtOnceMax))],
  }
}

async function read(
  option: 'passwordFile' | 'scramFile',
  path: string,
  files: FileWatch,
): Promise<Watched<Users> | undefined> {
  if (path === '') return undefined
  return files.watch({
    option: `authentication.${option}`,
    paths: [path],
    isSecret: true,
    load: ([content]) => new Users(content as Buffer, { path, isScramOnly: option === 'scramFile' }),
  })
}

/** `secret` may be empty. The first of the files that has the user has it. */
function scramOf(all: readonly Watched<Users>[], hash: ScramHash, secret: string): AuthenticationMethod {
  const keptOf = (user: string) =>
    all.map(({ value }) => value.verifierOf(hash, user)).find((kept) => kept !== undefined)
  const verifierOf = (user: string) => {
    const kept = keptOf(user)
    return kept && { verifier: kept.verifier, holds: () => keptOf(user)?.text === kept.text }
  }
  const shown = () => ({
    ...all.map(({ value }) => value.shownFor(hash)).find(({ iterations }) => iterations !== undefined),
    ...(secret !== '' && { secret }),
  })
  return scramMethod(hash, verifierOf, shown)
}
