// The store on LevelDB: puts and deletes go into the open batch, and group-commit.ts sees to it that they get down.
// Called by sessions and broker; opened by server.ts. Keys and values: docs/storage.md.
import { assert } from '../base/assert.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { GodwitError } from '../base/errors.ts'
import type { Message } from '../packet/message.ts'
import { BatchEncoder } from './batch-encoder.ts'
import { type Database, isInterrupted, isLevelError, openDatabase } from './database.ts'
import type { Delivery } from './delivery.ts'
import { GroupCommit, type GroupCommitOptions } from './group-commit.ts'
import * as keys from './keys.ts'
import { KeyKind } from './keys.ts'
import { readDeliveries } from './queue-reader.ts'
import { encodeNumber, encodeSession, encodeSubscription, encodeWill } from './records.ts'
import { FORMAT_KEY, NUMBERS_KEY, readFormat, restore, STORE_FORMAT } from './restore.ts'
import { SessionSweeper, type Slice } from './session-sweeper.ts'
import { Space } from './space.ts'
import type {
  CommitListener,
  Restorer,
  SessionRecord,
  Store,
  SubscriptionRecord,
  SyncMode,
  WillRecord,
} from './store.ts'
import { ValueWriter } from './value-writer.ts'

export interface LevelStoreOptions {
  /** The data folder; made if it is not there. */
  readonly path: string
  readonly sync: SyncMode
  readonly clock?: Clock
  /** Bounds of the open batch; see group-commit.ts. */
  readonly batchOperationsMax?: number
  readonly batchBytesMax?: number
}

/** Session numbers are reserved on disk by the thousand; a restart leaves the rest of them unused. */
const NUMBERS_STEP = 1_000
/** Message ids a millisecond: they stay in the order of time, and below 2 ** 53 until the year 2248. */
const IDS_PER_MS = 1_024

export class LevelStore implements Store {
  operations = 0
  /** Called for each row that cannot be read; it is left out, and the rest serves. */
  onDamage: (description: string) => void = () => {}
  onLeftOver: (deliveries: readonly Delivery[]) => void = () => {}
  readonly #path: string
  readonly #clock: Clock
  readonly #commit: GroupCommit
  readonly #value = new ValueWriter()
  #database: Database | undefined
  #sweeper: SessionSweeper | undefined
  #encoder: BatchEncoder | undefined
  #space: Space | undefined
  #isClosing = false
  #closed: Promise<void> | undefined
  #nextNumber = 1
  #reservedNumbers = 1
  #lastMessageId = 0

  constructor(options: LevelStoreOptions) {
    this.#path = options.path
    this.#clock = options.clock ?? systemClock
    const bounds: { operationsMax?: number; bytesMax?: number } = {}
    if (options.batchOperationsMax !== undefined) bounds.operationsMax = options.batchOperationsMax
    if (options.batchBytesMax !== undefined) bounds.bytesMax = options.batchBytesMax
    const commit: GroupCommitOptions = { sync: options.sync, clock: this.#clock, ...bounds }
    this.#commit = new GroupCommit(
      {
        cut: (batch) => this.#opened(this.#encoder).cut(batch),
        write: (batch, isSynced) => this.#opened(this.#encoder).write(batch, isSynced),
        recover: () => this.#opened(this.#encoder).recover(),
      },
      commit,
    )
  }

  async open(restorer: Restorer): Promise<void> {
    assert(this.#database === undefined, 'a store is opened once')
    const database = await openDatabase(this.#path)
    try {
      const format = await readFormat(database)
      const onDamage = (description: string) => this.onDamage(description)
      if (format === 0) await database.put(FORMAT_KEY, encodeNumber(this.#value, STORE_FORMAT).endCopy())
      const restored = await restore(database, restorer, onDamage)
      this.#nextNumber = restored.nextSessionNumber
      this.#reservedNumbers = restored.nextSessionNumber
      this.#lastMessageId = restored.lastMessageId
      const space = new Space(database, this.#clock)
      this.#space = space
      this.#encoder = new BatchEncoder(database, {
        nextMessageId: () => this.#nextMessageId(),
        space,
        onDamage,
      })
      this.#sweeper = new SessionSweeper(database, (slice) => this.#sweep(slice), onDamage)
      this.#database = database
      for (const number of restored.orphans) {
        this.#sweeper.add({ number, sentBefore: Number.POSITIVE_INFINITY })
        this.#sweeper.committed(number)
      }
      void space.found(restored.queueBytes)
    } catch (cause) {
      await database.close()
      if (!isLevelError(cause)) throw cause
      throw new GodwitError('ERR_GODWIT_STORE_OPEN', `${this.#path} cannot be read`, { cause })
    }
  }

  /** Rejects with ERR_GODWIT_STORE_WRITE if the disk did not take all that was put; it is closed all the same. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    const isSwept = this.#sweeper?.stop()
    const isStill = this.#space?.stop()
    try {
      if (this.#database !== undefined) await this.#commit.close()
    } finally {
      await isSwept
      await isStill
      await this.#database?.close()
    }
  }

  nextSessionNumber(): number {
    if (this.#nextNumber === this.#reservedNumbers) {
      this.#reservedNumbers += NUMBERS_STEP
      // In the same batch as the first row that has one of them, or in an earlier one.
      this.#put('numbers', NUMBERS_KEY, encodeNumber(this.#value, this.#reservedNumbers).endCopy())
    }
    return this.#nextNumber++
  }

  putSession(record: SessionRecord): void {
    this.operations++
    const key = keys.textKey(KeyKind.Session, record.clientId)
    this.#put(`session ${record.clientId}`, key, encodeSession(this.#value, record).endCopy())
  }

  deleteSession(record: SessionRecord): void {
    this.operations++
    this.#put(`session ${record.clientId}`, keys.textKey(KeyKind.Session, record.clientId), undefined)
    const sweeper = this.#opened(this.#sweeper)
    sweeper.add(record)
    this.#commit.afterCommit(sweeper, record.number)
  }

  putSubscription(sessionNumber: number, record: SubscriptionRecord): void {
    this.operations++
    const key = keys.subscriptionKey(sessionNumber, record.topicFilter)
    const value = encodeSubscription(this.#value, record).endCopy()
    this.#put(`subscription ${sessionNumber} ${record.topicFilter}`, key, value)
  }

  deleteSubscription(sessionNumber: number, topicFilter: string): void {
    this.operations++
    const key = keys.subscriptionKey(sessionNumber, topicFilter)
    this.#put(`subscription ${sessionNumber} ${topicFilter}`, key, undefined)
  }

  putWill(clientId: string, record: WillRecord): void {
    this.operations++
    const value = encodeWill(this.#value, record).endCopy()
    this.#put(`will ${clientId}`, keys.textKey(KeyKind.Will, clientId), value)
  }

  deleteWill(clientId: string): void {
    this.operations++
    this.#put(`will ${clientId}`, keys.textKey(KeyKind.Will, clientId), undefined)
  }

  putRetained(message: Message): void {
    this.operations++
    this.#commit.open.putRetained(message.topicName, message)
    this.#commit.touch()
  }

  deleteRetained(topicName: string): void {
    this.operations++
    this.#commit.open.putRetained(topicName, undefined)
    this.#commit.touch()
  }

  putReceived(sessionNumber: number, packetId: number): void {
    this.operations++
    this.#commit.open.putReceived(sessionNumber, packetId)
    this.#commit.touch()
  }

  deleteReceived(sessionNumber: number, packetId: number): void {
    this.operations++
    this.#commit.open.deleteReceived(sessionNumber, packetId)
    this.#commit.touch()
  }

  enqueue(sessionNumber: number, delivery: Delivery): void {
    const message = delivery.message
    assert(message !== undefined, 'what is enqueued has its message')
    this.operations++
    this.#commit.open.enqueue(sessionNumber, delivery, message)
    this.#commit.touch()
  }

  release(sessionNumber: number, delivery: Delivery): void {
    this.operations++
    if (!delivery.isWritten) return // the cut will find it without its message
    if (this.#opened(this.#sweeper).owns(sessionNumber)) return
    this.#commit.open.release(sessionNumber, delivery)
    this.#releaseBody(delivery)
    this.#commit.touch()
  }

  /** No acknowledgement waits for it: after a crash the message is sent again, as a repeat. */
  dequeue(sessionNumber: number, delivery: Delivery): void {
    if (!delivery.isWritten) {
      delivery.batch = 0 // the cut will pass it over
      return
    }
    if (this.#opened(this.#sweeper).owns(sessionNumber)) return
    this.#commit.open.dequeue(sessionNumber, delivery)
    this.#releaseBody(delivery)
    this.#commit.touch()
  }

  async readQueue(sessionNumber: number, from: number, limit: number): Promise<Delivery[]> {
    const database = this.#opened(this.#database)
    const onDamage = (description: string) => this.onDamage(description)
    for (;;) {
      await this.#commit.flush()
      try {
        return await readDeliveries(database, { sessionNumber, from, limit }, onDamage)
      } catch (error) {
        if (this.#isClosing || !isInterrupted(error)) throw error
      }
    }
  }

  get openBatch(): number {
    return this.#commit.open.number
  }

  get committedBatch(): number {
    return this.#commit.committed
  }

  afterCommit(listener: CommitListener, token: number): void {
    this.#commit.afterCommit(listener, token)
  }

  flush(): Promise<void> {
    return this.#commit.flush()
  }

  get isIdle(): boolean {
    return this.#commit.isIdle
  }

  get isSaturated(): boolean {
    return this.#commit.isSaturated
  }

  get onRoom(): () => void {
    return this.#commit.onRoom
  }

  set onRoom(onRoom: () => void) {
    this.#commit.onRoom = onRoom
  }

  get onWriteError(): (error: Error) => void {
    return this.#commit.onWriteError
  }

  set onWriteError(onWriteError: (error: Error) => void) {
    this.#commit.onWriteError = onWriteError
  }

  /** `name` is one for all puts and deletes of the same row. */
  #put(name: string, key: Buffer, value: Buffer | undefined): void {
    this.#commit.open.put(name, { key, value })
    this.#commit.touch()
  }

  #releaseBody(delivery: Delivery): void {
    const { storedId, message } = delivery
    if (storedId === 0) return
    delivery.storedId = 0
    this.#commit.open.releaseBody(storedId, message?.length ?? 0)
  }

  #sweep({ keys: gone, bodyIds, bytes, leftOver }: Slice): Promise<void> {
    if (leftOver.length > 0) this.onLeftOver(leftOver)
    const batch = this.#commit.open
    for (const key of gone) batch.sweep(key, bytes / gone.length)
    for (const id of bodyIds) batch.releaseBody(id, bytes / gone.length)
    this.#commit.touch()
    return this.#commit.flush()
  }

  #nextMessageId(): number {
    this.#lastMessageId = Math.max(this.#lastMessageId + 1, this.#clock.now() * IDS_PER_MS)
    return this.#lastMessageId
  }

  #opened<T>(part: T | undefined): T {
    assert(part !== undefined, 'the store is open')
    return part
  }
}
