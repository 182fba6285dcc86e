// The keys of the LevelDB store: one byte of kind, then fields that sort as they are read.
// Written by open-batch.ts and batch-encoder.ts, read by restore.ts, queue-reader.ts and session-sweeper.ts.
//
//   | kind | name ...                 |    meta
//   | kind | client id ...            |    session, will
//   | kind | topic name ...           |    retained
//   | kind | session number, 6 | ...  |    subscription: topic filter; received: packet id, 2; queue: sequence, 6
//   | kind | message id, 8            |    body, references
//
// Numbers are big-endian, so that bytes compare as numbers do. What may never change: docs/storage.md.
import { readU48, writeU48 } from './big-endian.ts'

export const KeyKind = {
  Meta: 0x01,
  Session: 0x02,
  Will: 0x03,
  Retained: 0x04,
  Subscription: 0x10,
  Received: 0x11,
  Queue: 0x12,
  Body: 0x20,
  References: 0x21,
} as const
export type KeyKind = (typeof KeyKind)[keyof typeof KeyKind]

/** Kinds whose keys go on with a session number. */
export type SessionKeyKind = typeof KeyKind.Subscription | typeof KeyKind.Received | typeof KeyKind.Queue
export type MessageKeyKind = typeof KeyKind.Body | typeof KeyKind.References

const NUMBER_END = 7
export const QUEUE_KEY_BYTES = 13
const RECEIVED_KEY_BYTES = 9
export const MESSAGE_KEY_BYTES = 9
/** The largest number of six bytes. */
export const U48_MAX = 2 ** 48 - 1

/** Half-open: [gte, lt). */
export interface KeyRange {
  readonly gte: Buffer
  readonly lt: Buffer
}

export const kindRange = (kind: KeyKind): KeyRange => ({
  gte: Buffer.from([kind]),
  lt: Buffer.from([kind + 1]),
})

/** Key of a meta row, session, will or retained message: the kind and a text. */
export function textKey(kind: KeyKind, text: string): Buffer {
  const key = Buffer.allocUnsafe(1 + Buffer.byteLength(text))
  key[0] = kind
  key.write(text, 1)
  return key
}

export const textOfKey = (key: Buffer): string => key.toString('utf8', 1, key.length)

/** First possible key of this session and kind; with `sessionNumber + 1`, the end of its range. */
export function sessionPrefix(kind: SessionKeyKind, sessionNumber: number): Buffer {
  const key = Buffer.allocUnsafe(NUMBER_END)
  key[0] = kind
  writeU48(key, 1, sessionNumber)
  return key
}

export const sessionRange = (kind: SessionKeyKind, sessionNumber: number): KeyRange => ({
  gte: sessionPrefix(kind, sessionNumber),
  lt: sessionPrefix(kind, sessionNumber + 1),
})

/** -1: the key is too short to have one. */
export const sessionNumberOfKey = (key: Buffer): number => (key.length < NUMBER_END ? -1 : readU48(key, 1))

export function subscriptionKey(sessionNumber: number, topicFilter: string): Buffer {
  const key = Buffer.allocUnsafe(NUMBER_END + Buffer.byteLength(topicFilter))
  key[0] = KeyKind.Subscription
  writeU48(key, 1, sessionNumber)
  key.write(topicFilter, NUMBER_END)
  return key
}

export const topicFilterOfKey = (key: Buffer): string => key.toString('utf8', NUMBER_END, key.length)

export function receivedKey(sessionNumber: number, packetId: number): Buffer {
  const key = Buffer.allocUnsafe(RECEIVED_KEY_BYTES)
  key[0] = KeyKind.Received
  writeU48(key, 1, sessionNumber)
  key[NUMBER_END] = packetId >>> 8
  key[NUMBER_END + 1] = packetId
  return key
}

/** -1: not such a key. */
export const packetIdOfKey = (key: Buffer): number =>
  key.length === RECEIVED_KEY_BYTES ? key.readUInt16BE(NUMBER_END) : -1

/** `key` has QUEUE_KEY_BYTES bytes and is returned: the commit writes thousands into the same one. */
export function writeQueueKey(key: Buffer, sessionNumber: number, sequence: number): Buffer {
  key[0] = KeyKind.Queue
  writeU48(key, 1, sessionNumber)
  writeU48(key, NUMBER_END, sequence)
  return key
}

export const queueKey = (sessionNumber: number, sequence: number): Buffer =>
  writeQueueKey(Buffer.allocUnsafe(QUEUE_KEY_BYTES), sessionNumber, sequence)

/** -1: not such a key. */
export const sequenceOfKey = (key: Buffer): number =>
  key.length === QUEUE_KEY_BYTES ? readU48(key, NUMBER_END) : -1

export function messageKey(kind: MessageKeyKind, messageId: number): Buffer {
  const key = Buffer.alloc(MESSAGE_KEY_BYTES)
  key[0] = kind
  writeU48(key, 3, messageId % 2 ** 48)
  key[2] = Math.floor(messageId / 2 ** 48)
  return key
}

/** -1: not such a key. */
export const messageIdOfKey = (key: Buffer): number =>
  key.length === MESSAGE_KEY_BYTES ? (key[2] as number) * 2 ** 48 + readU48(key, 3) : -1
