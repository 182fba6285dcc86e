// An ACL file in Mosquitto's syntax, as rules. Read by server.ts at the start and whenever it changes, and by `godwit
// acl`.
import { isUtf8 } from 'node:buffer'
import { GodwitError } from '../base/errors.ts'
import { AclMistake, parseAclLine } from './acl-line.ts'
import { RuleSet } from './rule-set.ts'

/**
 * `path` is for messages, and for those who ask why. Throws ERR_GODWIT_CONFIG_INVALID with a line for each mistake. A
 * file without a rule is one: it would shut everybody out, and is more likely half written.
 */
export function parseAclFile(path: string, content: Buffer): RuleSet {
  const rules = new RuleSet()
  const problems: string[] = []
  let userName: string | undefined
  for (const [index, line] of linesOf(content).entries()) {
    const place = `${path}:${index + 1}`
    try {
      const parsed = parseAclLine(textOf(line))
      if (parsed?.kind === 'user') userName = parsed.userName
      if (parsed === undefined || parsed.kind === 'user') continue
      const rule = { ...parsed.rule, origin: `${place}: ${textOf(line).trim()}` }
      if (parsed.kind === 'pattern') rules.addPattern(rule)
      else rules.add(userName, rule)
    } catch (error) {
      if (!(error instanceof AclMistake)) throw error
      problems.push(`${place}: ${error.message}`)
    }
  }
  if (problems.length === 0 && rules.size === 0) problems.push(`${path}:1: there is no rule in it`)
  if (problems.length > 0) throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', problems.join('\n'))
  return rules
}

const linesOf = (content: Buffer): Buffer[] =>
  content
    .toString('latin1')
    .split('\n')
    .map((line) => Buffer.from(line, 'latin1'))

function textOf(line: Buffer): string {
  if (!isUtf8(line)) throw new AclMistake('it is not UTF-8')
  return line.toString()
}
