// Looks at the files of a data folder before LevelDB opens them, and sets right what would keep it from opening or make
// it lie. Called by open-store.ts; leveldb/examine.ts finds, leveldb/mend.ts mends.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { DamageLog } from './damage-log.ts'
import { checkLock, makeFolder } from './database.ts'
import { describeMended } from './describe-damage.ts'
import { type Damage, examineFolder, type UncheckedTable } from './leveldb/examine.ts'
import { LOCK } from './leveldb/file-names.ts'
import { type LostRange, mendFolder } from './leveldb/mend.ts'

/** Blocks of larger databases are looked at while the broker runs: at 300 MB/s they would hold up its start. */
const BLOCK_BYTES_AT_START = 64 * 1024 * 1024

export interface PreparedFolder {
  /** Rows may be missing there, and `settle` has to be called; undefined: it has not. */
  readonly losses: readonly LostRange[] | undefined
  /** Older values of a row may hide newer ones until the database is compacted. */
  readonly isRebuilt: boolean
  /** Tables whose blocks were not looked at. */
  readonly unchecked: readonly UncheckedTable[]
}

/** Rejects with ERR_GODWIT_STORE_LOCKED, and with what the file system says. */
export async function prepareFolder(path: string, damages: DamageLog): Promise<PreparedFolder> {
  const { quarantine } = damages
  await makeFolder(path)
  // Nobody else may have it open: what is being written looks damaged. A folder cannot be locked by anyone.
  if (!isFolder(join(path, LOCK))) await checkLock(path)
  const examination = examineFolder(path, BLOCK_BYTES_AT_START)
  const { damage, unchecked } = examination
  // Of a start that was interrupted it is not known how far it came.
  const isRebuilt = quarantine.unsettled.length > 0 || damage.some(({ kind }) => kind === 'manifest')
  const mayLose = damage.some(losesRows)
  // Should we be interrupted, the next start finds the files whole and has to know that rows are missing.
  if (mayLose) quarantine.markUnsettled(encodeLosses([{ from: Buffer.alloc(0), to: undefined }]))
  const mended = damage.length === 0 ? [] : await mendFolder(path, examination, quarantine)
  for (const each of mended) damages.found(describeMended(each))
  const losses = mended.flatMap(({ lost }) => (lost === undefined ? [] : [lost]))
  if (mayLose) quarantine.markUnsettled(encodeLosses(losses))
  const unsettled = quarantine.unsettled
  return {
    losses: unsettled.length === 0 ? undefined : unsettled.flatMap(decodeLosses),
    isRebuilt,
    unchecked,
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

const losesRows = (damage: Damage): boolean =>
  damage.kind === 'manifest' ||
  damage.kind === 'log' ||
  damage.kind === 'index' ||
  damage.kind === 'table missing' ||
  (damage.kind === 'blocks' && damage.blocks.length > 0)

const encodeLosses = (losses: readonly LostRange[]): string =>
  losses.map(({ from, to }) => `${from.toString('hex')} ${to?.toString('hex') ?? '-'}\n`).join('')

const decodeLosses = (text: string): LostRange[] =>
  text
    .split('\n')
    .map((line) => /^([0-9a-f]*) ([0-9a-f]*|-)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, from = '', to = '-']) => ({
      from: Buffer.from(from, 'hex'),
      to: to === '-' ? undefined : Buffer.from(to, 'hex'),
    }))
