// Tells when one of some files has changed. Looked at by name again and again: that also sees a link that points
// elsewhere, a file put in another's place, and a folder that is mounted over, none of which a descriptor shows.
import { statSync } from 'node:fs'

/** Certificate and key are written one after the other. */
const SETTLE_MS = 100

export class FileWatch {
  readonly #files: readonly string[]
  #intervalMs = 0
  #onChange = (): void => {}
  #seen: string
  #isSettled = true
  #timer: NodeJS.Timeout | undefined

  /** To be made before the files are read, or a change in between would be missed. */
  constructor(files: readonly string[]) {
    this.#files = files
    this.#seen = this.#look()
  }

  /** `intervalMs` 0: it never looks. */
  start(intervalMs: number, onChange: () => void): void {
    this.#intervalMs = intervalMs
    this.#onChange = onChange
    if (intervalMs > 0) this.#wait(intervalMs)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#compare(), ms).unref()
  }

  /** A change is told once the files are the same at two looks. */
  #compare(): void {
    const seen = this.#look()
    const isSame = seen === this.#seen
    this.#seen = seen
    if (isSame && !this.#isSettled) this.#onChange()
    this.#isSettled = isSame
    this.#wait(isSame ? this.#intervalMs : Math.min(SETTLE_MS, this.#intervalMs))
  }

  /** A few microseconds for each file. */
  #look(): string {
    return this.#files.map(signatureOf).join()
  }
}

function signatureOf(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return `${dev}/${ino}/${size}/${mtimeNs}/${ctimeNs}`
  } catch {
    return '' // Gone, or out of reach: who reads it will say so.
  }
}
