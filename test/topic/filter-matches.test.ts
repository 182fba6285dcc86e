// One filter against one name, held against the definition; the definition itself against the corner table.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterMatches } from '../../src/topic/filter-matches.ts'
import { corners, topicFilters, topicNames } from './arbitraries.ts'
import { matches } from './matches.ts'

describe('filterMatches', () => {
  for (const [topicFilter, topicName, isMatch] of corners) {
    it(`says that ${topicFilter} ${isMatch ? 'matches' : 'does not match'} ${topicName}`, () => {
      expect(matches(topicFilter, topicName)).toBe(isMatch)
      expect(filterMatches(topicFilter, topicName)).toBe(isMatch)
    })
  }

  it('agrees with the definition for random filters and names', () => {
    fc.assert(
      fc.property(topicFilters, topicNames, (topicFilter, topicName) => {
        expect(filterMatches(topicFilter, topicName)).toBe(matches(topicFilter, topicName))
      }),
      { numRuns: 5000 },
    )
  })
})
