// From a data folder in whatever state to an open database whose content has been handed over.
// Called by level-store.ts.
//
//   files looked at, set right -> LevelDB opens -> format, migration -> rows set right, if some were lost -> restored
import { GodwitError } from '../base/errors.ts'
import type { DamageLog } from './damage-log.ts'
import { type Database, isLevelError, openDatabase, openError } from './database.ts'
import type { UncheckedTable } from './leveldb/examine.ts'
import type { LostRange } from './leveldb/mend.ts'
import { migrate } from './migrate.ts'
import { prepareFolder } from './prepare-folder.ts'
import { type Restored, readFormat, restore, STORE_FORMAT } from './restore.ts'
import { settle } from './settle.ts'
import type { Restorer } from './store.ts'

export interface OpenedStore {
  readonly database: Database
  readonly restored: Restored
  /** Tables whose blocks are still to be looked at. */
  readonly unchecked: readonly UncheckedTable[]
}

const FIRST_KEY = Buffer.alloc(0)
const LAST_KEY = Buffer.from([0xff, 0xff])

/** Rejects with ERR_GODWIT_STORE_*. */
export async function openStore(path: string, restorer: Restorer, damages: DamageLog): Promise<OpenedStore> {
  const { database, losses, unchecked } = await openWhole(path, damages)
  try {
    const format = await readFormat(database, losses !== undefined)
    if (format < STORE_FORMAT) await migrate(database)
    const settleRows = async (ranges: readonly LostRange[]): Promise<void> => {
      await settle(database, ranges, damages)
      damages.quarantine.settled()
    }
    if (losses !== undefined) await settleRows(losses)
    const restored = await restore(database, restorer, damages, () => settleRows([]))
    return { database, restored, unchecked }
  } catch (cause) {
    await database.close()
    if (!isLevelError(cause)) throw cause
    throw new GodwitError('ERR_GODWIT_STORE_OPEN', `${path} cannot be read`, { cause })
  }
}

export interface WholeDatabase {
  readonly database: Database
  /** Where rows may be missing, and `settle` is to be called; undefined: nowhere. */
  readonly losses: readonly LostRange[] | undefined
  readonly unchecked: readonly UncheckedTable[]
}

/** With its files set right, and its rows as they are. Rejects with ERR_GODWIT_STORE_*. */
export async function openWhole(path: string, damages: DamageLog): Promise<WholeDatabase> {
  const prepared = await prepareFolder(path, damages).catch((cause: unknown) => {
    throw cause instanceof GodwitError ? cause : openError(path, cause)
  })
  const database = await openDatabase(path)
  // All tables lie side by side now: until they are merged, a look-up may find the older of two values first.
  if (prepared.isRebuilt) await database.compactRange(FIRST_KEY, LAST_KEY)
  return { database, losses: prepared.losses, unchecked: prepared.unchecked }
}
