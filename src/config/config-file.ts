// The YAML file after `-c`: its values, and on which line each of them stands.
import { readFileSync } from 'node:fs'
import { isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { GodwitError } from '../base/errors.ts'
import { unreadable } from '../base/unreadable.ts'
import type { OptionTree } from './merge.ts'
import type { OptionPath } from './option-tree.ts'

export interface ConfigFile {
  readonly values: OptionTree
  /** The line of an option, or of the innermost group around it that is there. */
  lineOf(path: OptionPath): number
}

/** Throws ERR_GODWIT_CONFIG_UNREADABLE, or ERR_GODWIT_CONFIG_INVALID for what is no YAML. */
export function readConfigFile(path: string): ConfigFile {
  const lineCounter = new LineCounter()
  const document = parseDocument(readText(path), { lineCounter, prettyErrors: false })
  const root = document.contents
  const lines = document.errors.map(
    ({ pos, message }) => `${path}:${lineCounter.linePos(pos[0]).line}: ${message}`,
  )
  if (lines.length === 0 && root !== null && !isMap(root))
    lines.push(`${path}:1: options are written as name: value`)
  if (lines.length > 0) throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', lines.join('\n'))
  return {
    values: toValues(path, () => document.toJS()) ?? {},
    lineOf: (optionPath) => lineCounter.linePos(offsetOf(root, optionPath)).line,
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw unreadable('the configuration file', path, cause as NodeJS.ErrnoException)
  }
}

/** Aliases are followed only here, and a file may have too many of them. */
function toValues(path: string, convert: () => OptionTree): OptionTree {
  try {
    return convert()
  } catch (cause) {
    throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', `${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Of the option's name where it has one, so that an unknown name is pointed at. */
function offsetOf(root: Node | null, path: OptionPath): number {
  let node: unknown = root
  let offset = 0
  for (const step of path) {
    if (isMap<Node, Node | null>(node)) {
      const pair = node.items.find(({ key }) => String(key) === step)
      if (pair === undefined) return offset
      offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isSeq<Node>(node)) {
      node = node.items[Number(step)]
      offset = (node as Node | undefined)?.range?.[0] ?? offset
    } else return offset
  }
  return offset
}
