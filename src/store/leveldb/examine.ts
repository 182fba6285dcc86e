// What is whole in LevelDB's files and what is not, without a change to any. Called before LevelDB opens them, and by
// the doctor; mend.ts sets right what is found here.
//
// Why not leave it to LevelDB: it makes an empty database where CURRENT is missing and deletes the tables, passes over
// damaged records of a log without a word, and takes the blocks of its tables as they are.
import { type Dirent, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CURRENT, type FileName, isOwnName, logName, parseFileName, tableName } from './file-names.ts'
import { readLog } from './log-file.ts'
import { type LiveTable, type Manifest, readManifest } from './manifest.ts'
import { type BlockHandle, type DataBlock, TableFile } from './table-file.ts'

/** Numbers are given one after the other: a file that is so far ahead was made by nobody here. */
const FOREIGN_DISTANCE = 10_000

export type Damage =
  /** Named like one of LevelDB's, and not one: LevelDB would delete it, or stumble over it. */
  | { readonly kind: 'foreign'; readonly file: string }
  /** CURRENT does not lead to the MANIFEST that is to be taken. */
  | { readonly kind: 'current'; readonly file: string; readonly manifest: string }
  /** No MANIFEST can be taken: it is made anew from the tables. */
  | { readonly kind: 'manifest'; readonly file: string }
  /** Something in the middle of a log. */
  | { readonly kind: 'log'; readonly file: string; readonly lostBytes: number }
  /** The end of the last log: an unfinished write, or cut off. What is left is as it was at an earlier moment. */
  | { readonly kind: 'log end'; readonly file: string; readonly tornBytes: number }
  | { readonly kind: 'log missing'; readonly file: string }
  /** Some blocks of a table; none, when it is only the filter that LevelDB can do without. */
  | {
      readonly kind: 'blocks'
      readonly file: string
      readonly blocks: readonly DataBlock[]
      readonly blocksWhole: number
      readonly isFilterWhole: boolean
      /** The block that leads to the filter. */
      readonly metaindex: BlockHandle | undefined
      readonly table: LiveTable | undefined
    }
  /** The index of a table: what it holds has to be searched for. */
  | { readonly kind: 'index'; readonly file: string; readonly table: LiveTable | undefined }
  | { readonly kind: 'table missing'; readonly file: string; readonly table: LiveTable }

export interface Examination {
  readonly damage: readonly Damage[]
  /** Tables whose blocks were not looked at yet. */
  readonly unchecked: readonly UncheckedTable[]
  readonly tables: number
  readonly tableBytes: number
}

export interface UncheckedTable {
  readonly file: string
  readonly size: number | undefined
}

interface Folder {
  readonly path: string
  readonly files: ReadonlyMap<string, FileName>
}

/** Blocks are looked at where all tables together have no more than `blockBytesMax`; what leads to them, always. */
export function examineFolder(path: string, blockBytesMax = Number.POSITIVE_INFINITY): Examination {
  const damage: Damage[] = []
  const folder = readFolder(path, damage)
  if (![...folder.files.values()].some(({ kind }) => kind !== 'lock')) {
    return { damage, unchecked: [], tables: 0, tableBytes: 0 }
  }
  const manifest = findManifest(folder, damage)
  setForeignApart(folder, manifest, damage)
  const tables = tablesOf(folder, manifest, damage)
  const tableBytes = tables.reduce(
    (sum, { size, file }) => sum + (size ?? statSync(join(path, file)).size),
    0,
  )
  // Without a MANIFEST LevelDB reads all of them from end to end.
  const isDeep = manifest === undefined || tableBytes <= blockBytesMax
  for (const table of tables) examineTable(path, table, isDeep, damage)
  examineLogs(folder, manifest, damage)
  return { damage, unchecked: isDeep ? [] : tables, tables: tables.length, tableBytes }
}

function readFolder(path: string, damage: Damage[]): Folder {
  const files = new Map<string, FileName>()
  const entries: Dirent[] = existsSync(path) ? readdirSync(path, { withFileTypes: true }) : []
  for (const entry of entries) {
    const name = parseFileName(entry.name)
    if (name === undefined) continue
    if (entry.isFile() && isOwnName(entry.name, name)) files.set(entry.name, name)
    else damage.push({ kind: 'foreign', file: entry.name })
  }
  return { path, files }
}

/** Of the two that may be there after a crash, CURRENT names the right one. */
function findManifest(folder: Folder, damage: Damage[]): Manifest | undefined {
  const named = namedManifest(folder)
  const others = [...folder.files].filter(([name, { kind }]) => kind === 'manifest' && name !== named)
  others.sort(([, a], [, b]) => b.number - a.number)
  const names = [...(named === undefined ? [] : [named]), ...others.map(([name]) => name)]
  const whole: [string, Manifest][] = []
  for (const name of names) {
    const manifest = readManifest(readFileSync(join(folder.path, name)))
    if (manifest !== undefined) whole.push([name, manifest])
  }
  const found =
    whole.find(([, manifest]) => isComplete(folder, manifest)) ??
    whole.find(([, manifest]) => hasUnnamedTables(folder, manifest) === false)
  if (found === undefined) {
    damage.push({ kind: 'manifest', file: named ?? names[0] ?? CURRENT })
    return undefined
  }
  const [name, manifest] = found
  if (name !== named) damage.push({ kind: 'current', file: CURRENT, manifest: name })
  return manifest
}

function namedManifest({ path, files }: Folder): string | undefined {
  if (!files.has(CURRENT)) return undefined
  const text = readFileSync(join(path, CURRENT), 'utf8')
  const name = text.replace(/\n$/, '')
  return text.endsWith('\n') && files.get(name)?.kind === 'manifest' ? name : undefined
}

/** All that it leads to is there. That of an empty database leads to nothing: then nothing else may be there. */
const isComplete = (folder: Folder, manifest: Manifest): boolean =>
  [...manifest.tables.keys()].every((number) => tableFileOf(folder, number) !== undefined) &&
  !isLogMissing(folder, manifest) &&
  (manifest.logNumber > 0 || !hasUnnamedTables(folder, manifest))

/** In an empty database that was made a moment ago there is none yet. */
const isLogMissing = ({ files }: Folder, { logNumber }: Manifest): boolean =>
  logNumber > 0 && !files.has(logName(logNumber))

/** Tables that it has never heard of: it was cut off, or is an old one. */
const hasUnnamedTables = ({ files }: Folder, { named }: Manifest): boolean =>
  [...files.values()].some(({ kind, number }) => kind === 'table' && !named.has(number))

/** LevelDB gives tables the one ending and reads them by the other too. */
function tableFileOf({ files }: Folder, number: number): string | undefined {
  const name = tableName(number)
  if (files.has(name)) return name
  const old = name.replace(/ldb$/, 'sst')
  return files.has(old) ? old : undefined
}

/** LevelDB would read or delete them. */
function setForeignApart(folder: Folder, manifest: Manifest | undefined, damage: Damage[]): void {
  if (manifest === undefined) return
  const files = folder.files as Map<string, FileName>
  for (const [name, { kind, number }] of files) {
    if (kind === 'current' || kind === 'lock' || number < manifest.nextFileNumber + FOREIGN_DISTANCE) continue
    files.delete(name)
    damage.push({ kind: 'foreign', file: name })
  }
}

interface TableToExamine extends UncheckedTable {
  readonly table: LiveTable | undefined
}

/** Those that make up the database; without a MANIFEST all that are there. */
function tablesOf(folder: Folder, manifest: Manifest | undefined, damage: Damage[]): TableToExamine[] {
  if (manifest === undefined) {
    return [...folder.files]
      .filter(([, { kind }]) => kind === 'table')
      .map(([file]) => ({ file, size: undefined, table: undefined }))
  }
  const found: TableToExamine[] = []
  for (const table of manifest.tables.values()) {
    const file = tableFileOf(folder, table.number)
    if (file === undefined) damage.push({ kind: 'table missing', file: tableName(table.number), table })
    else found.push({ file, size: table.size, table })
  }
  return found
}

function examineTable(
  path: string,
  { file, size, table }: TableToExamine,
  isDeep: boolean,
  damage: Damage[],
): void {
  const opened = new TableFile(join(path, file), size)
  try {
    const { isFilterWhole, metaindex } = opened
    if (!isDeep && isFilterWhole && opened.isIndexWhole) return
    const blocks = opened.dataBlocks
    if (blocks === undefined) return void damage.push({ kind: 'index', file, table })
    const damaged = isDeep ? blocks.filter((block) => !opened.isWhole(block)) : []
    if (damaged.length === 0 && isFilterWhole) return
    damage.push({
      kind: 'blocks',
      file,
      blocks: damaged,
      blocksWhole: blocks.length - damaged.length,
      isFilterWhole,
      metaindex,
      table,
    })
  } finally {
    opened.close()
  }
}

function examineLogs(folder: Folder, manifest: Manifest | undefined, damage: Damage[]): void {
  const from = manifest?.logNumber ?? 0
  const logs = [...folder.files].filter(([, { kind, number }]) => kind === 'log' && number >= from)
  logs.sort(([, a], [, b]) => a.number - b.number)
  if (manifest !== undefined && isLogMissing(folder, manifest)) {
    damage.push({ kind: 'log missing', file: logName(manifest.logNumber) })
  }
  for (const [i, [file]] of logs.entries()) {
    const { lostBytes, tornBytes } = readLog(readFileSync(join(folder.path, file)))
    // What is missing at the end of one is missing in the middle of all of them.
    const isLast = logs.slice(i + 1).every(([next]) => statSync(join(folder.path, next)).size === 0)
    const lost = lostBytes + (isLast ? 0 : tornBytes)
    if (lost > 0) damage.push({ kind: 'log', file, lostBytes: lost })
    if (isLast && tornBytes > 0) damage.push({ kind: 'log end', file, tornBytes })
  }
}
