// One rule about a topic filter, and whom rules are asked about.
import { filterMatches } from '../topic/filter-matches.ts'
import { startsWithDollar } from '../topic/level.ts'
import { isWildcard } from '../topic/topic-filter.ts'

export interface Rule {
  /** In a pattern `%c` and `%u` are levels that stand for who is asked about. */
  readonly topicFilter: string
  /** Bits of Access. */
  readonly access: number
  readonly isDeny: boolean
  /** Where it stands, and how: for those who ask why. */
  readonly origin: string
}

/** Whom rules are asked about. */
export interface Subject {
  readonly clientId: string
  /** Undefined: the client has named no user, or has not proved to be one. */
  readonly userName: string | undefined
}

export const CLIENT_ID = '%c'
export const USER_NAME = '%u'

/** In the place of a placeholder it would be more than the one level that was meant: CVE-2017-7650. */
export const isUnsafe = (name: string): boolean =>
  isWildcard(name) || name.includes('/') || startsWithDollar(name)

/** The topic filter of a pattern for `subject`; undefined: it is not about such a one. */
export function filledIn(topicFilter: string, { clientId, userName }: Subject): string | undefined {
  const levels = topicFilter.split('/').map((level) => {
    if (level === CLIENT_ID) return clientId
    return level === USER_NAME ? userName : level
  })
  return levels.includes(undefined) ? undefined : levels.join('/')
}

/** Plain and slow, for explanations and tests; rule-trie.ts asks all rules at once. */
export function matchesRule(rule: Rule, isPattern: boolean, subject: Subject, topicName: string): boolean {
  const topicFilter = isPattern ? filledIn(rule.topicFilter, subject) : rule.topicFilter
  return topicFilter !== undefined && filterMatches(topicFilter, topicName)
}
