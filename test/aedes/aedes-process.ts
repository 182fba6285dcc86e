// Starts aedes-broker.ts in a process of its own, and ends it: in good order, or as a crash does.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { WhenOver } from '../integration/foreign-client.ts'

export class AedesProcess {
  readonly port: number
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown[]>

  private constructor(child: ChildProcess, ended: Promise<unknown[]>, port: number) {
    this.#child = child
    this.#ended = ended
    this.port = port
  }

  /** Resolves when it takes connections; `id` is the broker's. */
  static async start(folder: string, id: string, whenOver: WhenOver): Promise<AedesProcess> {
    const program = join(import.meta.dirname, 'aedes-broker.ts')
    const child = spawn(process.execPath, ['--import', 'tsx', program, folder, id], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    whenOver(() => void child.kill('SIGKILL'))
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    return new AedesProcess(child, ended, Number(line))
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await this.#ended
  }
}
