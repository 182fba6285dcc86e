// The authentication methods by name, the chain of authenticators, and the bounds that all their exchanges share.
// Made by broker/assemble-core.ts, asked by broker/handle-auth.ts and broker/check-credentials.ts.
import { GodwitError } from '../base/errors.ts'
import { eventually } from '../base/eventually.ts'
import { Places } from '../base/places.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Config } from '../config/schema.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Authenticator, Refusal } from './authenticator.ts'
import { BackOff } from './back-off.ts'
import { Chain, type LoginTerms, NOT_ANONYMOUS } from './chain.ts'
import type { AuthenticatingClient } from './client.ts'
import { Exchange, type Outcome } from './exchange.ts'
import type { AuthenticationMethod, AuthenticationStep } from './method.ts'

export interface AuthenticationParts {
  readonly methods: readonly AuthenticationMethod[]
  /** Whom the terms of a login may name. */
  readonly authenticators: readonly Authenticator[]
  readonly settings: Pick<
    Config['authentication'],
    'stepsMax' | 'stepsAtOnceMax' | 'timeoutMs' | 'failuresFree' | 'backOffMaxMs'
  >
  /** Within which a client that is let in has to be. */
  readonly connectTimeoutMs: number
  readonly wheel: TimerWheel
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What of the time for CONNECT a delay may take. */
const DELAY_SHARE = 0.4

const TOO_OFTEN: Refusal = {
  kind: 'refuse',
  reasonCode: ReasonCode.ConnectionRateExceeded,
  why: 'its address, or this user at it, has failed too often',
}

type Settle = (outcome: Outcome) => void

export class Authentication {
  readonly #methods = new Map<string, AuthenticationMethod>()
  readonly #chain: Chain
  readonly #parts: AuthenticationParts
  readonly #places: Places
  readonly #backOff: BackOff

  /** Throws ERR_GODWIT_CONFIG_INVALID where two methods have one name. */
  constructor(parts: AuthenticationParts) {
    for (const method of parts.methods) {
      if (this.#methods.has(method.name)) {
        const text = `there are two authentication methods of the name ${method.name}`
        throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', text)
      }
      this.#methods.set(method.name, method)
    }
    const { settings, connectTimeoutMs, now } = parts
    this.#parts = parts
    this.#chain = new Chain(parts.authenticators)
    this.#places = new Places(settings.stepsAtOnceMax)
    const delayMaxMs = Math.min(connectTimeoutMs, settings.timeoutMs) * DELAY_SHARE
    this.#backOff = new BackOff({ ...settings, delayMaxMs }, now)
  }

  has(name: string): boolean {
    return this.#methods.has(name)
  }

  /** `settle` hears of each answer, and must not throw. The method is one that is there. */
  begin(name: string, client: AuthenticatingClient, settle: Settle): Exchange {
    const method = this.#methods.get(name) as AuthenticationMethod
    return this.#exchange(client, () => method.begin(client), settle)
  }

  /** What CONNECT says is looked at; `settle` hears of it once, within this call if that takes no time. */
  identify(client: AuthenticatingClient, terms: LoginTerms, settle: Settle): Exchange {
    const exchange = this.#exchange(client, () => () => this.#chain.decide(client, terms), settle)
    exchange.advance(undefined, this.#backOff.notBefore(client))
    return exchange
  }

  #exchange(client: AuthenticatingClient, makeStep: () => AuthenticationStep, settle: Settle): Exchange {
    const { settings, wheel, now } = this.#parts
    const deadline = now() + settings.timeoutMs
    const terms = { places: this.#places, wheel, deadline, stepsMax: settings.stepsMax }
    return new Exchange(() => this.#counted(client, makeStep()), terms, settle)
  }

  /** Counted where the answer is there, not where it is told: who has gone meanwhile has guessed all the same. */
  #counted(client: AuthenticatingClient, step: AuthenticationStep): AuthenticationStep {
    return (data) => {
      if (this.#backOff.refuses(client)) return TOO_OFTEN
      return eventually(step(data), (answer) => {
        if (answer !== NOT_ANONYMOUS) this.#backOff.note(client, answer)
        return answer
      })
    }
  }
}
