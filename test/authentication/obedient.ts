// A broker whose authenticators answer as they are told by the password.
import type { Admission, Authenticator, Verdict } from '../../src/authentication/authenticator.ts'
import type { AuthenticatingClient } from '../../src/authentication/client.ts'
import { connect } from '../kit/packets.ts'
import { openBroker, type TestBroker, type TestBrokerOptions } from '../kit/test-broker.ts'

export const ADA: Admission = { kind: 'accept', identity: 'ada' }
export const WRONG: Verdict = { kind: 'refuse', why: 'wrong password', reasonCode: 0x86 }
const IGNORE: Verdict = { kind: 'ignore' }

type Answer = Verdict | Promise<Verdict>

/** Answers by the order in its password: `later` waits for `answer`. Everybody is asked in `asked`. */
export class Obedient implements Authenticator {
  readonly name: string
  readonly asked: AuthenticatingClient[] = []
  readonly #waiting: ((verdict: Verdict) => void)[] = []
  readonly #orders: Readonly<Record<string, () => Answer>>

  constructor(name: string, orders: Readonly<Record<string, () => Answer>> = {}) {
    this.name = name
    this.#orders = {
      pencil: () => ADA,
      wrong: () => WRONG,
      later: () => new Promise((resolve) => this.#waiting.push(resolve)),
      throw: () => {
        throw new Error('an authenticator that fails')
      },
      ...orders,
    }
  }

  authenticate(client: AuthenticatingClient): Answer {
    this.asked.push(client)
    const answer = this.#orders[String(client.password)]
    return answer === undefined ? IGNORE : answer()
  }

  answer(verdict: Verdict): void {
    this.#waiting.shift()?.(verdict)
  }
}

export const as = (clientId: string, password: string | undefined, fields: Record<string, unknown> = {}) =>
  connect(clientId, {
    username: 'ada',
    ...(password !== undefined && { password: Buffer.from(password) }),
    ...fields,
  })

export async function open(
  options: TestBrokerOptions = {},
  authenticators = [new Obedient('jwt')],
): Promise<TestBroker & { readonly first: Obedient }> {
  const kit = await openBroker({ allowAnonymous: false, authenticators, ...options })
  return Object.assign(kit, { first: authenticators[0] as Obedient })
}
