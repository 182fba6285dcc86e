// The schema as a plain tree, for those that ask about an option rather than for its value:
// environment.ts (which option does this variable mean?) and problems.ts (what would have been allowed?).
import { z } from 'zod'
import { configSchema } from './schema.ts'

const NAMES_SHOWN_MAX = 3

/** From the root: names of options, and places in lists. */
export type OptionPath = readonly (string | number)[]

/** The part of JSON Schema that the schema makes use of. */
export interface OptionNode {
  readonly type?: string
  readonly properties?: Readonly<Record<string, OptionNode>>
  readonly items?: OptionNode
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly examples?: readonly string[]
}

export const rootOption = z.toJSONSchema(configSchema, { io: 'input' }) as OptionNode

export const childNames = (node: OptionNode): string[] => Object.keys(node.properties ?? {})

/** What stands below `node` under a name or at a place; undefined when there is no such option. */
export function childOption(node: OptionNode, step: string | number): OptionNode | undefined {
  if (typeof step === 'number') return node.items
  return Object.hasOwn(node.properties ?? {}, step) ? node.properties?.[step] : undefined
}

export function optionAt(path: OptionPath): OptionNode | undefined {
  let node: OptionNode | undefined = rootOption
  for (const step of path) node = node && childOption(node, step)
  return node
}

/** Paths of all options and groups; a list is shown by its first place. */
export function optionPaths(node = rootOption, path: OptionPath = []): OptionPath[] {
  const steps = node.items === undefined ? childNames(node) : [0]
  return steps.flatMap((step) => {
    const childPath = [...path, step]
    return [childPath, ...optionPaths(childOption(node, step), childPath)]
  })
}

/** As people write it: listeners[0].port */
export function pathText(path: OptionPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '')
}

const groupText = (names: string[]): string =>
  names.length <= NAMES_SHOWN_MAX ? names.join(', ') : `${names.slice(0, NAMES_SHOWN_MAX).join(', ')}, ...`

/** What an option takes, to follow "it must be". */
export function allowedText(node: OptionNode): string {
  if (node.enum !== undefined) return `one of ${node.enum.join(', ')}`
  if (node.examples !== undefined) return `empty, or a text such as ${node.examples.join(', ')}`
  switch (node.type) {
    case 'integer':
      return `a whole number from ${node.minimum} to ${node.maximum}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return 'a list of at least one entry'
    case 'object':
      return `a group of options (${groupText(childNames(node))})`
    default:
      return 'a text that is not empty'
  }
}
