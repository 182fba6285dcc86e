// Gives back the space of rows that have gone. LevelDB notes that a row is deleted, and is rid of both the note and the
// row when it next compacts that stretch of keys, which may be never: a queue of a gigabyte that has been taken stays a
// gigabyte. So the stretches are compacted once the store has time, in the background, a piece at a time.
// Told by batch-encoder.ts of each batch that is down.
//
//   gone -> enough in one stretch -> two quiet seconds, or a minute -> piece, piece, ... -> forgotten
import type { Clock, Timer } from '../base/clock.ts'
import type { Database } from './database.ts'
import { KeyKind, sequenceOfKey, sessionNumberOfKey } from './keys.ts'
import type { OpenBatch } from './open-batch.ts'

/** Below that it is not worth the writing. */
const GAIN_BYTES_MIN = 16 * 1024 * 1024
/** Of what is in the stretch, so much must be gone: what lives there is written anew. */
const GAIN_SHARE_MIN = 0.25
/** While LevelDB compacts a piece, what is written meanwhile gathers in front of it: a second's worth at most. */
const PIECE_BYTES = 32 * 1024 * 1024
const LOOK_EVERY_MS = 2_000
const QUIET_OPERATIONS_MAX = 20_000
const LOOKS_MAX = 30
/** Queues that are told apart; with more of them all of their rows are one stretch. */
const QUEUES_MAX = 1_000
/** Of a row besides its message. */
const ROW_BYTES = 32
/** A row of which no more is known than that it has gone. */
const UNKNOWN_BYTES = 128

/** Keys of a kind as numbers: the twelve bytes after the kind. */
const POSITION_BYTES = 12
const POSITION_END = 1n << BigInt(8 * POSITION_BYTES)
const positionOf = (sessionNumber: number, sequence: number): bigint =>
  (BigInt(sessionNumber) << 48n) | BigInt(sequence)

interface Stretch {
  readonly kind: KeyKind
  from: bigint
  to: bigint
  /** Gone from it, about. */
  bytes: number
}

interface QueueStretch {
  first: number
  last: number
  bytes: number
}

export class Space {
  readonly #database: Database
  readonly #clock: Clock
  readonly #queues = new Map<number, QueueStretch>()
  /** All of a kind. */
  readonly #kinds = new Map<KeyKind, number>()
  /** There may be enough in one of them. */
  #isDue = false
  /** Since the last look. */
  #operations = 0
  #looks = 0
  #timer: Timer | undefined
  #run: Promise<void> | undefined
  #isStopped = false

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
  }

  /** At the start: the rows of queues that are there take about so many bytes. More is what an earlier process left. */
  async found(queueBytes: number): Promise<void> {
    const size = await this.#sizeOf({ kind: KeyKind.Queue, from: 0n, to: POSITION_END, bytes: 0 })
    this.#ofKind(KeyKind.Queue, Math.max(0, size - queueBytes))
    this.#consider()
  }

  /** The batch is down. */
  gone(batch: OpenBatch): void {
    this.#operations += batch.operations
    this.#goneFromQueues(batch)
    for (const { key, value } of batch.rows.values()) {
      if (value === undefined) this.#ofKind(key[0] as KeyKind, UNKNOWN_BYTES)
    }
    for (const message of batch.retained.values()) {
      if (message === undefined) this.#ofKind(KeyKind.Retained, UNKNOWN_BYTES)
    }
    for (const { before, change, bytes } of batch.bodies.values()) {
      if (before === -change) this.#ofKind(KeyKind.Body, bytes)
    }
    this.#consider()
  }

  /** Resolves when nothing of it is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#run
  }

  /** A row that is released is written anew, without its message. */
  #goneFromQueues(batch: OpenBatch): void {
    const { goneNumbers, goneSequences, released, releasedNumbers, sweptKeys, sweptBytes } = batch
    const each = ROW_BYTES + batch.goneBytes / (goneNumbers.length + released.length)
    for (let i = 0; i < goneNumbers.length; i++) {
      this.#ofQueue(goneNumbers[i] as number, goneSequences[i] as number, each)
    }
    released.forEach(({ sequence }, i) => {
      this.#ofQueue(releasedNumbers[i] as number, sequence, each)
    })
    const swept = ROW_BYTES + sweptBytes / sweptKeys.length
    for (const key of sweptKeys) {
      if (key[0] === KeyKind.Queue) this.#ofQueue(sessionNumberOfKey(key), sequenceOfKey(key), swept)
      else this.#ofKind(key[0] as KeyKind, ROW_BYTES)
    }
  }

  #ofQueue(sessionNumber: number, sequence: number, bytes: number): void {
    const known = this.#queues.get(sessionNumber)
    if (known === undefined) {
      if (this.#queues.size >= QUEUES_MAX) this.#mergeQueues()
      this.#queues.set(sessionNumber, { first: sequence, last: sequence, bytes })
      return
    }
    if (sequence < known.first) known.first = sequence
    if (sequence > known.last) known.last = sequence
    known.bytes += bytes
    if (known.bytes >= GAIN_BYTES_MIN) this.#isDue = true
  }

  #ofKind(kind: KeyKind, bytes: number): void {
    const all = (this.#kinds.get(kind) ?? 0) + bytes
    this.#kinds.set(kind, all)
    if (all >= GAIN_BYTES_MIN) this.#isDue = true
  }

  #mergeQueues(): void {
    for (const { bytes } of this.#queues.values()) this.#ofKind(KeyKind.Queue, bytes)
    this.#queues.clear()
  }

  #consider(): void {
    if (!this.#isDue || this.#timer !== undefined || this.#run !== undefined || this.#isStopped) return
    this.#operations = 0
    this.#timer = this.#clock.setTimer(() => this.#look(), LOOK_EVERY_MS)
  }

  get #due(): Stretch[] {
    const due: Stretch[] = []
    for (const [kind, bytes] of this.#kinds) {
      if (bytes >= GAIN_BYTES_MIN) due.push({ kind, from: 0n, to: POSITION_END, bytes })
    }
    for (const [number, { first, last, bytes }] of this.#queues) {
      if (bytes < GAIN_BYTES_MIN) continue
      const [from, to] = [positionOf(number, first), positionOf(number, last)]
      due.push({ kind: KeyKind.Queue, from, to, bytes })
    }
    return due
  }

  #look(): void {
    this.#timer = undefined
    const isQuiet = this.#operations < QUIET_OPERATIONS_MAX
    if (!isQuiet && ++this.#looks < LOOKS_MAX) return this.#consider()
    this.#looks = 0
    this.#isDue = false
    this.#run = this.#compactAll(this.#due)
      // A database that is closed, or fails, has other worries; what has gone will be noticed at the next start.
      .catch(() => {})
      .then(() => {
        this.#run = undefined
      })
  }

  async #compactAll(stretches: readonly Stretch[]): Promise<void> {
    for (const stretch of stretches) {
      this.#forget(stretch)
      if (stretch.bytes < GAIN_SHARE_MIN * (await this.#sizeOf(stretch))) {
        this.#ofKind(stretch.kind, stretch.bytes)
        continue
      }
      await this.#compact(stretch)
    }
  }

  #forget({ kind, from, to }: Stretch): void {
    if (to === POSITION_END) this.#kinds.delete(kind)
    else this.#queues.delete(Number(from >> 48n))
  }

  /** Halves it until the pieces are small, or of one key as far as can be told. */
  async #compact(stretch: Stretch): Promise<void> {
    if (this.#isStopped) return
    const { kind, from, to } = stretch
    const size = await this.#sizeOf(stretch)
    if (size > PIECE_BYTES && to - from > 1n) {
      const middle = (from + to) / 2n
      await this.#compact({ ...stretch, to: middle })
      await this.#compact({ ...stretch, from: middle })
    } else if (size > 0) {
      await this.#database.compactRange(keyAt(kind, from), keyAt(kind, to))
    }
  }

  #sizeOf({ kind, from, to }: Stretch): Promise<number> {
    return this.#database.approximateSize(keyAt(kind, from), keyAt(kind, to))
  }
}

function keyAt(kind: KeyKind, position: bigint): Buffer {
  if (position === POSITION_END) return Buffer.from([kind + 1])
  const digits = position.toString(16).padStart(2 * POSITION_BYTES, '0')
  return Buffer.concat([Buffer.from([kind]), Buffer.from(digits, 'hex')])
}
