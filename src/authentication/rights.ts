// The rights that a token or an HTTP service states, from their JSON:
//
//   { "pub": [filter, ...], "sub": [filter, ...], "all": [filter, ...] }
//   [ { "permission": "allow", "action": "publish" | "subscribe" | "all", "topic" | "topics": ... }, ... ]    as EMQX
//
// Rights are all that is allowed, so a rule that denies cannot be said in them:
// only the last one, if it denies everything.
import type { Rights } from '../topic/rights.ts'
import { topicFilterProblem } from '../topic/topic-filter.ts'

const FILTERS_MAX = 1_000
const FILTER_LEVELS_MAX = 1_000

/** Throws TypeError, whose text is for the log, for what does not state rights. */
export function rightsFrom(value: unknown): Rights {
  return Array.isArray(value) ? rightsOfRules(value) : rightsOfLists(groupOf(value))
}

function rightsOfLists(lists: Readonly<Record<string, unknown>>): Rights {
  const unknown = Object.keys(lists).find((name) => !['pub', 'sub', 'all'].includes(name))
  if (unknown !== undefined) throw new TypeError('rights have lists pub, sub and all, and no others')
  const [pub, sub, all] = [lists.pub, lists.sub, lists.all].map((list) => filtersOf(list ?? []))
  return made([...(pub ?? []), ...(all ?? [])], [...(sub ?? []), ...(all ?? [])])
}

function rightsOfRules(rules: readonly unknown[]): Rights {
  const publish: string[] = []
  const subscribe: string[] = []
  for (const [index, each] of rules.entries()) {
    const { permission, action, topic, topics, ...more } = groupOf(each)
    const filters = filtersOf(topics ?? [topic])
    const isWhole = Object.keys(more).length === 0 && ['publish', 'subscribe', 'all'].includes(String(action))
    const deniesAll = permission === 'deny' && action === 'all' && filters.join() === '#'
    if (deniesAll && isWhole && index === rules.length - 1) break
    if (permission !== 'allow' || !isWhole) throw new TypeError('a rule that lists of rights cannot say')
    if (action !== 'subscribe') publish.push(...filters)
    if (action !== 'publish') subscribe.push(...filters)
  }
  return made(publish, subscribe)
}

function made(publish: readonly string[], subscribe: readonly string[]): Rights {
  if (publish.length + subscribe.length > FILTERS_MAX) throw new TypeError('more rights than are taken')
  return Object.freeze({ publish: Object.freeze(publish), subscribe: Object.freeze(subscribe) })
}

function groupOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>
  throw new TypeError('rights are neither lists nor rules')
}

function filtersOf(list: unknown): readonly string[] {
  if (!isFilters(list)) throw new TypeError('rights are lists of valid topic filters')
  return list
}

export const isFilters = (list: unknown): list is readonly string[] =>
  Array.isArray(list) &&
  list.every(
    (filter) => typeof filter === 'string' && topicFilterProblem(filter, FILTER_LEVELS_MAX) === undefined,
  )
