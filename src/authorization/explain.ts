// Why something is allowed or not: the rule that decided. Goes through the rules one by one, in their order, without
// the tries, so that decide.ts can be held against it.
import type { Layers } from './decide.ts'
import { matchesRule, type Rule, type Subject } from './rule.ts'

export interface Explanation {
  /** Undefined: no rule speaks of it. */
  readonly isAllowed: boolean | undefined
  readonly rule?: Rule
  /** Of the subject: all patterns are closed to who is called so. */
  readonly unsafeName?: string
}

/** `access` is one bit of Access. */
export function explain(layers: Layers, subject: Subject, topicName: string, access: number): Explanation {
  for (const layer of layers) {
    const unsafeName = layer.unsafeNameOf(subject)
    if (unsafeName !== undefined) return { isAllowed: false, unsafeName }
    const concerned = layer.rules.filter(
      (rule) => (rule.access & access) !== 0 && matchesRule(rule, layer.isPatterns, subject, topicName),
    )
    const rule = concerned.find(({ isDeny }) => isDeny) ?? concerned[0]
    if (rule !== undefined) return { isAllowed: !rule.isDeny, rule }
  }
  return { isAllowed: undefined }
}
