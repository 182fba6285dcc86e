// Runs the built program as people do: a process of its own, its lines, its exit code.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '../..')
export const cliFile = join(root, 'dist/cli.js')

/** Nothing is done where the build is up to date. */
export function buildProgram(): void {
  execFileSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
    {
      cwd: root,
      stdio: 'inherit',
    },
  )
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
}

export class Program {
  /** Resolves when it has ended and all its lines have been read. */
  readonly outcome: Promise<Outcome>
  readonly #child: ChildProcess
  readonly #stdout: string[] = []
  readonly #stderr: string[] = []
  #onLine: () => void = () => {}
  #hasEnded = false

  /** `nodeArguments` as after `node`. Of our environment it sees no GODWIT_ variable. */
  constructor(nodeArguments: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const ours = Object.entries(process.env).filter(([name]) => !/^GODWIT_/i.test(name))
    this.#child = spawn(process.execPath, nodeArguments, { env: { ...Object.fromEntries(ours), ...env } })
    this.#read('stdout', this.#stdout)
    this.#read('stderr', this.#stderr)
    this.outcome = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        this.#hasEnded = true
        this.#onLine()
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
  }

  static start(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    return new Program([cliFile, ...flags], env)
  }

  /** The first line on standard output that matches, once it is there. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.#stdout.find((candidate) => pattern.test(candidate))
      if (line !== undefined) return line
      if (this.#hasEnded)
        throw new Error(`ended without ${pattern}: ${[...this.#stdout, ...this.#stderr].join('\n')}`)
      await new Promise<void>((resolve) => {
        this.#onLine = resolve
      })
    }
  }

  /** The whole of its standard input. */
  input(text: string): void {
    // Who reads no input may have ended already.
    this.#child.stdin?.on('error', () => {})
    this.#child.stdin?.end(text)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  #read(stream: 'stdout' | 'stderr', lines: string[]): void {
    createInterface({ input: this.#child[stream] as NodeJS.ReadableStream }).on('line', (line) => {
      lines.push(line)
      this.#onLine()
    })
  }
}
