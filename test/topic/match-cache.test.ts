// The cache of match results: always right, rarely made anew, never above its bound.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MatchCache } from '../../src/topic/match-cache.ts'
import { SubscriptionTrie } from '../../src/topic/subscription-trie.ts'
import { topicFilters, topicNames } from './arbitraries.ts'

/** A cache whose matches are numbered in the order they were made. */
function numbered(capacity: number): { cache: MatchCache<number>; made: string[] } {
  const made: string[] = []
  return { cache: new MatchCache(capacity, (topicName) => made.push(topicName)), made }
}

describe('MatchCache', () => {
  it('makes a match once and finds it again', () => {
    const { cache, made } = numbered(10)
    expect([cache.lookup('a'), cache.lookup('a'), cache.lookup('b'), cache.lookup('a')]).toEqual([1, 1, 2, 1])
    expect(made).toEqual(['a', 'b'])
  })

  for (const topicFilter of ['a/c', 'a', 'a/b/c', 'b/#', 'a/b/+', '+', 'a/+/c', '$SYS/#']) {
    it(`keeps the match of a/b when ${topicFilter} changes`, () => {
      const { cache, made } = numbered(10)
      cache.lookup('a/b')
      cache.changed(topicFilter)
      cache.lookup('a/b')
      expect(made).toEqual(['a/b'])
    })
  }

  for (const topicFilter of ['a/b', '#', '+/+', 'a/+', '+/b', 'a/#', 'a/b/#', '+/#']) {
    it(`makes the match of a/b anew when ${topicFilter} changes, and once only`, () => {
      const { cache, made } = numbered(10)
      cache.lookup('a/b')
      cache.changed(topicFilter)
      cache.lookup('a/b')
      cache.lookup('a/b')
      expect(made).toEqual(['a/b', 'a/b'])
    })
  }

  it('keeps the match of a name that begins with $ when a filter changes that begins with a wildcard', () => {
    const { cache, made } = numbered(10)
    cache.lookup('$SYS/x')
    for (const topicFilter of ['#', '+/x', '+/#']) cache.changed(topicFilter)
    cache.lookup('$SYS/x')
    expect(made).toEqual(['$SYS/x'])
  })

  it('keeps a match through 256 changes that do not concern it, and makes it anew after more', () => {
    const { cache, made } = numbered(10)
    cache.lookup('a')
    for (let i = 0; i < 256; i++) cache.changed(`b/${i}`)
    cache.lookup('a')
    expect(made).toEqual(['a'])
    for (let i = 0; i < 257; i++) cache.changed(`b/${i}`)
    cache.lookup('a')
    expect(made).toEqual(['a', 'a'])
  })

  it('keeps a match that is looked up now and then, whatever the number of changes in all', () => {
    const { cache, made } = numbered(10)
    for (let i = 0; i < 1000; i++) {
      cache.changed(`b/${i}`)
      cache.lookup('a')
    }
    expect(made).toEqual(['a'])
  })

  it('keeps the others when one match is made anew again and again', () => {
    const { cache, made } = numbered(10)
    cache.lookup('b')
    for (let i = 0; i < 100; i++) {
      cache.changed('a')
      cache.lookup('a')
    }
    cache.lookup('b')
    expect(made.filter((topicName) => topicName === 'b')).toHaveLength(1)
  })

  it('keeps what is looked up again, drops what is not, and stays at its capacity', () => {
    const { cache, made } = numbered(10)
    for (let i = 0; i < 100; i++) {
      cache.lookup('busy')
      cache.lookup(`once/${i}`)
      expect(cache.size).toBeLessThanOrEqual(10)
    }
    expect(made.filter((topicName) => topicName === 'busy')).toHaveLength(1)
    cache.lookup('once/0')
    expect(made.filter((topicName) => topicName === 'once/0')).toHaveLength(2)
  })

  it('holds matches up to a total weight, or one that weighs more', () => {
    const weights = new MatchCache<number>(
      100,
      (topicName) => topicName.length,
      (match) => match,
    )
    for (let i = 0; i < 50; i++) weights.lookup(`${i}`.padStart(10))
    expect(weights.size).toBe(10)
    weights.lookup('a'.repeat(1000))
    weights.lookup('b'.repeat(1000))
    weights.lookup('c')
    expect(weights.size).toBe(2)
  })

  it('counts long names as what they are: of 65,535 characters each it holds few', () => {
    const { cache } = numbered(1_000)
    for (let i = 0; i < 100; i++) cache.lookup(`${i}`.padStart(65_535))
    expect(cache.size).toBe(2)
    for (let i = 0; i < 1_000; i++) cache.lookup(`${i}`.padStart(255))
    expect(cache.size).toBeGreaterThan(500)
  })

  it('always gives what matching anew would give, whatever changes and is looked up in between', () => {
    const step = fc.record({
      act: fc.constantFrom('add', 'remove', 'addShared', 'removeShared', 'lookup', 'lookup', 'lookup'),
      topicFilter: topicFilters,
      topicName: topicNames,
      subscriber: fc.integer({ min: 0, max: 3 }),
    })
    const capacities = fc.constantFrom(0, 1, 4, 100)
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), capacities, (steps, capacity) => {
        const trie = new SubscriptionTrie<string, number>()
        const match = (topicName: string): string[] => {
          const found: string[] = []
          trie.match(
            topicName,
            (subscriber, subscription) => found.push(`${subscriber}=${subscription}`),
            (group) => found.push(`${group.shareName} ${[...group.members.keys()]}`),
          )
          return found.sort()
        }
        const cache = new MatchCache(capacity, match, (found) => found.length)
        for (const [i, { act, topicFilter, topicName, subscriber }] of steps.entries()) {
          if (act === 'lookup') {
            expect(cache.lookup(topicName)).toEqual(match(topicName))
            continue
          }
          if (act === 'add') trie.add(topicFilter, `${subscriber}`, i)
          else if (act === 'remove') trie.remove(topicFilter, `${subscriber}`)
          else if (act === 'addShared') trie.addShared('g', topicFilter, `${subscriber}`, i)
          else trie.removeShared('g', topicFilter, `${subscriber}`)
          cache.changed(topicFilter)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
