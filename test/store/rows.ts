// Looks into a closed LevelStore, or damages it, past the store itself.
import { ClassicLevel } from 'classic-level'

export type RawDatabase = ClassicLevel<Buffer, Buffer>

export async function withDatabase<T>(path: string, use: (database: RawDatabase) => Promise<T>): Promise<T> {
  const database: RawDatabase = new ClassicLevel(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await database.open()
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}

/** Rows by kind, which is the first byte of the key. */
export async function countRows(path: string): Promise<Map<number, number>> {
  const counts = new Map<number, number>()
  for (const key of await withDatabase(path, (database) => database.keys().all())) {
    const kind = key[0] ?? -1
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}
