// Options from the environment: GODWIT_LIMITS__MAXIMUM_PACKET_SIZE=65536, GODWIT_LISTENERS__0__PORT=1884.
// Two underscores part the names; case and single underscores within a name are no difference.
import { isScalar, parseDocument } from 'yaml'
import { unfoldListeners } from './listener-addresses.ts'
import { mergeTrees, type OptionTree, treeOf } from './merge.ts'
import { nearestName, plainName } from './nearest.ts'
import { childNames, childOption, type OptionPath, optionPaths, pathText, rootOption } from './option-tree.ts'

const PREFIX = /^GODWIT_/i
/** Three digits: a place far out would make a list as long. */
const PLACE = /^\d{1,3}$/

export interface Environment {
  readonly values: OptionTree
  /** The variable that set an option, by the option's pathText. */
  readonly variables: ReadonlyMap<string, string>
  /** A line for each variable that means no option. */
  readonly problems: readonly string[]
}

export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const variables = new Map<string, string>()
  const problems: string[] = []
  let values: OptionTree = {}
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || !PREFIX.test(variable)) continue
    const path = pathOf(variable)
    if (path === undefined) problems.push(unknownText(variable))
    else {
      values = mergeTrees(values, unfoldListeners(treeOf(path, parseScalar(text))))
      variables.set(pathText(path), variable)
    }
  }
  return { values, variables, problems }
}

function pathOf(variable: string): OptionPath | undefined {
  const path: (string | number)[] = []
  let node = rootOption
  for (const part of variable.replace(PREFIX, '').split('__')) {
    const name = childNames(node).find((candidate) => plainName(candidate) === plainName(part))
    const step = PLACE.test(part) ? Number(part) : name
    const child = step === undefined ? undefined : childOption(node, step)
    if (step === undefined || child === undefined) return undefined
    path.push(step)
    node = child
  }
  return path
}

/** As in the file: 8 is a number, true a boolean, the rest text. What is no scalar is taken as it stands. */
function parseScalar(text: string): unknown {
  const { contents, errors } = parseDocument(text, { prettyErrors: false })
  return errors.length === 0 && isScalar(contents) ? contents.value : text
}

function unknownText(variable: string): string {
  const nearest = nearestName(variable, optionPaths().map(variableOf))
  return `${variable}: there is no such option; the nearest is ${nearest}`
}

const variableOf = (path: OptionPath): string =>
  `GODWIT_${path.map((step) => String(step).replace(/[A-Z]/g, '_$&').toUpperCase()).join('__')}`
