// Mosquitto's ACL file: what each line means, and what is wrong with the others.
import { describe, expect, it } from 'vitest'
import { Access, writeBit } from '../../src/authorization/access.ts'
import { parseAclFile } from '../../src/authorization/acl-file.ts'
import { decide, isGranted } from '../../src/authorization/decide.ts'
import type { RuleSet } from '../../src/authorization/rule-set.ts'

const parse = (...lines: string[]): RuleSet => parseAclFile('acl', Buffer.from(lines.join('\n')))

const WRITE = writeBit(0, false)

/** What a client called device-7 may do, as `rw`, `r`, `w` or nothing. */
function rightsOf(rules: RuleSet, userName: string | undefined, topicName: string): string {
  const decision = decide(rules.layersFor(userName), { clientId: 'device-7', userName }, topicName)
  const text = (access: number, letter: string): string => (isGranted(decision, access) ? letter : '')
  return text(Access.Read, 'r') + text(WRITE, 'w')
}

describe('an ACL file', () => {
  it('gives what stands before the first user to those without a user name, and to nobody else', () => {
    const rules = parse('topic read news/#', 'user ada', 'topic a')
    expect(rightsOf(rules, undefined, 'news/x')).toBe('r')
    expect(rightsOf(rules, 'ada', 'news/x')).toBe('')
    expect(rightsOf(rules, 'bob', 'news/x')).toBe('')
    expect(rightsOf(rules, undefined, 'a')).toBe('')
    expect(rightsOf(rules, 'ada', 'a')).toBe('rw')
  })

  it.each([
    ['topic a', 'a', 'rw'],
    ['topic read a', 'a', 'r'],
    ['topic write a', 'a', 'w'],
    ['topic readwrite a', 'a', 'rw'],
    ['topic deny a', 'a', ''],
    ['topic read', 'read', 'rw'],
    ['topic read a b/c d', 'a b/c d', 'r'],
    ['  topic   read    a  b  ', 'a  b', 'r'],
    ['topic read a\r', 'a', 'r'],
    ['topic read \t a', 'a', 'r'],
    ['pattern to/%c', 'to/device-7', 'rw'],
    ['pattern read everybody/#', 'everybody/x', 'r'],
    ['topic read %c', '%c', 'r'],
    ['topic read %c', 'device-7', ''],
    ['topic read $SYS/#', '$SYS/x', 'r'],
    ['topic read #', '$SYS/x', ''],
    ['topic read ä/€', 'ä/€', 'r'],
  ])('takes "%s" as Mosquitto does: %s is "%s"', (line, topicName, rights) => {
    expect(rightsOf(parse(line), undefined, topicName)).toBe(rights)
  })

  it('adds to a user who is named again, and takes blanks within a name', () => {
    const rules = parse(
      'user  ada lovelace ',
      'topic read a',
      'user bob',
      'topic b',
      'user ada lovelace',
      'topic c',
    )
    expect(rules.userCount).toBe(2)
    expect(['a', 'b', 'c'].map((each) => rightsOf(rules, 'ada lovelace', each))).toEqual(['r', '', 'rw'])
  })

  it('gives patterns to everybody, wherever they stand', () => {
    const rules = parse('user ada', 'pattern read for/%u', 'topic a')
    expect(rightsOf(rules, 'ada', 'for/ada')).toBe('r')
    expect(rightsOf(rules, 'bob', 'for/bob')).toBe('r')
    expect(rightsOf(rules, undefined, 'for/undefined')).toBe('')
  })

  it('knows conditions on quality of service and RETAIN', () => {
    const rules = parse('topic readwrite,qos=0|1,retain=false a', 'topic deny,qos=1 +', 'topic read a')
    const decision = decide(rules.layersFor(undefined), { clientId: '', userName: undefined }, 'a')
    expect(isGranted(decision, Access.Read | writeBit(0, false))).toBe(true)
    for (const bit of [writeBit(1, false), writeBit(2, false), writeBit(0, true)]) {
      expect(isGranted(decision, bit)).toBe(false)
    }
  })

  it.each([
    ['topic', 'topic has no topic filter'],
    ['pattern ', 'pattern has no topic filter'],
    ['user', 'user has no name'],
    ['User ada', 'a line begins with topic, pattern or user, not with "User"'],
    [
      'topic\tread a',
      'a line begins with topic, pattern or user, not with "topic\\tread"; words are separated by spaces, not by tabs',
    ],
    [' # remark', 'a remark begins in the first column'],
    ['topic READ a', '"READ" is no access: it is read, write, readwrite or deny'],
    ['topic a b', '"a" is no access: it is read, write, readwrite or deny'],
    ['topic read a/#/b', '"a/#/b" is no topic filter: it has a # that is not its last character'],
    ['topic a+', '"a+" is no topic filter: it has a + that is not alone in its level'],
    ['topic read a\0b', '"a\\u0000b" is no topic filter: it contains U+0000'],
    ['pattern read dev-%c/#', '%c must be alone in its level, not in "dev-%c"'],
    ['topic write,qos=3 a', '"qos=3" is no condition: it is like qos=0|1 or retain=false'],
    ['topic write,qos=0| a', '"qos=0|" is no condition: it is like qos=0|1 or retain=false'],
    ['topic write, a', '"" is no condition: it is like qos=0|1 or retain=false'],
    ['topic read,qos=0 a', 'conditions are on what is published, not on read'],
  ])('is refused for "%s"', (line, problem) => {
    expect(() => parse('topic read ok', '# ä', line, 'user x')).toThrow(
      expect.objectContaining({ code: 'ERR_GODWIT_CONFIG_INVALID', message: `acl:3: ${problem}` }),
    )
  })

  it('is refused for what is not UTF-8, with its line', () => {
    const content = Buffer.concat([Buffer.from('topic a\ntopic '), Buffer.from([0xff, 0x0a])])
    expect(() => parseAclFile('acl', content)).toThrow('acl:2: it is not UTF-8')
  })

  it('is refused with a line for each of its mistakes', () => {
    expect(() => parse('nonsense', 'topic a', 'user')).toThrow(/^acl:1: .*\nacl:3: .*$/)
  })

  it.each(['', '# nothing\n', 'user ada\n'])('is refused without a rule: %j', (content) => {
    expect(() => parseAclFile('acl', Buffer.from(content))).toThrow('acl:1: there is no rule in it')
  })
})
