// A broker that knows two methods: SCRAM-SHA-256 with the users of below, and `obey`, which does what the client's data
// tells it to. Anonymous clients are not let in.
//
//   ask:x -> continue with x     accept:ada     refuse:134     throw     nonsense     later: whatever answerLater says
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import type { RefusalCode } from '../../src/authentication/authenticator.ts'
import type { AuthenticationAnswer, AuthenticationMethod } from '../../src/authentication/method.ts'
import { scramSha256 } from '../../src/authentication/scram.ts'
import { scramVerifier } from '../../src/authentication/scram-verifier.ts'
import { Broker } from '../../src/broker/index.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { HeldStore } from '../kit/held-store.ts'
import { connect, type Said } from '../kit/packets.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { type StoreKind, TestBroker } from '../kit/test-broker.ts'

export const PASSWORDS: ReadonlyMap<string, string> = new Map([
  ['ada', 'pencil'],
  ['grace, of =', 'p=e,n'],
])

const verifiers = new Map<string, string>()
for (const [user, password] of PASSWORDS) {
  verifiers.set(user, await scramVerifier(password, { iterations: 4_096 }))
}
export const verifierOf = (user: string): string | undefined => verifiers.get(user)

export class AuthenticatingBroker extends TestBroker {
  readonly log: Record<string, unknown>[] = []
  readonly #input: ConfigInput
  readonly #waiting: ((answer: AuthenticationAnswer) => void)[] = []

  readonly #path: string | undefined

  constructor(input: ConfigInput, path: string | undefined) {
    super({}, path)
    this.#input = input
    this.#path = path
  }

  override async open(): Promise<void> {
    const { clock } = this
    const path = this.#path
    this.store = new HeldStore(
      path === undefined ? new MemoryStore() : new LevelStore({ path, sync: 'no', clock }),
    )
    this.broker = await Broker.open({
      config: resolveConfig({ allowAnonymous: false, ...this.#input }),
      store: this.store,
      clock,
      log: pino({ level: 'info' }, { write: (line: string) => this.log.push(JSON.parse(line)) }),
      authenticationMethods: [scramSha256({ verifierOf, iterations: 4_096 }), this.#obey()],
    })
  }

  /** Steps that wait for their answer. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** To the step that has waited longest. */
  answerLater(answer: AuthenticationAnswer): void {
    this.#waiting.shift()?.(answer)
  }

  logged(text: string): Record<string, unknown>[] {
    return this.log.filter(({ msg }) => msg === text)
  }

  #obey(): AuthenticationMethod {
    return { name: 'obey', begin: () => (data) => this.#answer(String(data ?? 'ask:')) }
  }

  #answer(order: string): AuthenticationAnswer | Promise<AuthenticationAnswer> {
    const [verb, text = ''] = order.split(':')
    switch (verb) {
      case 'ask':
        return { kind: 'continue', data: text === '' ? undefined : Buffer.from(text) }
      case 'accept':
        return { kind: 'accept', identity: text }
      case 'refuse':
        return { kind: 'refuse', why: 'told so', reasonCode: Number(text) as RefusalCode }
      case 'later':
        return new Promise((resolve) => this.#waiting.push(resolve))
      case 'nonsense':
        return undefined as unknown as AuthenticationAnswer
      default:
        throw new Error('a method that fails')
    }
  }
}

/** Closed when the test is over. */
export async function openAuthenticating(
  input: ConfigInput = {},
  store: StoreKind = 'memory',
): Promise<AuthenticatingBroker> {
  const kit = new AuthenticatingBroker(input, store === 'level' ? await temporaryFolder() : undefined)
  await kit.open()
  onTestFinished(() => kit.close())
  return kit
}

const withData = (method: string, data: string | undefined) => ({
  authenticationMethod: method,
  ...(data !== undefined && { authenticationData: Buffer.from(data) }),
})

export const OBEY = 'obey'
export const SCRAM = 'SCRAM-SHA-256'

export const auth = (reasonCode: number, data?: string, method = OBEY): Said => ({
  cmd: 'auth',
  ...(reasonCode !== 0 && { reasonCode }),
  properties: withData(method, data),
})

export const connectAs = (clientId: string, data?: string, method = OBEY, fields = {}): Said =>
  connect(clientId, { properties: withData(method, data), ...fields })

/** What CONNACK says of the method. */
export const toldOf = (data?: string, method = OBEY) => withData(method, data)
