// `godwit acl`: a file of rules looked at without a broker, by the same code that a broker has.
import { readFile } from 'node:fs/promises'
import { rightsFrom } from '../authentication/rights.ts'
import { Access, writeBit } from '../authorization/access.ts'
import { parseAclFile } from '../authorization/acl-file.ts'
import { rulesOfClaims } from '../authorization/claims.ts'
import { findReadable, type Layers } from '../authorization/decide.ts'
import { explain } from '../authorization/explain.ts'
import type { Subject } from '../authorization/rule.ts'
import type { RuleSet } from '../authorization/rule-set.ts'
import { GodwitError } from '../base/errors.ts'
import { unreadable } from '../base/unreadable.ts'
import { loadConfig } from '../config/load.ts'
import type { Qos } from '../packet/protocol.ts'
import { plainFilterOf, topicFilterProblem } from '../topic/topic-filter.ts'
import { topicNameProblem } from '../topic/topic-name.ts'

export interface ExplainFlags {
  readonly config?: string
  readonly file?: string
  readonly qos: '0' | '1' | '2'
  readonly retain?: boolean
  readonly rights?: string
}

export interface ExplainRequest extends ExplainFlags {
  readonly userName: string
  readonly clientId: string
  readonly action: 'pub' | 'sub'
  readonly topic: string
}

interface Verdict {
  readonly isAllowed: boolean
  readonly why: string
}

const NO_USER = '-'
const EXIT_REFUSED = 1
const LEVELS_MAX = 65_536

/** Rejects with the GodwitError of a file that is not as it should be, a line for each mistake. */
export async function checkAcl(file: string): Promise<void> {
  const rules = await readRules(file)
  console.log(`${file}: ${counted(rules.size, 'rule')}, ${counted(rules.userCount, 'user')}: all is right`)
}

export async function explainAcl(request: ExplainRequest): Promise<void> {
  const { action, topic, userName, clientId } = request
  const problem = (action === 'pub' ? topicNameProblem : topicFilterProblem)(topic, LEVELS_MAX)
  if (problem !== undefined) {
    const what = action === 'pub' ? 'topic name' : 'topic filter'
    throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', `${topic} is no ${what}: ${problem}`)
  }
  const { aclFile, http } = loadConfig({ file: request.config, env: process.env }).authorization
  const file = request.file ?? aclFile
  const subject = { clientId, userName: userName === NO_USER ? undefined : userName }
  const layers = [
    ...(file === '' ? [] : (await readRules(file)).layersFor(subject.userName)),
    ...(request.rights === undefined ? [] : [rulesOfClaims(readRights(request.rights))]),
  ]
  const noRule = http.url === '' ? 'no rule grants it' : `no rule speaks of it: ${http.url} is asked`
  const { isAllowed, why } =
    layers.length === 0 && http.url === ''
      ? { isAllowed: true, why: 'there are no rules: authorization.aclFile is empty' }
      : verdictOn(layers, subject, request, noRule)
  console.log(`${isAllowed ? 'allowed' : 'refused'}: ${why}`)
  if (!isAllowed) process.exitCode = EXIT_REFUSED
}

function verdictOn(layers: Layers, subject: Subject, request: ExplainRequest, noRule: string): Verdict {
  const { action, topic, qos, retain = false } = request
  if (action === 'pub') {
    if (topic.startsWith('$SYS/')) return { isAllowed: false, why: 'clients publish nothing below $SYS' }
    return verdictOf(layers, subject, topic, writeBit(Number(qos) as Qos, retain), noRule)
  }
  const plainFilter = plainFilterOf(topic)
  const example = findReadable(layers, subject, plainFilter)
  if (example === '')
    return { isAllowed: true, why: 'there are more rules than are gone through for a filter' }
  const name = example ?? plainFilter
  const { isAllowed, why } = verdictOf(layers, subject, name, Access.Read, noRule)
  if (name === plainFilter) return { isAllowed, why }
  // Any level does where the name has U+0000.
  return { isAllowed, why: `${why}, for ${name.replaceAll('\0', '+')} to begin with` }
}

function verdictOf(
  layers: Layers,
  subject: Subject,
  topicName: string,
  access: number,
  noRule: string,
): Verdict {
  const { isAllowed, rule, unsafeName } = explain(layers, subject, topicName, access)
  if (rule !== undefined) return { isAllowed: isAllowed === true, why: rule.origin }
  if (unsafeName === undefined) return { isAllowed: false, why: noRule }
  return { isAllowed: false, why: `patterns are closed to who is called ${unsafeName}` }
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

async function readRules(file: string): Promise<RuleSet> {
  let content: Buffer
  try {
    content = await readFile(file)
  } catch (cause) {
    throw unreadable('the rules', file, cause as NodeJS.ErrnoException)
  }
  return parseAclFile(file, content)
}

function readRights(json: string): ReturnType<typeof rightsFrom> {
  try {
    return rightsFrom(JSON.parse(json))
  } catch (cause) {
    throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', `--rights: ${(cause as Error).message}`, { cause })
  }
}
