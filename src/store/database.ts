// LevelDB as the store opens it: buffers in, buffers out, and its errors under our codes.
// Opened by level-store.ts; read in chunks by restore.ts, queue-reader.ts and session-sweeper.ts.
import { access, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type ChainedBatch, ClassicLevel } from 'classic-level'
import { GodwitError } from '../base/errors.ts'
import type { KeyRange } from './keys.ts'

export type Database = ClassicLevel<Buffer, Buffer>
export type NativeBatch = ChainedBatch<Database, Buffer, Buffer>
export type Snapshot = ReturnType<Database['snapshot']>
export type Entry = [key: Buffer, value: Buffer]

/** A row that is deleted before LevelDB has compacted it into a file costs nothing more: so, larger than its 4 MiB. */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024
/** Only the owner of the process reads messages and will payloads. */
const FOLDER_MODE = 0o700
const CHUNK_BYTES = 256 * 1024
const FIRST_ROWS = 16

/** Rejects with ERR_GODWIT_STORE_LOCKED or ERR_GODWIT_STORE_OPEN. */
export async function openDatabase(path: string): Promise<Database> {
  try {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE })
    const database: Database = new ClassicLevel<Buffer, Buffer>(path, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: WRITE_BUFFER_BYTES,
    })
    await database.open()
    await syncFolder(path)
    return database
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED') {
      throw new GodwitError('ERR_GODWIT_STORE_LOCKED', `another process has ${path} open`, { cause })
    }
    throw new GodwitError('ERR_GODWIT_STORE_OPEN', `${path} cannot be opened`, { cause })
  }
}

/**
 * To be called after a failed write. LevelDB would append behind what is left of it, and at the next start skip both;
 * reopened, it reads its log up to there and begins a new one. Rejects while the folder is away: it would make an
 * empty one.
 */
export async function reopenDatabase(database: Database): Promise<void> {
  await database.close()
  await access(join(database.location, 'CURRENT'))
  await database.open({ createIfMissing: false })
  await syncFolder(database.location)
}

/**
 * LevelDB renames CURRENT and leaves it at that. Until the folder is synced a power failure may bring the old one
 * back, which names a MANIFEST that is gone.
 */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // A folder cannot be opened there.
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The read met a reopenDatabase, and may be tried again when that is over. */
export const isInterrupted = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).endsWith('_NOT_OPEN')

/** It comes from LevelDB, and so from the disk, not from a mistake in this program. */
export const isLevelError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('LEVEL_')

/**
 * The rows of a range, in order, up to `size` at a time and not much more than 256 KiB. The first are few: an iterator
 * keeps room for as many as it was asked for until it is collected as garbage, and most ranges hold no more.
 */
export async function* readChunks(
  database: Database,
  range: KeyRange,
  size: number,
): AsyncGenerator<Entry[]> {
  const iterator = database.iterator({ ...range, highWaterMarkBytes: CHUNK_BYTES })
  try {
    for (let rows = Math.min(size, FIRST_ROWS); ; rows = size) {
      const entries = await iterator.nextv(rows)
      if (entries.length === 0) return
      yield entries
    }
  } finally {
    await iterator.close()
  }
}
