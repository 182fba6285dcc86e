// The rules of a file: for each user, for those without a user name, and patterns, which are for everybody.
import type { Layers } from './decide.ts'
import type { Rule } from './rule.ts'
import { RuleTrie } from './rule-trie.ts'

const NO_RULES = new RuleTrie()

export class RuleSet {
  readonly #users = new Map<string, RuleTrie>()
  readonly #nobody = new RuleTrie()
  readonly #patterns = new RuleTrie(true)
  #size = 0

  /** Number of rules. */
  get size(): number {
    return this.#size
  }

  get userCount(): number {
    return this.#users.size
  }

  /** For `userName`, or for who has none. */
  add(userName: string | undefined, rule: Rule): void {
    this.#size++
    if (userName === undefined) return this.#nobody.add(rule)
    const rules = this.#users.get(userName) ?? new RuleTrie()
    this.#users.set(userName, rules)
    rules.add(rule)
  }

  addPattern(rule: Rule): void {
    this.#size++
    this.#patterns.add(rule)
  }

  /** Those about a user go before patterns. */
  layersFor(userName: string | undefined): Layers {
    const own = userName === undefined ? this.#nobody : (this.#users.get(userName) ?? NO_RULES)
    return [own, this.#patterns]
  }
}
