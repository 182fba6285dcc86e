// Whether one topic filter matches one topic name, for callers that hold a single pair and no trie:
// the match cache asks it about recent changes.
import { CharCode, startsWithDollar, startsWithWildcard } from './level.ts'

/** Both must be valid, the filter without a share prefix. Allocates nothing. */
export function filterMatches(topicFilter: string, topicName: string): boolean {
  if (startsWithDollar(topicName) && startsWithWildcard(topicFilter)) return false
  let at = 0
  for (let i = 0; i < topicFilter.length; i++) {
    const code = topicFilter.charCodeAt(i)
    if (code === CharCode.Hash) return true
    if (code === CharCode.Plus) {
      while (at < topicName.length && topicName.charCodeAt(at) !== CharCode.Separator) at++
    } else if (at < topicName.length && topicName.charCodeAt(at) === code) {
      at++
    } else {
      return at === topicName.length && isParentEnding(topicFilter, i)
    }
  }
  return at === topicName.length
}

/** What is left of the filter is a closing "/#", which also matches the level before it. */
function isParentEnding(topicFilter: string, index: number): boolean {
  return index === topicFilter.length - 2 && topicFilter.endsWith('/#')
}
