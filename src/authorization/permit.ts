// What one client may do: the layers of rules that concern it, what others have answered about it, and the decisions
// made lately. Hangs on the session; a client that may do everything has none. Asked by broker/gate.ts for what comes
// in, by broker/route.ts and session/outbound.ts for what goes out.
//
//   topic name -> remembered | decided by the layers -> granted, denied, or open -> what others have answered
import { type Eventual, eventually } from '../base/eventually.ts'
import type { Origin } from '../packet/message.ts'
import type { Qos } from '../packet/protocol.ts'
import { filterMatches } from '../topic/filter-matches.ts'
import type { Rights } from '../topic/rights.ts'
import { plainFilterOf } from '../topic/topic-filter.ts'
import { Access, writeBit } from './access.ts'
import type { AskedClient, Opinion } from './authorizer.ts'
import { rulesOfClaims } from './claims.ts'
import { decide, findReadable, isGranted, isOpen, isPartlyOpen, type Layers } from './decide.ts'
import type { Policy } from './policy.ts'
import type { Subject } from './rule.ts'
import type { RuleTrie } from './rule-trie.ts'

/** A client must not have sixty-four names of 65 kB remembered. */
const REMEMBERED_LENGTH_MAX = 256

/** Who could not be asked is asked again after so long. */
const FAILURE_MS = 1_000

/** What others have answered about publishing to one topic: bits of Access. */
interface Answer {
  readonly granted: number
  readonly refused: number
  /** Milliseconds since the epoch. */
  readonly until: number
}

const NO_ANSWER: Answer = { granted: 0, refused: 0, until: Number.POSITIVE_INFINITY }

export class Permit {
  readonly client: AskedClient
  readonly claims: Rights | undefined
  readonly #policy: Policy
  readonly #subject: Subject
  readonly #claimRules: RuleTrie | undefined
  #layers: Layers = []
  #policyVersion = -1
  #answersVersion = 0
  // Made when they are needed: there may be a hundred thousand permits.
  #decisions: Map<string, number> | undefined
  #answers: Map<string, Answer> | undefined
  /** Topic filters, shared ones too, that others were asked about: whether all that is open may be received. */
  #filters: Map<string, Opinion> | undefined

  constructor(policy: Policy, client: AskedClient, claims: Rights | undefined) {
    const { clientId, identity } = client
    this.client = client
    this.claims = claims
    this.#policy = policy
    this.#subject = { clientId, userName: identity === '' ? undefined : identity }
    this.#claimRules = claims && rulesOfClaims(claims)
  }

  /** Changes when something that was allowed may not be any more. */
  get version(): number {
    return this.#policy.version + this.#answersVersion
  }

  /** Undefined: others are to be asked first, see `askAboutPublishing`. */
  mayPublish(topicName: string, qos: Qos, retain: boolean): boolean | undefined {
    const access = writeBit(qos, retain)
    const decision = this.#decide(topicName)
    if (isGranted(decision, access)) return true
    if (this.#policy.others === undefined || !isOpen(decision, access)) return false
    const answer = this.#answerAbout(topicName)
    if (answer === undefined) return undefined
    if ((answer.granted & access) !== 0) return true
    return (answer.refused & access) !== 0 ? false : undefined
  }

  /** From then on, and for a while, `mayPublish` knows. */
  askAboutPublishing(topicName: string, qos: Qos, retain: boolean): Eventual<void> {
    const { others, now, answersMs } = this.#policy
    return eventually(others?.publish(this.client, { topicName, qos, retain }), (answered) => {
      const { granted, refused, until } = this.#answerAbout(topicName) ?? NO_ANSWER
      const access = writeBit(qos, retain)
      const answer = {
        granted: answered === true ? granted | access : granted,
        refused: answered === true ? refused : refused | access,
        until: Math.min(until, now() + (answered === 'failed' ? FAILURE_MS : answersMs)),
      }
      // One long name takes the place of all others.
      const entries = topicName.length > REMEMBERED_LENGTH_MAX ? 1 : this.#policy.cacheEntries
      this.#answers = remembering(this.#answers, topicName, answer, entries)
    })
  }

  #answerAbout(topicName: string): Answer | undefined {
    const answer = this.#answers?.get(topicName)
    return answer === undefined || answer.until <= this.#policy.now() ? undefined : answer
  }

  /** Goes with a message that is retained. */
  originOf(topicName: string, qos: Qos): Origin | undefined {
    return this.#policy.originOf(this.#subject, topicName, writeBit(qos, true))
  }

  /** Through any of its subscriptions. */
  mayReceive(topicName: string): boolean {
    return this.#mayReceive(this.#decide(topicName), topicName, undefined)
  }

  /** Through the one to `topicFilter`, where the answer is kept elsewhere and not to be remembered. */
  mayReceiveThrough(topicFilter: string, topicName: string): boolean {
    return this.#mayReceive(decide(this.#layersNow(), this.#subject, topicName), topicName, topicFilter)
  }

  #mayReceive(decision: number, topicName: string, topicFilter: string | undefined): boolean {
    if (isGranted(decision, Access.Read)) return true
    if (!isOpen(decision, Access.Read)) return false
    const opinion = this.#policy.others?.receive(this.client, { topicName })
    if (opinion !== undefined) return opinion
    if (topicFilter !== undefined) return this.#filters?.get(topicFilter) === true
    for (const [filter, isWhole] of this.#filters ?? []) {
      if (isWhole && filterMatches(plainFilterOf(filter), topicName)) return true
    }
    return false
  }

  /** Whether others are to be asked about `topicFilter`, and have not been. */
  mustAskAbout(topicFilter: string): boolean {
    return this.#filters?.has(topicFilter) !== true && this.#concernsOthers(topicFilter)
  }

  #concernsOthers(topicFilter: string): boolean {
    if (this.#policy.others === undefined) return false
    return isPartlyOpen(this.#layersNow(), this.#subject, plainFilterOf(topicFilter))
  }

  /** Also where they have been asked before. From then on `maySubscribe` knows. False: they could not say. */
  askAboutSubscribing(topicFilter: string): Eventual<boolean> {
    const { others } = this.#policy
    if (others === undefined || !this.#concernsOthers(topicFilter)) {
      this.forget(topicFilter)
      return true
    }
    return eventually(
      others.subscribe(this.client, { topicFilter: plainFilterOf(topicFilter) }),
      (answer) => {
        if (answer !== 'failed') this.#learn(topicFilter, answer)
        else if (this.#filters?.has(topicFilter) !== true) this.#learn(topicFilter, false)
        return answer !== 'failed'
      },
    )
  }

  #learn(topicFilter: string, opinion: Opinion): void {
    if (this.#filters?.get(topicFilter) === true && opinion !== true) this.#answersVersion++
    this.#filters ??= new Map()
    this.#filters.set(topicFilter, opinion)
  }

  /** Whether anything that `topicFilter` matches may be received. */
  maySubscribe(topicFilter: string): boolean {
    const opinion = this.#filters?.get(topicFilter)
    if (opinion === true) return true
    if (findReadable(this.#layersNow(), this.#subject, plainFilterOf(topicFilter)) !== undefined) return true
    const mayBecomeReadable = opinion === undefined && this.#policy.others?.asksAboutReceiving === true
    return mayBecomeReadable && this.#concernsOthers(topicFilter)
  }

  /**
   * Taken as granted until it is asked about: of a subscription made before the restart, or on an earlier connection.
   */
  trust(topicFilter: string): void {
    if (this.#policy.others !== undefined) this.#learn(topicFilter, true)
  }

  /** Nobody is subscribed to it any more. */
  forget(topicFilter: string): void {
    this.#filters?.delete(topicFilter)
  }

  #decide(topicName: string): number {
    const layers = this.#layersNow()
    const known = this.#decisions?.get(topicName)
    if (known !== undefined) return known
    const decision = decide(layers, this.#subject, topicName)
    if (topicName.length > REMEMBERED_LENGTH_MAX) return decision
    this.#decisions = remembering(this.#decisions, topicName, decision, this.#policy.cacheEntries)
    return decision
  }

  #layersNow(): Layers {
    if (this.#policyVersion === this.#policy.version) return this.#layers
    this.#policyVersion = this.#policy.version
    const rules = this.#policy.layersFor(this.#subject.userName)
    this.#layers = this.#claimRules === undefined ? rules : [...rules, this.#claimRules]
    this.#decisions = undefined
    this.#answers = undefined
    return this.#layers
  }
}

/** A full map is left behind and another one fills: no bookkeeping on the way of each message. */
function remembering<Value>(
  map: Map<string, Value> | undefined,
  topicName: string,
  value: Value,
  entries: number,
): Map<string, Value> {
  const known = map === undefined || map.size >= entries ? new Map<string, Value>() : map
  return known.set(topicName, value)
}
