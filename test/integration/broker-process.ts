// A broker as people run it: dist/cli.js in a process of its own, on a data folder that outlives it.
// Used by the tests of this folder, by test/crash and by bench/.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const programFile = join(import.meta.dirname, '../../dist/cli.js')

/** For the case of a fault: what the broker said last. */
const LOG_LINES_MAX = 200

export interface BrokerProcessOptions {
  /** The data folder; none: everything in memory. */
  readonly data?: string
  /** GODWIT_ variables; none are taken over from our own environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: the one that `npm run build` makes. */
  readonly program?: string
}

export class BrokerProcess {
  readonly port: number
  readonly processId: number
  readonly startMs: number
  readonly logLines: readonly string[]
  /** Resolves with exit code and signal. */
  readonly ended: Promise<unknown[]>
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, ended: Promise<unknown[]>, facts: StartFacts) {
    this.#child = child
    this.ended = ended
    this.port = facts.port
    this.processId = child.pid ?? 0
    this.startMs = facts.startMs
    this.logLines = facts.logLines
  }

  /** Resolves when it takes connections, on a port of its own choice. */
  static async start({ data, env, program = programFile }: BrokerProcessOptions): Promise<BrokerProcess> {
    if (!existsSync(program)) throw new Error(`${program} is missing: run \`npm run build\` first`)
    const startedAt = performance.now()
    const storage = data === undefined ? ['--memory'] : ['--data', data]
    const child = spawn(process.execPath, [program, 'start', '-p', '0', ...storage], {
      env: { ...ownEnvironment(), GODWIT_LOG__FORMAT: 'json', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    const logLines: string[] = []
    const port = await new Promise<number>((resolve, reject) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        if (logLines.push(line) > LOG_LINES_MAX) logLines.shift()
        const found = /"addresses":\["\w+:\/\/127\.0\.0\.1:(\d+)"\]/.exec(line)?.[1]
        if (found !== undefined) resolve(Number(found))
      })
      void ended.then(() => reject(new Error(`the broker did not start: ${logLines.join('\n')}`)))
    })
    return new BrokerProcess(child, ended, { port, logLines, startMs: performance.now() - startedAt })
  }

  /** SIGTERM: resolves with the exit code when it is gone. */
  stop(): Promise<unknown> {
    return this.end('SIGTERM')
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<unknown> {
    this.#child.kill(signal)
    return (await this.ended)[0]
  }
}

interface StartFacts {
  readonly port: number
  readonly startMs: number
  readonly logLines: readonly string[]
}

const ownEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^GODWIT_/i.test(name)))
