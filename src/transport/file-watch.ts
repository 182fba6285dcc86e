// Tells when one of some files has changed. Looked at by name again and again: that also sees a link that points
// elsewhere, a file put in another's place, and a folder that is mounted over, none of which a descriptor shows.
import { unwatchFile, watchFile } from 'node:fs'

/** Certificate and key are written one after the other. */
const SETTLE_MS = 100

export class FileWatch {
  readonly #files: readonly string[]
  readonly #onChange: () => void
  #timer: NodeJS.Timeout | undefined

  /** `intervalMs` 0: it never looks. */
  constructor(files: readonly string[], intervalMs: number, onChange: () => void) {
    this.#files = intervalMs === 0 ? [] : [...new Set(files)]
    this.#onChange = onChange
    for (const file of this.#files)
      watchFile(file, { interval: intervalMs, persistent: false }, this.#changed)
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const file of this.#files) unwatchFile(file, this.#changed)
  }

  readonly #changed = (): void => {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#onChange, SETTLE_MS).unref()
  }
}
