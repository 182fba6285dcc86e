// Tables that LevelDB was writing when the disk became full: nobody's, and in the way of the room that it needs to open
// again. It would remove them itself, but only once it is open. Called by disk-reserve.ts and database.ts.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CURRENT, parseFileName } from './file-names.ts'
import { readManifest } from './manifest.ts'

export const unfinishedBytes = (path: string): number =>
  unfinishedTables(path).reduce((sum, file) => sum + statSync(file).size, 0)

/** Only while the database is closed. */
export function removeUnfinishedTables(path: string): void {
  for (const file of unfinishedTables(path)) rmSync(file)
}

function unfinishedTables(path: string): string[] {
  const name = readFileSync(join(path, CURRENT), 'utf8').trimEnd()
  const manifest = readManifest(readFileSync(join(path, name)))
  if (manifest === undefined) return []
  return readdirSync(path)
    .filter((file) => {
      const parsed = parseFileName(file)
      return parsed?.kind === 'table' && !manifest.tables.has(parsed.number)
    })
    .map((file) => join(path, file))
}
