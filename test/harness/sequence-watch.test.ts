// What one receiver makes of numbered messages: twice, late, or as they should be.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Arrival, SequenceWatch } from '../../src/harness/sequence-watch.ts'

const { Expected, OutOfOrder, Duplicate } = Arrival
const noted = (watch: SequenceWatch, ...sequence: number[]): Arrival[] =>
  sequence.map((each) => watch.note(each))

describe('a receiver of everything', () => {
  it('takes numbers in order for granted', () => {
    expect(noted(new SequenceWatch(), 0, 1, 2, 3)).toEqual([Expected, Expected, Expected, Expected])
  })

  it('knows a late one from one that comes twice', () => {
    expect(noted(new SequenceWatch(), 0, 3, 1, 1, 2, 3)).toEqual([
      Expected,
      Expected,
      OutOfOrder,
      Duplicate,
      OutOfOrder,
      Duplicate,
    ])
  })

  it('counts each number as new once, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 }), (sequence) => {
        const arrivals = noted(new SequenceWatch(), ...sequence)
        expect(arrivals.filter((arrival) => arrival !== Duplicate)).toHaveLength(new Set(sequence).size)
      }),
    )
  })
})

describe('a member of a share', () => {
  it('does not mind gaps', () => {
    expect(noted(new SequenceWatch(0, true), 2, 7, 9)).toEqual([Expected, Expected, Expected])
  })

  it('minds what goes back, and the same again', () => {
    expect(noted(new SequenceWatch(0, true), 7, 5, 7)).toEqual([Expected, OutOfOrder, Duplicate])
  })
})
