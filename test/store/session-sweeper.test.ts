// What deleted sessions leave behind goes: after the deletion, or after the crash that came in between.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Delivery } from '../../src/store/delivery.ts'
import { KeyKind, textKey } from '../../src/store/keys.ts'
import type { Store } from '../../src/store/store.ts'
import { deliveryOf, finish, messageOf, payloadsOf, sessionOf } from './payloads.ts'
import { countRows, withDatabase } from './rows.ts'
import { copyOf, openLevelStore, temporaryFolder } from './stored.ts'

const META_ONLY = new Map([[KeyKind.Meta as number, 2]])

function fill(store: Store, sessionNumber: number, shared = messageOf('shared')): void {
  for (let sequence = 0; sequence < 1_200; sequence++) {
    store.enqueue(sessionNumber, deliveryOf(sequence, sequence % 3 === 0 ? shared : `m${sequence}`))
  }
  for (let i = 1; i <= 700; i++) {
    store.putReceived(sessionNumber, i)
    store.putSubscription(sessionNumber, {
      topicFilter: `t/${i}`,
      qos: 1,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      subscriptionIdentifier: i,
      owesRetained: false,
    })
  }
}

it('removes queue, bodies, subscriptions and received packet ids of a deleted session', async () => {
  const { store, path } = await openLevelStore(await temporaryFolder())
  const session = sessionOf(store, 'deleted')
  store.putSession(session)
  fill(store, session.number)
  await store.flush()
  store.deleteSession(session)
  await expect.poll(async () => countRows(await copyOf(path))).toEqual(META_ONLY)
})

it('keeps what a session of the same client id has that came at once', async () => {
  const { store, path } = await openLevelStore(await temporaryFolder())
  const shared = messageOf('shared')
  const old = sessionOf(store, 'same')
  store.putSession(old)
  fill(store, old.number, shared)
  store.deleteSession(old)
  const young = sessionOf(store, 'same')
  store.putSession(young)
  store.enqueue(young.number, deliveryOf(0, shared))
  await expect.poll(async () => (await countRows(await copyOf(path))).get(KeyKind.Queue)).toBe(1)
  await store.close()
  const { store: again, stored } = await openLevelStore(path)
  expect(stored.sessions).toEqual([young])
  expect(payloadsOf(await again.readQueue(young.number, 0, 10))).toEqual(['shared'])
})

it('removes, when it opens, what a crash in the middle of a deletion left', async () => {
  const { store, path } = await openLevelStore(await temporaryFolder())
  const kept = sessionOf(store, 'kept')
  const shared = messageOf('shared')
  store.putSession(kept)
  store.enqueue(kept.number, deliveryOf(0, shared))
  // As a deletion does, that got no further than the row.
  for (let i = 0; i < 3; i++) fill(store, store.nextSessionNumber(), shared)
  await store.close()
  const { store: again } = await openLevelStore(path)
  const left = new Map<number, number>([
    [KeyKind.Meta, 2],
    [KeyKind.Session, 1],
    [KeyKind.Queue, 1],
    [KeyKind.Body, 1],
    [KeyKind.References, 1],
  ])
  await expect.poll(async () => countRows(await copyOf(path))).toEqual(left)
  const [last] = await again.readQueue(kept.number, 0, 1)
  if (last === undefined) throw new Error('the body is gone')
  finish(again, kept.number, last)
  again.deleteSession(kept)
  await again.close()
  expect(await countRows(path)).toEqual(META_ONLY)
})

it('releases each reference once, whenever a delivery is dequeued while its session is being deleted', async () => {
  for (const turns of [0, 1, 2, 3, 4, 5]) {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const deleted = sessionOf(store, 'deleted')
    const other = sessionOf(store, 'other')
    const shared = messageOf('shared')
    const [one, two, kept] = [deliveryOf(0, shared), deliveryOf(1, shared), deliveryOf(0, shared)]
    for (const session of [deleted, other]) store.putSession(session)
    for (const delivery of [one, two]) store.enqueue(deleted.number, delivery)
    store.enqueue(other.number, kept)
    await store.flush()
    store.deleteSession(deleted)
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
    finish(store, deleted.number, one)
    const rows = async (kind: KeyKind) => (await countRows(await copyOf(path))).get(kind)
    await expect.poll(() => rows(KeyKind.Queue)).toBe(1)
    expect(payloadsOf(await store.readQueue(other.number, 0, 1))).toEqual(['shared'])
    finish(store, other.number, kept)
    await store.flush()
    expect(await rows(KeyKind.Body)).toBeUndefined()
    await store.close()
  }
})

it('sets aside what belongs to a session whose row cannot be read, and sweeps none of it', async () => {
  const { store, path } = await openLevelStore(await temporaryFolder())
  const session = sessionOf(store, 'damaged')
  store.putSession(session)
  store.enqueue(session.number, deliveryOf(0, 'm'))
  await store.close()
  const key = textKey(KeyKind.Session, 'damaged')
  await withDatabase(path, (database) => database.put(key, Buffer.from([1, 2, 3])))
  const told: Delivery[] = []
  const { store: again, damage } = await openLevelStore(path)
  again.onLeftOver = (deliveries) => told.push(...deliveries)
  const queued = `message 0 in the queue of session ${session.number}`
  expect(damage).toEqual([
    'session of client "damaged" cannot be read',
    `${queued} is of a session that is not there`,
  ])
  await again.close()
  expect(told).toEqual([])
  expect((await countRows(path)).get(KeyKind.Queue)).toBeUndefined()
  const { quarantine = '', quarantined } = again.damage
  expect(quarantined).toBe(2)
  expect(await readFile(join(quarantine, 'rows.jsonl'), 'utf8')).toContain(Buffer.from('m').toString('hex'))
})
