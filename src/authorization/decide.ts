// What layers of rules say about one topic name, or about a topic filter. The earlier layer wins; within one, deny
// comes before grant, whatever their order; what no layer speaks of is left open to whoever is asked next.
//
//   layers of a client   rules of its user -> patterns -> claims of its token -> open
import { intersectFilters, namesStandingFor } from '../topic/filter-intersection.ts'
import { Access } from './access.ts'
import { filledIn, type Rule, type Subject } from './rule.ts'
import { grantedBy, type RuleTrie, saidBy } from './rule-trie.ts'

export type Layers = readonly RuleTrie[]

/** Bits of Access in the low byte are granted, in the high byte open; what is neither is denied. */
const OPEN_SHIFT = 8
export const EVERYTHING_OPEN = Access.All << OPEN_SHIFT
export const isGranted = (decision: number, access: number): boolean => (decision & access) === access
export const isOpen = (decision: number, access: number): boolean =>
  ((decision >>> OPEN_SHIFT) & access) !== 0

/** For isGranted and isOpen. The topic name is valid. */
export function decide(layers: Layers, subject: Subject, topicName: string): number {
  let granted = 0
  let open: number = Access.All
  for (const layer of layers) {
    const match = layer.match(topicName, subject)
    granted |= open & grantedBy(match)
    open &= ~saidBy(match)
  }
  return granted | (open << OPEN_SHIFT)
}

/**
 * Looked at for one filter. Beyond it a filter counts as readable: what it brings is looked at when it is delivered.
 */
const STEPS_MAX = 2_000

/**
 * A topic name that `topicFilter` matches and that may be read; undefined: there is none. '' where the rules are too
 * many to tell. Names in it may have U+0000 for any level.
 */
export function findReadable(layers: Layers, subject: Subject, topicFilter: string): string | undefined {
  const levelsMax = levelsToLookAt(layers)
  let steps = 0
  for (const layer of layers) {
    for (const rule of layer.readingWithin(topicFilter, subject)) {
      if (++steps > STEPS_MAX) return ''
      for (const topicName of namesOf(rule, layer, subject, topicFilter, levelsMax)) {
        if (isGranted(decide(layers, subject, topicName), Access.Read)) return topicName
        if (++steps > STEPS_MAX) return ''
      }
    }
  }
  return undefined
}

function* namesOf(
  rule: Rule | undefined,
  { isPatterns }: RuleTrie,
  subject: Subject,
  topicFilter: string,
  levelsMax: number,
): Generator<string> {
  const ruleFilter = rule && (isPatterns ? filledIn(rule.topicFilter, subject) : rule.topicFilter)
  const common = ruleFilter === undefined ? undefined : intersectFilters(ruleFilter, topicFilter)
  if (common !== undefined) yield* namesStandingFor(common, levelsMax)
}

/** Whether `topicFilter` matches a topic name that no layer says anything about reading of. */
export function isPartlyOpen(layers: Layers, subject: Subject, topicFilter: string): boolean {
  for (const topicName of namesStandingFor(topicFilter, levelsToLookAt(layers))) {
    if (isOpen(decide(layers, subject, topicName), Access.Read)) return true
  }
  return false
}

/** Names with more levels than the longest rule are all alike. */
const levelsToLookAt = (layers: Layers): number =>
  1 + Math.max(0, ...layers.map(({ levelsMax }) => levelsMax))
