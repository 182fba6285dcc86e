// The methods and authenticators that the options ask for. Made once, by server.ts.
import type { FileWatch } from '../base/file-watch.ts'
import type { Config } from '../config/schema.ts'
import type { Authenticator } from './authenticator.ts'
import { readFilesOfUsers } from './files-of-users.ts'
import { httpAuthenticator } from './http-authenticator.ts'
import type { AuthenticationMethod } from './method.ts'
import { tlsAuthenticator } from './tls-authenticator.ts'
import { tokenAuthenticator } from './token-authenticator.ts'
import { tokenKeys } from './token-keys.ts'
import { tokenMethod } from './token-method.ts'
import { Tokens } from './tokens.ts'

export interface ConfiguredParts {
  readonly settings: Config['authentication']
  readonly files: FileWatch
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** From a program; undefined: it has none. */
  readonly authenticate: Authenticator['authenticate'] | undefined
}

export interface Configured {
  readonly methods: readonly AuthenticationMethod[]
  /** In no order: that is `authentication.order`. */
  readonly authenticators: readonly Authenticator[]
}

/** Rejects with ERR_GODWIT_CONFIG_*. */
export async function configuredAuthentication(parts: ConfiguredParts): Promise<Configured> {
  const { settings, files, now, authenticate } = parts
  const users = await readFilesOfUsers(settings, files)
  const keys = await tokenKeys(settings.jwt, files, now)
  const tokens = keys && new Tokens(keys, settings.jwt, now)
  const authenticators: Authenticator[] = [
    tlsAuthenticator,
    ...users.authenticators,
    ...(tokens === undefined ? [] : [tokenAuthenticator(tokens)]),
    ...(settings.http.url === '' ? [] : [httpAuthenticator(settings.http, now)]),
    ...(authenticate === undefined ? [] : [{ name: 'function', authenticate }]),
  ]
  return {
    methods: [...users.methods, ...(tokens === undefined ? [] : [tokenMethod(tokens)])],
    authenticators,
  }
}
