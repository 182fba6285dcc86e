// A data folder that an earlier version wrote: read as it is, raised to the format of this one, never the other way.
// test/store/format-1 was written by godwit 0.1.0 before values had checksums.
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { KeyKind, textKey } from '../../src/store/keys.ts'
import { describeDelivery, finish } from './payloads.ts'
import { countRows, withDatabase } from './rows.ts'
import { openLevelStore, temporaryFolder } from './stored.ts'

async function folderOfFormat1(): Promise<string> {
  const path = await temporaryFolder()
  await cp(join(import.meta.dirname, 'format-1'), path, { recursive: true })
  return path
}

it('reads everything of format 1', async () => {
  const { store, stored, damage } = await openLevelStore(await folderOfFormat1())
  expect(damage).toEqual([])
  expect(stored.sessions.map(({ clientId, number }) => [clientId, number])).toEqual([
    ['one', 1],
    ['two', 2],
  ])
  expect(stored.subscriptions.map(([, { topicFilter }]) => topicFilter)).toEqual(['a/#', 'a/#'])
  expect([...stored.receivedPacketIds.values()]).toEqual([[17], [17]])
  expect(stored.retainedMessages.map(({ payload }) => payload.toString())).toEqual(['kept'])
  expect(stored.wills.get('one')).toMatchObject({ topicName: 'last/words', delayInterval: 5 })
  const read = await store.readQueue(2, 0, 10)
  expect(read.map(describeDelivery)).toMatchObject([
    { sequence: 0, qos: 1, identifiers: [7], message: { payload: 'for both' } },
    { sequence: 1, qos: 2, retain: true, share: '$share/g/a/c', message: { payload: 'for two' } },
  ])
})

it('raises the format, so that an older godwit refuses it, and goes on with the rows that are there', async () => {
  const { store, path } = await openLevelStore(await folderOfFormat1())
  for (const delivery of await store.readQueue(1, 0, 10)) finish(store, 1, delivery)
  await store.close()
  const format = textKey(KeyKind.Meta, 'format')
  const value = await withDatabase(path, (database) => database.get(format))
  expect(value?.subarray(0, 7)).toEqual(Buffer.from([2, 0, 0, 0, 0, 0, 2]))
  const again = await openLevelStore(path)
  expect(again.damage).toEqual([])
  for (const delivery of await again.store.readQueue(2, 0, 10)) finish(again.store, 2, delivery)
  await again.store.close()
  const rows = await countRows(path)
  expect([rows.get(KeyKind.Queue), rows.get(KeyKind.Body), rows.get(KeyKind.References)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})
