// Removes what deleted sessions leave behind: subscriptions, queue, received packet ids. Its work goes through the
// group commit like all else, a slice at a time, so that a queue of millions holds nobody up.
//
//   deleteSession -> row gone with its batch -> due -> slice -> committed -> slice ... -> swept
//                                               ^        '-- what the client had not received is told to `onLeftOver`
//                                               '-- found at open: a crash came in between
import type { DamageLog } from './damage-log.ts'
import { type Database, type Entry, isInterrupted, readChunks } from './database.ts'
import { type Delivery, DeliveryState } from './delivery.ts'
import { KeyKind, sessionRange } from './keys.ts'
import { deliveryBytes } from './message-records.ts'
import { readDelivery, withBodies } from './queue-reader.ts'
import type { CommitListener, SessionRecord } from './store.ts'

/** Rows of one slice. */
const SLICE_ROWS = 500
/** Of what its rows stand for, bodies included. */
const SLICE_BYTES = 1_048_576
const KINDS = [KeyKind.Queue, KeyKind.Subscription, KeyKind.Received] as const

/** What is to go with one batch. */
export interface Slice {
  readonly keys: readonly Buffer[]
  /** Ids of the bodies that the rows referred to. */
  readonly bodyIds: number[]
  readonly leftOver: Delivery[]
  readonly clientId: string
}

type DeletedSession = Pick<SessionRecord, 'number' | 'clientId' | 'sentBefore'>

export interface SweeperParts {
  readonly database: Database
  /** Resolves when it is down. */
  readonly sweep: (slice: Slice) => Promise<void>
  readonly damages: DamageLog
  /** Whether the message of a delivery that is left over is to be read if it does not lie in the row. */
  readonly isWanted: (delivery: Delivery) => boolean
}

const NOTHING: Slice = { keys: [], bodyIds: [], leftOver: [], clientId: '' }

export class SessionSweeper implements CommitListener {
  readonly #parts: SweeperParts
  /** Deleted and not swept yet, by their numbers. */
  readonly #deleted = new Map<number, DeletedSession>()
  /** Those of them whose deletion is down. */
  readonly #due: number[] = []
  #isStopped = false
  #run: Promise<void> | undefined

  constructor(parts: SweeperParts) {
    this.#parts = parts
  }

  /** Nobody else may delete its rows now: each reference to a body is released once, with the row that holds it. */
  owns(sessionNumber: number): boolean {
    return this.#deleted.size > 0 && this.#deleted.has(sessionNumber)
  }

  /** To be followed by `committed` with the number. `sentBefore` as in SessionRecord. */
  add({ number, clientId, sentBefore }: DeletedSession): void {
    this.#deleted.set(number, { number, clientId, sentBefore })
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
      return this.#parts.damages.found(`deleted session ${sessionNumber} cannot be swept: ${String(error)}`)
    }
    this.#due.push(sessionNumber)
    await this.#parts.sweep(NOTHING).catch(() => {})
  }

  async #sweepKind(kind: (typeof KINDS)[number], sessionNumber: number): Promise<void> {
    for await (const entries of readChunks(
      this.#parts.database,
      sessionRange(kind, sessionNumber),
      SLICE_ROWS,
    )) {
      if (this.#isStopped) return
      if (kind === KeyKind.Queue) await this.#sweepQueue(sessionNumber, entries)
      else await this.#parts.sweep({ ...NOTHING, keys: entries.map(([key]) => key) })
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
    const { database, damages, isWanted, sweep } = this.#parts
    const { clientId, sentBefore } = this.#deleted.get(sessionNumber) as DeletedSession
    const deliveries = entries.map((entry) => readDelivery(entry, damages))
    const bodyIds = deliveries.map((delivery) => delivery.storedId).filter((id) => id !== 0)
    const leftOver = deliveries.filter((delivery) => delivery.state !== DeliveryState.Released)
    const getMany = (bodyKeys: Buffer[]) => database.getMany(bodyKeys)
    await withBodies(sessionNumber, leftOver.filter(isWanted), getMany, damages)
    damages.quarantine.sync()
    for (const delivery of leftOver) {
      if (delivery.sequence < sentBefore) delivery.state = DeliveryState.Sent
    }
    await sweep({ keys: entries.map(([key]) => key), bodyIds, leftOver, clientId })
  }
}
