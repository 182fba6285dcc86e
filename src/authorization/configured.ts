// The rules and the authorizers that the options ask for. Made once, by server.ts.
import type { FileWatch, Watched } from '../base/file-watch.ts'
import type { Config } from '../config/schema.ts'
import { parseAclFile } from './acl-file.ts'
import type { Authorizer } from './authorizer.ts'
import { httpAuthorizer } from './http-authorizer.ts'
import type { RuleSet } from './rule-set.ts'

export interface ConfiguredParts {
  readonly settings: Config['authorization']
  readonly files: FileWatch
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Of a program. */
  readonly functions: Authorizer
  /** The file has been loaded anew. Must not throw. */
  readonly rulesChanged: (rules: RuleSet) => void
}

export interface Configured {
  /** Undefined: there is no file. */
  readonly rules: Watched<RuleSet> | undefined
  /** In the order in which they are asked. */
  readonly authorizers: readonly Authorizer[]
}

/** Rejects with ERR_GODWIT_CONFIG_*. */
export async function configuredAuthorization(parts: ConfiguredParts): Promise<Configured> {
  const { settings, files, now, functions, rulesChanged } = parts
  const { aclFile, http } = settings
  const hasFunctions = Object.values(functions).some((each) => each !== undefined)
  const authorizers = [
    ...(http.url === '' ? [] : [httpAuthorizer(settings, now)]),
    ...(hasFunctions ? [functions] : []),
  ]
  if (aclFile === '') return { rules: undefined, authorizers }
  const rules = await files.watch({
    option: 'authorization.aclFile',
    paths: [aclFile],
    isSecret: false,
    load: ([content]) => parseAclFile(aclFile, content as Buffer),
    changed: rulesChanged,
  })
  return { rules, authorizers }
}
