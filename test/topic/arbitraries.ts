// Random topic names and filters over few, short levels, so that they meet; and the corner cases by hand.
import fc from 'fast-check'

const nameLevel = fc.constantFrom('', 'a', 'b', '$x', '__proto__')
const filterLevel = fc.oneof(nameLevel, fc.constant('+'))

export const topicNames = fc
  .array(nameLevel, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((topicName) => topicName !== '')

export const topicFilters = fc
  .tuple(fc.array(filterLevel, { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([levels, hasHash]) => (hasHash ? [...levels, '#'] : levels).join('/'))
  .filter((topicFilter) => topicFilter !== '')

/** Topic filter, topic name, whether they match. */
export const corners: readonly (readonly [string, string, boolean])[] = [
  ['a', 'a', true],
  ['a', 'A', false],
  ['a', 'a/', false],
  ['a/#', 'a', true],
  ['a/#', 'a/', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'ab', false],
  ['a/b/#', 'a', false],
  ['#', 'a', true],
  ['#', '/', true],
  ['#', '$SYS/x', false],
  ['#', '$', false],
  ['#', 'a/$SYS', true],
  ['+', 'a', true],
  ['+', '/', false],
  ['+', '$SYS', false],
  ['+/#', 'a', true],
  ['+/#', 'a/b/c', true],
  ['+/#', '/', true],
  ['+/#', '$SYS/x', false],
  ['+/x', '$SYS/x', false],
  ['+/x', 'a/x', true],
  ['$SYS/#', '$SYS', true],
  ['$SYS/#', '$SYS/x', true],
  ['$SYS/+', '$SYS/x', true],
  ['$SYS/+/x', '$SYS/$a/x', true],
  ['/', '/', true],
  ['/', 'a', false],
  ['//', '//', true],
  ['//', '/', false],
  ['/+', '/', true],
  ['+/+', '/', true],
  ['/#', '/', true],
  ['/#', 'a', false],
  ['a//b', 'a//b', true],
  ['a/+/b', 'a//b', true],
  ['a/b', 'a//b', false],
  ['a/+', 'a', false],
  ['a/+', 'a/', true],
  ['a/+/#', 'a', false],
  ['a/+/#', 'a/b', true],
  ['+/b/+', 'a/b/c', true],
  ['__proto__', '__proto__', true],
  ['__proto__', 'constructor', false],
  ['+/constructor', 'a/constructor', true],
  ['hasOwnProperty/#', 'hasOwnProperty', true],
  ['hasOwnProperty/toString', 'hasOwnProperty/valueOf', false],
  ['ä/€/+', 'ä/€/𝄞', true],
]
