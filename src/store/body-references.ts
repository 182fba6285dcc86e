// How many stored deliveries refer to each stored body. Asked by batch-encoder.ts before it writes a batch:
// the count is read, changed, and written in the same batch as the rows that it counts.
import type { Database } from './database.ts'
import { KeyKind, messageKey } from './keys.ts'
import type { BodyChange } from './open-batch.ts'
import { decodeNumber } from './records.ts'
import { unseal } from './seal.ts'

/** Counts in memory, oldest out first; the others are read when they change. */
const COUNTS_MAX = 10_000

export class BodyReferences {
  readonly #database: Database
  readonly #onDamage: (description: string) => void
  readonly #counts = new Map<number, number>()

  constructor(database: Database, onDamage: (description: string) => void) {
    this.#database = database
    this.#onDamage = onDamage
  }

  /** Fills in the counts that are in memory. False: some have to be read. */
  recall(bodies: ReadonlyMap<number, BodyChange>): boolean {
    let isComplete = true
    for (const [messageId, body] of bodies) {
      body.before ??= this.#counts.get(messageId)
      if (body.before === undefined) isComplete = false
    }
    return isComplete
  }

  /** Fills in the counts that are not known yet; 0 for a body that is not there. */
  async read(bodies: ReadonlyMap<number, BodyChange>): Promise<void> {
    const unknown = [...bodies].filter(([, body]) => body.before === undefined)
    const keys = unknown.map(([messageId]) => messageKey(KeyKind.References, messageId))
    const values = await this.#database.getMany(keys)
    unknown.forEach(([messageId, body], i) => {
      const value = values[i]
      body.before = value === undefined ? 0 : decodeNumber(unseal(keys[i] as Buffer, value))
      if (body.before === undefined || (body.before === 0 && body.message === undefined)) {
        body.before = 0
        this.#onDamage(`message ${messageId} is referred to, but its count of references is not there`)
      }
    })
  }

  /** Once the batch is written. */
  remember(bodies: ReadonlyMap<number, BodyChange>): void {
    for (const [messageId, body] of bodies) {
      const count = (body.before ?? 0) + body.change
      this.#counts.delete(messageId)
      if (count > 0) this.#counts.set(messageId, count)
    }
    for (const messageId of this.#counts.keys()) {
      if (this.#counts.size <= COUNTS_MAX) break
      this.#counts.delete(messageId)
    }
  }
}
