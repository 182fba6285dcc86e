// The rows of a closed store, one by one and decoded, whatever their kind. Used by settle.ts, the doctor and the
// export, which look at all of them; a running store reads what it needs (restore.ts, queue-reader.ts).
import type { Message } from '../packet/message.ts'
import { type Database, readChunks } from './database.ts'
import type { Delivery } from './delivery.ts'
import * as keys from './keys.ts'
import { KeyKind, type KeyRange } from './keys.ts'
import { decodeDelivery, decodeMessage, deliveryBytes } from './message-records.ts'
import { decodeNumber, decodeSession, decodeSubscription, decodeWill } from './records.ts'
import { unseal } from './seal.ts'
import type { SessionRecord, SubscriptionRecord, WillRecord } from './store.ts'

export interface QueuedRow {
  readonly kind: 'queued'
  readonly sessionNumber: number
  /** The message of one with a `storedId` is in a body. */
  readonly delivery: Delivery
  /** Bytes of the frame in that body; 0: there is none. */
  readonly bodyLength: number
  /** What it stands for, the body included. */
  readonly bytes: number
}

export type StoredRow =
  | { readonly kind: 'meta'; readonly name: string }
  | { readonly kind: 'session'; readonly record: SessionRecord }
  | { readonly kind: 'will'; readonly clientId: string; readonly record: WillRecord }
  | { readonly kind: 'retained'; readonly message: Message }
  | { readonly kind: 'subscription'; readonly sessionNumber: number; readonly record: SubscriptionRecord }
  | { readonly kind: 'received'; readonly sessionNumber: number; readonly packetId: number }
  | QueuedRow
  | { readonly kind: 'body'; readonly id: number; readonly message: Message }
  | { readonly kind: 'references'; readonly id: number; readonly count: number }
  | { readonly kind: 'damaged'; readonly key: Buffer; readonly stored: Buffer }

const CHUNK_ROWS = 1_000
export const ALL_ROWS: KeyRange = { gte: Buffer.alloc(0), lt: Buffer.from([0xff, 0xff]) }

export async function* readRows(database: Database, range = ALL_ROWS): AsyncGenerator<StoredRow> {
  for await (const entries of readChunks(database, range, CHUNK_ROWS)) {
    for (const [key, stored] of entries) yield decodeRow(key, stored) ?? { kind: 'damaged', key, stored }
  }
}

/** Undefined: it cannot be read. */
export function decodeRow(key: Buffer, stored: Buffer): StoredRow | undefined {
  const value = unseal(key, stored)
  const row = value && decodeValue(key, value)
  if (row?.kind !== 'queued') return row
  const bytes = deliveryBytes(stored)
  return { ...row, bytes, bodyLength: bytes - stored.length }
}

function decodeValue(key: Buffer, value: Buffer): StoredRow | undefined {
  switch (key[0]) {
    case KeyKind.Meta:
      return { kind: 'meta', name: keys.textOfKey(key) }
    case KeyKind.Session: {
      const record = decodeSession(keys.textOfKey(key), value)
      return record && { kind: 'session', record }
    }
    case KeyKind.Will: {
      const record = decodeWill(value)
      return record && { kind: 'will', clientId: keys.textOfKey(key), record }
    }
    case KeyKind.Retained: {
      const message = decodeMessage(value)
      return message?.topicName === keys.textOfKey(key) ? { kind: 'retained', message } : undefined
    }
    case KeyKind.Body:
    case KeyKind.References:
      return decodeOfMessage(key, value)
    default:
      return decodeOfSession(key, value)
  }
}

function decodeOfMessage(key: Buffer, value: Buffer): StoredRow | undefined {
  const id = keys.messageIdOfKey(key)
  if (id < 0) return undefined
  if (key[0] === KeyKind.Body) {
    const message = decodeMessage(value)
    return message && { kind: 'body', id, message }
  }
  const count = decodeNumber(value)
  return count === undefined ? undefined : { kind: 'references', id, count }
}

function decodeOfSession(key: Buffer, value: Buffer): StoredRow | undefined {
  const sessionNumber = keys.sessionNumberOfKey(key)
  if (sessionNumber < 0) return undefined
  switch (key[0]) {
    case KeyKind.Subscription: {
      const record = decodeSubscription(keys.topicFilterOfKey(key), value)
      return record && { kind: 'subscription', sessionNumber, record }
    }
    case KeyKind.Received: {
      const packetId = keys.packetIdOfKey(key)
      return packetId < 0 ? undefined : { kind: 'received', sessionNumber, packetId }
    }
    case KeyKind.Queue: {
      const sequence = keys.sequenceOfKey(key)
      const delivery = sequence < 0 ? undefined : decodeDelivery(sequence, value)
      return delivery && { kind: 'queued', sessionNumber, delivery, bodyLength: 0, bytes: 0 }
    }
    default:
      return undefined
  }
}
