// Brings an older database to the format of this version; an empty one gets it too. Called by level-store.ts at open.
//
//   1 -> 2   values end with a checksum. Those of version 1 go on being read, and go as their rows are written anew:
//            only the number is raised, so that an older godwit refuses what it could not read.
import type { Database } from './database.ts'
import { encodeNumber } from './records.ts'
import { FORMAT_KEY, STORE_FORMAT } from './restore.ts'
import { ValueWriter } from './value-writer.ts'

export async function migrate(database: Database): Promise<void> {
  await database.put(FORMAT_KEY, encodeNumber(new ValueWriter(), STORE_FORMAT).sealCopy(FORMAT_KEY), {
    sync: true,
  })
}
