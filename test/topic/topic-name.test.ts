// Which topic names may be published to.
import { describe, expect, it } from 'vitest'
import { topicNameProblem } from '../../src/topic/topic-name.ts'

const LEVELS_MAX = 200

describe('topicNameProblem', () => {
  for (const topicName of [
    'a',
    '/',
    '//',
    'a//b',
    '$SYS/x',
    '$share/g/a',
    ' ',
    'ä/€',
    '__proto__',
    '\u0001',
  ]) {
    it(`accepts ${JSON.stringify(topicName)}`, () => {
      expect(topicNameProblem(topicName, LEVELS_MAX)).toBeUndefined()
    })
  }

  it('[v5 MQTT-4.7.3-1] refuses an empty name', () => {
    expect(topicNameProblem('', LEVELS_MAX)).toBe('it is empty')
  })

  for (const topicName of ['+', '#', 'a/+', 'a/#', 'a+b', 'a#', '#/a', `${'a'.repeat(300)}#`]) {
    it(`[v5 MQTT-3.3.2-2] refuses the wildcard in ${topicName.slice(-10)}`, () => {
      expect(topicNameProblem(topicName, LEVELS_MAX)).toBe('it contains a wildcard character')
    })
  }

  for (const topicName of ['\0', 'a\0', '\0/a', 'a/\0/b']) {
    it(`[v5 MQTT-4.7.3-2] refuses U+0000 in ${JSON.stringify(topicName)}`, () => {
      expect(topicNameProblem(topicName, LEVELS_MAX)).toBe('it contains U+0000')
    })
  }

  it('[v5 MQTT-4.7.3-3] accepts 65,535 bytes and refuses one more, counted in bytes of UTF-8', () => {
    const tooLong = 'it is longer than 65535 bytes'
    expect(topicNameProblem('a'.repeat(65_535), LEVELS_MAX)).toBeUndefined()
    expect(topicNameProblem('a'.repeat(65_536), LEVELS_MAX)).toBe(tooLong)
    expect(topicNameProblem('€'.repeat(21_845), LEVELS_MAX)).toBeUndefined()
    expect(topicNameProblem(`${'€'.repeat(21_845)}a`, LEVELS_MAX)).toBe(tooLong)
    expect(topicNameProblem('𝄞'.repeat(16_384), LEVELS_MAX)).toBe(tooLong)
  })

  it('accepts as many levels as allowed and refuses one more', () => {
    expect(topicNameProblem('a/'.repeat(LEVELS_MAX - 1), LEVELS_MAX)).toBeUndefined()
    expect(topicNameProblem('a/'.repeat(LEVELS_MAX), LEVELS_MAX)).toBe('it has more than 200 levels')
    expect(topicNameProblem('/'.repeat(30_000), LEVELS_MAX)).toBe('it has more than 200 levels')
    expect(topicNameProblem('a', 1)).toBeUndefined()
    expect(topicNameProblem('a/b', 1)).toBe('it has more than 1 levels')
  })
})
