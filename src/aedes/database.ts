// The LevelDB folder of an Aedes broker: opened with care, read range by range in the order of its keys.
// Opened by cli/import-aedes.ts; read by session-reader.ts and for retained messages and wills here.
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { GodwitError } from '../base/errors.ts'
import { isLevelError } from '../store/database.ts'
import { KINDS, rangeOf, type TextRange } from './keys.ts'

export type AedesEntry = readonly [key: string, value: Buffer]

const CHUNK_ROWS = 1_000
const CHUNK_BYTES = 256 * 1024

export class AedesDatabase {
  readonly #level: ClassicLevel<string, Buffer>

  private constructor(level: ClassicLevel<string, Buffer>) {
    this.#level = level
  }

  /** Nothing is put into the folder, but LevelDB tidies up as it opens. Rejects with ERR_GODWIT_AEDES_UNREADABLE. */
  static async open(path: string): Promise<AedesDatabase> {
    // LevelDB would leave files of its own in a folder that it does not find a database in.
    await access(join(path, 'CURRENT')).catch((cause) => {
      throw unreadable(`there is no database of Aedes in ${path}`, cause)
    })
    const level = new ClassicLevel<string, Buffer>(path, { createIfMissing: false, valueEncoding: 'buffer' })
    await level.open().catch((error) => {
      throw openError(path, error)
    })
    const database = new AedesDatabase(level)
    try {
      if (await database.#hasRows()) return database
      throw unreadable(`nothing in ${path} was written by aedes-persistence-level`)
    } catch (error) {
      await level.close()
      throw error
    }
  }

  close(): Promise<void> {
    return this.#level.close()
  }

  // All of these reject with ERR_GODWIT_AEDES_UNREADABLE.

  async *entries(range: TextRange): AsyncGenerator<AedesEntry> {
    const iterator = this.#level.iterator({ ...range, highWaterMarkBytes: CHUNK_BYTES })
    try {
      for (;;) {
        const entries = await this.#read(iterator.nextv(CHUNK_ROWS))
        if (entries.length === 0) return
        yield* entries
      }
    } finally {
      await iterator.close()
    }
  }

  /** The first key of the range; undefined: it is empty. */
  async firstKey(range: TextRange): Promise<string | undefined> {
    return (await this.#read(this.#level.keys({ ...range, limit: 1 }).all()))[0]
  }

  get(key: string): Promise<Buffer | undefined> {
    return this.#read(this.#level.get(key))
  }

  async count(range: TextRange): Promise<number> {
    let count = 0
    for await (const _ of this.entries(range)) count++
    return count
  }

  async #hasRows(): Promise<boolean> {
    for (const kind of KINDS) if ((await this.firstKey(rangeOf(kind))) !== undefined) return true
    return false
  }

  async #read<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (cause) {
      if (!isLevelError(cause)) throw cause
      throw unreadable(`a part of ${this.#level.location} cannot be read`, cause)
    }
  }
}

function openError(path: string, error: unknown): GodwitError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const isLocked = cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED'
  const problem = isLocked ? 'another process has it open: stop Aedes first' : 'it cannot be opened'
  return unreadable(`${path}: ${problem}`, cause)
}

const unreadable = (message: string, cause?: unknown): GodwitError =>
  new GodwitError('ERR_GODWIT_AEDES_UNREADABLE', message, { cause })
