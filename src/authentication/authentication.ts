// The authentication methods by name, and the bounds that all their exchanges share. Made by broker/broker.ts, asked
// by broker/handle-auth.ts.
import { GodwitError } from '../base/errors.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Config } from '../config/schema.ts'
import { Exchange, type Outcome } from './exchange.ts'
import type { AuthenticatingClient, AuthenticationMethod } from './method.ts'
import { Places } from './places.ts'

export interface AuthenticationParts {
  readonly settings: Config['authentication']
  readonly wheel: TimerWheel
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export class Authentication {
  readonly #methods = new Map<string, AuthenticationMethod>()
  readonly #parts: AuthenticationParts
  readonly #places: Places

  /** Throws ERR_GODWIT_CONFIG_INVALID where two methods have one name. */
  constructor(methods: readonly AuthenticationMethod[], parts: AuthenticationParts) {
    for (const method of methods) {
      if (this.#methods.has(method.name)) {
        const text = `there are two authentication methods of the name ${method.name}`
        throw new GodwitError('ERR_GODWIT_CONFIG_INVALID', text)
      }
      this.#methods.set(method.name, method)
    }
    this.#parts = parts
    this.#places = new Places(parts.settings.stepsAtOnceMax)
  }

  has(name: string): boolean {
    return this.#methods.has(name)
  }

  /** `settle` hears of each answer, and must not throw. The method is one that is there. */
  begin(name: string, client: AuthenticatingClient, settle: (outcome: Outcome) => void): Exchange {
    const method = this.#methods.get(name) as AuthenticationMethod
    const { settings, wheel, now } = this.#parts
    const deadline = now() + settings.timeoutMs
    const terms = { places: this.#places, wheel, deadline, stepsMax: settings.stepsMax }
    return new Exchange(() => method.begin(client), terms, settle)
  }
}
