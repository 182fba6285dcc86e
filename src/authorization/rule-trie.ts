// Rules by topic filter: all that match a topic name in one walk, whatever their number.
//
//   root       +-- site --+-- + --- temperature     ways down as in the subscription trie, and two of patterns:
//              |          +-- %c --- #              %c and %u, open to whoever has the level's name
//   dollar     +-- $SYS --- #
//
// A node holds the bits of all rules that end there. Deny comes before grant, so their order does not matter.
import { LevelTable, levelEnd, startsWithDollar } from '../topic/level.ts'
import { LevelNode } from '../topic/level-node.ts'
import { Access } from './access.ts'
import { CLIENT_ID, isUnsafe, type Rule, type Subject, USER_NAME } from './rule.ts'

/** What the rules say: bits of Access in the low byte are granted, in the high byte denied. */
const DENIED_SHIFT = 8
export const grantedBy = (match: number): number => match & Access.All & ~(match >>> DENIED_SHIFT)
export const saidBy = (match: number): number => (match | (match >>> DENIED_SHIFT)) & Access.All

class RuleNode extends LevelNode<RuleNode, Map<string, RuleNode>> {
  singleLevel: RuleNode | undefined = undefined
  multiLevel: RuleNode | undefined = undefined
  ofClientId: RuleNode | undefined = undefined
  ofUserName: RuleNode | undefined = undefined
  /** Of the rules that end here. */
  match = 0
  /** Those of them that let someone read; undefined: none does. */
  reading: Rule[] | undefined = undefined

  addReading(rule: Rule): void {
    if (this.reading === undefined) this.reading = [rule]
    else this.reading.push(rule)
  }

  protected override makeSiblings(): Map<string, RuleNode> {
    return new Map()
  }
}

/** Of all tries: claims make many small ones. */
const levels = new LevelTable()

const wildcardWays: ReadonlyMap<string, 'singleLevel' | 'multiLevel'> = new Map([
  ['+', 'singleLevel'],
  ['#', 'multiLevel'],
])

export class RuleTrie {
  /** In the order in which they were added. */
  readonly rules: readonly Rule[]
  readonly isPatterns: boolean
  readonly #rules: Rule[] = []
  readonly #root = new RuleNode('')
  readonly #dollar = new RuleNode('')
  #levelsMax = 0
  #usesClientId = false
  #usesUserName = false

  /** `isPatterns`: whether `%c` and `%u` are placeholders. */
  constructor(isPatterns = false) {
    this.rules = this.#rules
    this.isPatterns = isPatterns
  }

  /** Levels of the longest rule. */
  get levelsMax(): number {
    return this.#levelsMax
  }

  /** The topic filter must be valid. */
  add(rule: Rule): void {
    const { topicFilter, access, isDeny } = rule
    let node = this.#rootOf(topicFilter)
    let depth = 0
    for (let start = 0; start <= topicFilter.length; depth++) {
      const end = levelEnd(topicFilter, start)
      node = this.#wayTo(node, topicFilter.slice(start, end))
      start = end + 1
    }
    node.match |= isDeny ? access << DENIED_SHIFT : access
    if (!isDeny && (access & Access.Read) !== 0) node.addReading(rule)
    this.#levelsMax = Math.max(this.#levelsMax, depth)
    this.#rules.push(rule)
  }

  /** Undefined; or which of its names keeps `subject` out of all patterns: one of them would be filled in wrongly. */
  unsafeNameOf({ clientId, userName }: Subject): string | undefined {
    if (this.#usesClientId && isUnsafe(clientId)) return clientId
    return this.#usesUserName && userName !== undefined && isUnsafe(userName) ? userName : undefined
  }

  /** For grantedBy and saidBy. The topic name must be valid. */
  match(topicName: string, subject: Subject): number {
    if (this.#rules.length === 0) return 0
    if (this.unsafeNameOf(subject) !== undefined) return Access.All << DENIED_SHIFT
    let match = 0
    let branches = [this.#rootOf(topicName)]
    for (let start = 0; start <= topicName.length && branches.length > 0; ) {
      const end = levelEnd(topicName, start)
      const level = topicName.slice(start, end)
      const below: RuleNode[] = []
      for (const node of branches) {
        if (node.multiLevel !== undefined) match |= node.multiLevel.match
        waysOf(node, level, subject, below)
      }
      branches = below
      start = end + 1
    }
    // "a/#" matches "a" as well.
    for (const node of branches) match |= node.match | (node.multiLevel?.match ?? 0)
    return match
  }

  /**
   * The rules that let someone read, and whose filters have a topic name in common with `topicFilter`. Yields
   * undefined for nodes without one, so that who asks can stop when it takes too long.
   */
  *readingWithin(topicFilter: string, subject: Subject): Generator<Rule | undefined> {
    if (this.unsafeNameOf(subject) !== undefined) return
    const filterLevels = topicFilter.split('/')
    const open: { node: RuleNode; depth: number }[] = [{ node: this.#rootOf(topicFilter), depth: 0 }]
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      yield undefined
      const { node, depth } = place
      const level = filterLevels[depth]
      if (level === undefined || level === '#') yield* node.reading ?? []
      yield* node.multiLevel?.reading ?? []
      if (level === undefined) continue
      const below: RuleNode[] = []
      if (level === '+' || level === '#') allWaysOf(node, below)
      else waysOf(node, level, subject, below)
      const depthBelow = level === '#' ? depth : depth + 1
      for (const child of below) open.push({ node: child, depth: depthBelow })
    }
  }

  #wayTo(node: RuleNode, level: string): RuleNode {
    const isClientId = this.isPatterns && level === CLIENT_ID
    const isUserName = this.isPatterns && level === USER_NAME
    if (isClientId) this.#usesClientId = true
    if (isUserName) this.#usesUserName = true
    const way = isClientId ? 'ofClientId' : isUserName ? 'ofUserName' : wildcardWays.get(level)
    if (way !== undefined) {
      node[way] ??= new RuleNode(level)
      return node[way]
    }
    const known = node.child(level)
    if (known !== undefined) return known
    const child = new RuleNode(levels.keep(level))
    node.addChild(child)
    return child
  }

  #rootOf(topic: string): RuleNode {
    return startsWithDollar(topic) ? this.#dollar : this.#root
  }
}

/** Where `level` of a topic name leads to from `node`, but for "#". */
function waysOf(node: RuleNode, level: string, { clientId, userName }: Subject, to: RuleNode[]): void {
  const child = node.child(level)
  if (child !== undefined) to.push(child)
  if (node.singleLevel !== undefined) to.push(node.singleLevel)
  if (node.ofClientId !== undefined && level === clientId) to.push(node.ofClientId)
  if (node.ofUserName !== undefined && level === userName) to.push(node.ofUserName)
}

function allWaysOf(node: RuleNode, to: RuleNode[]): void {
  if (node.onlyChild !== undefined) to.push(node.onlyChild)
  for (const child of node.siblings?.values() ?? []) to.push(child)
  if (node.singleLevel !== undefined) to.push(node.singleLevel)
  if (node.ofClientId !== undefined) to.push(node.ofClientId)
  if (node.ofUserName !== undefined) to.push(node.ofUserName)
}
