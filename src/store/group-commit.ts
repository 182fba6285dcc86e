// One batch is written at a time, and the next one grows meanwhile. Between level-store.ts, which puts into `open`,
// and the BatchWriter that knows LevelDB. What waits for a batch hears of it in order, once it is down; when many do,
// over some turns.
//
//   idle --put--> due --end of the turn--> writing --down--> idle, or writing what has come in since
//                                           |   ^
//                                 it failed v   | a second later, or on close
//                                          waiting --failed once more while closing--> abandoned
import type { Clock, Timer } from '../base/clock.ts'
import { GodwitError } from '../base/errors.ts'
import { Pace } from '../base/pace.ts'
import { RingQueue } from '../base/ring-queue.ts'
import { OpenBatch } from './open-batch.ts'
import type { CommitListener, SyncMode } from './store.ts'

/** It is encoded over some turns, but cut in one, and all of it is memory. */
export const OPERATIONS_MAX = 20_000
export const BATCH_BYTES_MAX = 16 * 1024 * 1024
/** Between an acknowledgement and a client that comes in, see base/pace.ts. */
const TELL_UNITS = 4
const RETRY_MS = 1_000
const SYNC_INTERVAL_MS = 1_000

export interface BatchWriter {
  /** Fixes the content of the batch; before the first write of it. */
  cut(batch: OpenBatch): void
  /** Writes all of it or nothing; with `isSynced`, down to the disk. */
  write(batch: OpenBatch, isSynced: boolean): Promise<void>
  /** Called before a batch whose write has failed is written again. */
  recover(): Promise<void>
}

export interface GroupCommitOptions {
  readonly sync: SyncMode
  readonly clock: Clock
  readonly operationsMax?: number
  readonly bytesMax?: number
}

/** A batch that is down, and how many of its listeners have heard. */
interface News {
  readonly batch: OpenBatch
  told: number
}

export class GroupCommit {
  open = new OpenBatch(1)
  committed = 0
  onRoom: () => void = () => {}
  onWriteError: (error: Error) => void = () => {}
  readonly #writer: BatchWriter
  readonly #sync: SyncMode
  readonly #clock: Clock
  readonly #operationsMax: number
  readonly #bytesMax: number
  #isDue = false
  #writing: OpenBatch | undefined
  readonly #news = new RingQueue<News>()
  readonly #pace = new Pace()
  #isTelling = false
  #isSyncDue = false
  #syncTimer: Timer | undefined
  #isClosing = false
  #endPause: (() => void) | undefined
  /** Set once it was closed without getting everything down. */
  #abandonedFor: GodwitError | undefined

  constructor(writer: BatchWriter, options: GroupCommitOptions) {
    this.#writer = writer
    this.#sync = options.sync
    this.#clock = options.clock
    this.#operationsMax = options.operationsMax ?? OPERATIONS_MAX
    this.#bytesMax = options.bytesMax ?? BATCH_BYTES_MAX
  }

  get isIdle(): boolean {
    return this.open.isEmpty && this.#writing === undefined
  }

  get isSaturated(): boolean {
    return this.open.operations > this.#operationsMax || this.open.bytes > this.#bytesMax
  }

  /** To be called with each change of the open batch: it will be cut when this turn of the loop ends. */
  touch(): void {
    if (this.#isDue || this.#writing !== undefined) return
    this.#isDue = true
    setImmediate(this.#endTurn)
  }

  afterCommit(listener: CommitListener, token: number): void {
    this.open.listeners.push(listener)
    this.open.tokens.push(token)
    this.touch()
  }

  /**
   * Resolves when all that was put before is down, and all who waited for it have heard; rejects with
   * ERR_GODWIT_STORE_WRITE when that was given up.
   */
  flush(): Promise<void> {
    const lastNews = this.#news.at(this.#news.length - 1)
    const batch = this.open.isEmpty ? (this.#writing ?? lastNews?.batch) : this.open
    return batch === undefined ? Promise.resolve() : this.#whenDown(batch)
  }

  #whenDown(batch: OpenBatch): Promise<void> {
    if (this.#abandonedFor !== undefined) return Promise.reject(this.#abandonedFor)
    return new Promise((resolve, reject) => {
      batch.waiters.push({ resolve, reject })
      this.touch()
    })
  }

  /** Writes what is left. When the disk refuses that too, it ends nevertheless and rejects as flush does. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#endPause?.()
    if (this.#syncTimer !== undefined) this.#syncNow()
    do await this.#whenDown(this.open)
    while (this.#writing !== undefined || !this.open.isEmpty)
  }

  readonly #endTurn = (): void => {
    this.#isDue = false
    if (this.#writing === undefined) this.#cut()
  }

  #cut(): void {
    if (this.#abandonedFor !== undefined || (this.open.isEmpty && !this.#isSyncDue)) return
    const wasSaturated = this.isSaturated
    const batch = this.open
    this.open = new OpenBatch(batch.number + 1)
    this.#writing = batch
    this.#writer.cut(batch)
    void this.#write(batch)
    if (wasSaturated) this.onRoom()
  }

  async #write(batch: OpenBatch): Promise<void> {
    for (let hasFailed = false; ; hasFailed = true) {
      batch.isSyncPoint = this.#isSyncDue
      const isSynced = this.#sync === 'always' || batch.isSyncPoint
      try {
        if (hasFailed) await this.#writer.recover()
        await this.#writer.write(batch, isSynced)
        this.#written(batch, isSynced)
        break
      } catch (cause) {
        const error = new GodwitError('ERR_GODWIT_STORE_WRITE', 'a batch could not be written', { cause })
        this.onWriteError(error)
        if (this.#isClosing) return this.#abandon(batch, error)
        await this.#pause()
      }
    }
    this.#down(batch)
  }

  #written(batch: OpenBatch, isSynced: boolean): void {
    if (isSynced) this.#isSyncDue = false
    else if (this.#sync === 'everysec' && batch.operations > 0) {
      this.#syncTimer ??= this.#clock.setTimer(() => this.#syncNow(), SYNC_INTERVAL_MS)
    }
  }

  /** sync everysec: the next write is synced, and there is one. */
  #syncNow(): void {
    this.#syncTimer?.cancel()
    this.#syncTimer = undefined
    this.#isSyncDue = true
    this.touch()
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(() => this.#endPause?.(), RETRY_MS)
      this.#endPause = () => {
        timer.cancel()
        this.#endPause = undefined
        resolve()
      }
    })
  }

  /** The next batch is under way before anyone hears: the disk works while acknowledgements go out. */
  #down(batch: OpenBatch): void {
    this.committed = batch.number
    this.#writing = undefined
    this.#cut()
    this.#news.push({ batch, told: 0 })
    if (this.#isTelling) return
    this.#isTelling = true
    this.#tell()
  }

  readonly #tell = (): void => {
    for (let news = this.#news.at(0); news !== undefined; news = this.#news.at(0)) {
      const { listeners, tokens, waiters } = news.batch
      while (news.told < listeners.length) {
        if (this.#pace.isSpent) {
          setImmediate(this.#tell)
          return
        }
        const index = news.told++
        listeners[index]?.committed(tokens[index] as number)
        this.#pace.spend(TELL_UNITS)
      }
      this.#news.shift()
      for (const waiter of waiters) waiter.resolve()
    }
    this.#isTelling = false
  }

  #abandon(batch: OpenBatch, error: GodwitError): void {
    this.#abandonedFor = error
    this.#writing = undefined
    for (const waiter of [...batch.waiters, ...this.open.waiters]) waiter.reject(error)
    this.open = new OpenBatch(batch.number + 1)
  }
}
