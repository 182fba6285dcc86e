// Reads a stretch of a stored queue, with the bodies it refers to: what a session does not hold in memory.
// Called by level-store.ts when all that was enqueued is down, and by session-sweeper.ts.
import type { Message } from '../packet/message.ts'
import type { DamageLog } from './damage-log.ts'
import type { Database, Entry } from './database.ts'
import { type Delivery, DeliveryState, lostDelivery } from './delivery.ts'
import { describeKey } from './describe-key.ts'
import { KeyKind, messageKey, queueKey, sequenceOfKey, sessionPrefix } from './keys.ts'
import { decodeDelivery, decodeMessage } from './message-records.ts'
import { unseal } from './seal.ts'

const CHUNK_BYTES = 256 * 1024
/** A read ends with the chunk that reaches this. */
const READ_BYTES_MAX = 2 * 1024 * 1024

/**
 * Up to `limit` deliveries, fewer where they are large, none only at the end of the queue: those that cannot be read
 * are told, set aside, and come as lost. Deliveries of one body share one Message.
 */
export async function readDeliveries(
  database: Database,
  sessionNumber: number,
  range: { readonly from: number; readonly limit: number },
  damages: DamageLog,
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
      const getMany = (keys: Buffer[]) => database.getMany(keys, { snapshot })
      const deliveries = entries.map((entry) => readDelivery(entry, damages))
      for (const delivery of await withBodies(sessionNumber, deliveries, getMany, damages)) {
        found.push(delivery)
        bytes += delivery.message?.length ?? 0
      }
    }
    damages.quarantine.sync()
  } finally {
    await iterator.close()
    await snapshot.close()
  }
  return found
}

/** Of a queue row; the message of one that refers to a body is yet to come. */
export function readDelivery([key, stored]: Entry, damages: DamageLog): Delivery {
  const delivery = decodeDelivery(sequenceOfKey(key), unseal(key, stored))
  if (delivery !== undefined) return delivery
  return lostDelivery(sequenceOfKey(key), damages.row(key, stored, `${describeKey(key)} cannot be read`))
}

/** All of them, with the bodies that they refer to: without its body, a delivery is lost. */
export async function withBodies(
  sessionNumber: number,
  deliveries: Delivery[],
  getMany: (keys: Buffer[]) => Promise<(Buffer | undefined)[]>,
  damages: DamageLog,
): Promise<Delivery[]> {
  const ids = [...new Set(deliveries.map((delivery) => delivery.storedId))].filter((id) => id !== 0)
  if (ids.length === 0) return deliveries
  const bodyKeys = ids.map((id) => messageKey(KeyKind.Body, id))
  const values = await getMany(bodyKeys)
  const messages = new Map<number, Message>()
  ids.forEach((id, i) => {
    const key = bodyKeys[i] as Buffer
    const stored = values[i]
    const message = decodeMessage(unseal(key, stored))
    if (message !== undefined) {
      message.storedId = id
      messages.set(id, message)
    } else if (stored !== undefined) damages.row(key, stored, `${describeKey(key)} cannot be read`)
  })
  return deliveries.map((delivery) => {
    const { sequence, storedId, state } = delivery
    if (storedId === 0 || state === DeliveryState.Lost) return delivery
    delivery.message = messages.get(storedId)
    if (delivery.message !== undefined) return delivery
    damages.found(`${describeKey(queueKey(sessionNumber, sequence))} has lost its body ${storedId}`)
    return lostDelivery(sequence, true)
  })
}
