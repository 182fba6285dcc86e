// Rights as JSON states them: what is read, and what is refused since it cannot be said in lists of what is allowed.
import { describe, expect, it } from 'vitest'
import { rightsFrom } from '../../src/authentication/rights.ts'

const allow = (action: string, topic: string | string[]) => ({
  permission: 'allow',
  action,
  ...(typeof topic === 'string' ? { topic } : { topics: topic }),
})
const denyAll = { permission: 'deny', action: 'all', topic: '#' }

describe('rights are read', () => {
  it.each([
    ['from lists', { pub: ['a'], sub: ['b/+'], all: ['c/#'] }, ['a', 'c/#'], ['b/+', 'c/#']],
    ['from some of the lists', { sub: ['$share/g/b'] }, [], ['$share/g/b']],
    ['from none', {}, [], []],
    [
      'from rules',
      [allow('publish', 'a'), allow('subscribe', ['b', 'c']), allow('all', 'd/#')],
      ['a', 'd/#'],
      ['b', 'c', 'd/#'],
    ],
    ['from rules that deny the rest', [allow('publish', 'a'), denyAll], ['a'], []],
    ['from no rules', [], [], []],
    ['with placeholders as they are', { pub: ['u/%u', 'c/%c'] }, ['u/%u', 'c/%c'], []],
  ])('%s', (_, value, publish, subscribe) => {
    const rights = rightsFrom(value)
    expect(rights).toEqual({ publish, subscribe })
    expect([rights, rights.publish, rights.subscribe].every(Object.isFrozen)).toBe(true)
  })
})

describe('rights are refused', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['text', '#'],
    ['a list that is not known', { pub: ['a'], deny: ['b'] }],
    ['a list that is none', { pub: 'a' }],
    ['something else in a list', { pub: [1] }],
    ['a filter that is none', { pub: ['a/#/b'] }],
    ['an empty filter', { sub: [''] }],
    ['a filter with a null', { sub: ['a\0'] }],
    ['a rule that denies something', [allow('all', '#'), { permission: 'deny', action: 'all', topic: 'a' }]],
    ['a rule that denies all before others', [denyAll, allow('all', 'a')]],
    ['a rule that denies a part', [{ ...denyAll, action: 'publish' }]],
    ['a rule with conditions', [{ ...allow('publish', 'a'), qos: [0] }]],
    ['a rule of an unknown kind', [{ ...allow('publish', 'a'), permission: 'maybe' }]],
    ['a rule for an unknown action', [allow('connect', 'a')]],
    ['a rule for no topic', [{ permission: 'allow', action: 'all' }]],
    ['a rule that is none', ['allow']],
    ['more filters than are taken', { pub: Array(501).fill('a'), sub: Array(500).fill('a') }],
  ])('%s', (_, value) => {
    expect(() => rightsFrom(value)).toThrow(TypeError)
  })
})
