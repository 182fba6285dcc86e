// Sets the rows right after some were lost with a file, or a session with its row: what is left must be true together.
// Called by open-store.ts before the store is restored, and by the doctor. It walks over everything.
//
//   rows that cannot be read, and rows of sessions that are not there    into the quarantine
//   deliveries whose body is not there, bodies without deliveries        into the quarantine; counts are counted anew
//   packet ids received, where their removal may be what is lost         forgotten: rather twice than never
//   sessions, where what they were sent may be                           all may have been sent: it is a repeat
//   session numbers                                                      go on far behind the last one that is seen
import type { DamageLog } from './damage-log.ts'
import { type Database, readChunks } from './database.ts'
import { describeKey } from './describe-key.ts'
import * as keys from './keys.ts'
import { KeyKind } from './keys.ts'
import type { LostRange } from './leveldb/mend.ts'
import { decodeNumber, decodeSession, encodeNumber, encodeSession } from './records.ts'
import { countReferences } from './reference-count.ts'
import { FORMAT_KEY, NUMBERS_KEY, STORE_FORMAT } from './restore.ts'
import { ALL_ROWS, decodeRow } from './rows.ts'
import { unseal } from './seal.ts'
import { ValueWriter } from './value-writer.ts'

const CHUNK_ROWS = 1_000
/** Numbers that may have been given, and all of whose rows are lost. */
const NUMBERS_AHEAD = 1_000_000

export async function settle(
  database: Database,
  losses: readonly LostRange[],
  damages: DamageLog,
): Promise<void> {
  const value = new ValueWriter()
  const sessions = await sessionNumbers(database)
  const isSentUnknown = touches(losses, KeyKind.Session) || touches(losses, KeyKind.Queue)
  let lastNumber = decodeNumber(unseal(NUMBERS_KEY, await database.get(NUMBERS_KEY))) ?? 0
  let forgotten = 0
  for await (const entries of readChunks(database, ALL_ROWS, CHUNK_ROWS)) {
    const batch = database.batch()
    for (const [key, stored] of entries) {
      const number = isOfSession(key) ? keys.sessionNumberOfKey(key) : -1
      lastNumber = Math.max(lastNumber, number)
      const why = whatIsWrong(key, stored, number, sessions)
      if (why !== undefined) {
        if (damages.row(key, stored, `${describeKey(key)} ${why}`)) batch.del(key)
      } else if (key[0] === KeyKind.Received && losses.some((range) => isWithin(range, key))) {
        batch.del(key)
        forgotten++
      } else if (key[0] === KeyKind.Session) {
        const record = decodeSession(keys.textOfKey(key), unseal(key, stored))
        if (record === undefined) continue
        lastNumber = Math.max(lastNumber, record.number)
        if (!isSentUnknown) continue
        record.sentBefore = Number.POSITIVE_INFINITY
        batch.put(key, encodeSession(value, record).seal(key))
      }
    }
    damages.quarantine.sync()
    await batch.write()
  }
  if (forgotten > 0)
    damages.tell(`${forgotten} received packet ids are forgotten: QoS 2 messages may come twice`)
  await countReferences(database, { damages })
  await database
    .batch()
    .put(NUMBERS_KEY, encodeNumber(value, lastNumber + NUMBERS_AHEAD).seal(NUMBERS_KEY))
    .put(FORMAT_KEY, encodeNumber(value, STORE_FORMAT).seal(FORMAT_KEY))
    .write({ sync: true })
}

async function sessionNumbers(database: Database): Promise<Set<number>> {
  const numbers = new Set<number>()
  for await (const entries of readChunks(database, keys.kindRange(KeyKind.Session), CHUNK_ROWS)) {
    for (const [key, stored] of entries) {
      const record = decodeSession(keys.textOfKey(key), unseal(key, stored))
      if (record !== undefined) numbers.add(record.number)
    }
  }
  return numbers
}

const isOfSession = ([kind]: Buffer): boolean =>
  kind === KeyKind.Subscription || kind === KeyKind.Received || kind === KeyKind.Queue

function whatIsWrong(
  key: Buffer,
  stored: Buffer,
  number: number,
  sessions: ReadonlySet<number>,
): string | undefined {
  if (decodeRow(key, stored) === undefined) return 'cannot be read'
  return isOfSession(key) && !sessions.has(number) ? 'is of a session that is not there' : undefined
}

const isWithin = ({ from, to }: LostRange, key: Buffer): boolean =>
  key.compare(from) >= 0 && (to === undefined || key.compare(to) <= 0)

function touches(losses: readonly LostRange[], kind: KeyKind): boolean {
  const { gte, lt } = keys.kindRange(kind)
  return losses.some(({ from, to }) => from.compare(lt) < 0 && (to === undefined || to.compare(gte) >= 0))
}
