// Match results by topic name, kept while subscriptions come and go. Stands between the router and the trie.
//
//   changes      ... | 4711 a/b | 4712 x/+ | 4713 c |     the last CHANGES_KEPT filters, by number
//   entry        topicName -> match, valid at 4711
//   lookup       valid at the newest number: a hit, one Map.get and one compare
//                else the changes since then are asked whether one of them matches the name:
//                none: valid at the newest number, a hit; one, or too many changes: made anew
// So a change costs the same whatever the cache holds, and a client that reconnects spoils its own topics only.
//
//   lookup -> young --full--> old --full again--> dropped
//               ^-- found ----+
// Two generations and no LRU: a hit in young moves nothing, where LRU relinks (or deletes and sets) on every hit.
// What was used since the last swap survives the next one, which is what LRU would have kept, nearly.
import { filterMatches } from './filter-matches.ts'
import { CharCode } from './level.ts'
import { isWildcard } from './topic-filter.ts'

/** Of a topic name, which the cache holds too: so many weigh 1. */
const NAME_CHARACTERS = 256

/** To ask so many takes about as long as to match anew in a large trie. */
const CHANGES_KEPT = 256

interface Change {
  readonly topicFilter: string
  /** Length of the levels before the first wildcard, without the separator after them; -1: there is no wildcard. */
  readonly prefixLength: number
  readonly lastCodeOfPrefix: number
}

interface Entry<M> {
  readonly match: M
  readonly weight: number
  /** Number of changes that had happened when the match was last known to be right. */
  validAt: number
}

export class MatchCache<M> {
  readonly #weightMax: number
  readonly #make: (topicName: string) => M
  readonly #weigh: (match: M) => number
  readonly #recent: Change[] = []
  #changes = 0
  #young = new Map<string, Entry<M>>()
  #old = new Map<string, Entry<M>>()
  #youngWeight = 0

  /**
   * Holds matches up to a total weight of `capacity`, or one that alone weighs more. By default each weighs 1; where
   * matches grow with the number of recipients, `weigh` should too, or capacity times recipients is what it may hold.
   * Long names weigh by their length besides.
   */
  constructor(capacity: number, make: (topicName: string) => M, weigh: (match: M) => number = () => 1) {
    this.#weightMax = capacity / 2
    this.#make = make
    this.#weigh = weigh
  }

  /** Number of topic names whose match is held. */
  get size(): number {
    let size = this.#young.size
    for (const topicName of this.#old.keys()) if (!this.#young.has(topicName)) size++
    return size
  }

  /** Equal to `make(topicName)` now, provided `changed` was called for every change. */
  lookup(topicName: string): M {
    const entry = this.#young.get(topicName)
    if (entry !== undefined && entry.validAt === this.#changes) return entry.match
    return this.#refresh(topicName, entry)
  }

  /** Call after each subscribe and unsubscribe, with the filter without its share prefix. */
  changed(topicFilter: string): void {
    const prefixLength = isWildcard(topicFilter) ? lengthBeforeWildcard(topicFilter) : -1
    const lastCodeOfPrefix = prefixLength > 0 ? topicFilter.charCodeAt(prefixLength - 1) : 0
    this.#recent[this.#changes % CHANGES_KEPT] = { topicFilter, prefixLength, lastCodeOfPrefix }
    this.#changes++
  }

  /** What the matches were made of has changed in another way than by subscriptions. */
  clear(): void {
    this.#young.clear()
    this.#old.clear()
    this.#youngWeight = 0
  }

  #refresh(topicName: string, young: Entry<M> | undefined): M {
    const entry = young ?? this.#old.get(topicName)
    if (entry !== undefined && this.#isUnaffected(topicName, entry.validAt)) {
      entry.validAt = this.#changes
      if (young === undefined) this.#keep(topicName, entry)
      return entry.match
    }
    const match = this.#make(topicName)
    if (young !== undefined) this.#youngWeight -= young.weight
    const weight = this.#weigh(match) + Math.floor(topicName.length / NAME_CHARACTERS)
    this.#keep(topicName, { match, weight, validAt: this.#changes })
    return match
  }

  #isUnaffected(topicName: string, validAt: number): boolean {
    if (this.#changes - validAt > CHANGES_KEPT) return false
    for (let number = validAt; number < this.#changes; number++) {
      if (affects(this.#recent[number % CHANGES_KEPT] as Change, topicName)) return false
    }
    return true
  }

  #keep(topicName: string, entry: Entry<M>): void {
    if (this.#youngWeight + entry.weight > this.#weightMax && this.#young.size > 0) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngWeight = 0
    }
    this.#young.set(topicName, entry)
    this.#youngWeight += entry.weight
  }
}

function lengthBeforeWildcard(topicFilter: string): number {
  const wildcard = topicFilter.search(/[+#]/)
  return Math.max(0, wildcard - 1)
}

/** Nearly always the two characters at the end of the prefix say no, at a twentieth of the price of filterMatches. */
function affects({ topicFilter, prefixLength, lastCodeOfPrefix }: Change, topicName: string): boolean {
  if (prefixLength === -1) return topicFilter === topicName
  if (prefixLength > 0) {
    if (topicName.charCodeAt(prefixLength - 1) !== lastCodeOfPrefix) return false
    if (topicName.length > prefixLength && topicName.charCodeAt(prefixLength) !== CharCode.Separator)
      return false
  }
  return filterMatches(topicFilter, topicName)
}
