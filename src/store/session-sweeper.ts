// Removes what deleted sessions leave behind: subscriptions, queue, received packet ids. Its work goes through the
// group commit like all else, a slice at a time, so that a queue of millions holds nobody up.
//
//   deleteSession -> row gone with its batch -> due -> slice -> committed -> slice ... -> swept
//                                               ^ found at open: a crash came in between
import { type Database, type Entry, isInterrupted, readChunks } from './database.ts'
import { KeyKind, sequenceOfKey, sessionRange } from './keys.ts'
import { decodeDelivery } from './message-records.ts'
import type { CommitListener } from './store.ts'

/** Rows of one slice. */
const SLICE_ROWS = 500
const KINDS = [KeyKind.Queue, KeyKind.Subscription, KeyKind.Received] as const

/** Takes the rows to delete and the ids of the bodies that they referred to; resolves when that is down. */
export type Sweep = (keys: Buffer[], bodyIds: number[]) => Promise<void>

export class SessionSweeper implements CommitListener {
  readonly #database: Database
  readonly #sweep: Sweep
  readonly #onDamage: (description: string) => void
  /** Deleted and not swept yet. */
  readonly #deleted = new Set<number>()
  /** Those of them whose deletion is down. */
  readonly #due: number[] = []
  #isStopped = false
  #run: Promise<void> | undefined

  constructor(database: Database, sweep: Sweep, onDamage: (description: string) => void) {
    this.#database = database
    this.#sweep = sweep
    this.#onDamage = onDamage
  }

  /** Nobody else may delete its rows now: each reference to a body is released once, with the row that holds it. */
  owns(sessionNumber: number): boolean {
    return this.#deleted.size > 0 && this.#deleted.has(sessionNumber)
  }

  /** To be followed by `committed` with the number. */
  add(sessionNumber: number): void {
    this.#deleted.add(sessionNumber)
  }

  committed(sessionNumber: number): void {
    this.#due.push(sessionNumber)
    this.#run ??= this.#sweepAll()
  }

  /** Begins no other slice; what is left is found at the next open. Resolves when the last one is over. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#run
  }

  async #sweepAll(): Promise<void> {
    while (!this.#isStopped) {
      const sessionNumber = this.#due.pop()
      if (sessionNumber === undefined) break
      try {
        for (const kind of KINDS) await this.#sweepKind(kind, sessionNumber)
        this.#deleted.delete(sessionNumber)
      } catch (error) {
        await this.#failed(sessionNumber, error)
      }
    }
    this.#run = undefined
  }

  async #failed(sessionNumber: number, error: unknown): Promise<void> {
    if (this.#isStopped) return
    if (!isInterrupted(error)) {
      return this.#onDamage(`deleted session ${sessionNumber} cannot be swept: ${String(error)}`)
    }
    this.#due.push(sessionNumber)
    await this.#sweep([], []).catch(() => {})
  }

  async #sweepKind(kind: (typeof KINDS)[number], sessionNumber: number): Promise<void> {
    for await (const entries of readChunks(this.#database, sessionRange(kind, sessionNumber), SLICE_ROWS)) {
      if (this.#isStopped) return
      const bodyIds = kind === KeyKind.Queue ? bodyIdsOf(entries) : []
      await this.#sweep(
        entries.map(([key]) => key),
        bodyIds,
      )
    }
  }
}

function bodyIdsOf(entries: Entry[]): number[] {
  const ids: number[] = []
  for (const [key, value] of entries) {
    const storedId = decodeDelivery(sequenceOfKey(key), value)?.storedId ?? 0
    if (storedId !== 0) ids.push(storedId)
  }
  return ids
}
