// Removes what deleted sessions leave behind: subscriptions, queue, received packet ids. Its work goes through the
// group commit like all else, a slice at a time, so that a queue of millions holds nobody up.
//
//   deleteSession -> row gone with its batch -> due -> slice -> committed -> slice ... -> swept
//                                               ^        '-- what the client had not received is told to `onLeftOver`
//                                               '-- found at open: a crash came in between
import { type Database, type Entry, isInterrupted, readChunks } from './database.ts'
import { type Delivery, DeliveryState } from './delivery.ts'
import { KeyKind, sequenceOfKey, sessionRange } from './keys.ts'
import { decodeDelivery, deliveryBytes } from './message-records.ts'
import { withBodies } from './queue-reader.ts'
import type { CommitListener, SessionRecord } from './store.ts'

/** Rows of one slice. */
const SLICE_ROWS = 500
/** Of what its rows stand for, bodies included. */
const SLICE_BYTES = 1_048_576
/** Sessions at once: their slices share a batch, and most sessions leave little behind. */
const AT_ONCE = 16
const KINDS = [KeyKind.Queue, KeyKind.Subscription, KeyKind.Received] as const

/** What is to go with one batch. */
export interface Slice {
  readonly keys: Buffer[]
  /** Of queue rows, with what they refer to. */
  readonly bytes: number
  /** Ids of the bodies that the rows referred to. */
  readonly bodyIds: number[]
  readonly leftOver: Delivery[]
}

/** Resolves when it is down. */
export type Sweep = (slice: Slice) => Promise<void>

const NOTHING: Slice = { keys: [], bytes: 0, bodyIds: [], leftOver: [] }

export class SessionSweeper implements CommitListener {
  readonly #database: Database
  readonly #sweep: Sweep
  readonly #onDamage: (description: string) => void
  /** Deleted and not swept yet: sequences below the value may have been sent. */
  readonly #deleted = new Map<number, number>()
  /** Those of them whose deletion is down. */
  readonly #due: number[] = []
  #isStopped = false
  #running = 0
  readonly #runs = new Set<Promise<void>>()

  constructor(database: Database, sweep: Sweep, onDamage: (description: string) => void) {
    this.#database = database
    this.#sweep = sweep
    this.#onDamage = onDamage
  }

  /** Nobody else may delete its rows now: each reference to a body is released once, with the row that holds it. */
  owns(sessionNumber: number): boolean {
    return this.#deleted.size > 0 && this.#deleted.has(sessionNumber)
  }

  /** To be followed by `committed` with the number. `sentBefore` as in SessionRecord. */
  add({ number, sentBefore }: Pick<SessionRecord, 'number' | 'sentBefore'>): void {
    this.#deleted.set(number, sentBefore)
  }

  committed(sessionNumber: number): void {
    this.#due.push(sessionNumber)
    if (this.#running >= AT_ONCE) return
    this.#running++
    const run = this.#sweepDue().finally(() => this.#runs.delete(run))
    this.#runs.add(run)
  }

  /** Begins no other slice; what is left is found at the next open. Resolves when those under way are over. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#runs)
  }

  async #sweepDue(): Promise<void> {
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
    this.#running--
  }

  async #failed(sessionNumber: number, error: unknown): Promise<void> {
    if (this.#isStopped) return
    if (!isInterrupted(error)) {
      return this.#onDamage(`deleted session ${sessionNumber} cannot be swept: ${String(error)}`)
    }
    this.#due.push(sessionNumber)
    await this.#sweep(NOTHING).catch(() => {})
  }

  async #sweepKind(kind: (typeof KINDS)[number], sessionNumber: number): Promise<void> {
    for await (const entries of readChunks(this.#database, sessionRange(kind, sessionNumber), SLICE_ROWS)) {
      if (this.#isStopped) return
      if (kind === KeyKind.Queue) await this.#sweepQueue(sessionNumber, entries)
      else await this.#sweep({ ...NOTHING, keys: entries.map(([key]) => key) })
    }
  }

  /** Bodies are read for what may be handed on: a slice ends with the row that brings it to its bound. */
  async #sweepQueue(sessionNumber: number, entries: Entry[]): Promise<void> {
    let slice: Entry[] = []
    let bytes = 0
    for (const entry of entries) {
      slice.push(entry)
      bytes += deliveryBytes(entry[1])
      if (bytes < SLICE_BYTES) continue
      await this.#sweepDeliveries(sessionNumber, slice)
      if (this.#isStopped) return
      slice = []
      bytes = 0
    }
    if (slice.length > 0) await this.#sweepDeliveries(sessionNumber, slice)
  }

  async #sweepDeliveries(sessionNumber: number, entries: Entry[]): Promise<void> {
    const sentBefore = this.#deleted.get(sessionNumber) ?? Number.POSITIVE_INFINITY
    const deliveries: Delivery[] = []
    for (const [key, value] of entries) {
      const delivery = decodeDelivery(sequenceOfKey(key), value)
      if (delivery !== undefined) deliveries.push(delivery)
    }
    const bodyIds = deliveries.map((delivery) => delivery.storedId).filter((id) => id !== 0)
    const leftOver = deliveries.filter((delivery) => delivery.state !== DeliveryState.Released)
    for (const delivery of leftOver) {
      if (delivery.sequence < sentBefore) delivery.state = DeliveryState.Sent
    }
    const shared = leftOver.filter((delivery) => delivery.share !== '')
    const getMany = (bodyKeys: Buffer[]) => this.#database.getMany(bodyKeys)
    await withBodies(shared, getMany, this.#onDamage)
    const bytes = entries.reduce((sum, [, value]) => sum + deliveryBytes(value), 0)
    await this.#sweep({ keys: entries.map(([key]) => key), bytes, bodyIds, leftOver })
  }
}
