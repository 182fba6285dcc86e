// Counts anew how many stored deliveries refer to each stored body, when the counts on the disk cannot be trusted:
// after an import, and after damage. Called by importer.ts and settle.ts, when nothing else writes;
// body-references.ts keeps the counts of a running store.
//
// Bodies are taken a slice at a time, since there may be millions: each slice costs a walk over all queues.
import type { DamageLog } from './damage-log.ts'
import { type Database, readChunks } from './database.ts'
import { describeKey } from './describe-key.ts'
import * as keys from './keys.ts'
import { KeyKind } from './keys.ts'
import { bodyIdOf } from './message-records.ts'
import { decodeNumber, encodeNumber } from './records.ts'
import { unseal } from './seal.ts'
import { ValueWriter } from './value-writer.ts'

/** Some 60 MB of counts. */
const SLICE_BODIES = 1_000_000
const CHUNK_ROWS = 1_000

export interface CountOptions {
  readonly sliceBodies?: number
  /** Told of deliveries without a body, and of bodies without a delivery: both go. Without it, the latter only. */
  readonly damages?: DamageLog
}

/** Ids in [from, end), and how often each body that is there is referred to. */
interface Slice {
  readonly from: number
  readonly end: number
  readonly counts: Map<number, number>
}

/** Resolves to the number of deliveries without a body. */
export async function countReferences(database: Database, options: CountOptions = {}): Promise<number> {
  let missing = 0
  for (let from = 0; from < Number.MAX_SAFE_INTEGER; ) {
    const slice = await readSlice(database, from, options.sliceBodies ?? SLICE_BODIES)
    missing += await countInQueues(database, slice, options.damages)
    await correct(database, slice, options.damages)
    from = slice.end
  }
  return missing
}

async function readSlice(database: Database, from: number, limit: number): Promise<Slice> {
  const counts = new Map<number, number>()
  const range = { ...keys.kindRange(KeyKind.Body), gte: keys.messageKey(KeyKind.Body, from) }
  let last = 0
  for await (const key of database.keys({ ...range, limit })) {
    last = keys.messageIdOfKey(key)
    counts.set(last, 0)
  }
  return { from, end: counts.size < limit ? Number.MAX_SAFE_INTEGER : last + 1, counts }
}

async function countInQueues(
  database: Database,
  { from, end, counts }: Slice,
  damages: DamageLog | undefined,
): Promise<number> {
  let missing = 0
  for await (const entries of readChunks(database, keys.kindRange(KeyKind.Queue), CHUNK_ROWS)) {
    const batch = database.batch()
    for (const [key, value] of entries) {
      const id = bodyIdOf(value)
      const count = counts.get(id)
      if (count !== undefined) counts.set(id, count + 1)
      else if (id !== 0 && id >= from && id < end) {
        missing++
        if (damages?.row(key, value, `${describeKey(key)} has lost its body`)) batch.del(key)
      }
    }
    damages?.quarantine.sync()
    await batch.write()
  }
  return missing
}

async function correct(database: Database, slice: Slice, damages: DamageLog | undefined): Promise<void> {
  const { from, end, counts } = slice
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
      else if (!counts.has(id)) batch.del(key)
    }
  }
  for (const [id, count] of counts) {
    const key = keys.messageKey(KeyKind.References, id)
    if (count > 0) batch.put(key, encodeNumber(value, count).seal(key))
    else if (await isBodySetAside(database, id, damages)) {
      batch.del(key).del(keys.messageKey(KeyKind.Body, id))
    }
    if (batch.length < CHUNK_ROWS) continue
    damages?.quarantine.sync()
    await batch.write()
    batch = database.batch()
  }
  damages?.quarantine.sync()
  await batch.write()
}

async function isBodySetAside(
  database: Database,
  id: number,
  damages: DamageLog | undefined,
): Promise<boolean> {
  const key = keys.messageKey(KeyKind.Body, id)
  const stored = damages && (await database.get(key))
  return stored === undefined || damages?.row(key, stored, `${describeKey(key)} is in no queue`) === true
}
