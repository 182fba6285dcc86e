// Asks the authorizers in order: the first that has an opinion decides, and the first that fails or is late ends it.
// Asked by permit.ts.
import { type Eventual, eventually, isAwaited } from '../base/eventually.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type {
  AskedClient,
  Authorizer,
  Opinion,
  PublishQuestion,
  ReceiveQuestion,
  SubscribeQuestion,
} from './authorizer.ts'

export interface AskingParts {
  readonly authorizers: readonly Authorizer[]
  readonly timeoutMs: number
  readonly wheel: TimerWheel
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Must not throw. */
  readonly onFailure: (error: unknown, client: AskedClient) => void
}

/** `failed`: nobody can say. */
export type Answer = Opinion | 'failed'

export class Asking {
  readonly #parts: AskingParts
  /** Whether anybody is asked about what is received. */
  readonly asksAboutReceiving: boolean

  constructor(parts: AskingParts) {
    this.#parts = parts
    this.asksAboutReceiving = parts.authorizers.some(({ authorizeReceive }) => authorizeReceive !== undefined)
  }

  publish(client: AskedClient, question: PublishQuestion): Eventual<Answer> {
    return this.#ask(client, (authorizer) => authorizer.authorizePublish?.(client, question))
  }

  subscribe(client: AskedClient, question: SubscribeQuestion): Eventual<Answer> {
    return this.#ask(client, (authorizer) => authorizer.authorizeSubscribe?.(client, question))
  }

  receive(client: AskedClient, question: ReceiveQuestion): Opinion {
    for (const authorizer of this.#parts.authorizers) {
      try {
        const opinion = checked(authorizer.authorizeReceive?.(client, question))
        if (opinion !== undefined) return opinion
      } catch (error) {
        this.#parts.onFailure(error, client)
        return false
      }
    }
    return undefined
  }

  #ask(client: AskedClient, ask: (of: Authorizer) => Eventual<Opinion>, from = 0): Eventual<Answer> {
    const authorizer = this.#parts.authorizers[from]
    if (authorizer === undefined) return undefined
    return eventually(
      this.#answerOf(client, () => ask(authorizer)),
      (answer) => answer ?? this.#ask(client, ask, from + 1),
    )
  }

  #answerOf(client: AskedClient, ask: () => Eventual<Opinion>): Eventual<Answer> {
    const failed = (error: unknown): Answer => {
      this.#parts.onFailure(error, client)
      return 'failed'
    }
    try {
      const opinion = ask()
      return isAwaited(opinion) ? this.#inTime(opinion).then<Answer>(checked).catch(failed) : checked(opinion)
    } catch (error) {
      return failed(error)
    }
  }

  #inTime(opinion: PromiseLike<Opinion>): Promise<Opinion> {
    const { wheel, now, timeoutMs } = this.#parts
    return new Promise((resolve, reject) => {
      const deadline = { dueAt: 0, expire: () => reject(new Error(`no answer within ${timeoutMs} ms`)) }
      wheel.schedule(deadline, now() + timeoutMs)
      Promise.resolve(opinion)
        .then(resolve, reject)
        .finally(() => wheel.cancel(deadline))
    })
  }
}

/** Answers come from anywhere, also from where no compiler has looked: a string is no yes. */
function checked(opinion: Opinion): Opinion {
  if (opinion === undefined || typeof opinion === 'boolean') return opinion
  throw new TypeError('an authorizer answers true, false or undefined')
}
