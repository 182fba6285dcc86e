// What two topic filters have in common, and topic names that stand for all that a filter matches. For authorization/,
// which must know whether a filter can match anything that may be read.
import { startsWithDollar, startsWithWildcard } from './level.ts'

/** In the place of a wildcard. No filter has it: U+0000 is not valid in any. */
const SOME_LEVEL = '\0'

/** The filter that matches what both match; undefined: there is nothing. Both are valid and without a share prefix. */
export function intersectFilters(one: string, other: string): string | undefined {
  if (startsWithDollar(one) && startsWithWildcard(other)) return undefined
  if (startsWithDollar(other) && startsWithWildcard(one)) return undefined
  const levels = one.split('/')
  const others = other.split('/')
  const common: string[] = []
  for (let i = 0; ; i++) {
    const level = levels[i]
    const theirs = others[i]
    // Whatever is left of the one is within the # of the other; "a/#" matches "a" too.
    if (level === '#') return filterOf([...common, ...others.slice(i)])
    if (theirs === '#') return filterOf([...common, ...levels.slice(i)])
    if (level === undefined || theirs === undefined) return level === theirs ? filterOf(common) : undefined
    if (level !== theirs && level !== '+' && theirs !== '+') return undefined
    common.push(level === '+' ? theirs : level)
  }
}

/** No topic name is empty: one empty level alone matches nothing. */
const filterOf = (levels: readonly string[]): string | undefined => levels.join('/') || undefined

/**
 * One topic name for each number of levels, up to `levelsMax`, that names of `topicFilter` have. Any filter that
 * matches it matches all names of `topicFilter` with as many levels: where this one has a wildcard, that one must
 * have one too.
 */
export function* namesStandingFor(topicFilter: string, levelsMax: number): Generator<string> {
  const levels = topicFilter.split('/').map((level) => (level === '+' ? SOME_LEVEL : level))
  const isOpen = levels.at(-1) === '#'
  if (isOpen) levels.pop()
  if (levels.join('/') !== '') yield levels.join('/')
  while (isOpen && levels.length < levelsMax) {
    levels.push(SOME_LEVEL)
    yield levels.join('/')
  }
}
