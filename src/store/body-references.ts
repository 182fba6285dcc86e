// How many stored deliveries refer to each stored body. Asked by batch-encoder.ts before it writes a batch:
// the count is read, changed, and written in the same batch as the rows that it counts.
import type { DamageLog } from './damage-log.ts'
import type { Database } from './database.ts'
import { KeyKind, messageKey } from './keys.ts'
import type { BodyChange } from './open-batch.ts'
import { decodeNumber } from './records.ts'
import { unseal } from './seal.ts'

/** Counts in memory, oldest out first; the others are read when they change. */
const COUNTS_MAX = 10_000
/** Rather kept for ever than gone too early: `godwit doctor --repair` counts anew. */
const UNKNOWN_COUNT = 2 ** 40

export class BodyReferences {
  readonly #database: Database
  readonly #damages: DamageLog
  readonly #counts = new Map<number, number>()

  constructor(database: Database, damages: DamageLog) {
    this.#database = database
    this.#damages = damages
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
      const count = value === undefined ? 0 : decodeNumber(unseal(keys[i] as Buffer, value))
      body.before = count ?? UNKNOWN_COUNT
      if (count !== undefined && (count > 0 || body.message !== undefined)) return
      this.#damages.found(`message body ${messageId}: its count of references is missing or cannot be read`)
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
