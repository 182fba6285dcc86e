// Room for the day when the disk is full: a file that is given up then, so that what is stored can still be taken out,
// which is what makes room: LevelDB writes to delete, and to open again after a write that failed.
// Used by level-store.ts.
//
//   plenty -- less than 16 times the reserve is free --> reserved -- a write fails for lack of room --> short
//                                                           ^-- as much again is free ------------------'
//   short: publishers are held back; each second the room is looked at, and queues are compacted if that may make some
import { randomFillSync } from 'node:crypto'
import { type FileHandle, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '../base/clock.ts'
import { unfinishedBytes } from './leveldb/unfinished.ts'

const RESERVE = 'reserve'
const LOOK_EVERY_MS = 10_000
const LOOK_EVERY_WHEN_SHORT_MS = 1_000
/** With so many times the reserve free there is no need for one yet. */
const PLENTY = 16
/** On a small disk it takes no more than this part of what is free. */
const PART_OF_FREE = 1 / 2
/** Written a piece at a time, so that nobody waits for it. */
const PIECE_BYTES = 1024 * 1024
/** For what LevelDB writes besides its log when it opens. */
const OPEN_BYTES = 1024 * 1024

export interface DiskReserveParts {
  readonly path: string
  /** 0: none is kept. */
  readonly bytes: number
  readonly clock: Clock
  /** Gives back to the disk what has been removed; called while it is short. */
  readonly compact: () => Promise<void>
  readonly onShort: () => void
  readonly onRoom: () => void
}

export class DiskReserve {
  isShort = false
  readonly #parts: DiskReserveParts
  readonly #file: string
  #timer: Timer | undefined
  #looking: Promise<void> | undefined
  #isStopped = false
  /** Bytes of messages that left the store since it is short, or since they were given back. */
  #removedBytes = 0
  /** A compaction that came too early has failed: the next one has to wait for so many. */
  #removedBytesMin = 1

  constructor(parts: DiskReserveParts) {
    this.#parts = parts
    this.#file = join(parts.path, RESERVE)
  }

  /** Looks now, and every so often from here on; without a reserve only once the disk is full. */
  start(): void {
    if (this.#parts.bytes > 0) this.#lookAgain(0)
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#looking
  }

  /** A message has left the store, or a receiver has it. */
  removed(bytes: number): void {
    if (this.isShort) this.#removedBytes += bytes
  }

  /** A write has failed for lack of room. Resolves to whether there was a reserve to give up. */
  async release(): Promise<boolean> {
    const wasShort = this.isShort
    if (!wasShort) {
      this.isShort = true
      this.#removedBytes = 0
      this.#removedBytesMin = 1
      this.#parts.onShort()
    }
    const hadReserve = (await sizeOf(this.#file)) > 0
    await rm(this.#file, { force: true })
    this.#lookAgain(LOOK_EVERY_WHEN_SHORT_MS)
    return hadReserve
  }

  /** Rejects while LevelDB could not be opened again for lack of room: closed, it could not even be read. */
  async checkRoomToOpen(): Promise<void> {
    const { path } = this.#parts
    const free = (await freeBytes(path)) + unfinishedBytes(path)
    const needed = (await bytesOf(path, '.log')) + OPEN_BYTES
    if (free < needed)
      throw new Error(`${free} bytes are free on the disk, and ${needed} are needed to go on`)
  }

  #lookAgain(delayMs: number): void {
    this.#timer?.cancel()
    if (this.#isStopped) return
    this.#timer = this.#parts.clock.setTimer(() => {
      this.#looking ??= this.#look()
        .catch(() => {}) // the folder is away: the writes tell of it
        .finally(() => {
          this.#looking = undefined
          if (this.isShort) this.#lookAgain(LOOK_EVERY_WHEN_SHORT_MS)
          else if (this.#parts.bytes > 0) this.#lookAgain(LOOK_EVERY_MS)
        })
    }, delayMs)
  }

  async #look(): Promise<void> {
    const { path, bytes, onRoom } = this.#parts
    if (this.isShort) await this.#compact()
    const free = await freeBytes(path)
    if (this.isShort) {
      const size = Math.min(bytes, Math.floor(free * PART_OF_FREE))
      if (free < 2 * bytes || !(await this.#make(size))) return
      this.isShort = false
      onRoom()
    } else if (free < PLENTY * bytes && (await sizeOf(this.#file)) === 0) {
      await this.#make(Math.min(bytes, Math.floor(free * PART_OF_FREE)))
    }
  }

  /**
   * Removed rows take room until they are merged with what removes them, and that takes room too: as much as what is
   * left. Compressed, it may be less than we think, and the disk be full again: then it waits for twice as many.
   */
  async #compact(): Promise<void> {
    const { path, compact } = this.#parts
    const removed = this.#removedBytes
    if (removed < this.#removedBytesMin) return
    const before = await bytesOf(path, '.ldb')
    if (before - removed > (await freeBytes(path))) return
    this.#removedBytesMin = 2 * removed
    await compact().catch(() => {})
    if ((await bytesOf(path, '.ldb')) > before) return
    this.#removedBytes -= removed
    this.#removedBytesMin = 1
  }

  /** False: there is not so much room, or it was needed before it was done. */
  async #make(bytes: number): Promise<boolean> {
    const wasShort = this.isShort
    let file: FileHandle | undefined
    try {
      file = await open(this.#file, 'w', 0o600)
      // Zeros would take no room on a file system that compresses.
      const piece = randomFillSync(Buffer.allocUnsafe(PIECE_BYTES))
      for (let at = 0; at < bytes && !this.#isStopped; at += piece.length) {
        await file.write(piece, 0, Math.min(piece.length, bytes - at))
        if (this.isShort !== wasShort) throw new Error('the disk became full meanwhile')
      }
      return true
    } catch {
      await rm(this.#file, { force: true })
      return false
    } finally {
      await file?.close()
    }
  }
}

const freeBytes = async (path: string): Promise<number> => {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

const sizeOf = async (file: string): Promise<number> => {
  const facts = await stat(file).catch(() => undefined)
  return facts?.size ?? 0
}

async function bytesOf(path: string, ending: string): Promise<number> {
  const names = (await readdir(path)).filter((name) => name.endsWith(ending))
  const sizes = await Promise.all(names.map((name) => sizeOf(join(path, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** LevelDB hands on the words of the system. */
export function isNoSpace(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return /ENOSPC|EDQUOT|No space left|quota exceeded/i.test(error.message) || isNoSpace(error.cause)
}
