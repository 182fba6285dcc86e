// What the commands that look into a data folder ask of it first: that there is one, and that no broker has it open.
import { existsSync, readdirSync } from 'node:fs'
import { GodwitError } from '../base/errors.ts'
import { checkLock } from '../store/database.ts'
import { parseFileName } from '../store/leveldb/file-names.ts'

/** Rejects with ERR_GODWIT_STORE_OPEN or ERR_GODWIT_STORE_LOCKED. Makes nothing. */
export async function checkDataFolder(folder: string): Promise<void> {
  if (!existsSync(folder)) throw new GodwitError('ERR_GODWIT_STORE_OPEN', `${folder} does not exist`)
  const hasDatabase = readdirSync(folder).some((name) => parseFileName(name) !== undefined)
  if (!hasDatabase)
    throw new GodwitError('ERR_GODWIT_STORE_OPEN', `${folder} is no data folder: it holds no database`)
  await checkLock(folder)
}
