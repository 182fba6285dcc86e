// LevelDB's MANIFEST: which tables make up the database, and from which log on it goes on. Read by examine.ts, to know
// what has to be there before LevelDB opens: it deletes every table that it does not find in here.
import { readLog } from './log-file.ts'
import { VarintReader } from './varint.ts'

const Tag = {
  Comparator: 1,
  LogNumber: 2,
  NextFileNumber: 3,
  LastSequence: 4,
  CompactPointer: 5,
  DeletedTable: 6,
  NewTable: 7,
  PreviousLogNumber: 9,
} as const

/** Of an internal key, behind the key itself: sequence and type. */
export const INTERNAL_KEY_BYTES = 8

export interface LiveTable {
  readonly number: number
  readonly size: number
  /** Keys without what LevelDB adds to them. */
  readonly smallest: Buffer
  readonly largest: Buffer
}

export interface Manifest {
  /** By file number. */
  readonly tables: ReadonlyMap<number, LiveTable>
  /** Numbers of all tables that it has ever named, those that are gone too. */
  readonly named: ReadonlySet<number>
  readonly logNumber: number
  readonly nextFileNumber: number
}

/** Undefined: it is damaged, or not one. An unfinished edit at its end is no damage: LevelDB passes over it too. */
export function readManifest(bytes: Buffer): Manifest | undefined {
  const { records, lostBytes } = readLog(bytes)
  if (lostBytes > 0) return undefined
  const edits = {
    tables: new Map<number, LiveTable>(),
    named: new Set<number>(),
    logNumber: -1,
    nextFileNumber: -1,
  }
  for (const record of records) {
    if (!applyEdit(edits, new VarintReader(record))) return undefined
  }
  return edits.logNumber < 0 || edits.nextFileNumber < 0 ? undefined : edits
}

interface Edits {
  readonly tables: Map<number, LiveTable>
  readonly named: Set<number>
  logNumber: number
  nextFileNumber: number
}

function applyEdit(edits: Edits, edit: VarintReader): boolean {
  const removed: number[] = []
  const added: LiveTable[] = []
  while (!edit.isAtEnd) {
    switch (edit.number()) {
      case Tag.Comparator:
        if (edit.slice()?.toString() !== 'leveldb.BytewiseComparator') return false
        break
      case Tag.LogNumber:
        edits.logNumber = edit.number()
        break
      case Tag.NextFileNumber:
        edits.nextFileNumber = edit.number()
        break
      case Tag.LastSequence:
      case Tag.PreviousLogNumber:
        edit.number()
        break
      case Tag.CompactPointer:
        edit.number()
        if (edit.slice() === undefined) return false
        break
      case Tag.DeletedTable:
        edit.number()
        removed.push(edit.number())
        break
      case Tag.NewTable: {
        const table = readTable(edit)
        if (table === undefined) return false
        added.push(table)
        break
      }
      default:
        return false
    }
  }
  // A table that moves from one level to another is removed and added by one edit.
  for (const number of removed) edits.tables.delete(number)
  for (const table of added) {
    edits.tables.set(table.number, table)
    edits.named.add(table.number)
  }
  return true
}

function readTable(edit: VarintReader): LiveTable | undefined {
  edit.number() // its level
  const number = edit.number()
  const size = edit.number()
  const smallest = edit.slice()
  const largest = edit.slice()
  if (smallest === undefined || largest === undefined) return undefined
  return { number, size, smallest: userKey(smallest), largest: userKey(largest) }
}

export const userKey = (internalKey: Buffer): Buffer =>
  internalKey.subarray(0, Math.max(0, internalKey.length - INTERNAL_KEY_BYTES))
