// Random rules, few levels and few names, so that they meet.
import fc from 'fast-check'
import { Access, writeBit } from '../../src/authorization/access.ts'
import type { Layers } from '../../src/authorization/decide.ts'
import type { Rule } from '../../src/authorization/rule.ts'
import { RuleTrie } from '../../src/authorization/rule-trie.ts'

const level = fc.constantFrom('a', '', '+', '%c', '%u', '$x')

export const ruleFilters = fc
  .tuple(fc.array(level, { maxLength: 3 }), fc.boolean())
  .map(([levels, hasHash]) => (hasHash ? [...levels, '#'] : levels).join('/'))
  .filter((topicFilter) => topicFilter !== '')

export const accesses = fc.constantFrom(
  Access.Read,
  Access.Write,
  Access.All,
  writeBit(0, false),
  writeBit(1, true) | writeBit(2, true),
)

const rules: fc.Arbitrary<Rule> = fc.record({
  topicFilter: ruleFilters,
  access: accesses,
  isDeny: fc.boolean(),
  origin: fc.constant(''),
})

export const layersOf = (...layers: (readonly Rule[])[]): Layers =>
  layers.map((each, index) => {
    const trie = new RuleTrie(index === 1)
    for (const rule of each) trie.add(rule)
    return trie
  })

const list = fc.array(rules, { maxLength: 6 })
/** Of a user, patterns, claims. */
export const layers = fc.tuple(list, list, list).map((all) => layersOf(...all))

export const subjects = fc.record({
  clientId: fc.constantFrom('a', 'b', '$x', 'a/b', '+'),
  userName: fc.constantFrom('a', 'b', '#', undefined),
})

/** Of the rules, and what clients and users are called. */
const alphabet = ['', 'a', 'b', '%c', '%u', '$x']
export const names: readonly string[] = namesUpTo(4)

function namesUpTo(levels: number): string[] {
  const found: string[] = []
  for (let frontier = alphabet, count = 1; count <= levels; count++) {
    found.push(...frontier.filter((name) => name !== ''))
    frontier = frontier.flatMap((name) => alphabet.map((each) => `${name}/${each}`))
  }
  return found
}
