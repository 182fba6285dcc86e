// A broker with rules, in the kit's way. Whoever names a user is taken for that user, with the rights that stand as
// JSON in the password, if one does.
import { cp } from 'node:fs/promises'
import { onTestFinished } from 'vitest'
import type { Authenticator } from '../../src/authentication/authenticator.ts'
import { parseAclFile } from '../../src/authorization/acl-file.ts'
import type { RuleSet } from '../../src/authorization/rule-set.ts'
import type { RightsLost } from '../../src/broker/events.ts'
import type { Rights } from '../../src/topic/rights.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { TestBroker, type TestBrokerOptions } from '../kit/test-broker.ts'

export const rulesOf = (lines: readonly string[]): RuleSet =>
  parseAclFile('acl', Buffer.from(lines.join('\n')))

const believing: Authenticator = {
  name: 'function',
  authenticate: ({ userName, password }) => {
    if (userName === undefined) return { kind: 'ignore' }
    const rights = password === undefined ? undefined : (JSON.parse(password.toString()) as Rights)
    return { kind: 'accept', identity: userName, rights }
  },
}

/** Fields of a CONNECT. */
export const as = (username: string, rights?: Rights): Record<string, unknown> => ({
  username,
  ...(rights && { password: Buffer.from(JSON.stringify(rights)) }),
})

/** A session of so many seconds, that goes on. */
export const kept = (fields: Record<string, unknown> = {}, sessionExpiryInterval = 1_000) => ({
  clean: false,
  ...fields,
  properties: { sessionExpiryInterval },
})

export interface Ruled {
  readonly kit: TestBroker
  readonly lost: RightsLost[]
  /** Now, and at the next start. */
  change(...lines: string[]): void
  /** Another one over what a crash would leave now. On the level store. */
  afterCrash(...lines: string[]): Promise<Ruled>
}

/** No lines: there is no file. */
export async function openRuled(lines: readonly string[], options: TestBrokerOptions = {}): Promise<Ruled> {
  return ruledOver(options.store === 'level' ? await temporaryFolder() : undefined, lines, options)
}

export async function ruledOver(
  path: string | undefined,
  lines: readonly string[],
  options: TestBrokerOptions = {},
): Promise<Ruled> {
  let rules = lines.length === 0 ? undefined : rulesOf(lines)
  const given = { allowAnonymous: true, authenticators: [believing], ...options }
  const kit = new TestBroker(
    Object.defineProperty(given, 'rules', { get: () => rules, enumerable: true }),
    path,
  )
  await kit.open()
  onTestFinished(() => kit.close())
  const lost: RightsLost[] = []
  kit.broker.on('rightsLost', (each) => lost.push(each))
  return {
    kit,
    lost,
    change: (...changed) => {
      rules = rulesOf(changed)
      kit.broker.replaceRules(rules)
    },
    afterCrash: async (...changed) => {
      const copy = await temporaryFolder()
      // What is on the disk while the broker runs is what a crash would leave.
      await cp(path as string, copy, { recursive: true })
      return ruledOver(copy, changed, options)
    },
  }
}
