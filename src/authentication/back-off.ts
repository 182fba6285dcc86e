// Failures are remembered by address and by user name, so that guessing is slow. Asked by authentication.ts.
//
//   from an address that failed too often   refused without a look, for a time that doubles with each failure
//   for a name that failed too often        looked at later: who knows the password gets in, whoever else guesses
//   a name from where it has come in        neither of the two, only its own failures from there count
//
// So nobody can lock a user out from elsewhere, and from the same address no longer than the longest back-off.
import { createHash } from 'node:crypto'
import { BoundedMap } from '../base/bounded-map.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { AuthenticatingClient } from './client.ts'
import { networkOf } from './network.ts'

const ENTRIES_MAX = 10_000
const FIRST_BACK_OFF_MS = 1_000
const FORGOTTEN_AFTER_MS = 900_000
/** Longer ones are kept as their hash. */
const NAME_CHARACTERS_MAX = 128

export interface BackOffSettings {
  /** Failures in a row that cost nothing. */
  readonly failuresFree: number
  /** Milliseconds; 0: there is none at all. */
  readonly backOffMaxMs: number
  /** The longest delay for the sake of a name, in milliseconds. */
  readonly delayMaxMs: number
}

interface Failures {
  readonly count: number
  /** Milliseconds since the epoch: the last one, and the end of the back-off that it brought. */
  readonly last: number
  readonly until: number
}

/** By what a client's failures are counted; undefined: not at all. */
interface Counted {
  readonly pair: string | undefined
  readonly address: string | undefined
  readonly name: string | undefined
}

/** What an attempt came to, as far as it counts. */
interface Outcome {
  readonly kind: string
  readonly reasonCode?: number | undefined
}

export class BackOff {
  readonly #settings: BackOffSettings
  readonly #now: () => number
  readonly #byAddress = new BoundedMap<string, Failures>(ENTRIES_MAX)
  readonly #byName = new BoundedMap<string, Failures>(ENTRIES_MAX)
  /** Names where they have come in, with their failures since. */
  readonly #known = new BoundedMap<string, Failures>(ENTRIES_MAX)

  constructor(settings: BackOffSettings, now: () => number) {
    this.#settings = settings
    this.#now = now
  }

  /** It is refused without a look. */
  refuses(client: AuthenticatingClient): boolean {
    if (this.#settings.backOffMaxMs === 0) return false
    const { pair, address } = countedBy(client)
    const failures = this.#isKnown(pair) ? this.#known.get(pair) : this.#recent(this.#byAddress, address)
    return (failures ?? NONE).until > this.#now()
  }

  /** When it may be looked at; 0: now. */
  notBefore(client: AuthenticatingClient): number {
    const { pair, name } = countedBy(client)
    if (this.#settings.backOffMaxMs === 0 || this.#isKnown(pair)) return 0
    const { count } = this.#recent(this.#byName, name) ?? NONE
    const delayMs = Math.min(this.#backOffMs(count), this.#settings.delayMaxMs)
    return delayMs === 0 ? 0 : this.#now() + delayMs
  }

  /** What does not count leaves everything as it is, such as a server that could not be asked. */
  note(client: AuthenticatingClient, outcome: Outcome): void {
    const { pair, address, name } = countedBy(client)
    if (outcome.kind === 'accept') {
      // Neither the address nor the name is forgiven: one account of one's own would make guessing free.
      if (pair !== undefined) this.#known.set(pair, { ...NONE, last: this.#now() })
    } else if (isGuess(outcome)) {
      if (this.#isKnown(pair)) this.#failed(this.#known, pair)
      else {
        this.#failed(this.#byAddress, address)
        this.#failed(this.#byName, name)
      }
    }
  }

  #failed(table: BoundedMap<string, Failures>, key: string | undefined): void {
    if (key === undefined) return
    const now = this.#now()
    const before = table.get(key) ?? NONE
    const count = isForgotten(before, now) ? 1 : before.count + 1
    table.set(key, { count, last: now, until: now + this.#backOffMs(count) })
  }

  #isKnown(pair: string | undefined): pair is string {
    return pair !== undefined && this.#known.get(pair) !== undefined
  }

  #backOffMs(count: number): number {
    const beyond = count - this.#settings.failuresFree
    return beyond <= 0 ? 0 : Math.min(FIRST_BACK_OFF_MS * 2 ** (beyond - 1), this.#settings.backOffMaxMs)
  }

  #recent(table: BoundedMap<string, Failures>, key: string | undefined): Failures | undefined {
    const found = key === undefined ? undefined : table.get(key)
    return found === undefined || isForgotten(found, this.#now()) ? undefined : found
  }
}

const isForgotten = ({ last }: Failures, now: number): boolean => now - last > FORGOTTEN_AFTER_MS

const NONE: Failures = Object.freeze({ count: 0, last: 0, until: 0 })

/** What has no address, inside the process, is not slowed by it. */
function countedBy({ userName, peer: { host } }: AuthenticatingClient): Counted {
  const address = host === '' ? undefined : networkOf(host)
  const name = userName !== undefined && userName.length > NAME_CHARACTERS_MAX ? hashOf(userName) : userName
  return { address, name, pair: address && `${address}\0${name ?? ''}` }
}

const hashOf = (name: string): string => createHash('sha256').update(name).digest('base64')

/** Its password was wrong, or it is not let in: not that nobody had the time to look. */
const isGuess = ({ kind, reasonCode = ReasonCode.NotAuthorized }: Outcome): boolean =>
  kind === 'refuse' &&
  (reasonCode === ReasonCode.BadUserNameOrPassword ||
    reasonCode === ReasonCode.NotAuthorized ||
    reasonCode === ReasonCode.Banned)
