// The space of rows that have gone is given back, and what lives beside them stays.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { ManualClock } from '../../src/base/manual-clock.ts'
import type { Delivery } from '../../src/store/delivery.ts'
import type { LevelStore } from '../../src/store/level-store.ts'
import type { SessionRecord } from '../../src/store/store.ts'
import { deliveryOf, finish, payloadsOf, sessionOf } from './payloads.ts'
import { openLevelStore, temporaryFolder } from './stored.ts'

const MESSAGES = 1_500
/** They do not compress. */
const PAYLOAD_BYTES = 32_768
const FULL = 40_000_000
/** It is not done for less than 16 MiB. */
const LITTLE = 20_000_000
const TIMEOUT = { timeout: 20_000 }

let clock: ManualClock

beforeEach(() => {
  clock = new ManualClock()
})

function noise(index: number): string {
  let text = ''
  for (let state = index + 1; text.length < PAYLOAD_BYTES; ) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223
    text += String.fromCharCode(33 + ((state >>> 24) % 90))
  }
  return text
}

function bytesIn(path: string): number {
  let bytes = 0
  for (const name of readdirSync(path)) {
    bytes += statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}

async function fill(store: LevelStore, clientId: string): Promise<[SessionRecord, Delivery[]]> {
  const session = sessionOf(store, clientId)
  store.putSession(session)
  const deliveries = Array.from({ length: MESSAGES }, (_, i) => deliveryOf(i, noise(i)))
  for (const delivery of deliveries) {
    store.enqueue(session.number, delivery)
    if (delivery.sequence % 200 === 0) await store.flush()
  }
  await store.flush()
  return [session, deliveries]
}

async function drain(store: LevelStore, { number }: SessionRecord, deliveries: readonly Delivery[]) {
  for (const delivery of deliveries) finish(store, number, delivery)
  await store.flush()
}

/** Until it has become as small as it should. */
async function expectSpace(path: string, bytes: number): Promise<void> {
  await expect
    .poll(() => {
      clock.advance(2_000)
      return bytesIn(path)
    }, TIMEOUT)
    .toBeLessThan(bytes)
}

it('comes back after a queue has been taken, while another one stays as it is', async () => {
  const { store, path } = await openLevelStore(await temporaryFolder(), { clock })
  const [drained, deliveries] = await fill(store, 'drained')
  const [full] = await fill(store, 'full')
  await drain(store, drained, deliveries)
  expect(bytesIn(path)).toBeGreaterThan(2 * FULL)
  await expectSpace(path, 1.5 * FULL)
  expect(bytesIn(path)).toBeGreaterThan(FULL)
  const read = await store.readQueue(full.number, MESSAGES - 2, 10)
  expect(payloadsOf(read)).toEqual([noise(MESSAGES - 2), noise(MESSAGES - 1)])
})

it('comes back after a session with a long queue has ended', async () => {
  const { store, path } = await openLevelStore(await temporaryFolder(), { clock })
  const [session] = await fill(store, 'ended')
  store.deleteSession(session)
  await expectSpace(path, LITTLE)
})

it('comes back after the next start, when there was no time for it before', async () => {
  const { store, path } = await openLevelStore(await temporaryFolder(), { clock })
  const [session, deliveries] = await fill(store, 'drained')
  await drain(store, session, deliveries)
  await store.close()
  expect(bytesIn(path)).toBeGreaterThan(FULL)
  const { store: again } = await openLevelStore(path, { clock })
  await expectSpace(path, LITTLE)
  await again.close()
})

it('is left alone while the store is busy, though not for ever', async () => {
  const { store, path } = await openLevelStore(await temporaryFolder(), { clock })
  const [session, deliveries] = await fill(store, 'drained')
  await drain(store, session, deliveries)
  const busy = sessionOf(store, 'busy')
  const work = async (): Promise<void> => {
    for (let i = 0; i < 20_001; i++) store.deleteReceived(busy.number, (i % 65_535) + 1)
    await store.flush()
    clock.advance(2_000)
  }
  for (let i = 0; i < 25; i++) await work()
  expect(bytesIn(path)).toBeGreaterThan(FULL)
  for (let i = 0; i < 10; i++) await work()
  await expect.poll(() => bytesIn(path), TIMEOUT).toBeLessThan(FULL / 2)
})
