// Fills a data folder that holds nothing yet with sessions, retained messages and wills from elsewhere, in the words of
// Store. Used by the import commands; a broker opens the folder afterwards. Memory does not grow with what passes by.
//
//   open: an empty folder, marked as unfinished -> put ..., enqueue ... -> close: synced, the mark is gone
//
// A folder that is still marked is refused by everyone: what is in it is a part of the whole.
import { type Clock, systemClock } from '../base/clock.ts'
import { GodwitError } from '../base/errors.ts'
import type { Message } from '../packet/message.ts'
import { type Database, type NativeBatch, openDatabase } from './database.ts'
import type { Delivery } from './delivery.ts'
import * as keys from './keys.ts'
import { KeyKind } from './keys.ts'
import { encodeDelivery, encodeMessage, encodeReference } from './message-records.ts'
import { encodeNothing, encodeNumber, encodeSession, encodeSubscription, encodeWill } from './records.ts'
import { countReferences } from './reference-count.ts'
import { FORMAT_KEY, IMPORTING_KEY, NUMBERS_KEY, STORE_FORMAT } from './restore.ts'
import type { SessionRecord, SubscriptionRecord, WillRecord } from './store.ts'
import { ValueWriter } from './value-writer.ts'

/** What is gathered before it is written. */
const BATCH_BYTES = 1024 * 1024
const IDS_PER_MS = 1_024

export class StoreImporter {
  readonly #database: Database
  readonly #value = new ValueWriter()
  #batch: NativeBatch
  #bytes = 0
  #nextNumber = 1
  #nextMessageId: number

  private constructor(database: Database, now: number) {
    this.#database = database
    this.#batch = database.batch()
    this.#nextMessageId = now * IDS_PER_MS
  }

  /** Rejects with ERR_GODWIT_STORE_NOT_EMPTY, and with those of openDatabase. */
  static async open(path: string, clock: Clock = systemClock): Promise<StoreImporter> {
    const database = await openDatabase(path)
    const [anyKey] = await database.keys({ limit: 1 }).all()
    if (anyKey !== undefined) {
      await database.close()
      throw new GodwitError('ERR_GODWIT_STORE_NOT_EMPTY', `${path} holds data already`)
    }
    await database.put(IMPORTING_KEY, encodeNothing(new ValueWriter()).seal(IMPORTING_KEY))
    return new StoreImporter(database, clock.now())
  }

  nextSessionNumber(): number {
    return this.#nextNumber++
  }

  /** Each number is of one client id; put again, the last one counts. */
  putSession(record: SessionRecord): Promise<void> {
    this.#nextNumber = Math.max(this.#nextNumber, record.number + 1)
    const key = keys.textKey(KeyKind.Session, record.clientId)
    return this.#put(key, encodeSession(this.#value, record))
  }

  putSubscription(sessionNumber: number, record: SubscriptionRecord): Promise<void> {
    const key = keys.subscriptionKey(sessionNumber, record.topicFilter)
    return this.#put(key, encodeSubscription(this.#value, record))
  }

  putReceived(sessionNumber: number, packetId: number): Promise<void> {
    return this.#put(keys.receivedKey(sessionNumber, packetId), encodeNothing(this.#value))
  }

  putWill(clientId: string, record: WillRecord): Promise<void> {
    return this.#put(keys.textKey(KeyKind.Will, clientId), encodeWill(this.#value, record))
  }

  putRetained(message: Message): Promise<void> {
    const key = keys.textKey(KeyKind.Retained, message.topicName)
    return this.#put(key, encodeMessage(this.#value, message))
  }

  /** A message for several queues: its `storedId` is set, and whoever is enqueued with it refers to the one body. */
  putBody(message: Message): Promise<void> {
    message.storedId = this.#nextMessageId++
    const key = keys.messageKey(KeyKind.Body, message.storedId)
    return this.#put(key, encodeMessage(this.#value, message))
  }

  /** A body under an id of its own choice, for those that are enqueued as references. */
  putBodyAs(messageId: number, message: Message): Promise<void> {
    this.#nextMessageId = Math.max(this.#nextMessageId, messageId + 1)
    return this.#put(keys.messageKey(KeyKind.Body, messageId), encodeMessage(this.#value, message))
  }

  /** One whose message is that body; its frame has `frameLength` bytes. */
  enqueueReference(
    sessionNumber: number,
    delivery: Delivery,
    bodyId: number,
    frameLength: number,
  ): Promise<void> {
    const key = keys.queueKey(sessionNumber, delivery.sequence)
    return this.#put(key, encodeReference(this.#value, delivery, bodyId, frameLength))
  }

  /** Sequences only grow. Without its message it is a released one: the receiver has it, PUBREL is to be sent. */
  enqueue(sessionNumber: number, delivery: Delivery): Promise<void> {
    const { message } = delivery
    const key = keys.queueKey(sessionNumber, delivery.sequence)
    return this.#put(key, encodeDelivery(this.#value, delivery, message, message?.storedId ?? 0))
  }

  /** All of it is down when this resolves. Rejects with ERR_GODWIT_IMPORT_INVALID: a body is not there. */
  async close(): Promise<void> {
    await this.#write()
    const { missing } = await countReferences(this.#database)
    if (missing > 0) {
      throw new GodwitError(
        'ERR_GODWIT_IMPORT_INVALID',
        `${missing} queued messages refer to a body that is not there`,
      )
    }
    this.#batch.put(NUMBERS_KEY, encodeNumber(this.#value, this.#nextNumber).seal(NUMBERS_KEY))
    this.#batch.put(FORMAT_KEY, encodeNumber(this.#value, STORE_FORMAT).seal(FORMAT_KEY))
    this.#batch.del(IMPORTING_KEY)
    await this.#batch.write({ sync: true })
    await this.#database.close()
  }

  /** Something went wrong: the folder stays marked as unfinished. */
  async abandon(): Promise<void> {
    await this.#database.close()
  }

  async #put(key: Buffer, encoded: ValueWriter): Promise<void> {
    const value = encoded.seal(key)
    this.#batch.put(key, value)
    this.#bytes += key.length + value.length
    if (this.#bytes >= BATCH_BYTES) await this.#write()
  }

  async #write(): Promise<void> {
    const batch = this.#batch
    this.#batch = this.#database.batch()
    this.#bytes = 0
    await batch.write()
  }
}
