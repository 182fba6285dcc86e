// Reads a stretch of a stored queue, with the bodies it refers to: what a session does not hold in memory.
// Called by level-store.ts when all that was enqueued is down.
import type { Message } from '../packet/message.ts'
import type { Database } from './database.ts'
import type { Delivery } from './delivery.ts'
import { KeyKind, messageKey, queueKey, sequenceOfKey, sessionPrefix } from './keys.ts'
import { decodeDelivery, decodeMessage } from './message-records.ts'
import { unseal } from './seal.ts'

const CHUNK_BYTES = 256 * 1024
/** A read ends with the chunk that reaches this. */
const READ_BYTES_MAX = 2 * 1024 * 1024

/**
 * Up to `limit` deliveries, fewer where they are large, none only at the end of the queue: rows that cannot be read
 * are told to `onDamage` and left out. Deliveries of one body share one Message.
 */
export async function readDeliveries(
  database: Database,
  sessionNumber: number,
  range: { readonly from: number; readonly limit: number },
  onDamage: (description: string) => void,
): Promise<Delivery[]> {
  // One moment for rows and bodies: what is dequeued meanwhile must not look like a body that is missing.
  const snapshot = database.snapshot()
  const iterator = database.iterator({
    gte: queueKey(sessionNumber, range.from),
    lt: sessionPrefix(KeyKind.Queue, sessionNumber + 1),
    highWaterMarkBytes: CHUNK_BYTES,
    snapshot,
  })
  const found: Delivery[] = []
  let bytes = 0
  try {
    while (found.length < range.limit && (bytes < READ_BYTES_MAX || found.length === 0)) {
      const entries = await iterator.nextv(range.limit - found.length)
      if (entries.length === 0) break
      const deliveries: Delivery[] = []
      for (const [key, value] of entries) {
        const delivery = decodeDelivery(sequenceOfKey(key), unseal(key, value))
        if (delivery === undefined) onDamage(`a queue row of session ${sessionNumber} cannot be read`)
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
    await snapshot.close()
  }
  return found
}

/** Those whose bodies are there, with them. */
export async function withBodies(
  deliveries: Delivery[],
  getMany: (keys: Buffer[]) => Promise<(Buffer | undefined)[]>,
  onDamage: (description: string) => void,
): Promise<Delivery[]> {
  const ids = [...new Set(deliveries.map((delivery) => delivery.storedId))].filter((id) => id !== 0)
  if (ids.length === 0) return deliveries
  const bodyKeys = ids.map((id) => messageKey(KeyKind.Body, id))
  const values = await getMany(bodyKeys)
  const messages = new Map<number, Message | undefined>()
  ids.forEach((id, i) => {
    const message = decodeMessage(unseal(bodyKeys[i] as Buffer, values[i]))
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
