// A load from the outside: generators in processes of their own, asked step by step, and their figures added up.
// scenario files are written in terms of this.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Share } from './generator.ts'
import type { Answer, Order } from './generator-process.ts'
import { type LoadFigures, sumOf } from './load-figures.ts'
import type { RunPlan } from './run-plan.ts'

const program = fileURLToPath(new URL(`./generator-process${extname(import.meta.url)}`, import.meta.url))

export class LoadRun {
  readonly plan: RunPlan
  readonly #processes: GeneratorProcess[]
  private constructor(plan: RunPlan, processes: GeneratorProcess[]) {
    this.plan = plan
    this.#processes = processes
  }

  /** Starts `processes` generators and gives each its share; nothing is connected yet. */
  static async prepare(plan: RunPlan, processes: number): Promise<LoadRun> {
    const shares = Array.from({ length: processes }, (_, i) => shareOf(plan, i, processes))
    const run = new LoadRun(
      plan,
      shares.map(() => new GeneratorProcess()),
    )
    await Promise.all(shares.map((share, i) => run.#processes[i]?.ask({ do: 'prepare', share })))
    return run
  }

  get groupNames(): string[] {
    return this.plan.groups.map(({ name }) => name)
  }

  get clientCount(): number {
    return this.plan.groups.reduce((sum, { count }) => sum + count, 0)
  }

  /** `rate`: CONNECTs a second over all processes; Infinity: all at once. */
  async connect(groups: readonly string[] = this.groupNames, rate = this.plan.connectRate): Promise<void> {
    await this.#askAll({ do: 'connect', groups, rate: rate / this.#processes.length })
  }

  async start(groups: readonly string[] = this.groupNames): Promise<void> {
    await this.#askAll({ do: 'start', groups })
  }

  async stop(): Promise<void> {
    await this.#askAll({ do: 'stop' })
  }

  async readOn(groups: readonly string[]): Promise<void> {
    await this.#askAll({ do: 'readOn', groups })
  }

  async endConnections(groups: readonly string[], withFarewell: boolean): Promise<void> {
    await this.#askAll({ do: 'end', groups, withFarewell })
  }

  /** Latencies are counted from here on. */
  async clearLatencies(): Promise<void> {
    await this.#askAll({ do: 'clear' })
  }

  async figures(): Promise<LoadFigures & { readonly isDone: boolean; readonly busiest: number }> {
    const answers = await this.#askAll({ do: 'figures' })
    const each = answers.flatMap(({ figures }) => figures ?? [])
    const busiest = Math.max(0, ...each.map(({ cpuMicroseconds }) => cpuMicroseconds))
    return { ...sumOf(each), isDone: answers.every(({ isDone }) => isDone), busiest }
  }

  /** Ends the generators, and with them what is still connected. */
  async end(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.end()))
  }

  #askAll(order: Order): Promise<Answer[]> {
    return Promise.all(this.#processes.map((each) => each.ask(order)))
  }
}

/** Each group cut into stretches; what is cut into more processes than it has clients leaves some with none. */
function shareOf(plan: RunPlan, place: number, processes: number): Share {
  const cut = (count: number, at: number): number => Math.floor((count * at) / processes)
  const ranges = plan.groups.map(({ count }) => ({ from: cut(count, place), to: cut(count, place + 1) }))
  return { plan, ranges }
}

class GeneratorProcess {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>()
  #orders = 0

  constructor() {
    this.#process = fork(program, { serialization: 'advanced' })
    this.#process.on('message', ({ id, answer }: { id: number; answer: Answer }) => {
      this.#waiting.get(id)?.resolve(answer)
      this.#waiting.delete(id)
    })
    this.#process.on('exit', (code, signal) => {
      const error = new Error(`a load generator ended with ${signal ?? code}`)
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    })
  }

  ask(order: Order): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const id = ++this.#orders
      this.#waiting.set(id, { resolve, reject })
      this.#process.send({ id, order }, (error) => {
        if (error !== null) reject(error)
      })
    })
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.disconnect()
    await ended
  }
}
