// All damage goes through here: told, counted, and set aside in the quarantine. Made by level-store.ts, and used by
// everything that reads the database.
import type { Quarantine } from './quarantine.ts'

/** Each for itself; of what comes after them only the number is told, and the quarantine has it. */
const TOLD_MAX = 100

export class DamageLog {
  readonly quarantine: Quarantine
  readonly #tell: (description: string) => void
  count = 0

  constructor(quarantine: Quarantine, tell: (description: string) => void) {
    this.quarantine = quarantine
    this.#tell = tell
  }

  /** Something is not as it should be. */
  found(description: string): void {
    this.count++
    if (this.count < TOLD_MAX) this.tell(description)
    else if (this.count === TOLD_MAX) this.tell('more is damaged than is told here')
  }

  /** About damage that is counted already. */
  tell(line: string): void {
    try {
      this.quarantine.note(line)
    } catch {
      // There is no room to note it: it is told all the same.
    }
    this.#tell(line)
  }

  /** Of a row that is of no use. False: it could not be set aside, and has to stay where it is. */
  row(key: Buffer, value: Buffer, description: string): boolean {
    this.found(description)
    return this.quarantine.keepRow(key, value, description)
  }
}
