// Filters against filters, held against all names over a small alphabet.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { intersectFilters, namesStandingFor } from '../../src/topic/filter-intersection.ts'
import { topicFilterProblem } from '../../src/topic/topic-filter.ts'
import { topicFilters } from './arbitraries.ts'
import { matches } from './matches.ts'

const LEVELS_MAX = 6
/** Those of the filters, and one that no filter has. */
const alphabet = ['', 'a', 'b', '$x', '__proto__', 'z']

/** Every topic name of up to four levels. */
const names: string[] = []
for (let frontier = alphabet, levels = 1; levels <= 4; levels++) {
  names.push(...frontier.filter((name) => name !== ''))
  frontier = frontier.flatMap((name) => alphabet.map((level) => `${name}/${level}`))
}

describe('intersectFilters', () => {
  it.each([
    ['a/#', 'a', 'a'],
    ['a/#', 'a/#', 'a/#'],
    ['a/#', '+/b', 'a/b'],
    ['+/#', '#', '+/#'],
    ['+/b/#', 'a/+/c', 'a/b/c'],
    ['#', '$SYS/#', undefined],
    ['+/x', '$SYS/x', undefined],
    ['$SYS/+', '$SYS/#', '$SYS/+'],
    ['a/+', 'a', undefined],
    ['a/b', 'a/c', undefined],
    ['a/b/c', 'a/b', undefined],
    ['/#', '+', undefined],
  ])('of %s and %s is %s', (one, other, common) => {
    expect(intersectFilters(one, other)).toBe(common)
    expect(intersectFilters(other, one)).toBe(common)
  })

  it('matches exactly the names that both match', () => {
    fc.assert(
      fc.property(topicFilters, topicFilters, (one, other) => {
        const common = intersectFilters(one, other)
        if (common !== undefined) expect(topicFilterProblem(common, LEVELS_MAX)).toBeUndefined()
        for (const name of names) {
          const byBoth = matches(one, name) && matches(other, name)
          if (byBoth !== (common !== undefined && matches(common, name))) expect.fail(`${name}: ${common}`)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('namesStandingFor', () => {
  it.each([
    ['a/b', ['a/b']],
    ['a/+/b', ['a/\0/b']],
    ['a/#', ['a', 'a/\0', 'a/\0/\0']],
    ['#', ['\0', '\0/\0', '\0/\0/\0']],
    ['/#', ['/\0', '/\0/\0']],
    ['a/b/c/d/#', ['a/b/c/d']],
  ])('are, for %s, one for each number of levels', (topicFilter, expected) => {
    expect([...namesStandingFor(topicFilter, 3)]).toEqual(expected)
  })

  it('are matched only by filters that match all names of the filter with as many levels', () => {
    const levelsOf = (name: string): number => name.split('/').length
    fc.assert(
      fc.property(topicFilters, topicFilters, (topicFilter, other) => {
        const within = names.filter((name) => matches(topicFilter, name))
        for (const standIn of namesStandingFor(topicFilter, LEVELS_MAX)) {
          expect(matches(topicFilter, standIn)).toBe(true)
          if (!matches(other, standIn)) continue
          const missed = within.find((name) => levelsOf(name) === levelsOf(standIn) && !matches(other, name))
          expect(missed).toBeUndefined()
        }
      }),
      { numRuns: 300 },
    )
  })
})
