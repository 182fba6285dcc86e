// TLS handshakes cost a thousand times what a message costs, so they begin one after the other: one in each turn of the
// event loop, so many a second, and of the addresses that wait each in turn. Whoever is connected is served in between.
// tls.ts puts in who has sent the first bytes: who is silent holds no place here.
import { TokenBucket } from '../base/token-bucket.ts'

/** A pause of the process is not made up for by a flood. */
const BURST_MS = 20

export class HandshakeQueue {
  /** By network, in the order of their turns. Bounded by the connections there may be. */
  readonly #waiting = new Map<string, (() => void)[]>()
  readonly #tokens: TokenBucket
  #isScheduled = false

  constructor(perSecond: number) {
    this.#tokens = new TokenBucket(perSecond, Math.max(1, (perSecond * BURST_MS) / 1000), performance.now())
  }

  /** Calls `begin` when it is its turn, never at once. */
  add(network: string, begin: () => void): void {
    const others = this.#waiting.get(network)
    if (others === undefined) this.#waiting.set(network, [begin])
    else others.push(begin)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return
    this.#isScheduled = true
    const ms = this.#tokens.msUntilNext(performance.now())
    if (ms === 0) setImmediate(this.#next)
    else setTimeout(this.#next, ms)
  }

  readonly #next = (): void => {
    this.#isScheduled = false
    if (this.#tokens.take(performance.now())) this.#take()?.()
    this.#schedule()
  }

  #take(): (() => void) | undefined {
    const [first] = this.#waiting
    if (first === undefined) return undefined
    const [network, queue] = first
    this.#waiting.delete(network)
    const begin = queue.shift()
    if (queue.length > 0) this.#waiting.set(network, queue)
    return begin
  }
}
