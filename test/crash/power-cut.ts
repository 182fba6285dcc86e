// A power failure for a broker process: bench/power-cut.c is preloaded into it and notes what is sure to be on the
// disk; after the kill, `strike` takes away what is not, and the next broker starts from what a disk might have held.
//
// Imitated: bytes that no fsync or fdatasync covered, wholly gone or gone from some byte on, each file by itself; files
// made, renamed and unlinked that were not sure (disk-journal.ts); that an unlinked or replaced file comes back.
// Not imitated: pages of one file that come down out of their order, or as zeros; a truncation or an overwriting that
// is undone; a disk that says fsync is done while its own cache still holds the bytes; sectors torn in themselves.
import { execFileSync } from 'node:child_process'
import { link, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Random } from '../hostile/random.ts'
import { type Disk, type DiskKind, longestSyncMs, survivorsOf } from './disk-journal.ts'

const SOURCE = join(import.meta.dirname, '../../bench/power-cut.c')
/** Files that a kill may have caught between their making and the line that tells of it: one for each thread. */
const UNSEEN_MAX = 2

export interface PowerCutOptions {
  readonly disk: DiskKind
  readonly seed: number
}

export interface Strike {
  /** Bytes that had been written and are gone. */
  readonly bytesCut: number
  /** Names that are not there any more, there again, or those of another file. */
  readonly namesUndone: number
}

/** Why there can be no power cuts here; undefined: there can. */
export function whyNoPowerCuts(): string | undefined {
  if (process.platform !== 'linux') return `LD_PRELOAD is for Linux, this is ${process.platform}`
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'there is no C compiler called cc'
  }
}

export class PowerCut {
  /** The data folder of the broker. */
  readonly data: string
  readonly #options: PowerCutOptions
  readonly #random: Random
  readonly #attic: string
  readonly #journal: string
  readonly #library: string
  #disk: Disk = { names: new Map(), bytes: new Map() }
  #strikes = 0

  private constructor(folder: string, options: PowerCutOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.data = join(folder, 'data')
    this.#attic = join(folder, 'attic')
    this.#journal = join(folder, 'journal')
    this.#library = join(folder, 'power-cut.so')
  }

  /** In `folder`, which is there and empty: data folder, library and notes. */
  static async prepare(folder: string, options: PowerCutOptions): Promise<PowerCut> {
    const made = new PowerCut(folder, options)
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', made.#library, SOURCE, '-ldl', '-lpthread'])
    await mkdir(made.data, { mode: 0o700 })
    await made.#takeDown()
    return made
  }

  /** For the broker's process. */
  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      POWER_CUT_FOLDER: this.data,
      POWER_CUT_JOURNAL: this.#journal,
      POWER_CUT_ATTIC: this.#attic,
    }
  }

  /** Of those since the last strike. */
  async longestSyncMs(): Promise<number> {
    return longestSyncMs(await readFile(this.#journal, 'utf8'), Number(process.hrtime.bigint() / 1_000n))
  }

  /** The broker has been killed. The first strike, and every other one, leaves no byte that was not sure. */
  async strike(): Promise<Strike> {
    const journal = await readFile(this.#journal, 'utf8')
    await this.#checkJournal(journal)
    const before = await inodesOf(this.data)
    const left = survivorsOf(journal, this.#disk, this.#options.disk, this.#random)
    const isTorn = this.#strikes++ % 2 === 1
    const fresh = `${this.data}.left`
    await mkdir(fresh, { mode: 0o700 })
    let bytesCut = 0
    for (const [name, inode] of left.names) {
      const path = join(fresh, name)
      await link(join(this.#attic, String(inode)), path)
      const { size } = await stat(path)
      const sure = left.bytes.get(inode) ?? 0
      const length = Math.min(size, isTorn ? sure + this.#random.below(size - sure + 1) : sure)
      await truncate(path, length)
      bytesCut += size - length
    }
    await rm(this.data, { recursive: true })
    await rename(fresh, this.data)
    const names = new Set([...before.keys(), ...left.names.keys()])
    const namesUndone = [...names].filter((name) => before.get(name) !== left.names.get(name)).length
    await this.#takeDown()
    return { bytesCut, namesUndone }
  }

  /** A library that was not loaded, or a call that it does not know, would make a trial that cannot fail. */
  async #checkJournal(journal: string): Promise<void> {
    const seen = new Set((await readdir(this.#attic)).map(Number))
    const unseen = [...(await inodesOf(this.data)).values()].filter((inode) => !seen.has(inode))
    if (!journal.includes('sync ') || unseen.length > UNSEEN_MAX) {
      throw new Error(`the preloaded library has not seen ${unseen.length} files, or no fsync at all`)
    }
  }

  /** What is in the data folder now is on the disk. */
  async #takeDown(): Promise<void> {
    await rm(this.#attic, { recursive: true, force: true })
    await mkdir(this.#attic)
    const names = await inodesOf(this.data)
    const bytes = new Map<number, number>()
    for (const [name, inode] of names) {
      const path = join(this.data, name)
      await link(path, join(this.#attic, String(inode)))
      bytes.set(inode, (await stat(path)).size)
    }
    this.#disk = { names, bytes }
    await writeFile(this.#journal, '')
  }
}

async function inodesOf(folder: string): Promise<Map<string, number>> {
  const inodes = new Map<string, number>()
  for (const name of await readdir(folder)) inodes.set(name, (await stat(join(folder, name))).ino)
  return inodes
}
