// What is damaged in a data folder, set aside where it can be looked at: nothing goes because it cannot be read.
// Filled by leveldb/mend.ts (files) and by damage-log.ts (rows).
//
//   quarantine/<time>/report.txt     what was found, a line each
//                     000007.ldb     files as they were found
//                     rows.jsonl     rows: {"key": hex, "value": hex, "why": ...}
//                     unsettled      there while rows that depend on what is lost are still to be set right
//
// A folder for each start that finds something. The oldest go when all have more than `bytesMax`, or are too many.
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

export const QUARANTINE = 'quarantine'
export const QUARANTINE_BYTES_MAX = 1_073_741_824
const FOLDERS_MAX = 100
const UNSETTLED = 'unsettled'

export class Quarantine {
  readonly #dataFolder: string
  readonly #now: () => number
  readonly #bytesMax: number
  #path: string | undefined
  #rowsFile: number | undefined
  #rowBytes = 0
  /** Rows and files set aside. */
  count = 0

  constructor(dataFolder: string, now: () => number, bytesMax: number) {
    this.#dataFolder = dataFolder
    this.#now = now
    this.#bytesMax = bytesMax
  }

  /** The folder of this start; undefined: nothing was set aside. */
  get path(): string | undefined {
    return this.#path
  }

  note(line: string): void {
    appendFileSync(join(this.#folder(), 'report.txt'), `${line}\n`)
  }

  /** A file of the data folder as it is now, whatever becomes of it there. */
  keepFile(name: string): void {
    const from = join(this.#dataFolder, name)
    const to = join(this.#folder(), name)
    if (!existsSync(from) || existsSync(to)) return
    this.count++
    try {
      linkSync(from, to)
    } catch {
      copyFileSync(from, to) // a file system without links
    }
  }

  /** Away from where it is. */
  moveFile(name: string): void {
    renameSync(join(this.#dataFolder, name), join(this.#folder(), name))
    this.count++
  }

  /** False: there is no room for more, and the row has to stay where it is. */
  keepRow(key: Buffer, value: Buffer, why: string): boolean {
    const line = Buffer.from(
      `${JSON.stringify({ key: key.toString('hex'), value: value.toString('hex'), why })}\n`,
    )
    if (this.#rowBytes + line.length > this.#bytesMax) return false
    try {
      this.#rowsFile ??= openSync(join(this.#folder(), 'rows.jsonl'), 'a')
      writeSync(this.#rowsFile, line)
    } catch {
      return false // the disk is full
    }
    this.#rowBytes += line.length
    this.count++
    return true
  }

  /** What was set aside is on the disk when this returns. */
  sync(): void {
    if (this.#rowsFile !== undefined) fsyncSync(this.#rowsFile)
  }

  /** `text` is found again by the next start, unless `settled` comes before. */
  markUnsettled(text: string): void {
    writeFileSync(join(this.#folder(), UNSETTLED), text, { flush: true })
  }

  /** What earlier starts, or this one, have marked. */
  get unsettled(): string[] {
    return this.#folders()
      .map((folder) => join(folder, UNSETTLED))
      .filter(existsSync)
      .map((file) => readFileSync(file, 'utf8'))
  }

  settled(): void {
    for (const folder of this.#folders()) rmSync(join(folder, UNSETTLED), { force: true })
  }

  #folder(): string {
    if (this.#path !== undefined) return this.#path
    const name = new Date(this.#now()).toISOString().replaceAll(/[:.]/g, '-')
    const base = join(this.#dataFolder, QUARANTINE, name)
    let path = base
    for (let i = 2; existsSync(path); i++) path = `${base}-${i}`
    this.#removeOldest()
    mkdirSync(path, { recursive: true, mode: 0o700 })
    this.#path = path
    return path
  }

  /** The oldest first. */
  #folders(): string[] {
    const all = join(this.#dataFolder, QUARANTINE)
    if (!existsSync(all)) return []
    return readdirSync(all)
      .sort()
      .map((name) => join(all, name))
  }

  #removeOldest(): void {
    const folders = this.#folders().filter((folder) => !existsSync(join(folder, UNSETTLED)))
    const sizes = folders.map(bytesIn)
    let bytes = sizes.reduce((sum, size) => sum + size, 0)
    for (const [i, folder] of folders.entries()) {
      if (bytes <= this.#bytesMax && folders.length - i < FOLDERS_MAX) break
      rmSync(folder, { recursive: true, force: true })
      bytes -= sizes[i] as number
    }
  }
}

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (sum, name) => sum + statSync(join(folder, name)).size,
    0,
  )
