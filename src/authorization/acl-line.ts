// One line of an ACL file in Mosquitto's syntax. From acl-file.ts.
//
//   topic [access] filter        access: read, write, readwrite, deny; readwrite where nothing is said
//   pattern [access] filter      the same with %c and %u, for everybody
//   user name
//   topic write,qos=0|1,retain=false filter       conditions on what is published: not in Mosquitto
import type { Qos } from '../packet/protocol.ts'
import { topicFilterProblem } from '../topic/topic-filter.ts'
import { Access, writingWith } from './access.ts'
import { CLIENT_ID, type Rule, USER_NAME } from './rule.ts'

export type AclLine =
  | { readonly kind: 'user'; readonly userName: string }
  | { readonly kind: 'topic' | 'pattern'; readonly rule: Omit<Rule, 'origin'> }

/** Thrown for a line that is not right. The message is what stands behind file and line. */
export class AclMistake extends Error {}

/** As many as fit into a packet; what a client may use is checked with each of its packets. */
const LEVELS_MAX = 65_536

/** Undefined: a remark, or nothing. Throws AclMistake. */
export function parseAclLine(line: string): AclLine | undefined {
  if (line.startsWith('#')) return undefined
  const text = trimBlanks(line)
  if (text === '') return undefined
  const [word, rest] = cutWord(text)
  if (word === 'user') return { kind: 'user', userName: nonEmpty(trimBlanks(rest), 'user has no name') }
  if (word === 'topic' || word === 'pattern') return { kind: word, rule: parseRule(word, rest) }
  if (word.startsWith('#')) throw new AclMistake('a remark begins in the first column')
  const hint = word.includes('\t') ? '; words are separated by spaces, not by tabs' : ''
  throw new AclMistake(`a line begins with topic, pattern or user, not with ${JSON.stringify(word)}${hint}`)
}

function parseRule(kind: 'topic' | 'pattern', text: string): Omit<Rule, 'origin'> {
  const [first, rest] = cutWord(text)
  nonEmpty(first, `${kind} has no topic filter`)
  const [access, topicFilter] = rest === '' ? ['readwrite', first] : [first, trimBlanks(rest)]
  const problem = topicFilterProblem(topicFilter, LEVELS_MAX)
  if (problem !== undefined)
    throw new AclMistake(`${JSON.stringify(topicFilter)} is no topic filter: ${problem}`)
  if (kind === 'pattern') checkPlaceholders(topicFilter)
  return { topicFilter, ...parseAccess(access) }
}

/** Mosquitto would put the name into the level. Its documentation forbids it, and godwit refuses it. */
function checkPlaceholders(topicFilter: string): void {
  for (const level of topicFilter.split('/')) {
    for (const placeholder of [CLIENT_ID, USER_NAME]) {
      if (level === placeholder || !level.includes(placeholder)) continue
      throw new AclMistake(`${placeholder} must be alone in its level, not in ${JSON.stringify(level)}`)
    }
  }
}

function parseAccess(text: string): Pick<Rule, 'access' | 'isDeny'> {
  const [word, ...conditions] = text.split(',')
  const isConditional = conditions.length > 0
  const writing = parseConditions(conditions)
  if (word === 'read' && isConditional)
    throw new AclMistake('conditions are on what is published, not on read')
  if (word === 'read') return { access: Access.Read, isDeny: false }
  if (word === 'write') return { access: writing, isDeny: false }
  if (word === 'readwrite') return { access: Access.Read | writing, isDeny: false }
  if (word === 'deny') return { access: isConditional ? writing : Access.All, isDeny: true }
  throw new AclMistake(`${JSON.stringify(word)} is no access: it is read, write, readwrite or deny`)
}

const QOS_CONDITION = /^qos=([012](?:\|[012])*)$/
const RETAIN_CONDITION = /^retain=(true|false)$/

function parseConditions(conditions: readonly string[]): number {
  let qualities: readonly Qos[] = [0, 1, 2]
  let retains: readonly boolean[] = [false, true]
  for (const condition of conditions) {
    const [, qos] = QOS_CONDITION.exec(condition) ?? []
    const [, retain] = RETAIN_CONDITION.exec(condition) ?? []
    if (qos !== undefined) qualities = qos.split('|').map((each) => Number(each) as Qos)
    else if (retain !== undefined) retains = [retain === 'true']
    else
      throw new AclMistake(`${JSON.stringify(condition)} is no condition: it is like qos=0|1 or retain=false`)
  }
  return writingWith(qualities, retains)
}

/** Those of ASCII, as Mosquitto does. */
const trimBlanks = (text: string): string => text.replace(/^[ \t\v\f\r]+/, '').replace(/[ \t\v\f\r]+$/, '')

/** The first word, and what follows the space behind it. Only spaces separate words. */
function cutWord(text: string): [word: string, rest: string] {
  const [, word = '', rest = ''] = /^ *([^ ]*) ?(.*)$/s.exec(text) ?? []
  return [word, rest]
}

function nonEmpty(text: string, problem: string): string {
  if (text === '') throw new AclMistake(problem)
  return text
}
