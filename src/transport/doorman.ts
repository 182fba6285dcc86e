// Counts who is inside and who comes, before a byte is read: connections in all, by listener and by address, and how
// many come in a second. One for all listeners of a broker; listener.ts asks it.
import { isIPv6 } from 'node:net'
import { TokenBucket } from '../base/token-bucket.ts'
import type { Limits, ListenerConfig } from '../config/schema.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { CloseReason } from './close-reason.ts'

/** After a quiet time the connections of so many seconds may come at once. */
const BURST_SECONDS = 10
/** Refusals a second that are told, to those who can be told without TLS: each costs a CONNECT. */
const TOLD_PER_SECOND = 100
const SWEEP_SIZE_MIN = 1_024

export interface DoorRefusal {
  readonly reasonCode: ReasonCode
  readonly closeReason: CloseReason
}

const FULL: DoorRefusal = {
  reasonCode: ReasonCode.QuotaExceeded,
  closeReason: CloseReason.TooManyConnections,
}
const FULL_OF_ADDRESS: DoorRefusal = {
  reasonCode: ReasonCode.QuotaExceeded,
  closeReason: CloseReason.TooManyOfAddress,
}
const TOO_FAST: DoorRefusal = {
  reasonCode: ReasonCode.ConnectionRateExceeded,
  closeReason: CloseReason.ConnectRate,
}

interface Address {
  open: number
  readonly connects: TokenBucket
}

type DoorLimits = Pick<
  Limits,
  'connectionsMax' | 'connectionsPerAddressMax' | 'connectsPerSecondMax' | 'connectsPerSecondPerAddressMax'
>

export class Doorman {
  readonly #limits: DoorLimits
  readonly #now: () => number
  readonly #connects: TokenBucket
  readonly #tellings: TokenBucket
  readonly #byListener = new Map<ListenerConfig, number>()
  /** Those who are inside, and those who came a moment ago. */
  readonly #addresses = new Map<string, Address>()
  #sweepSize = SWEEP_SIZE_MIN
  #open = 0

  constructor(limits: DoorLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
    const { connectsPerSecondMax: perSecond } = limits
    this.#connects = new TokenBucket(perSecond, perSecond * BURST_SECONDS, now())
    this.#tellings = new TokenBucket(TOLD_PER_SECOND, TOLD_PER_SECOND, now())
  }

  /** Connections that have come in and not left. */
  get open(): number {
    return this.#open
  }

  get addressesKnown(): number {
    return this.#addresses.size
  }

  /** Somebody is at the door of `listener`: counted from now on, also where `refusal` says that they may not stay. */
  enter(listener: ListenerConfig): Visit {
    return new Visit(this, listener, this.#come(listener))
  }

  #come(listener: ListenerConfig): DoorRefusal | undefined {
    const inside = (this.#byListener.get(listener) ?? 0) + 1
    this.#byListener.set(listener, inside)
    this.#open++
    if (!this.#connects.take(this.#now())) return TOO_FAST
    const isFull = this.#open > this.#limits.connectionsMax || inside > listener.connectionsMax
    return isFull ? FULL : undefined
  }

  /** Called by Visit. */
  comeFrom(network: string): DoorRefusal | undefined {
    const now = this.#now()
    const address = this.#addresses.get(network) ?? this.#newcomer(network, now)
    address.open++
    if (!address.connects.take(now)) return TOO_FAST
    return address.open > this.#limits.connectionsPerAddressMax ? FULL_OF_ADDRESS : undefined
  }

  /** Called by Visit. */
  leave(listener: ListenerConfig, network: string): void {
    this.#open--
    this.#byListener.set(listener, (this.#byListener.get(listener) ?? 1) - 1)
    const address = this.#addresses.get(network)
    if (address !== undefined) address.open--
  }

  /** Whether one more refusal may be told. */
  mayTell(): boolean {
    return this.#tellings.take(this.#now())
  }

  #newcomer(network: string, now: number): Address {
    if (this.#addresses.size >= this.#sweepSize) this.#sweep(now)
    const { connectsPerSecondPerAddressMax: perSecond } = this.#limits
    const address = { open: 0, connects: new TokenBucket(perSecond, perSecond * BURST_SECONDS, now) }
    this.#addresses.set(network, address)
    return address
  }

  /** Each time that they have doubled: what is left are those inside and those of the last seconds. */
  #sweep(now: number): void {
    for (const [network, { open, connects }] of this.#addresses) {
      if (open === 0 && connects.isFull(now)) this.#addresses.delete(network)
    }
    this.#sweepSize = Math.max(SWEEP_SIZE_MIN, this.#addresses.size * 2)
  }
}

/** One connection, from the moment that it was accepted. */
export class Visit {
  /** Why it may not stay. */
  refusal: DoorRefusal | undefined
  readonly #doorman: Doorman
  readonly #listener: ListenerConfig
  /** Empty: not known, or not to be counted. */
  #network = ''

  constructor(doorman: Doorman, listener: ListenerConfig, refusal: DoorRefusal | undefined) {
    this.#doorman = doorman
    this.#listener = listener
    this.refusal = refusal
  }

  /** It is known where the peer is. Once; `host` is empty for a unix socket. */
  from(host: string): void {
    if (host === '') return
    this.#network = networkOf(host)
    this.refusal ??= this.#doorman.comeFrom(this.#network)
  }

  /** Once, when the socket has closed. */
  leave(): void {
    this.#doorman.leave(this.#listener, this.#network)
  }
}

/** Who has one address of IPv6 has its /64. */
export function networkOf(host: string): string {
  if (!isIPv6(host)) return host
  const [before = '', after] = host.split('::')
  const groups = before === '' ? [] : before.split(':')
  const missing = after === undefined ? 0 : 8 - groups.length - (after === '' ? 0 : after.split(':').length)
  return [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(after?.split(':') ?? [])]
    .slice(0, 4)
    .join(':')
}
