// Turns a cut batch into a LevelDB batch and has it written, for group-commit.ts.
// Keys and values go through the same memory again and again, since LevelDB's batch copies them at once: 0.25
// microseconds a put, against 0.35 to 0.65 with two Buffers of its own.
import { BodyReferences } from './body-references.ts'
import type { DamageLog } from './damage-log.ts'
import type { Database, NativeBatch } from './database.ts'
import { KeyKind, messageKey, QUEUE_KEY_BYTES, receivedKey, textKey, writeQueueKey } from './keys.ts'
import { encodeDelivery, encodeMessage } from './message-records.ts'
import type { BodyChange, OpenBatch } from './open-batch.ts'
import { encodeNothing, encodeNumber } from './records.ts'
import { ValueWriter } from './value-writer.ts'

const SYNC_POINT_KEY = textKey(KeyKind.Meta, 'sync-point')

export class BatchEncoder {
  readonly #database: Database
  readonly #references: BodyReferences
  readonly #nextMessageId: () => number
  readonly #value = new ValueWriter()
  readonly #queueKey = Buffer.allocUnsafeSlow(QUEUE_KEY_BYTES)

  constructor(database: Database, nextMessageId: () => number, damages: DamageLog) {
    this.#database = database
    this.#nextMessageId = nextMessageId
    this.#references = new BodyReferences(database, damages)
  }

  cut(batch: OpenBatch): void {
    batch.cut(this.#nextMessageId)
  }

  async write(batch: OpenBatch, isSynced: boolean): Promise<void> {
    const { bodies } = batch
    if (bodies.size > 0 && !this.#references.recall(bodies)) await this.#references.read(bodies)
    const native = this.#database.batch()
    this.#putRows(native, batch)
    this.#putQueue(native, batch)
    for (const [messageId, body] of bodies) this.#putBody(native, messageId, body)
    if (batch.isSyncPoint) native.put(SYNC_POINT_KEY, encodeNothing(this.#value).seal(SYNC_POINT_KEY))
    await native.write({ sync: isSynced }) // an empty one is not written
    if (bodies.size > 0) this.#references.remember(bodies)
  }

  #putRows(native: NativeBatch, batch: OpenBatch): void {
    for (const { key, value } of batch.rows.values()) {
      if (value === undefined) native.del(key)
      else native.put(key, value)
    }
    for (const [topicName, message] of batch.retained) {
      const key = textKey(KeyKind.Retained, topicName)
      if (message === undefined) native.del(key)
      else native.put(key, encodeMessage(this.#value, message).seal(key))
    }
    for (const [sessionNumber, ids] of batch.received) {
      for (const [packetId, change] of ids) {
        const key = receivedKey(sessionNumber, packetId)
        if (change === 'gone') native.del(key)
        else native.put(key, encodeNothing(this.#value).seal(key))
      }
    }
    for (const key of batch.sweptKeys) native.del(key)
  }

  /** A row may be released and gone in the same batch: the delete comes last. */
  #putQueue(native: NativeBatch, batch: OpenBatch): void {
    const { queued, queueNumbers, queuedMessages, released, releasedNumbers, goneNumbers, goneSequences } =
      batch
    const key = this.#queueKey
    const value = this.#value
    queued.forEach((delivery, i) => {
      writeQueueKey(key, queueNumbers[i] as number, delivery.sequence)
      const message = queuedMessages[i]
      native.put(key, encodeDelivery(value, delivery, message, message?.storedId ?? 0).seal(key))
    })
    released.forEach((delivery, i) => {
      writeQueueKey(key, releasedNumbers[i] as number, delivery.sequence)
      native.put(key, encodeDelivery(value, delivery, undefined, 0).seal(key))
    })
    goneSequences.forEach((sequence, i) => {
      native.del(writeQueueKey(key, goneNumbers[i] as number, sequence))
    })
  }

  #putBody(native: NativeBatch, messageId: number, body: BodyChange): void {
    const before = body.before ?? 0
    const after = before + body.change
    if (after > 0) {
      if (before === 0 && body.message !== undefined) {
        const key = messageKey(KeyKind.Body, messageId)
        native.put(key, encodeMessage(this.#value, body.message).seal(key))
      }
      const key = messageKey(KeyKind.References, messageId)
      native.put(key, encodeNumber(this.#value, after).seal(key))
    } else if (before > 0) {
      native.del(messageKey(KeyKind.Body, messageId))
      native.del(messageKey(KeyKind.References, messageId))
    }
  }
}
