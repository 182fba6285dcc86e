// What layers of rules say, held against going through the rules one by one, and against all names there are.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Access, writeBit } from '../../src/authorization/access.ts'
import {
  decide,
  findReadable,
  isGranted,
  isOpen,
  isPartlyOpen,
  type Layers,
} from '../../src/authorization/decide.ts'
import { explain } from '../../src/authorization/explain.ts'
import type { Rule, Subject } from '../../src/authorization/rule.ts'
import { matches } from '../topic/matches.ts'
import { layers, layersOf, names, ruleFilters, subjects } from './arbitraries.ts'

const ada: Subject = { clientId: 'device-7', userName: 'ada' }
const rule = (topicFilter: string, access: number = Access.All, isDeny = false): Rule => ({
  topicFilter,
  access,
  isDeny,
  origin: topicFilter,
})
const deny = (topicFilter: string, access: number = Access.All): Rule => rule(topicFilter, access, true)
const mayRead = (of: Layers, topicName: string, subject = ada): boolean =>
  isGranted(decide(of, subject, topicName), Access.Read)

describe('layers of rules', () => {
  it('let deny come before grant, whatever their order', () => {
    for (const rules of [
      [rule('a/#'), deny('a/b')],
      [deny('a/b'), rule('a/#')],
    ]) {
      const of = layersOf(rules)
      expect([mayRead(of, 'a'), mayRead(of, 'a/b'), mayRead(of, 'a/b/c')]).toEqual([true, false, true])
    }
  })

  it('let what a user is granted stand against a pattern that denies it, as in Mosquitto', () => {
    expect(mayRead(layersOf([rule('a/#')], [deny('a/b')]), 'a/b')).toBe(true)
    expect(mayRead(layersOf([deny('a/b')], [rule('a/#')]), 'a/b')).toBe(false)
  })

  it('leave open what none of them speaks of', () => {
    const of = layersOf([rule('a', Access.Read)])
    expect(isOpen(decide(of, ada, 'b'), Access.Read)).toBe(true)
    expect(isOpen(decide(of, ada, 'a'), Access.Read)).toBe(false)
    expect(isOpen(decide(of, ada, 'a'), writeBit(0, false))).toBe(true)
  })

  it('tell qualities of service and RETAIN apart', () => {
    const decision = decide(layersOf([rule('a', writeBit(0, false)), deny('+', writeBit(1, true))]), ada, 'a')
    expect(isGranted(decision, writeBit(0, false))).toBe(true)
    expect(isGranted(decision, writeBit(0, true))).toBe(false)
    expect(isOpen(decision, writeBit(0, true))).toBe(true)
    expect(isOpen(decision, writeBit(1, true))).toBe(false)
  })

  it('put the names of who is asked about into patterns, as whole levels and literally', () => {
    const of = layersOf([], [rule('to/%c/#'), rule('%u/x')])
    expect(mayRead(of, 'to/device-7/x')).toBe(true)
    expect(mayRead(of, 'to/device-8/x')).toBe(false)
    expect(mayRead(of, 'to/%c/x')).toBe(false)
    expect(mayRead(of, 'ada/x')).toBe(true)
    expect(mayRead(of, 'to/device-7', { clientId: 'device-7', userName: undefined })).toBe(true)
    expect(mayRead(of, 'undefined/x', { clientId: 'device-7', userName: undefined })).toBe(false)
  })

  it('take %c for itself outside of patterns', () => {
    expect(mayRead(layersOf([rule('%c')]), '%c')).toBe(true)
    expect(mayRead(layersOf([rule('%c')]), 'device-7')).toBe(false)
  })

  it.each(['+', '#', 'a/b', '$SYS'])(
    'close all patterns to a client id of %s where one uses it',
    (clientId) => {
      const subject = { clientId, userName: 'ada' }
      const of = layersOf([rule('mine')], [rule('to/%c/#'), rule('all/#')])
      expect(mayRead(of, 'all/x', subject)).toBe(false)
      expect(mayRead(of, `to/${clientId}/x`, subject)).toBe(false)
      expect(isOpen(decide(of, subject, 'all/x'), Access.Read)).toBe(false)
      expect(mayRead(of, 'mine', subject)).toBe(true)
      expect(mayRead(layersOf([], [rule('to/%u/#'), rule('all/#')]), 'all/x', subject)).toBe(true)
    },
  )

  it('agree with going through the rules one by one', () => {
    const accesses = [Access.Read, writeBit(0, false), writeBit(2, true)]
    fc.assert(
      fc.property(layers, subjects, fc.constantFrom(...names), (of, subject, topicName) => {
        const decision = decide(of, subject, topicName)
        for (const access of accesses) {
          const { isAllowed } = explain(of, subject, topicName, access)
          expect(isGranted(decision, access)).toBe(isAllowed === true)
          expect(isOpen(decision, access)).toBe(isAllowed === undefined)
        }
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('whether a topic filter can bring anything', () => {
  it.each([
    ['#', true],
    ['+/b', true],
    ['a', false],
    ['a/b', true],
    ['a/secret', false],
    ['a/secret/#', false],
    ['a/secret/+/x', false],
    ['b/#', false],
    ['$SYS/#', false],
  ])('%s: %s', (topicFilter, isReadable) => {
    const of = layersOf([
      rule('a/+', Access.Read),
      deny('a/secret/#'),
      rule('a/secret/y'),
      rule('b', Access.Write),
    ])
    expect(findReadable(of, ada, topicFilter) !== undefined).toBe(isReadable)
  })

  it('is known also where several rules together deny all of it', () => {
    const of = layersOf([rule('a/#'), deny('a'), deny('a/+'), deny('a/+/+/#')])
    expect(findReadable(of, ada, 'a/#')).toBeUndefined()
    expect(findReadable(layersOf([rule('a/#'), deny('a'), deny('a/+'), deny('a/+/+/+/#')]), ada, 'a/#')).toBe(
      'a/\0/\0',
    )
  })

  it('agrees with asking about every topic name', () => {
    fc.assert(
      fc.property(layers, subjects, ruleFilters, (of, subject, topicFilter) => {
        const within = names.filter((name) => matches(topicFilter, name))
        const decisions = within.map((name) => decide(of, subject, name))
        const isReadable = decisions.some((decision) => isGranted(decision, Access.Read))
        expect(findReadable(of, subject, topicFilter) !== undefined).toBe(isReadable)
        expect(isPartlyOpen(of, subject, topicFilter)).toBe(
          decisions.some((decision) => isOpen(decision, Access.Read)),
        )
      }),
      { numRuns: 500 },
    )
  })

  it('is taken to be so where the rules are too many to tell: delivery looks at each message', () => {
    const rules = Array.from({ length: 10_000 }, (_, i) => rule(`a/${i}`))
    expect(findReadable(layersOf([...rules, deny('a/#')]), ada, '#')).toBe('')
    expect(findReadable(layersOf(rules), ada, 'a/9999')).toBe('a/9999')
    expect(findReadable(layersOf(rules), ada, 'a/10000')).toBeUndefined()
  })
})
