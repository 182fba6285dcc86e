// What holds for all clients alike: the rules in force, and who is asked where these leave something open.
// Made by broker/assemble-core.ts; each client's permit.ts looks here.
import type { Origin } from '../packet/message.ts'
import type { Asking } from './asking.ts'
import { decide, isGranted, isOpen, type Layers } from './decide.ts'
import type { Subject } from './rule.ts'
import type { RuleSet } from './rule-set.ts'

export interface PolicyParts {
  /** Undefined: there is no ACL file. */
  readonly rules: RuleSet | undefined
  /** Who is asked about what neither rules nor claims speak of; undefined: nobody, it is refused. */
  readonly others: Asking | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds for which their answers about publishing are remembered. */
  readonly answersMs: number
  /** Topic names whose decisions each permit remembers. */
  readonly cacheEntries: number
}

export class Policy {
  readonly others: Asking | undefined
  readonly now: () => number
  readonly answersMs: number
  readonly cacheEntries: number
  #rules: RuleSet | undefined
  #version = 0

  constructor({ rules, others, now, answersMs, cacheEntries }: PolicyParts) {
    this.#rules = rules
    this.others = others
    this.now = now
    this.answersMs = answersMs
    this.cacheEntries = cacheEntries
  }

  /** False: whoever has no claims may do everything. */
  get isRestricting(): boolean {
    return this.#rules !== undefined || this.others !== undefined
  }

  /** Grows with each change of the rules, and when answers of others are to be forgotten. */
  get version(): number {
    return this.#version
  }

  replaceRules(rules: RuleSet): void {
    this.#rules = rules
    this.#version++
  }

  forgetAnswers(): void {
    this.#version++
  }

  layersFor(userName: string | undefined): Layers {
    return this.#rules?.layersFor(userName) ?? []
  }

  /** Goes with a message that is retained. Undefined: no rules were in force that could be asked again. */
  originOf(subject: Subject, topicName: string, access: number): Origin | undefined {
    if (this.#rules === undefined) return undefined
    const { clientId, userName } = subject
    const isOutsideRules = !isGranted(decide(this.layersFor(userName), subject, topicName), access)
    return { clientId, userName, isOutsideRules }
  }

  /** Whether who published a retained message might still do so. `access` is how it was published. */
  mayStillPublish(origin: Origin, topicName: string, access: number): boolean {
    if (this.#rules === undefined) return true
    const decision = decide(this.layersFor(origin.userName), origin, topicName)
    return isGranted(decision, access) || (origin.isOutsideRules && isOpen(decision, access))
  }
}
