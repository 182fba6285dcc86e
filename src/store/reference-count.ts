// Counts anew how many stored deliveries refer to each stored body, when the counts on the disk cannot be trusted:
// after an import, and after damage. Called by importer.ts; body-references.ts keeps the counts of a running store.
//
// Bodies are taken a slice at a time, since there may be millions: each slice costs a walk over all queues.
import { type Database, readChunks } from './database.ts'
import * as keys from './keys.ts'
import { KeyKind } from './keys.ts'
import { bodyIdOf } from './message-records.ts'
import { decodeNumber, encodeNumber } from './records.ts'
import { unseal } from './seal.ts'
import { ValueWriter } from './value-writer.ts'

/** Some 60 MB of counts. */
const SLICE_BODIES = 1_000_000
const CHUNK_ROWS = 1_000

/** How many rows were not as they should be, and are now. */
export interface CountedReferences {
  /** Nothing referred to them. */
  bodiesRemoved: number
  countsCorrected: number
}

/** Nothing else may write to the database meanwhile. */
export async function countReferences(
  database: Database,
  sliceBodies = SLICE_BODIES,
): Promise<CountedReferences> {
  const result: CountedReferences = { bodiesRemoved: 0, countsCorrected: 0 }
  for (let from = 0; ; ) {
    const counts = await bodiesFrom(database, from, sliceBodies)
    if (counts.size > 0) await countInQueues(database, counts)
    const isLast = counts.size < sliceBodies
    const end = isLast ? Number.MAX_SAFE_INTEGER : ([...counts.keys()].at(-1) as number) + 1
    await correct(database, from, end, counts, result)
    if (isLast) return result
    from = end
  }
}

/** Ids of so many bodies at most, in order, counted as 0. */
async function bodiesFrom(database: Database, from: number, limit: number): Promise<Map<number, number>> {
  const counts = new Map<number, number>()
  const range = { ...keys.kindRange(KeyKind.Body), gte: keys.messageKey(KeyKind.Body, from) }
  for await (const key of database.keys({ ...range, limit })) counts.set(keys.messageIdOfKey(key), 0)
  return counts
}

async function countInQueues(database: Database, counts: Map<number, number>): Promise<void> {
  for await (const entries of readChunks(database, keys.kindRange(KeyKind.Queue), CHUNK_ROWS)) {
    for (const [, value] of entries) {
      const id = bodyIdOf(value)
      const count = id === 0 ? undefined : counts.get(id)
      if (count !== undefined) counts.set(id, count + 1)
    }
  }
}

/** Of the ids in [from, end). */
async function correct(
  database: Database,
  from: number,
  end: number,
  counts: Map<number, number>,
  result: CountedReferences,
): Promise<void> {
  const value = new ValueWriter()
  const range = {
    gte: keys.messageKey(KeyKind.References, from),
    lt: keys.messageKey(KeyKind.References, end),
  }
  let batch = database.batch()
  for await (const entries of readChunks(database, range, CHUNK_ROWS)) {
    for (const [key, stored] of entries) {
      const id = keys.messageIdOfKey(key)
      if (decodeNumber(unseal(key, stored)) === counts.get(id)) counts.delete(id)
      else if (!counts.has(id)) {
        batch.del(key)
        result.countsCorrected++
      }
    }
  }
  for (const [id, count] of counts) {
    const key = keys.messageKey(KeyKind.References, id)
    if (count > 0) {
      batch.put(key, encodeNumber(value, count).seal(key))
      result.countsCorrected++
    } else {
      batch.del(key).del(keys.messageKey(KeyKind.Body, id))
      result.bodiesRemoved++
    }
    if (batch.length < CHUNK_ROWS) continue
    await batch.write()
    batch = database.batch()
  }
  await batch.write()
}
