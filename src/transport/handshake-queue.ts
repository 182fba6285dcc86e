// TLS handshakes cost a thousand times what a message costs, so they begin one after the other: one in each turn of the
// event loop, so many a second, and of the addresses that wait each in turn. Whoever is connected is served in between.
// tls.ts asks it twice: when to listen to a newcomer, and when to answer one that has said something. Who is silent
// keeps nobody waiting.
import { TokenBucket } from '../base/token-bucket.ts'

/** A pause of the process is not made up for by a flood. */
const BURST_MS = 20
const GREETINGS_PER_TURN = 16

type Work = () => void

interface Handshake {
  /** The client has given up. */
  readonly isGone: boolean
  begin(): void
}

export class HandshakeQueue {
  /** Both are bounded by the connections there may be. */
  #newcomers: Work[] = []
  /** By network, in the order of their turns. */
  readonly #waiting = new Map<string, Handshake[]>()
  readonly #tokens: TokenBucket
  #isGreeting = false
  #isScheduled = false

  constructor(perSecond: number) {
    this.#tokens = new TokenBucket(perSecond, Math.max(1, (perSecond * BURST_MS) / 1000), performance.now())
  }

  /** Calls `listen` soon, never at once: a thousand may have come in this turn. */
  greet(listen: Work): void {
    this.#newcomers.push(listen)
    if (this.#isGreeting) return
    this.#isGreeting = true
    setImmediate(this.#greetSome)
  }

  /** Has it begin when it is its turn, never at once. */
  add(network: string, handshake: Handshake): void {
    const others = this.#waiting.get(network)
    if (others === undefined) this.#waiting.set(network, [handshake])
    else others.push(handshake)
    this.#schedule()
  }

  readonly #greetSome = (): void => {
    for (const listen of this.#newcomers.splice(0, GREETINGS_PER_TURN)) listen()
    this.#isGreeting = this.#newcomers.length > 0
    if (this.#isGreeting) setImmediate(this.#greetSome)
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
    const handshake = this.#take()
    if (handshake !== undefined) {
      this.#tokens.take(performance.now())
      handshake.begin()
    }
    this.#schedule()
  }

  /** Of who is gone only the place in the queue is left, which costs nobody a turn. */
  #take(): Handshake | undefined {
    for (const [network, queue] of this.#waiting) {
      this.#waiting.delete(network)
      let handshake = queue.shift()
      while (handshake?.isGone) handshake = queue.shift()
      if (queue.length > 0) this.#waiting.set(network, queue)
      if (handshake !== undefined) return handshake
    }
    return undefined
  }
}
