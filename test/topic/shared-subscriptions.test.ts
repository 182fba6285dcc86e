// Whose turn it is in a share group.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ShareGroup } from '../../src/topic/shared-subscriptions.ts'

const alike = () => 1

/** 1 or 0, as choose wants it. */
const when = (isReady: boolean): number => (isReady ? 1 : 0)

function groupOf(...subscribers: string[]): ShareGroup<string, number> {
  const group = new ShareGroup<string, number>('g', 'a/#')
  for (const [i, subscriber] of subscribers.entries()) group.join(subscriber, i)
  return group
}

const choose = (group: ShareGroup<string, number>, times: number): (string | undefined)[] =>
  Array.from({ length: times }, () => group.choose(alike, 1)?.subscriber)

describe('ShareGroup', () => {
  it('takes its members in turn, in order of joining', () => {
    expect(choose(groupOf('A', 'B', 'C'), 7)).toEqual(['A', 'B', 'C', 'A', 'B', 'C', 'A'])
  })

  it('goes on after the member chosen last, passing over those that are not ready', () => {
    const group = groupOf('A', 'B', 'C', 'D')
    expect(choose(group, 2)).toEqual(['A', 'B'])
    expect(group.choose((subscriber) => when(subscriber !== 'C'), 1)?.subscriber).toBe('D')
    expect(choose(group, 2)).toEqual(['A', 'B'])
  })

  it('chooses none when none is ready, asking each once, and goes on where it was', () => {
    const group = groupOf('A', 'B', 'C')
    choose(group, 1)
    const asked: string[] = []
    expect(group.choose((subscriber) => when(asked.push(subscriber) === 0), 1)).toBeUndefined()
    expect(asked).toEqual(['B', 'C', 'A'])
    expect(choose(group, 2)).toEqual(['B', 'C'])
    expect(groupOf().choose(alike, 1)).toBeUndefined()
  })

  it('chooses the best there is, asking no further than the first of the best, and each rank in turn', () => {
    const group = groupOf('A', 'B', 'C', 'D')
    const ranks: Record<string, number> = { A: 1, B: 2, C: 1, D: 2 }
    const asked: string[] = []
    const rankOf = (subscriber: string): number => {
      asked.push(subscriber)
      return ranks[subscriber] ?? 0
    }
    expect(group.choose(rankOf, 2)?.subscriber).toBe('B')
    expect(asked).toEqual(['A', 'B'])
    expect(group.choose(rankOf, 2)?.subscriber).toBe('D')
    expect(group.choose(rankOf, 3)?.subscriber).toBe('B')
    ranks.B = 0
    ranks.D = 0
    expect(group.choose(rankOf, 2)?.subscriber).toBe('C')
    expect(group.choose(rankOf, 2)?.subscriber).toBe('A')
  })

  it('keeps the turn while members join and leave', () => {
    const group = groupOf('A', 'B', 'C')
    choose(group, 2)
    group.leave('B')
    group.join('D', 4)
    expect(choose(group, 4)).toEqual(['C', 'D', 'A', 'C'])
    expect(group.leave('B')).toBe(false)
    expect([...group.members.keys()]).toEqual(['A', 'C', 'D'])
  })

  it('lets a member that joins again keep its place and have its new subscription', () => {
    const group = groupOf('A', 'B')
    expect(group.join('A', 7)).toBe(false)
    expect(group.choose(alike, 1)).toMatchObject({ subscriber: 'A', subscription: 7 })
    expect(choose(group, 1)).toEqual(['B'])
  })

  it('goes round through random joins and leaves as a ring does', () => {
    const step = fc.record({
      act: fc.constantFrom('join', 'leave', 'choose', 'choose'),
      who: fc.integer({ max: 5, min: 0 }),
    })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200, size: 'max' }),
        fc.integer({ min: 0, max: 63 }),
        (steps, readySet) => {
          const group = new ShareGroup<number, string>('g', 'a')
          let ring: number[] = []
          // Members from here on have their turn first.
          let turn = 0
          for (const { act, who } of steps) {
            const at = ring.indexOf(who)
            if (act === 'join' && group.join(who, '')) ring.push(who)
            if (act === 'leave' && group.leave(who)) {
              ring = ring.filter((member) => member !== who)
              if (at < turn) turn--
            }
            if (act !== 'choose') continue
            const order = [...ring.slice(turn), ...ring.slice(0, turn)]
            const expected = order.find((member) => (readySet >> member) & 1)
            expect(group.choose((member) => (readySet >> member) & 1, 1)?.subscriber).toBe(expected)
            if (expected !== undefined) turn = ring.indexOf(expected) + 1
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})
