// Sets LevelDB's files right, so that it opens with all that is whole: what is damaged goes into the quarantine as it
// was found, and what takes its place has the same name. Called by prepare-folder.ts before the database opens.
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { Quarantine } from '../quarantine.ts'
import type { Damage, Examination } from './examine.ts'
import { CURRENT } from './file-names.ts'
import { readLog, writeLog } from './log-file.ts'
import { userKey } from './manifest.ts'
import { emptyBlocks, rebuildTable } from './table-salvage.ts'

/** Keys from `from` up to and with `to`, all to the end without it. */
export interface LostRange {
  readonly from: Buffer
  readonly to: Buffer | undefined
}

export interface Mended {
  readonly damage: Damage
  /** Rows may be missing in here, or older ones be back; undefined: none. */
  readonly lost: LostRange | undefined
  /** Blocks found in a table without an index. */
  readonly blocksFound?: number
}

const ANYTHING: LostRange = { from: Buffer.alloc(0), to: undefined }
/** Where LevelDB's repair puts what it has used up. */
const LOST = 'lost'

export async function mendFolder(
  path: string,
  { damage }: Examination,
  quarantine: Quarantine,
): Promise<Mended[]> {
  for (const each of damage) setAside(each, quarantine)
  const mended = damage.map((each) => mend(path, each))
  if (damage.some(({ kind }) => kind === 'manifest')) await rebuild(path, mended, quarantine)
  return mended
}

function setAside(damage: Damage, quarantine: Quarantine): void {
  if (damage.kind === 'foreign') quarantine.moveFile(damage.file)
  else if (damage.kind === 'manifest')
    for (const file of new Set([damage.file, CURRENT])) quarantine.keepFile(file)
  else quarantine.keepFile(damage.file)
}

function mend(path: string, damage: Damage): Mended {
  const { file } = damage
  switch (damage.kind) {
    case 'current':
      replaceFile(path, CURRENT, Buffer.from(`${damage.manifest}\n`))
      return { damage, lost: undefined }
    case 'blocks': {
      const bytes = readFileSync(join(path, file))
      const { blocks, isFilterWhole, metaindex } = damage
      emptyBlocks(bytes, isFilterWhole || metaindex === undefined ? blocks : [...blocks, metaindex])
      replaceFile(path, file, bytes)
      return { damage, lost: rangeOf(blocks[0]?.after, blocks.at(-1)?.last) }
    }
    case 'index': {
      const { table } = damage
      const { bytes, blocks, lastKey } = rebuildTable(readFileSync(join(path, file)), table?.size)
      replaceFile(path, file, bytes)
      const from = lastKey === undefined ? table?.smallest : userKey(lastKey)
      return { damage, lost: { from: from ?? ANYTHING.from, to: table?.largest }, blocksFound: blocks }
    }
    case 'table missing': {
      const { table } = damage
      replaceFile(path, file, rebuildTable(Buffer.alloc(0), table.size).bytes)
      return { damage, lost: { from: table.smallest, to: table.largest } }
    }
    case 'log':
      replaceFile(path, file, writeLog(readLog(readFileSync(join(path, file))).records))
      return { damage, lost: ANYTHING }
    // What is left is the database as it was at some earlier moment: all of it, and of that moment.
    case 'log end':
    case 'log missing':
      return { damage, lost: undefined }
    case 'manifest':
    case 'foreign':
      return { damage, lost: undefined }
  }
}

function rangeOf(after: Buffer | undefined, last: Buffer | undefined): LostRange | undefined {
  return last === undefined ? undefined : { from: after ?? ANYTHING.from, to: last }
}

/**
 * LevelDB's repair checks nothing that it reads, so it gets to see nothing that is damaged; and it stumbles over a
 * table that has no rows.
 */
async function rebuild(path: string, mended: readonly Mended[], quarantine: Quarantine): Promise<void> {
  for (const { damage, blocksFound } of mended) {
    const { kind, file } = damage
    if (kind === 'log end') {
      replaceFile(path, file, writeLog(readLog(readFileSync(join(path, file))).records))
    } else if (blocksFound === 0 || (kind === 'blocks' && damage.blocksWhole === 0)) rmSync(join(path, file))
  }
  await ClassicLevel.repair(path)
  if (existsSync(join(path, LOST))) quarantine.moveFile(LOST)
}

/** All of the new one or all of the old. The name in between is one that LevelDB removes if it is left. */
function replaceFile(path: string, name: string, bytes: Buffer): void {
  const between = join(path, '000000.dbtmp')
  try {
    writeFileSync(between, bytes, { flush: true })
    renameSync(between, join(path, name))
  } catch (error) {
    rmSync(between, { force: true })
    throw error
  }
  if (process.platform === 'win32') return // A folder cannot be opened there.
  const folder = openSync(path, 'r')
  fsyncSync(folder)
  closeSync(folder)
}
