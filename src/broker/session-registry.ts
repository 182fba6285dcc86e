// Every session by its client id, from the CONNECT that makes it to the end that removes all of it.
//
//   (none) -- open --> connected -- leave --> offline until it expires -- end --> (none)
//                          ^------- open ---------'
import type { WheelTask } from '../base/timer-wheel.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { SESSION_NEVER_EXPIRES } from '../packet/protocol.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { Session, type StoredSession } from '../session/session.ts'
import type { SessionRecord } from '../store/store.ts'
import type { Core } from './core.ts'
import { handOn } from './handing-on.ts'
import type { Link } from './link.ts'
import { redirectionOf } from './redirect.ts'

/** See base/pace.ts. */
const UNSUBSCRIBE_UNITS = 2
const CLOCK_UNITS = 4
const NO_DEADLINE = Number.POSITIVE_INFINITY

export interface SessionRequest {
  readonly clientId: string
  readonly identity: string
  readonly cleanStart: boolean
  /** Seconds; 0: the session ends with its connection. */
  readonly expiryInterval: number
}

export class SessionRegistry {
  readonly #core: Core
  readonly #sessions = new Map<string, Session>()
  readonly #links = new Map<string, Link>()
  readonly #expiries = new Map<Session, SessionExpiry>()

  constructor(core: Core) {
    this.#core = core
  }

  get count(): number {
    return this.#sessions.size
  }

  byClientId(clientId: string): Session | undefined {
    return this.#sessions.get(clientId)
  }

  /** The connection that the client id has now. */
  linkOf(clientId: string): Link | undefined {
    return this.#links.get(clientId)
  }

  /** Throws MqttError: a session belongs to who made it, connected or not. */
  checkOwner(clientId: string, identity: string): void {
    const session = this.#sessions.get(clientId)
    if (session === undefined || session.record.identity === identity) return
    throw new MqttError(
      ReasonCode.NotAuthorized,
      'the session belongs to another identity',
      'client identifier',
    )
  }

  /** Resumes or makes the session for `link`; no other connection may have it. [v5 MQTT-3.1.2-4] [v5 MQTT-3.1.2-5] */
  open(link: Link, request: SessionRequest): { session: Session; isPresent: boolean } {
    const { clientId, expiryInterval } = request
    let session = this.#sessions.get(clientId)
    if (session !== undefined && request.cleanStart) {
      this.end(session)
      session = undefined
    }
    const isPresent = session !== undefined
    if (session === undefined) session = this.#create(request)
    else this.#cancelExpiry(session)
    session.connected(expiryInterval)
    this.#links.set(clientId, link)
    return { session, isPresent }
  }

  #create({ clientId, identity, expiryInterval }: SessionRequest): Session {
    const core = this.#core
    if (this.#sessions.size >= core.limits.sessionsMax) {
      const reasonCode = redirectionOf(core.redirect) ?? ReasonCode.QuotaExceeded
      throw new MqttError(reasonCode, `there are ${this.#sessions.size} sessions already`)
    }
    const number = expiryInterval === 0 ? 0 : core.store.nextSessionNumber()
    const session = this.#make({ number, clientId, identity, expiryInterval })
    this.#sessions.set(clientId, session)
    return session
  }

  #make(owner: Omit<SessionRecord, 'expiresAt' | 'sentBefore'>): Session {
    return new Session(this.#core, { ...owner, expiresAt: NO_DEADLINE, sentBefore: 0 })
  }

  /** One for a subscriber inside the process: no client can take it over. */
  makeLocal(clientId: string): Session {
    return this.#make({ number: 0, clientId, identity: '', expiryInterval: 0 })
  }

  /** As the store had it. */
  restore(record: SessionRecord, stored: StoredSession): Session {
    const session = new Session(this.#core, record, stored)
    this.#sessions.set(record.clientId, session)
    return session
  }

  /** All are restored, and the store is open. Those that were connected at the crash are offline from now. */
  async startClocks(): Promise<void> {
    const { chores, store } = this.#core
    for (const session of [...this.#sessions.values()]) {
      chores.spend(CLOCK_UNITS)
      if (chores.isSpent) await chores.nextTurn()
      if (store.isSaturated) await store.flush()
      const { expiryInterval, expiresAt, sentBefore } = session.record
      const wasConnected = sentBefore === Number.POSITIVE_INFINITY && expiresAt === NO_DEADLINE
      if (expiryInterval === 0) {
        this.end(session)
        continue
      }
      if (wasConnected) session.lost(this.#deadlineOf(session))
      else if (sentBefore < Number.POSITIVE_INFINITY && sentBefore !== session.outbound.sentBefore) {
        // An empty queue begins anew at 0: so must this.
        session.disconnected(expiresAt)
      }
      this.#schedule(session)
    }
  }

  /** The connection has gone. */
  leave(link: Link, session: Session): void {
    if (this.#links.get(session.clientId) === link) this.#links.delete(session.clientId)
    if (session.record.expiryInterval === 0) this.end(session)
    else this.#setOffline(session)
  }

  #setOffline(session: Session): void {
    session.outbound.detach()
    session.disconnected(this.#deadlineOf(session))
    this.#schedule(session)
  }

  #deadlineOf({ record: { expiryInterval } }: Session): number {
    return expiryInterval === SESSION_NEVER_EXPIRES ? NO_DEADLINE : this.#core.now() + expiryInterval * 1000
  }

  #schedule(session: Session): void {
    if (session.record.expiresAt === NO_DEADLINE) return
    const expiry = new SessionExpiry(session, this)
    this.#expiries.set(session, expiry)
    this.#core.wheel.schedule(expiry, session.record.expiresAt)
  }

  #cancelExpiry(session: Session): void {
    const expiry = this.#expiries.get(session)
    if (expiry === undefined) return
    this.#expiries.delete(session)
    this.#core.wheel.cancel(expiry)
  }

  /** Everything of it goes; a will that waits is published now. [v5 MQTT-3.1.2-23] */
  end(session: Session): void {
    const core = this.#core
    this.#cancelExpiry(session)
    // A subscriber inside the process is not registered: a client may have chosen its client id.
    const isRegistered = this.#sessions.get(session.clientId) === session
    if (isRegistered) this.#sessions.delete(session.clientId)
    core.retained.forget(session)
    const leftOver = session.outbound.end()
    session.record.sentBefore = session.outbound.sentBefore
    if (!session.isDurable) handOn(core, leftOver)
    else core.store.deleteSession(session.record) // The store tells of what it kept.
    if (isRegistered) core.wills.publish(session.clientId)
    core.chores.inTurns(session.subscriptions.values(), UNSUBSCRIBE_UNITS, (subscription) =>
      core.router.unsubscribe(session, subscription),
    )
  }
}

class SessionExpiry implements WheelTask {
  readonly #session: Session
  readonly #registry: SessionRegistry
  dueAt = 0

  constructor(session: Session, registry: SessionRegistry) {
    this.#session = session
    this.#registry = registry
  }

  expire(): void {
    this.#registry.end(this.#session)
  }
}
