// The trie of retained values and its cursor, held against the definition while values come and go under it.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RetainedCursor } from '../../src/topic/retained-cursor.ts'
import { RetainedNode, RetainedSiblings } from '../../src/topic/retained-node.ts'
import { RetainedTrie } from '../../src/topic/retained-trie.ts'
import { corners, topicFilters, topicNames } from './arbitraries.ts'
import { matches } from './matches.ts'

function drain<T extends NonNullable<unknown>>(cursor: RetainedCursor<T>, nodesMax = 1000): T[] {
  const values: T[] = []
  while (!cursor.isDone) {
    const value = cursor.step(nodesMax)
    if (value !== undefined) values.push(value)
  }
  return values
}

function trieOf(...names: string[]): RetainedTrie<string> {
  const trie = new RetainedTrie<string>()
  for (const topicName of names) trie.set(topicName, topicName)
  return trie
}

describe('RetainedTrie', () => {
  for (const [topicFilter, topicName, isMatch] of corners) {
    it(`${isMatch ? 'finds' : 'does not find'} ${topicName} by ${topicFilter}`, () => {
      expect(drain(trieOf(topicName).cursor(topicFilter))).toEqual(isMatch ? [topicName] : [])
    })
  }

  it('gives back what it holds, what was replaced and what was deleted', () => {
    const trie = new RetainedTrie<number>()
    expect(trie.set('a/b', 1)).toBeUndefined()
    expect(trie.set('a/b', 2)).toBe(1)
    expect(trie.set('a', 3)).toBeUndefined()
    expect([trie.get('a'), trie.get('a/b'), trie.get('a/b/c'), trie.get('b')]).toEqual([
      3,
      2,
      undefined,
      undefined,
    ])
    expect(trie.size).toBe(2)
    expect(trie.delete('a/c')).toBeUndefined()
    expect(trie.delete('a')).toBe(3)
    expect(trie.delete('a')).toBeUndefined()
    expect(trie.get('a/b')).toBe(2)
    expect(trie.delete('a/b')).toBe(2)
    expect([trie.size, trie.hasNodes]).toEqual([0, false])
  })

  it('holds what a map of topic names holds, through random sets and deletes', () => {
    const step = fc.record({ isSet: fc.boolean(), topicName: topicNames })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), topicFilters, (steps, topicFilter) => {
        const trie = new RetainedTrie<number>()
        const model = new Map<string, number>()
        for (const [i, { isSet, topicName }] of steps.entries()) {
          const previous = model.get(topicName)
          expect(isSet ? trie.set(topicName, i) : trie.delete(topicName)).toBe(previous)
          if (isSet) model.set(topicName, i)
          else model.delete(topicName)
          expect([trie.size, trie.get(topicName)]).toEqual([model.size, model.get(topicName)])
        }
        const expected = [...model].filter(([topicName]) => matches(topicFilter, topicName)).map(([, i]) => i)
        expect(drain(trie.cursor(topicFilter)).sort()).toEqual(expected.sort())
        for (const topicName of model.keys()) trie.delete(topicName)
        expect([trie.size, trie.hasNodes]).toEqual([0, false])
      }),
      { numRuns: 1000 },
    )
  })
})

describe('RetainedCursor', () => {
  it('enters no more nodes in a step than it is told', () => {
    const trie = new RetainedTrie<string>()
    for (let i = 0; i < 1000; i++) trie.set(`a/${i}/y`, 'y')
    trie.set('a/last/x', 'x')
    const cursor = trie.cursor('a/+/x')
    let steps = 0
    let found: string | undefined
    for (; found === undefined && !cursor.isDone; steps++) found = cursor.step(100)
    expect(found).toBe('x')
    expect(steps).toBeGreaterThanOrEqual(10)
    expect(steps).toBeLessThanOrEqual(12)
    expect(drain(cursor)).toEqual([])
    expect(cursor.step(100)).toBeUndefined()
  })

  it('looks literal levels up instead of searching for them', () => {
    const trie = new RetainedTrie<string>()
    for (let i = 0; i < 1000; i++) trie.set(`a/${i}/y`, `${i}`)
    expect(trie.cursor('a/777/y').step(4)).toBe('777')
    expect(trie.cursor('a/777/+').step(4)).toBe('777')
  })

  it('does not visit what was deleted before it got there', () => {
    const trie = trieOf('a/1', 'a/2', 'a/3')
    const cursor = trie.cursor('a/#')
    const first = cursor.step(1000)
    for (const topicName of ['a/1', 'a/2', 'a/3']) if (topicName !== first) trie.delete(topicName)
    expect(drain(cursor)).toEqual([])
  })

  it('passes over a name that was deleted and set again, at any depth', () => {
    const trie = trieOf('a/1/x', 'b/1/x')
    const cursor = trie.cursor('#')
    expect(cursor.step(1000)).toBe('a/1/x')
    trie.delete('a/1/x')
    trie.set('a/1/x', 'again')
    trie.set('c', 'new')
    expect(drain(cursor)).toEqual(['b/1/x'])
  })

  it('passes over a name that came below a name it has yet to visit', () => {
    const trie = trieOf('a', 'b')
    const cursor = trie.cursor('#')
    expect(cursor.step(1)).toBeUndefined()
    trie.set('a/new', 'new')
    expect(drain(cursor)).toEqual(['a', 'b'])
  })

  it('ends without entering the names that came after it', () => {
    const trie = trieOf('a/1', 'a/2')
    const cursor = trie.cursor('a/+')
    cursor.step(1000)
    for (let i = 0; i < 1000; i++) trie.set(`a/new ${i}`, 'new')
    expect(cursor.step(10)).toBe('a/2')
    expect(cursor.step(10)).toBeUndefined()
    expect(cursor.isDone).toBe(true)
  })

  it('finds its place again after most of what it has passed, or has yet to pass, is gone', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `a/${i}`)
    const trie = trieOf(...names)
    const cursor = trie.cursor('a/+')
    const values: string[] = []
    while (values.length < 500) values.push(...[cursor.step(1000)].filter((value) => value !== undefined))
    for (const [i, topicName] of names.entries()) if (i % 100 !== 0) trie.delete(topicName)
    values.push(...drain(cursor))
    expect(values).toEqual(names.filter((_, i) => i < 500 || i % 100 === 0))
  })

  it('visits the newest value of a name that was set again without being deleted', () => {
    const trie = trieOf('a', 'b')
    const cursor = trie.cursor('+')
    cursor.step(1000)
    trie.set('a', 'newer a')
    trie.set('b', 'newer b')
    expect(drain(cursor)).toEqual(['newer b'])
  })

  it('visits what is there the whole time exactly once, while everything else comes and goes', () => {
    const change = fc.record({ isSet: fc.boolean(), topicName: topicNames })
    const changes = fc.array(fc.array(change, { maxLength: 6, size: 'max' }), {
      minLength: 1,
      maxLength: 20,
      size: 'max',
    })
    const setUp = fc.array(topicNames, { maxLength: 25, size: 'max' })
    fc.assert(
      fc.property(
        setUp,
        topicFilters,
        changes,
        fc.integer({ min: 1, max: 5 }),
        (names, topicFilter, turns, nodesMax) => {
          const trie = new RetainedTrie<{ topicName: string }>()
          for (const topicName of names) trie.set(topicName, { topicName })
          const cursor = trie.cursor(topicFilter)
          /** Those that match and have had a value ever since. */
          const lasting = new Set(names.filter((topicName) => matches(topicFilter, topicName)))
          const seen = new Set<string>()
          for (let turn = 0; !cursor.isDone; turn++) {
            for (const { isSet, topicName } of turns[turn] ?? []) {
              if (isSet) {
                trie.set(topicName, { topicName })
              } else {
                trie.delete(topicName)
                lasting.delete(topicName)
              }
            }
            const value = cursor.step(nodesMax)
            if (value === undefined) continue
            expect(seen.has(value.topicName)).toBe(false)
            expect(matches(topicFilter, value.topicName)).toBe(true)
            expect(trie.get(value.topicName)).toBe(value)
            seen.add(value.topicName)
          }
          for (const topicName of lasting) expect(seen.has(topicName)).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('RetainedSiblings', () => {
  it('go with the last of them', () => {
    const parent = new RetainedNode<number>('', 0)
    for (const creation of [1, 2]) parent.addChild(new RetainedNode<number>(`${creation}`, creation))
    expect(parent.siblings?.size).toBe(2)
    for (const level of ['1', '2']) parent.removeChild(level)
    expect([parent.siblings, parent.childCount]).toEqual([undefined, 0])
  })

  it('holds no more dead nodes than live ones and a few, however many come and go', () => {
    const siblings = new RetainedSiblings<number>()
    for (let creation = 1; creation <= 1000; creation++) {
      const node = new RetainedNode<number>(`${creation}`, creation)
      node.value = creation
      siblings.set(node.level, node)
      if (creation > 10) siblings.delete(`${creation - 10}`)
      expect(siblings.inOrder.length).toBeLessThanOrEqual(2 * siblings.size + 9)
    }
    expect(siblings.size).toBe(10)
    expect(siblings.inOrder[siblings.indexAfter(995)]?.value).toBe(996)
  })
})
