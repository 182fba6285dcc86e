// Counts anew how many stored deliveries refer to each stored body, when the counts on the disk cannot be trusted:
// after an import, and after damage. Called by importer.ts and settle.ts, when nothing else writes;
// body-references.ts keeps the counts of a running store.
//
// Bodies are taken a slice at a time, since there may be millions: each slice costs a walk over all queues.
import type { DamageLog } from './damage-log.ts'
import { type Database, type NativeBatch, readChunks } from './database.ts'
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
  /** Nothing is written. */
  readonly isDryRun?: boolean
  /** Told of deliveries without a body, and of bodies without a delivery: both go. Without it, the latter only. */
  readonly damages?: DamageLog
}

/** How many rows were not as they should be. */
export interface CountedReferences {
  /** Deliveries without their body. */
  missing: number
  /** Bodies without a delivery. */
  unreferenced: number
  wrongCounts: number
}

/** Ids in [from, end), and how often each body that is there is referred to. */
interface Slice {
  readonly from: number
  readonly end: number
  readonly counts: Map<number, number>
}

export async function countReferences(
  database: Database,
  options: CountOptions = {},
): Promise<CountedReferences> {
  const result: CountedReferences = { missing: 0, unreferenced: 0, wrongCounts: 0 }
  const recount = new Recount(database, options, result)
  for (let from = 0; from < Number.MAX_SAFE_INTEGER; ) {
    const slice = await readSlice(database, from, options.sliceBodies ?? SLICE_BODIES)
    await recount.countInQueues(slice)
    await recount.correct(slice)
    from = slice.end
  }
  return result
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

class Recount {
  readonly #database: Database
  readonly #damages: DamageLog | undefined
  readonly #isDryRun: boolean
  readonly #result: CountedReferences
  readonly #value = new ValueWriter()

  constructor(database: Database, { damages, isDryRun = false }: CountOptions, result: CountedReferences) {
    this.#database = database
    this.#damages = damages
    this.#isDryRun = isDryRun
    this.#result = result
  }

  async countInQueues({ from, end, counts }: Slice): Promise<void> {
    for await (const entries of readChunks(this.#database, keys.kindRange(KeyKind.Queue), CHUNK_ROWS)) {
      const batch = this.#database.batch()
      for (const [key, value] of entries) {
        const id = bodyIdOf(value)
        const count = counts.get(id)
        if (count !== undefined) counts.set(id, count + 1)
        else if (id !== 0 && id >= from && id < end) {
          this.#result.missing++
          if (this.#damages?.row(key, value, `${describeKey(key)} has lost its body`)) batch.del(key)
        }
      }
      await this.#write(batch)
    }
  }

  async correct({ from, end, counts }: Slice): Promise<void> {
    let batch = this.#database.batch()
    const range = {
      gte: keys.messageKey(KeyKind.References, from),
      lt: keys.messageKey(KeyKind.References, end),
    }
    for await (const entries of readChunks(this.#database, range, CHUNK_ROWS)) {
      for (const [key, stored] of entries) {
        const id = keys.messageIdOfKey(key)
        if (decodeNumber(unseal(key, stored)) === counts.get(id)) counts.delete(id)
        else if (!counts.has(id)) {
          this.#result.wrongCounts++
          batch.del(key)
        }
      }
    }
    for (const [id, count] of counts) {
      const key = keys.messageKey(KeyKind.References, id)
      if (count > 0) {
        this.#result.wrongCounts++
        batch.put(key, encodeNumber(this.#value, count).seal(key))
      } else {
        this.#result.unreferenced++
        if (await this.#isSetAside(id)) batch.del(key).del(keys.messageKey(KeyKind.Body, id))
      }
      if (batch.length < CHUNK_ROWS) continue
      await this.#write(batch)
      batch = this.#database.batch()
    }
    await this.#write(batch)
  }

  async #isSetAside(id: number): Promise<boolean> {
    if (this.#damages === undefined) return true
    const key = keys.messageKey(KeyKind.Body, id)
    const stored = await this.#database.get(key)
    return stored === undefined || this.#damages.row(key, stored, `${describeKey(key)} is in no queue`)
  }

  async #write(batch: NativeBatch): Promise<void> {
    this.#damages?.quarantine.sync()
    if (this.#isDryRun) await batch.close()
    else await batch.write()
  }
}
