// Reads a store as it opens: checks its format and hands all of it to the Restorer. Called by level-store.ts.
//
//   format -> sessions -> ends of their queues -> received packet ids -> subscriptions -> retained -> wills
//
// Queues are read by their ends, whatever their length. What belongs to a session number without a session
// row was left by a crash during a deletion, and is returned to be swept.
import { GodwitError } from '../base/errors.ts'
import { Pace } from '../base/pace.ts'
import { type Database, type Entry, readChunks } from './database.ts'
import * as keys from './keys.ts'
import { KeyKind } from './keys.ts'
import { decodeMessage, deliveryBytes } from './message-records.ts'
import { decodeNumber, decodeSession, decodeSubscription, decodeWill } from './records.ts'
import type { QueueEnds, Restorer, SessionRecord } from './store.ts'

/** Of the layout as a whole; each value has a version of its own besides. */
export const STORE_FORMAT = 1
export const FORMAT_KEY = keys.textKey(KeyKind.Meta, 'format')
/** No session number from here on was ever given. */
export const NUMBERS_KEY = keys.textKey(KeyKind.Meta, 'session-numbers')

const CHUNK_ROWS = 1_000
/** What the broker makes of one, see base/pace.ts. */
const SESSION_UNITS = 4
/** Queues up to about this length are read through, longer ones are leapt over. */
const QUEUE_CHUNK_ROWS = 100
const QUEUE_END_ROWS = 10
const EMPTY_QUEUE: QueueEnds = { head: 0, tail: 0, bytes: 0 }

export interface Restored {
  readonly nextSessionNumber: number
  readonly lastMessageId: number
  /** That the rows of queues take, about. */
  readonly queueBytes: number
  /** Session numbers to be swept. */
  readonly orphans: ReadonlySet<number>
}

type OnDamage = (description: string) => void

interface StoredSession {
  readonly record: SessionRecord
  queue: QueueEnds
  readonly receivedPacketIds: number[]
}

/** What the readers below share. */
interface Found {
  readonly sessions: ReadonlyMap<number, StoredSession>
  readonly orphans: Set<number>
  readonly onDamage: OnDamage
}

/** Version of the layout; 0: there is nothing at all. Rejects with ERR_GODWIT_STORE_FORMAT for what is not godwit's. */
export async function readFormat(database: Database): Promise<number> {
  const value = await database.get(FORMAT_KEY)
  const format = value === undefined ? undefined : decodeNumber(value)
  if (format !== undefined && format <= STORE_FORMAT) return format
  const isEmpty = value === undefined && (await database.keys({ limit: 1 }).all()).length === 0
  if (isEmpty) return 0
  const what =
    format === undefined ? 'was not written by godwit' : `has format ${format}, this version knows 1`
  throw new GodwitError('ERR_GODWIT_STORE_FORMAT', `${database.location} ${what}`)
}

export async function restore(database: Database, restorer: Restorer, onDamage: OnDamage): Promise<Restored> {
  let isComplete = true
  const sessions = await readSessions(database, (description) => {
    isComplete = false
    onDamage(description)
  })
  const orphans = new Set<number>()
  const found: Found = { sessions, orphans, onDamage }
  await readQueueEnds(database, found)
  await readReceived(database, found)
  await new Promise<void>((resolve) =>
    new Pace().inTurns(
      sessions.values(),
      SESSION_UNITS,
      ({ record, queue, receivedPacketIds }) => restorer.session(record, queue, receivedPacketIds),
      resolve,
    ),
  )
  await restoreSubscriptions(database, restorer, found)
  await restoreRetained(database, restorer, onDamage)
  await restoreWills(database, restorer, onDamage)
  const numbers = await database.get(NUMBERS_KEY)
  let nextSessionNumber = (numbers === undefined ? undefined : decodeNumber(numbers)) ?? 1
  for (const known of [sessions, orphans]) {
    for (const number of known.keys()) nextSessionNumber = Math.max(nextSessionNumber, number + 1)
  }
  // With a session row damaged, its queue only looks abandoned: nothing is swept then.
  const toSweep = isComplete ? orphans : new Set<number>()
  let queueBytes = 0
  for (const { queue } of sessions.values()) queueBytes += queue.bytes
  const lastMessageId = await readLastMessageId(database)
  return { nextSessionNumber, lastMessageId, queueBytes, orphans: toSweep }
}

async function readSessions(database: Database, onDamage: OnDamage): Promise<Map<number, StoredSession>> {
  const sessions = new Map<number, StoredSession>()
  for await (const entries of readChunks(database, keys.kindRange(KeyKind.Session), CHUNK_ROWS)) {
    for (const [key, value] of entries) {
      const record = decodeSession(keys.textOfKey(key), value)
      if (record === undefined) onDamage('a session row cannot be read')
      else sessions.set(record.number, { record, queue: EMPTY_QUEUE, receivedPacketIds: [] })
    }
  }
  return sessions
}

/** Goes from session to session: small queues pass by in chunks, long ones cost two seeks. */
async function readQueueEnds(database: Database, found: Found): Promise<void> {
  const range = keys.kindRange(KeyKind.Queue)
  const forward = database.iterator({ ...range, highWaterMarkBytes: 64 * 1024 })
  const backward = database.iterator({ ...range, reverse: true })
  try {
    for (;;) {
      const entries = await forward.nextv(QUEUE_CHUNK_ROWS)
      const lastKey = entries.at(-1)?.[0]
      if (lastKey === undefined) return
      const lastNumber = keys.sessionNumberOfKey(lastKey)
      let end: Entry[] = []
      for (const [number, stretch] of stretchesOf(entries, found.onDamage)) {
        if (number === lastNumber) {
          backward.seek(keys.queueKey(number, keys.U48_MAX))
          end = await backward.nextv(QUEUE_END_ROWS)
          stretch.last = Math.max(stretch.last, keys.sequenceOfKey(end[0]?.[0] ?? lastKey))
        }
        const session = found.sessions.get(number)
        if (session === undefined) found.orphans.add(number)
        else session.queue = queueEnds(stretch, number === lastNumber ? end : [])
      }
      // A key that is no queue key is followed by the next one, wherever that is.
      if (lastNumber >= 0 && lastNumber < keys.U48_MAX) {
        forward.seek(keys.sessionPrefix(KeyKind.Queue, lastNumber + 1))
      }
    }
  } finally {
    await forward.close()
    await backward.close()
  }
}

interface Stretch {
  readonly first: number
  last: number
  rows: number
  bytes: number
}

function stretchesOf(entries: readonly Entry[], onDamage: OnDamage): Map<number, Stretch> {
  const stretches = new Map<number, Stretch>()
  for (const [key, value] of entries) {
    const number = keys.sessionNumberOfKey(key)
    const sequence = keys.sequenceOfKey(key)
    if (sequence < 0) {
      onDamage('a queue row has no sequence')
      continue
    }
    const stretch = stretches.get(number)
    if (stretch === undefined) {
      stretches.set(number, { first: sequence, last: sequence, rows: 1, bytes: deliveryBytes(value) })
    } else {
      stretch.last = sequence
      stretch.rows++
      stretch.bytes += deliveryBytes(value)
    }
  }
  return stretches
}

/** Rows that were leapt over are taken to be like those at the end that has the smaller ones. */
function queueEnds(stretch: Stretch, end: readonly Entry[]): QueueEnds {
  const { first, last, rows } = stretch
  const leapt = last + 1 - first - rows
  const endBytes = end.reduce((sum, [, value]) => sum + deliveryBytes(value), 0)
  const each = Math.min(stretch.bytes / rows, endBytes / Math.max(end.length, 1))
  return { head: first, tail: last + 1, bytes: Math.round(stretch.bytes + Math.max(leapt, 0) * each) }
}

async function readReceived(database: Database, found: Found): Promise<void> {
  for await (const entries of readChunks(database, keys.kindRange(KeyKind.Received), CHUNK_ROWS)) {
    for (const [key] of entries) {
      const number = keys.sessionNumberOfKey(key)
      const packetId = keys.packetIdOfKey(key)
      const session = found.sessions.get(number)
      if (packetId < 0) found.onDamage('a received packet id cannot be read')
      else if (session === undefined) found.orphans.add(number)
      else session.receivedPacketIds.push(packetId)
    }
  }
}

async function restoreSubscriptions(database: Database, restorer: Restorer, found: Found): Promise<void> {
  for await (const entries of readChunks(database, keys.kindRange(KeyKind.Subscription), CHUNK_ROWS)) {
    for (const [key, value] of entries) {
      const number = keys.sessionNumberOfKey(key)
      const record = number < 0 ? undefined : decodeSubscription(keys.topicFilterOfKey(key), value)
      if (record === undefined) found.onDamage('a subscription cannot be read')
      else if (found.sessions.has(number)) restorer.subscription(number, record)
      else found.orphans.add(number)
    }
  }
}

async function restoreRetained(database: Database, restorer: Restorer, onDamage: OnDamage): Promise<void> {
  for await (const entries of readChunks(database, keys.kindRange(KeyKind.Retained), CHUNK_ROWS)) {
    for (const [key, value] of entries) {
      const message = decodeMessage(value)
      if (message === undefined || message.topicName !== keys.textOfKey(key)) {
        onDamage('a retained message cannot be read')
      } else {
        restorer.retained(message)
      }
    }
  }
}

async function restoreWills(database: Database, restorer: Restorer, onDamage: OnDamage): Promise<void> {
  for await (const entries of readChunks(database, keys.kindRange(KeyKind.Will), CHUNK_ROWS)) {
    for (const [key, value] of entries) {
      const record = decodeWill(value)
      if (record === undefined) onDamage('a will cannot be read')
      else restorer.will(keys.textOfKey(key), record)
    }
  }
}

/** Ids must not be given twice, even if the clock has been set back since. */
async function readLastMessageId(database: Database): Promise<number> {
  const range = keys.kindRange(KeyKind.References)
  const [key] = await database.keys({ ...range, reverse: true, limit: 1 }).all()
  return key === undefined ? 0 : Math.max(0, keys.messageIdOfKey(key))
}
