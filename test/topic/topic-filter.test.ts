// Which topic filters may be subscribed to, and how shared ones come apart.
import { describe, expect, it } from 'vitest'
import { isWildcard, parseShare, topicFilterProblem } from '../../src/topic/topic-filter.ts'

const LEVELS_MAX = 200
const HASH_LAST = 'it has a # that is not its last character'
const HASH_ALONE = 'it has a # that is not alone in its level'
const PLUS_ALONE = 'it has a + that is not alone in its level'
const NO_FILTER = 'it has no topic filter after $share and share name'

const valid = [
  'a',
  '+',
  '#',
  '/',
  '//',
  'a/#',
  '+/#',
  '/#',
  'a/+',
  '+/a',
  'a/+/b',
  '+/+',
  '$SYS/#',
  'ä/+/€',
  ' ',
]
const validShared = [
  '$share/g/a',
  '$share/g/#',
  '$share/g/+/a',
  '$share/g//',
  '$share/ä b/$SYS/#',
  '$shared/a',
]

const invalid: readonly (readonly [string, string, string])[] = [
  ['v5 MQTT-4.7.3-1', '', 'it is empty'],
  ['v5 MQTT-4.7.1-1', 'a#', HASH_ALONE],
  ['v5 MQTT-4.7.1-1', 'a/b#', HASH_ALONE],
  ['v5 MQTT-4.7.1-1', '##', HASH_LAST],
  ['v5 MQTT-4.7.1-1', '#/a', HASH_LAST],
  ['v5 MQTT-4.7.1-1', '#/', HASH_LAST],
  ['v5 MQTT-4.7.1-1', 'a/#/b', HASH_LAST],
  ['v5 MQTT-4.7.1-1', '+#', PLUS_ALONE],
  ['v5 MQTT-4.7.1-2', '+a', PLUS_ALONE],
  ['v5 MQTT-4.7.1-2', 'a+', PLUS_ALONE],
  ['v5 MQTT-4.7.1-2', '++', PLUS_ALONE],
  ['v5 MQTT-4.7.1-2', 'a/+b/c', PLUS_ALONE],
  ['v5 MQTT-4.7.1-2', 'a/b+/c', PLUS_ALONE],
  ['v5 MQTT-4.7.3-2', 'a/\0', 'it contains U+0000'],
  ['v5 MQTT-4.7.3-2', '$share/\0/a', 'it contains U+0000'],
  ['v5 MQTT-4.7.3-2', '$share/g/\0', 'it contains U+0000'],
  ['v5 MQTT-4.8.2-1', '$share', NO_FILTER],
  ['v5 MQTT-4.8.2-1', '$share/', NO_FILTER],
  ['v5 MQTT-4.8.2-2', '$share/g', NO_FILTER],
  ['v5 MQTT-4.8.2-2', '$share/g/', NO_FILTER],
  ['v5 MQTT-4.8.2-1', '$share//a', 'it has an empty share name'],
  ['v5 MQTT-4.8.2-2', '$share/+/a', 'it has a wildcard character in its share name'],
  ['v5 MQTT-4.8.2-2', '$share/g#/a', 'it has a wildcard character in its share name'],
  ['v5 MQTT-4.8.2-2', '$share/g/a#', HASH_ALONE],
  ['v5 MQTT-4.8.2-2', '$share/g/+a', PLUS_ALONE],
]

describe('topicFilterProblem', () => {
  for (const topicFilter of [...valid, ...validShared]) {
    it(`accepts ${JSON.stringify(topicFilter)}`, () => {
      expect(topicFilterProblem(topicFilter, LEVELS_MAX)).toBeUndefined()
    })
  }

  for (const [statement, topicFilter, why] of invalid) {
    it(`[${statement}] refuses ${JSON.stringify(topicFilter)}: ${why}`, () => {
      expect(topicFilterProblem(topicFilter, LEVELS_MAX)).toBe(why)
    })
  }

  it('[v5 MQTT-4.7.3-3] refuses more than 65,535 bytes, the share prefix included', () => {
    const tooLong = 'it is longer than 65535 bytes'
    expect(topicFilterProblem('a'.repeat(65_535), LEVELS_MAX)).toBeUndefined()
    expect(topicFilterProblem('a'.repeat(65_536), LEVELS_MAX)).toBe(tooLong)
    expect(topicFilterProblem(`$share/g/${'a'.repeat(65_527)}`, LEVELS_MAX)).toBe(tooLong)
  })

  it('counts the levels after the share prefix and refuses more than allowed', () => {
    const tooMany = 'it has more than 200 levels'
    for (const prefix of ['', '$share/g/']) {
      expect(topicFilterProblem(`${prefix}${'+/'.repeat(LEVELS_MAX - 1)}#`, LEVELS_MAX)).toBeUndefined()
      expect(topicFilterProblem(`${prefix}${'+/'.repeat(LEVELS_MAX)}#`, LEVELS_MAX)).toBe(tooMany)
      expect(topicFilterProblem(`${prefix}${'/'.repeat(30_000)}`, LEVELS_MAX)).toBe(tooMany)
    }
  })
})

describe('parseShare', () => {
  it('parts share name and topic filter', () => {
    expect(parseShare('$share/g/a/+/#')).toEqual({ shareName: 'g', topicFilter: 'a/+/#' })
    expect(parseShare('$share/g//')).toEqual({ shareName: 'g', topicFilter: '/' })
    expect(parseShare('$share/__proto__/$SYS/#')).toEqual({ shareName: '__proto__', topicFilter: '$SYS/#' })
  })

  it('says that other filters are plain', () => {
    for (const topicFilter of ['a', '$shared/g/a', '$SYS/#', 'a/$share/g/b', '/$share/g/a', '$SHARE/g/a']) {
      expect(parseShare(topicFilter)).toBeUndefined()
    }
  })
})

describe('isWildcard', () => {
  it('tells filters with a wildcard from literal ones', () => {
    expect(['a/+', '#', 'a/#', '+/a', '$SYS/+'].every(isWildcard)).toBe(true)
    expect(['a', '/', '$SYS/a', 'a//b'].some(isWildcard)).toBe(false)
  })
})
