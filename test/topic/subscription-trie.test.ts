// The trie of subscriptions, held against the definition of matching through random lives.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SubscriptionTrie } from '../../src/topic/subscription-trie.ts'
import { corners, topicFilters, topicNames } from './arbitraries.ts'
import { matches } from './matches.ts'

type Trie = SubscriptionTrie<string, number>

/** What match visits, as sorted "subscriber=subscription" and "share name:member=subscription,...". */
function visited(trie: Trie, topicName: string): string[] {
  const found: string[] = []
  trie.match(
    topicName,
    (subscriber, subscription) => found.push(`${subscriber}=${subscription}`),
    (group) => {
      const members = [...group.members.values()].map(
        (member) => `${member.subscriber}=${member.subscription}`,
      )
      found.push(`${group.shareName}:${group.topicFilter}:${members.join()}`)
    },
  )
  return found.sort()
}

describe('SubscriptionTrie', () => {
  for (const [topicFilter, topicName, isMatch] of corners) {
    it(`${isMatch ? 'finds' : 'does not find'} the subscriber of ${topicFilter} for ${topicName}`, () => {
      const trie: Trie = new SubscriptionTrie()
      trie.add(topicFilter, 'one', 1)
      expect(visited(trie, topicName)).toEqual(isMatch ? ['one=1'] : [])
      expect(trie.hasInterest(topicName)).toBe(isMatch)
    })
  }

  it('says whether a subscription is new, replaced, removed or was never there', () => {
    const trie: Trie = new SubscriptionTrie()
    expect(trie.add('a/+', 'one', 1)).toBe(true)
    expect(trie.add('a/+', 'one', 2)).toBe(false)
    expect(trie.add('a/+', 'two', 3)).toBe(true)
    expect(trie.add('a/+', 'two', 4)).toBe(false)
    expect(trie.size).toBe(2)
    expect(visited(trie, 'a/b')).toEqual(['one=2', 'two=4'])
    expect(trie.remove('a/+', 'three')).toBe(false)
    expect(trie.remove('a', 'one')).toBe(false)
    expect(trie.remove('a/+/b', 'one')).toBe(false)
    expect(trie.remove('a/+', 'one')).toBe(true)
    expect(trie.remove('a/+', 'one')).toBe(false)
    expect(trie.size).toBe(1)
    expect(visited(trie, 'a/b')).toEqual(['two=4'])
  })

  it('visits a subscriber once for each of its matching filters', () => {
    const trie: Trie = new SubscriptionTrie()
    for (const [i, topicFilter] of ['a/b', 'a/+', '+/b', '#', 'a/#', '+/#', 'a/b/#'].entries()) {
      trie.add(topicFilter, 'one', i)
    }
    expect(visited(trie, 'a/b')).toEqual(['one=0', 'one=1', 'one=2', 'one=3', 'one=4', 'one=5', 'one=6'])
  })

  it('keeps share groups apart by name and filter, and from plain subscriptions', () => {
    const trie: Trie = new SubscriptionTrie()
    expect(trie.addShared('g', 'a/#', 'one', 1)).toBe(true)
    expect(trie.addShared('g', 'a/#', 'two', 2)).toBe(true)
    expect(trie.addShared('g', 'a/#', 'one', 3)).toBe(false)
    expect(trie.addShared('h', 'a/#', 'one', 4)).toBe(true)
    expect(trie.addShared('g', '+', 'one', 5)).toBe(true)
    expect(trie.add('a/#', 'one', 6)).toBe(true)
    expect(trie.size).toBe(5)
    expect(visited(trie, 'a')).toEqual(['g:+:one=5', 'g:a/#:one=3,two=2', 'h:a/#:one=4', 'one=6'])
    expect(trie.remove('+', 'one')).toBe(false)
    expect(trie.removeShared('h', '+', 'one')).toBe(false)
    expect(trie.removeShared('g', '+', 'two')).toBe(false)
    expect(trie.removeShared('g', '+', 'one')).toBe(true)
    expect(trie.removeShared('g', 'a/#', 'one')).toBe(true)
    expect(trie.removeShared('h', 'a/#', 'one')).toBe(true)
    expect(visited(trie, 'a')).toEqual(['g:a/#:two=2', 'one=6'])
  })

  it('lets visitors subscribe and unsubscribe', () => {
    const trie: Trie = new SubscriptionTrie()
    for (const topicFilter of ['a', '+', '#']) trie.add(topicFilter, topicFilter, 1)
    const found: string[] = []
    trie.match(
      'a',
      (subscriber) => {
        found.push(subscriber)
        trie.remove(subscriber, subscriber)
        trie.addShared('g', 'a', 'one', 1)
      },
      () => found.push('group'),
    )
    expect(found.filter((subscriber) => subscriber !== 'group').sort()).toEqual(['#', '+', 'a'])
    expect(visited(trie, 'a')).toEqual(['g:a:one=1'])
  })

  it('matches 200 levels of + and literal in a time that grows with its nodes, not with their combinations', () => {
    const trie: Trie = new SubscriptionTrie()
    const names = Array.from({ length: 200 }, () => 'a')
    trie.add(names.join('/'), 'literal', 0)
    for (let i = 0; i < 200; i++) trie.add(names.with(i, '+').join('/'), `plus ${i}`, i)
    expect(visited(trie, names.join('/'))).toHaveLength(201)
    expect(visited(trie, names.with(7, 'b').join('/'))).toEqual(['plus 7=7'])
  })

  it('agrees with the definition through random subscribes and unsubscribes, and ends empty', () => {
    const steps = fc.array(
      fc.record({
        isAdd: fc.integer({ min: 0, max: 2 }).map((n) => n > 0),
        topicFilter: topicFilters,
        subscriber: fc.constantFrom('one', 'two', 'three'),
        shareName: fc.constantFrom(undefined, undefined, 'g', 'h'),
      }),
      { maxLength: 40, size: 'max' },
    )
    fc.assert(
      fc.property(steps, fc.array(topicNames, { minLength: 1, maxLength: 6 }), (lives, names) => {
        const trie: Trie = new SubscriptionTrie()
        const model = new Map<string, (typeof lives)[number] & { subscription: number }>()
        for (const [subscription, step] of lives.entries()) {
          const { topicFilter, subscriber, shareName } = step
          const key = JSON.stringify([shareName, topicFilter, subscriber])
          if (step.isAdd) {
            expect(addTo(trie, step, subscription)).toBe(!model.has(key))
            model.set(key, { ...step, subscription })
          } else {
            expect(removeFrom(trie, shareName, topicFilter, subscriber)).toBe(model.delete(key))
          }
          expect(trie.size).toBe(model.size)
        }
        for (const topicName of names) {
          const expected = expectedOf([...model.values()], topicName)
          expect(visited(trie, topicName)).toEqual(expected)
          expect(trie.hasInterest(topicName)).toBe(expected.length > 0)
        }
        for (const { topicFilter, subscriber, shareName } of model.values()) {
          expect(removeFrom(trie, shareName, topicFilter, subscriber)).toBe(true)
        }
        expect(trie.size).toBe(0)
        expect(trie.hasNodes).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })
})

interface Subscribing {
  readonly topicFilter: string
  readonly subscriber: string
  readonly shareName: string | undefined
}

function addTo(
  trie: Trie,
  { topicFilter, subscriber, shareName }: Subscribing,
  subscription: number,
): boolean {
  return shareName === undefined
    ? trie.add(topicFilter, subscriber, subscription)
    : trie.addShared(shareName, topicFilter, subscriber, subscription)
}

function removeFrom(
  trie: Trie,
  shareName: string | undefined,
  topicFilter: string,
  subscriber: string,
): boolean {
  return shareName === undefined
    ? trie.remove(topicFilter, subscriber)
    : trie.removeShared(shareName, topicFilter, subscriber)
}

function expectedOf(all: (Subscribing & { subscription: number })[], topicName: string): string[] {
  const matching = all.filter(({ topicFilter }) => matches(topicFilter, topicName))
  const groups = new Map<string, string[]>()
  const found: string[] = []
  for (const { topicFilter, subscriber, shareName, subscription } of matching) {
    if (shareName === undefined) {
      found.push(`${subscriber}=${subscription}`)
    } else {
      const name = `${shareName}:${topicFilter}`
      groups.set(name, [...(groups.get(name) ?? []), `${subscriber}=${subscription}`])
    }
  }
  for (const [name, members] of groups) found.push(`${name}:${members.join()}`)
  return found.sort()
}
