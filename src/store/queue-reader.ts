// Reads a stretch of a stored queue, with the bodies it refers to: what a session does not hold in memory.
// Called by level-store.ts when all that was enqueued is down.
import type { Message } from '../packet/message.ts'
import type { Database, Snapshot } from './database.ts'
import type { Delivery } from './delivery.ts'
import { KeyKind, messageKey, queueKey, sequenceOfKey, sessionPrefix } from './keys.ts'
import { decodeDelivery, decodeMessage } from './message-records.ts'

const CHUNK_BYTES = 256 * 1024
/** A read ends with the chunk that reaches this. */
const READ_BYTES_MAX = 2 * 1024 * 1024
/** Of a read by keys. */
const KEYS_MAX = 10_000

interface Stretch {
  readonly sessionNumber: number
  readonly from: number
  readonly limit: number
}

/** What the readers below share: one moment for rows and bodies, so that what goes meanwhile looks not missing. */
interface Reading {
  readonly database: Database
  readonly snapshot: Snapshot
  readonly onDamage: (description: string) => void
}

/**
 * Up to `limit` deliveries, fewer where they are large, none only at the end of the queue: rows that cannot be read
 * are told to `onDamage` and left out. Deliveries of one body share one Message.
 */
export async function readDeliveries(
  database: Database,
  stretch: Stretch,
  onDamage: (description: string) => void,
): Promise<Delivery[]> {
  const snapshot = database.snapshot()
  const reading = { database, snapshot, onDamage }
  try {
    const found = (await isSmall(database, stretch)) ? await readByKeys(reading, stretch) : []
    return found.length > 0 ? found : await readAlong(reading, stretch)
  } finally {
    await snapshot.close()
  }
}

async function isSmall(database: Database, { sessionNumber, from, limit }: Stretch): Promise<boolean> {
  if (limit > KEYS_MAX) return false
  const [start, end] = [queueKey(sessionNumber, from), queueKey(sessionNumber, from + limit)]
  return (await database.approximateSize(start, end)) <= READ_BYTES_MAX
}

/**
 * Sequences follow each other, so that their keys are known. An iterator takes as long, and holds what it has read until
 * it is collected as garbage, of which the engine does not know how much it is: once 300 MB for a million messages.
 */
async function readByKeys(reading: Reading, { sessionNumber, from, limit }: Stretch): Promise<Delivery[]> {
  const { database, snapshot, onDamage } = reading
  const rows = Array.from({ length: limit }, (_, i) => queueKey(sessionNumber, from + i))
  const values = await database.getMany(rows, { snapshot })
  const deliveries: Delivery[] = []
  values.forEach((value, i) => {
    if (value === undefined) return
    const delivery = decodeDelivery(from + i, value)
    if (delivery === undefined) onDamage(unreadable(sessionNumber))
    else deliveries.push(delivery)
  })
  return await withBodies(deliveries, (keys) => database.getMany(keys, { snapshot }), onDamage)
}

/** Large ones in chunks of so many bytes, and whatever comes behind a gap. */
async function readAlong(reading: Reading, { sessionNumber, from, limit }: Stretch): Promise<Delivery[]> {
  const { database, snapshot, onDamage } = reading
  const iterator = database.iterator({
    gte: queueKey(sessionNumber, from),
    lt: sessionPrefix(KeyKind.Queue, sessionNumber + 1),
    highWaterMarkBytes: CHUNK_BYTES,
    snapshot,
  })
  const found: Delivery[] = []
  let bytes = 0
  try {
    while (found.length < limit && (bytes < READ_BYTES_MAX || found.length === 0)) {
      const entries = await iterator.nextv(limit - found.length)
      if (entries.length === 0) break
      const deliveries: Delivery[] = []
      for (const [key, value] of entries) {
        const delivery = decodeDelivery(sequenceOfKey(key), value)
        if (delivery === undefined) onDamage(unreadable(sessionNumber))
        else deliveries.push(delivery)
      }
      const getMany = (keys: Buffer[]) => database.getMany(keys, { snapshot })
      for (const delivery of await withBodies(deliveries, getMany, onDamage)) {
        found.push(delivery)
        bytes += delivery.message?.length ?? 0
      }
    }
  } finally {
    await iterator.close()
  }
  return found
}

const unreadable = (sessionNumber: number): string => `a queue row of session ${sessionNumber} cannot be read`

/** Those whose bodies are there, with them. */
export async function withBodies(
  deliveries: Delivery[],
  getMany: (keys: Buffer[]) => Promise<(Buffer | undefined)[]>,
  onDamage: (description: string) => void,
): Promise<Delivery[]> {
  const ids = [...new Set(deliveries.map((delivery) => delivery.storedId))].filter((id) => id !== 0)
  if (ids.length === 0) return deliveries
  const values = await getMany(ids.map((id) => messageKey(KeyKind.Body, id)))
  const messages = new Map<number, Message | undefined>()
  ids.forEach((id, i) => {
    const value = values[i]
    const message = value === undefined ? undefined : decodeMessage(value)
    if (message === undefined) onDamage(`the body of message ${id} is missing or cannot be read`)
    else message.storedId = id
    messages.set(id, message)
  })
  return deliveries.filter((delivery) => {
    if (delivery.storedId === 0) return true
    delivery.message = messages.get(delivery.storedId)
    return delivery.message !== undefined
  })
}
