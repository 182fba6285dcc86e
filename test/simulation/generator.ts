// What happens next, at random but the same for each seed. Each run has habits of its own: in one they drop all the
// time, in another nobody answers, so that rare things come together.
import type { Qos } from '../../src/packet/protocol.ts'
import { NEVER_EXPIRES } from './model.ts'
import type { Random } from './random.ts'
import { type ConnectStep, mayBeHasty, type PublishStep, type Step, type SubscribeStep } from './steps.ts'
import { CLIENTS, FILTERS, TOPICS } from './topics.ts'

/** What the generator looks at, so as not to waste steps. */
export interface View {
  readonly canRestart: boolean
  isConnected(client: number): boolean
  isStalled(client: number): boolean
  hasAnswers(client: number): boolean
}

/** In thousandths, before the habits of the run. */
const WEIGHTS = {
  publish: 330,
  answer: 330,
  release: 80,
  subscribe: 70,
  unsubscribe: 15,
  stall: 15,
  drop: 20,
  disconnect: 15,
  connect: 15,
  advance: 40,
  resend: 10,
  restart: 4,
}
type Choice = keyof typeof WEIGHTS

const SECONDS = [1, 1, 1, 2, 3, 5, 12]
const EXPIRIES = [0, 5, 20, NEVER_EXPIRES]
const RECEIVE_MAXIMA = [1, 2, 5, 65_535]

export class Generator {
  readonly #random: Random
  readonly #weights: [Choice, number][]
  readonly #total: number

  constructor(random: Random) {
    this.#random = random
    this.#weights = Object.entries(WEIGHTS).map(([choice, weight]) => [
      choice as Choice,
      weight * ([0.2, 1, 1, 2][random.below(4)] as number),
    ])
    this.#total = this.#weights.reduce((sum, [, weight]) => sum + weight, 0)
  }

  next(view: View): Step {
    const step = this.#step(view)
    return mayBeHasty(step) && this.#random.chance(25) ? { ...step, isHasty: true } : step
  }

  #step(view: View): Step {
    const random = this.#random
    let client = random.below(CLIENTS.length)
    if (!view.isConnected(client)) {
      if (random.chance(30)) return this.#connect(client)
      const others = CLIENTS.map((_, number) => number).filter((number) => view.isConnected(number))
      if (others.length === 0) return this.#connect(client)
      client = random.pick(others)
    }
    if (view.isStalled(client) && random.chance(25)) return { kind: 'read', client }
    const choice = this.#choose()
    if (choice === 'answer' && !view.hasAnswers(client)) return this.#publish(client)
    if (choice === 'restart' && !view.canRestart) return this.#publish(client)
    return this.#make(choice, client)
  }

  #choose(): Choice {
    let dice = (this.#random.below(1_000_000) / 1_000_000) * this.#total
    for (const [choice, weight] of this.#weights) {
      dice -= weight
      if (dice < 0) return choice
    }
    return 'publish'
  }

  #make(kind: Choice, client: number): Step {
    const random = this.#random
    switch (kind) {
      case 'publish':
        return this.#publish(client)
      case 'subscribe':
        return this.#subscribe(client)
      case 'connect':
        return this.#connect(client)
      case 'answer': {
        const first = random.chance(70) ? 0 : random.below(8)
        return { kind, client, first, count: 1 + random.below(8), refuses: random.chance(4) }
      }
      case 'unsubscribe':
        return { kind, client, filter: random.pick(FILTERS) }
      case 'disconnect': {
        const expiry = random.chance(30) ? random.pick(EXPIRIES) : undefined
        return { kind, client, reasonCode: random.chance(30) ? 4 : 0, expiry }
      }
      case 'advance':
        return { kind, seconds: random.pick(SECONDS) }
      case 'restart':
        return { kind, isKilled: random.chance(50) }
      default:
        return { kind, client }
    }
  }

  #qos(): Qos {
    return this.#random.pick([0, 1, 1, 2, 2])
  }

  #publish(client: number): PublishStep {
    const random = this.#random
    const retain = random.chance(15)
    return {
      kind: 'publish',
      client,
      topic: random.pick(TOPICS),
      qos: this.#qos(),
      retain,
      isEmpty: random.chance(retain ? 20 : 2),
      expiry: random.chance(15) ? random.pick([1, 3, 8]) : 0,
    }
  }

  #subscribe(client: number): SubscribeStep {
    const random = this.#random
    return {
      kind: 'subscribe',
      client,
      filter: random.pick(FILTERS),
      qos: this.#qos(),
      noLocal: random.chance(20),
      retainAsPublished: random.chance(40),
      retainHandling: random.pick([0, 0, 1, 2]),
      identifier: random.chance(50) ? 1 + random.below(200) : 0,
    }
  }

  #connect(client: number): ConnectStep {
    const random = this.#random
    const will = {
      qos: this.#qos(),
      retain: random.chance(30),
      expiry: random.chance(20) ? 3 : 0,
      delay: random.pick([0, 0, 2, 10]),
    }
    return {
      kind: 'connect',
      client,
      version: random.pick([3, 4, 5, 5, 5]),
      cleanStart: random.chance(20),
      expiry: random.pick(EXPIRIES),
      receiveMaximum: random.pick(RECEIVE_MAXIMA),
      keepAlive: random.chance(10) ? 10 : 0,
      will: random.chance(40) ? will : undefined,
    }
  }
}
