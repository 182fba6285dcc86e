// What a client's token, or whoever let it in, says that it may do: rules that come after those of the file.
import type { Rights } from '../topic/rights.ts'
import { Access } from './access.ts'
import { CLIENT_ID, USER_NAME } from './rule.ts'
import { RuleTrie } from './rule-trie.ts'

/** The filters must be valid. */
export function rulesOfClaims({ publish, subscribe }: Rights): RuleTrie {
  const rules = new RuleTrie(true)
  const add = (topicFilter: string, access: number, name: keyof Rights): void =>
    rules.add({
      topicFilter: withOurPlaceholders(topicFilter),
      access,
      isDeny: false,
      origin: `claim rights.${name}: ${topicFilter}`,
    })
  for (const topicFilter of publish) add(topicFilter, Access.Write, 'publish')
  for (const topicFilter of subscribe) add(topicFilter, Access.Read, 'subscribe')
  return rules
}

const theirPlaceholders = new Map([
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how they are written elsewhere.
  ['${clientid}', CLIENT_ID],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how they are written elsewhere.
  ['${username}', USER_NAME],
])

const withOurPlaceholders = (topicFilter: string): string =>
  topicFilter
    .split('/')
    .map((level) => theirPlaceholders.get(level) ?? level)
    .join('/')
