// One run: a broker, six clients and the model, a step at a time, and after each turn a look at what all of them have.
//
//   step -> the model -> the broker -> (all quiet) -> what arrived -> the model -> what must have arrived by now
import { MqttError } from '../../src/packet/mqtt-error.ts'
import { Client } from './client.ts'
import { Generator, type View } from './generator.ts'
import { Host, type StoreKind } from './host.ts'
import { Model, NEVER_EXPIRES } from './model.ts'
import { Random } from './random.ts'
import { Breach, breach } from './rules.ts'
import type { ModelLimits } from './session-model.ts'
import { describeStep, mayBeHasty, type Step } from './steps.ts'
import { CLIENTS } from './topics.ts'
import type { Wire } from './wire.ts'

export interface RunOptions {
  readonly seed: number
  readonly steps: number
  readonly store: StoreKind
}

export interface Failure {
  readonly breach: Breach
  /** What was done, up to the step at which it was seen. */
  readonly trace: readonly Step[]
}

/** Windows and quotas in all relations to each other, by seed. */
export const limitsOf = (seed: number): ModelLimits => ({
  inFlightMax: [1_024, 1_024, 20, 3][seed % 4] as number,
  queueWindow: [2_000, 8, 2_000][seed % 3] as number,
})

class Simulation implements View {
  readonly #host: Host
  readonly #model: Model
  readonly #clients: readonly Client[]
  /** Of connections that were taken over. */
  #forsaken: Wire[] = []
  #wills = 0

  constructor(store: StoreKind, limits: ModelLimits) {
    this.#host = new Host(store, limits)
    this.#model = new Model(limits, this.#host.clock.now())
    this.#clients = CLIENTS.map((_, number) => new Client(number, this.#model))
  }

  open(): Promise<void> {
    return this.#host.open()
  }

  close(): Promise<void> {
    return this.#host.close()
  }

  get canRestart(): boolean {
    return this.#host.canRestart
  }

  isConnected(client: number): boolean {
    return this.#client(client).isConnected
  }

  isStalled(client: number): boolean {
    return this.#client(client).connection?.isStalled === true
  }

  hasAnswers(client: number): boolean {
    return this.#client(client).hasAnswers
  }

  #client(number: number): Client {
    return this.#clients[number] as Client
  }

  /** Resolves to false for a step that makes no sense. Rejects with Breach. */
  async perform(step: Step): Promise<boolean> {
    if (!mayBeHasty(step)) await this.settle()
    const isDone = await this.#do(step)
    if (!step.isHasty) await this.settle()
    return isDone
  }

  async #do(step: Step): Promise<boolean> {
    if (step.kind === 'advance') return this.#advance(step.seconds)
    if (step.kind === 'restart') return this.#restart(step.isKilled)
    const client = this.#client(step.client)
    if (step.kind === 'connect') {
      if (client.isConnected && client.wire !== undefined) this.#forsaken.push(client.wire)
      client.connect(this.#host.connect(), step, `will-${++this.#wills}`)
      return true
    }
    return client.isConnected && client.perform(step)
  }

  #advance(seconds: number): boolean {
    this.#model.advance(seconds)
    this.#host.clock.advance(seconds * 1000)
    return true
  }

  async #restart(isKilled: boolean): Promise<boolean> {
    if (!this.canRestart) return false
    this.#model.restart(isKilled)
    // What a killed broker still says while we close it was never said.
    if (isKilled) for (const client of this.#clients) client.wire = undefined
    await this.#host.restart(isKilled)
    return true
  }

  /** Everything under way arrives, and is what the model says. */
  async settle(): Promise<void> {
    let hasReacted: boolean
    do {
      await this.#host.quiet()
      hasReacted = false
      for (const client of this.#clients) client.observe()
      for (const client of this.#clients) if (client.react()) hasReacted = true
    } while (hasReacted)
    for (const client of this.#clients) client.check()
    if (this.#forsaken.length > 0) this.#checkForsaken()
    this.#model.check()
  }

  #checkForsaken(): void {
    for (const wire of this.#forsaken) if (!wire.isEnded) breach('take-over', 'the older connection is open')
    this.#forsaken = []
  }

  /** Everybody comes back and takes all that there is for them. */
  async drain(): Promise<void> {
    await this.settle()
    for (const { number, isConnected } of this.#clients) {
      if (isConnected) await this.perform({ kind: 'read', client: number })
      else await this.perform(comeBack(number))
    }
    while (this.#clients.some((client) => client.isConnected && client.hasAnswers)) {
      for (const client of this.#clients) if (client.isConnected) client.answerAll()
      await this.settle()
    }
  }
}

const comeBack = (client: number): Step => ({
  kind: 'connect',
  client,
  version: 5,
  cleanStart: false,
  expiry: NEVER_EXPIRES,
  receiveMaximum: 65_535,
  keepAlive: 0,
  will: undefined,
})

/** What the broker threw, or what of it cannot be read, is a breach like any other. */
function breachOf(error: unknown): Breach {
  if (error instanceof Breach) return error
  const what = error instanceof MqttError ? `not a packet: ${error.why}` : String((error as Error).stack)
  return new Breach('liveness', what)
}

/** Undefined: all went well. Steps that made no sense are not counted in `done`. */
async function run(
  store: StoreKind,
  limits: ModelLimits,
  steps: (view: View) => Iterable<Step>,
): Promise<{ done: number; failure: Failure | undefined }> {
  const simulation = new Simulation(store, limits)
  const trace: Step[] = []
  let done = 0
  await simulation.open()
  try {
    for (const step of steps(simulation)) {
      trace.push(step)
      if (await simulation.perform(step)) done++
    }
    await simulation.drain()
    return { done, failure: undefined }
  } catch (error) {
    return { done, failure: { breach: breachOf(error), trace } }
  } finally {
    await simulation.close()
  }
}

/** Steps at random. */
export function simulate({ seed, steps, store }: RunOptions) {
  const generator = new Generator(new Random(seed))
  return run(store, limitsOf(seed), function* (view) {
    for (let i = 0; i < steps; i++) yield generator.next(view)
  })
}

/** These steps. */
export async function replay(
  { seed, store }: RunOptions,
  trace: readonly Step[],
): Promise<Failure | undefined> {
  return (await run(store, limitsOf(seed), () => trace)).failure
}

const TEST_FILES = { memory: 'simulation.test.ts', level: 'restarts.test.ts' } as const

/** One step a line, and the rule that they break. */
export function describeFailure({ breach: broken, trace }: Failure, { seed, store }: RunOptions): string {
  const { inFlightMax, queueWindow } = limitsOf(seed)
  return [
    `broken: ${broken.message}`,
    `on the ${store} store, inFlightMax ${inFlightMax}, queueWindow ${queueWindow}:`,
    ...trace.map((step, index) => `${String(index + 1).padStart(4)}  ${describeStep(step)}`),
    '      and in the end everybody comes back and takes what there is',
    `again: GODWIT_SIMULATION_SEED=${seed} npx vitest run test/simulation/${TEST_FILES[store]}`,
  ].join('\n')
}
