// One exchange with one client, step by step: bounded in steps and in time, whatever the method does. Begun by
// authentication.ts for broker/handle-auth.ts and broker/check-credentials.ts, which hear of each answer.
//
//   idle -- advance --> (delayed -->) queued -- a place is free --> stepping -- continue --> idle
//     `-------- deadline, abandon -------'-----------> over <--- accept, refuse, fail ----'
//
// A step that is under way when the exchange is over keeps its place until it ends, at most until the deadline.
import { assert } from '../base/assert.ts'
import { type Eventual, eventually, isAwaited } from '../base/eventually.ts'
import type { Places, PlaceTaker } from '../base/places.ts'
import type { TimerWheel, WheelTask } from '../base/timer-wheel.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { isAdmission, isRefusal } from './authenticator.ts'
import type { AuthenticationAnswer, AuthenticationStep } from './method.ts'

/** What Binary Data may have. */
const DATA_BYTES_MAX = 65_535

/** `fail`: the method threw, or answered what is no answer. */
export type Outcome = AuthenticationAnswer | { readonly kind: 'fail'; readonly error: unknown }

export interface ExchangeTerms {
  readonly places: Places
  readonly wheel: TimerWheel
  /** Milliseconds since the epoch. */
  readonly deadline: number
  readonly stepsMax: number
}

export class Exchange implements WheelTask, PlaceTaker {
  dueAt = 0
  #state: 'idle' | 'delayed' | 'queued' | 'stepping' | 'over' = 'idle'
  #hasPlace = false
  #steps = 0
  #data: Buffer | undefined
  #step: AuthenticationStep | undefined
  readonly #makeStep: () => AuthenticationStep
  readonly #terms: ExchangeTerms
  readonly #settle: (outcome: Outcome) => void

  /** `settle` is called once for each step, within `advance` where the method answers at once. It must not throw. */
  constructor(makeStep: () => AuthenticationStep, terms: ExchangeTerms, settle: (outcome: Outcome) => void) {
    this.#makeStep = makeStep
    this.#terms = terms
    this.#settle = settle
    terms.wheel.schedule(this, terms.deadline)
  }

  /** The client has been answered, and it is its turn. */
  get isIdle(): boolean {
    return this.#state === 'idle'
  }

  /** What the client sent; only when it is its turn. Looked at from `notBefore` on, a time like the deadline. */
  advance(data: Buffer | undefined, notBefore = 0): void {
    assert(this.#state === 'idle', 'a step begins when the one before it has been answered')
    if (++this.#steps > this.#terms.stepsMax) {
      return this.#end({ kind: 'refuse', reasonCode: ReasonCode.QuotaExceeded, why: 'too many steps' })
    }
    this.#data = data
    if (notBefore === 0) return this.#queue()
    this.#state = 'delayed'
    this.#terms.wheel.schedule(this, Math.min(notBefore, this.#terms.deadline))
  }

  #queue(): void {
    this.#state = 'queued'
    this.#terms.places.take(this)
  }

  /** Nobody waits for an answer any more. */
  abandon(): void {
    this.#state = 'over'
    this.#terms.places.leave(this)
    if (!this.#hasPlace) this.#terms.wheel.cancel(this)
  }

  /** Called by Places alone. */
  begin(): void {
    this.#state = 'stepping'
    this.#hasPlace = true
    eventually(this.#nextOutcome(), (outcome) => this.#answered(outcome))
  }

  #nextOutcome(): Eventual<Outcome> {
    try {
      this.#step ??= this.#makeStep()
      const answer = this.#step(this.#data)
      return isAwaited(answer) ? Promise.resolve(answer).then(outcomeOf).catch(failure) : outcomeOf(answer)
    } catch (error) {
      return failure(error)
    }
  }

  expire(now: number): void {
    const { wheel, deadline } = this.#terms
    if (this.#state === 'delayed' && now < deadline) {
      wheel.schedule(this, deadline)
      return this.#queue()
    }
    this.#giveBackPlace()
    if (this.#state === 'over') return
    this.#terms.places.leave(this)
    this.#end({ kind: 'refuse', why: 'not finished in time' })
  }

  #answered(outcome: Outcome): void {
    this.#giveBackPlace()
    if (this.#state === 'over') return this.#terms.wheel.cancel(this)
    if (outcome.kind !== 'continue') return this.#end(outcome)
    this.#state = 'idle'
    this.#settle(outcome)
  }

  #end(outcome: Outcome): void {
    this.#state = 'over'
    this.#terms.wheel.cancel(this)
    this.#settle(outcome)
  }

  #giveBackPlace(): void {
    if (!this.#hasPlace) return
    this.#hasPlace = false
    this.#terms.places.giveBack()
  }
}

const failure = (error: unknown): Outcome => ({ kind: 'fail', error })

/** Methods come from anywhere, also from where no compiler has looked: throws TypeError. */
function outcomeOf(answer: AuthenticationAnswer): Outcome {
  if (!isAnswer(answer)) throw new TypeError('the authentication method gave no answer')
  const { data } = answer
  const isSendable = data === undefined || (Buffer.isBuffer(data) && data.length <= DATA_BYTES_MAX)
  if (!isSendable) throw new TypeError('the authentication method gave data that is no Buffer, or too large')
  return answer
}

function isAnswer(answer: AuthenticationAnswer): boolean {
  switch (answer.kind) {
    case 'continue':
      return true
    case 'accept':
      return isAdmission(answer)
    case 'refuse':
      return isRefusal(answer)
    default:
      return false
  }
}
