// The small world of the simulation: few topics and filters, so that they meet all the time.
import { matches } from '../topic/matches.ts'

export const CLIENTS = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'] as const

/** The will of each client goes to the topic with its number: so no two wills that are due together meet there. */
export const TOPICS = ['a', 'a/b', 'a/b/c', 'b', 'b/b', 'c/a', 'c', '$d/a'] as const

/** No two shares have a topic in common: which of them a message came through could not be told otherwise. */
export const FILTERS = [
  '#',
  '+',
  'a/#',
  'a/+',
  '+/b',
  'b',
  'c/a',
  '$d/#',
  '$share/one/a/#',
  '$share/two/b/#',
  '$share/two/+/a',
] as const

export interface SplitFilter {
  /** Empty: not shared. */
  readonly shareName: string
  readonly plain: string
}

function split(topicFilter: string): SplitFilter {
  const shared = /^\$share\/([^/]+)\/(.+)$/.exec(topicFilter)
  return { shareName: shared?.[1] ?? '', plain: shared?.[2] ?? topicFilter }
}

const splits = new Map<string, SplitFilter>(FILTERS.map((filter) => [filter, split(filter)]))
export const splitFilter = (topicFilter: string): SplitFilter => splits.get(topicFilter) as SplitFilter

const matching = new Map<string, readonly string[]>(
  TOPICS.map((topic) => [topic, FILTERS.filter((filter) => matches(split(filter).plain, topic))]),
)

/** Shared or not. */
export const filtersFor = (topic: string): readonly string[] => matching.get(topic) ?? []
export const topicsFor = (topicFilter: string): string[] =>
  TOPICS.filter((topic) => filtersFor(topic).includes(topicFilter))
