// Who may do what: hands out permits, and looks again at what sessions have when rights have changed. What is lost is
// removed, with a line in the log and an event.
//
//   CONNECT, AUTH       a permit for the client      subscriptions of its session, before CONNACK
//   rules loaded anew   all permits know at once     subscriptions and wills of all sessions, some a turn
//
// Messages need no such review: routes are made anew, and what is in a queue is looked at as it is sent.
import { isDeepStrictEqual } from 'node:util'
import type { Client } from '../authentication/client.ts'
import { writeBit } from '../authorization/access.ts'
import { Permit } from '../authorization/permit.ts'
import type { Policy } from '../authorization/policy.ts'
import type { RuleSet } from '../authorization/rule-set.ts'
import { type Eventual, eventually, isAwaited } from '../base/eventually.ts'
import type { Config } from '../config/schema.ts'
import type { Message } from '../packet/message.ts'
import { DropReason } from '../session/drops.ts'
import type { Session } from '../session/session.ts'
import type { Subscription } from '../session/subscription.ts'
import { UNCLAIMED, type WillRecord } from '../store/store.ts'
import type { Core } from './core.ts'
import type { RightsLost } from './events.ts'

/** Sessions and subscriptions looked at in one turn. */
const SLICE = 64

export class Authorization {
  readonly #core: Core
  readonly #policy: Policy
  readonly #checksRetainSource: boolean
  /** Subscriptions and wills, since the start. */
  #lost = 0
  #isClosed = false

  constructor(core: Core, policy: Policy, { checkRetainSource }: Config['authorization']) {
    this.#core = core
    this.#policy = policy
    this.#checksRetainSource = checkRetainSource
  }

  /** Nothing is removed any more. */
  close(): void {
    this.#isClosed = true
  }

  /** Undefined: it may do everything. */
  permitFor(client: Client): Permit | undefined {
    if (!this.#policy.isRestricting && client.rights === undefined) return undefined
    return new Permit(this.#policy, client, client.rights)
  }

  /** Of a session from the store, whose subscriptions were granted once; of an unclaimed one nobody knows whose. */
  restored(session: Session): void {
    if (session.record.identity !== UNCLAIMED) session.entitle(this.permitFor(session.client))
  }

  /** Of a will from the store. Its session may be gone, or unclaimed. */
  permitOfWill(clientId: string, { identity = '', rights }: WillRecord): Permit | undefined {
    const isUnclaimed = this.#core.sessions.byClientId(clientId)?.record.identity === UNCLAIMED
    return isUnclaimed ? undefined : this.permitFor({ clientId, identity, peer: undefined, rights })
  }

  /**
   * The session is that of `client` now, with the permit made for it. True when nothing is left in it that the client
   * may not have; false: others could not be asked, and the client must not have the session.
   */
  entitle(session: Session, client: Client, permit: Permit | undefined): Eventual<boolean> {
    const hasSameRights = isDeepStrictEqual(session.client.rights, client.rights)
    const hadPermit = session.permit !== undefined
    session.client = client
    if (!hadPermit && permit === undefined) return true
    // Others are asked anew.
    if (hadPermit && hasSameRights && this.#policy.others === undefined) return true
    session.entitle(permit)
    for (const { topicFilter, plainFilter } of session.subscriptions.values()) {
      permit?.trust(topicFilter)
      this.#core.router.rightsChanged(plainFilter)
    }
    return this.#review(session, true)
  }

  /** Rules of a file that was loaded anew. */
  replaceRules(rules: RuleSet): void {
    this.#policy.replaceRules(rules)
    this.#core.router.rightsChanged()
    void this.#reviewAll(false)
  }

  /** All is restored: the rules may have changed since it was stored. Not before somebody can listen to events. */
  reviewRestored(): void {
    if (this.#policy.isRestricting) setImmediate(() => void this.#reviewAll(false))
  }

  /** Others have changed their mind about one client, or all. */
  async askAnew(clientId: string | undefined): Promise<void> {
    this.#policy.forgetAnswers()
    if (clientId === undefined) return this.#reviewAll(true)
    const session = this.#core.sessions.byClientId(clientId)
    if (session === undefined) return
    await this.#review(session, true)
    this.#core.wills.review(clientId)
  }

  /** Whether a retained message is not to be given to anybody: its publisher may not publish it any more. */
  isWithheld({ origin, topicName, qos }: Message): boolean {
    if (origin === undefined || !this.#checksRetainSource) return false
    return !this.#policy.mayStillPublish(origin, topicName, writeBit(qos, true))
  }

  lostWill(clientId: string, { identity = '', topicName }: WillRecord): void {
    this.#core.drops.count(DropReason.NotAuthorized, undefined)
    this.#tellLost({ clientId, identity, kind: 'will', topic: topicName })
  }

  #tellLost(lost: RightsLost): void {
    this.#lost++
    this.#core.log.info(lost, 'a right was lost')
    this.#core.tell('rightsLost', lost)
  }

  /** Without asking others only until the rules change again: then another one has begun. */
  async #reviewAll(asksOthers: boolean): Promise<void> {
    const { sessions, wills, log } = this.#core
    const { version } = this.#policy
    const lostBefore = this.#lost
    let looked = 0
    for (const session of sessions.all()) {
      await this.#review(session, asksOthers)
      if (this.#isClosed || (!asksOthers && version !== this.#policy.version)) return
      wills.review(session.clientId)
      looked += 1 + session.subscriptions.size
      if (looked < SLICE) continue
      looked = 0
      await nextTurn()
    }
    log.info(
      { sessions: sessions.count, lost: this.#lost - lostBefore },
      'rights of all sessions looked at again',
    )
  }

  /** False: others could not be asked about all of it. */
  #review(session: Session, asksOthers: boolean, left = session.subscriptions.values()): Eventual<boolean> {
    const { permit } = session
    if (permit === undefined) return true
    for (let looked = 0; looked < SLICE; looked++) {
      const { value: subscription, done } = left.next()
      if (done === true || this.#isClosed || session.permit !== permit) return true
      const asking = !asksOthers || permit.askAboutSubscribing(subscription.topicFilter)
      const isAsked = eventually(asking, (couldSay) => {
        this.#settle(session, permit, subscription)
        return couldSay
      })
      if (isAwaited(isAsked)) {
        return isAsked.then((couldSay) => couldSay && this.#review(session, asksOthers, left))
      }
      if (!isAsked) return false
    }
    return nextTurn().then(() => this.#review(session, asksOthers, left))
  }

  #settle(session: Session, permit: Permit, subscription: Subscription): void {
    const { topicFilter, plainFilter } = subscription
    const isThere = session.subscriptions.get(topicFilter) === subscription && session.permit === permit
    if (!isThere || this.#isClosed) return
    const { router, retained } = this.#core
    if (this.#policy.others !== undefined) router.rightsChanged(plainFilter)
    if (permit.maySubscribe(topicFilter)) return
    permit.forget(topicFilter)
    session.removeSubscription(topicFilter)
    router.unsubscribe(session, subscription)
    retained.stop(session, topicFilter)
    const { clientId, identity } = session.client
    this.#tellLost({ clientId, identity, kind: 'subscription', topic: topicFilter })
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
