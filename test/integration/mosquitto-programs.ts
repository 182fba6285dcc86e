// mosquitto_pub, mosquitto_sub and mosquitto_rr as child processes: their lines, and how they ended.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { WhenOver } from './foreign-client.ts'

export type MosquittoName = 'mosquitto_pub' | 'mosquitto_sub' | 'mosquitto_rr'

/** Whether all are on the PATH, and stdbuf of coreutils; says so loudly if not. */
export function hasMosquittoClients(): boolean {
  const programs = ['stdbuf', 'mosquitto_pub', 'mosquitto_sub', 'mosquitto_rr']
  const missing = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined)
  if (missing.length === 0) return true
  process.stderr.write(
    `\n*** not installed: ${missing.join(', ')}; the tests of Mosquitto's clients are SKIPPED ***\n` +
      '*** Debian, Ubuntu: apt-get install mosquitto-clients ***\n\n',
  )
  return false
}

/** Exit codes, as far as they mean something here. */
export const ExitCode = { Success: 0, Refused: 1, TimedOut: 27 } as const

export class MosquittoProgram {
  /** All of standard output, line by line. */
  readonly lines: string[] = []
  readonly errors: string[] = []
  /** Resolves with the exit code; null when it was killed. */
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess
  #onLine: () => void = () => {}
  #handler: ((line: string) => void) | undefined

  constructor(
    program: MosquittoName,
    /** A port of this machine, or the path of a unix socket. */
    where: number | string,
    flags: readonly string[],
    whenOver: WhenOver = onTestFinished,
  ) {
    const address = typeof where === 'number' ? ['-h', '127.0.0.1', '-p', String(where)] : ['--unix', where]
    // Into a pipe they write in blocks, and the line that says that they have subscribed would not come.
    this.#child = spawn('stdbuf', ['-oL', program, ...address, ...flags])
    this.ended = once(this.#child, 'close').then(([code]) => code)
    const { stdout, stderr } = this.#child
    createInterface({ input: stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.lines.push(line)
      this.#handler?.(line)
      this.#onLine()
    })
    createInterface({ input: stderr as NodeJS.ReadableStream }).on('line', (line) => this.errors.push(line))
    void this.ended.then(() => this.#onLine())
    whenOver(() => void this.#child.kill('SIGKILL'))
  }

  /** Resolves when a line that matches is there; rejects when the program has ended without one. */
  async line(pattern: RegExp): Promise<string> {
    let hasEnded = false
    void this.ended.then(() => {
      hasEnded = true
    })
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line))
      if (found !== undefined) return found
      if (hasEnded) throw new Error(`no line ${pattern}: ${[...this.lines, ...this.errors].join('\n')}`)
      await new Promise<void>((resolve) => {
        this.#onLine = resolve
      })
    }
  }

  /** Each line as it comes, and first those that are there. */
  handle(handler: (line: string) => void): void {
    for (const line of this.lines) handler(line)
    this.#handler = handler
  }

  /** The whole of its standard input. */
  input(text: string | Buffer): this {
    // Who reads no input has closed it, or has ended already.
    this.#child.stdin?.on('error', () => {})
    this.#child.stdin?.end(text)
    return this
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}
