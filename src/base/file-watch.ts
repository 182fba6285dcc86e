// Files that are read at the start and again when they change: passwords, keys, certificates. What cannot be read
// at the start stops it; later the last good value stays in force, and the log says so. Made by server.ts, one for
// each broker.
//
//   looked at every 2 s:  as loaded | changed -> (the same at the next look) -> loaded, or the last good one stays
//
// The second look is for files that are being written: half a list of users is a list of users too.
import type { Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Clock, Timer } from './clock.ts'
import { GodwitError } from './errors.ts'
import { unreadable } from './unreadable.ts'

const LOOK_EVERY_MS = 2_000
const FILE_BYTES_MAX = 67_108_864
const READABLE_BY_OTHERS = 0o004

export interface WatchRequest<Value> {
  /** The option that names the files, for messages. */
  readonly option: string
  readonly paths: readonly string[]
  /** Warned about where everybody on the machine may read it. */
  readonly isSecret: boolean
  /** From the contents, in the order of `paths`. What it throws is told, so it had better name file and line. */
  load(contents: readonly Buffer[]): Value | Promise<Value>
  /** There is a new value. Must not throw. */
  changed?(value: Value): void
}

export interface Watched<Value> {
  /** The last good one. */
  readonly value: Value
  /** It is not looked at any more. */
  stop(): void
}

export interface FileWatchParts {
  readonly clock: Clock
  readonly log: Logger
}

export class FileWatch {
  /** Some of the files have new values. Must not throw. */
  onReloaded: () => void = () => {}
  readonly #clock: Clock
  readonly #log: Logger
  readonly #all = new Set<WatchedFiles<unknown>>()
  #timer: Timer | undefined
  #isClosed = false
  /** Looking and reloading take turns. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor({ clock, log }: FileWatchParts) {
    this.#clock = clock
    this.#log = log
  }

  /** Loads now: rejects with ERR_GODWIT_CONFIG_UNREADABLE, or with what `load` throws. */
  async watch<Value>(request: WatchRequest<Value>): Promise<Watched<Value>> {
    const watched = new WatchedFiles(request, this.#log, () => this.onReloaded())
    await watched.load()
    this.#all.add(watched)
    this.#arm()
    return {
      get value() {
        return watched.value
      },
      stop: () => void this.#all.delete(watched),
    }
  }

  /** Loads everything anew. Rejects with ERR_GODWIT_RELOAD_FAILED when some of it stays as it was. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      const errors: Error[] = []
      for (const watched of [...this.#all]) await watched.reload((error) => errors.push(error))
      if (errors.length === 0) return
      const text = errors.map(({ message }) => message).join('\n')
      throw new GodwitError('ERR_GODWIT_RELOAD_FAILED', text, { cause: errors[0] })
    })
  }

  /** What is under way is over. */
  async settled(): Promise<void> {
    await this.#turn
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    return this.settled()
  }

  #arm(): void {
    if (this.#isClosed || this.#timer !== undefined || this.#all.size === 0) return
    this.#timer = this.#clock.setTimer(() => void this.#inTurn(() => this.#look()), LOOK_EVERY_MS)
  }

  async #look(): Promise<void> {
    for (const watched of [...this.#all]) await watched.look()
    this.#timer = undefined
    this.#arm()
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }
}

class WatchedFiles<Value> {
  value!: Value
  readonly #request: WatchRequest<Value>
  readonly #log: Logger
  readonly #reloaded: () => void
  /** What the files looked like: when they were loaded, or could not be, and at the last look. */
  #loaded = ''
  #seen = ''

  constructor(request: WatchRequest<Value>, log: Logger, reloaded: () => void) {
    this.#request = request
    this.#log = log
    this.#reloaded = reloaded
  }

  async load(): Promise<void> {
    const { option, paths, load } = this.#request
    this.#loaded = await lookOf(paths)
    const contents: Buffer[] = []
    for (const path of paths) contents.push(await this.#read(path))
    this.value = await load(contents)
    this.#log.debug({ option, paths }, 'file loaded')
  }

  /** Says in the log how it went. */
  async reload(failed: (error: Error) => void = () => {}): Promise<void> {
    const { option, paths, changed } = this.#request
    try {
      await this.load()
      this.#log.info({ option, paths }, 'file loaded anew')
      changed?.(this.value)
      this.#reloaded()
    } catch (error) {
      const { message: why } = error as Error
      const text = 'a changed file was not taken: what was loaded before stays in force'
      this.#log.error({ option, paths, why }, text)
      failed(error as Error)
    }
  }

  async look(): Promise<void> {
    const seen = await lookOf(this.#request.paths)
    if (seen !== this.#loaded && seen === this.#seen) await this.reload()
    this.#seen = seen
  }

  async #read(path: string): Promise<Buffer> {
    const { option, isSecret } = this.#request
    try {
      const stats = await stat(path)
      if (!stats.isFile() && !stats.isDirectory()) throw new Error('it is no file') // It might never end.
      if (stats.size > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`)
      const content = await readFile(path)
      if (isSecret && isReadByOthers(stats)) {
        this.#log.warn({ option, path }, 'everybody on this machine can read this file, which holds secrets')
      }
      return content
    } catch (cause) {
      throw unreadable(option, path, cause as NodeJS.ErrnoException)
    }
  }
}

/** Windows has no such bits. */
const isReadByOthers = ({ mode }: Stats): boolean =>
  process.platform !== 'win32' && (mode & READABLE_BY_OTHERS) !== 0

/** Different after every change of content, owner or mode. */
async function lookOf(paths: readonly string[]): Promise<string> {
  const looks = paths.map(async (path) => {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
      return [dev, ino, size, mtimeNs, ctimeNs].join()
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code)
    }
  })
  return (await Promise.all(looks)).join(';')
}
