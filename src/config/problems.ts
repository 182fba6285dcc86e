// What is wrong with a configuration, a line each: where, which option, what was found, what is allowed.
import type { z } from 'zod'
import { type OptionTree, valueAt } from './merge.ts'
import { nearestName } from './nearest.ts'
import { allowedText, childNames, type OptionPath, optionAt, optionPaths, pathText } from './option-tree.ts'

const FOUND_TEXT_MAX = 60

/** Where an option was set, such as `godwit.yaml:7`; undefined when nothing is known about it. */
export type OriginOf = (path: OptionPath) => string | undefined

export function problemLines(
  issues: readonly z.core.$ZodIssue[],
  values: OptionTree,
  originOf: OriginOf,
): string[] {
  return issues.flatMap((issue) => {
    const path = issue.path as OptionPath
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((name) => problemLine([...path, name], unknownText(path, name), originOf))
    }
    // In our own words, which follow "is ...;".
    const allowed = isOwn(issue) ? issue.message : `it must be ${allowedAt(path)}`
    return problemLine(path, `${nameOf(path)} is ${foundText(valueAt(values, path))}; ${allowed}`, originOf)
  })
}

function problemLine(path: OptionPath, text: string, originOf: OriginOf): string {
  const origin = originOf(path)
  return origin === undefined ? text : `${origin}: ${text}`
}

const isOwn = ({ code, message }: z.core.$ZodIssue): boolean =>
  code === 'custom' || (code === 'invalid_format' && message.startsWith('it '))

const nameOf = (path: OptionPath): string => pathText(path) || 'the configuration'

function allowedAt(path: OptionPath): string {
  const node = optionAt(path)
  return node === undefined ? 'something else' : allowedText(node)
}

/** The right name in the wrong group comes before a name beside it that looks alike. */
function unknownText(path: OptionPath, name: string): string {
  const elsewhere = optionPaths().find((candidate) => candidate.at(-1) === name)
  const sibling = nearestName(name, childNames(optionAt(path) ?? {}))
  const nearest = elsewhere ?? (sibling === undefined ? path : [...path, sibling])
  return `there is no option ${pathText([...path, name])}; the nearest is ${pathText(nearest)}`
}

function foundText(value: unknown): string {
  if (value === undefined || value === null) return 'empty'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a group'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > FOUND_TEXT_MAX ? `${text.slice(0, FOUND_TEXT_MAX)}...` : text
}
