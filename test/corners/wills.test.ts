// When a will is published: every end of a connection, with and without a delay, with a session that ends at once,
// before the delay, or long after it.
import { describe, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { puback, publish1, type Version, willOf } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'
import { CASES, ENDS, KEEP_ALIVE } from './connection-ends.ts'

const TOPIC = 'will'
const kept = { clean: false, properties: { sessionExpiryInterval: 0xffff_ffff } }
/** It is there again after a restart, and misses nothing that comes before it is. */
async function watcherOf(kit: TestBroker): Promise<Peer> {
  await flow(await kit.subscriber('watcher', TOPIC, 1, { fields: kept })).drop()
  return kit.client('watcher', { fields: kept, sessionPresent: true })
}

async function isPublished(kit: TestBroker, watcher: Peer, dueAfter: number | undefined): Promise<void> {
  if (dueAfter !== undefined && dueAfter > 0) {
    kit.clock.advance(dueAfter * 1_000 - 200)
    await flow(watcher).receiveNothing()
    kit.clock.advance(400)
  }
  if (dueAfter !== undefined)
    await flow(watcher)
      .receive(publish1(1, TOPIC, 'gone'))
      .send(puback(1))
  // Never, or never again.
  kit.clock.advance(2_000_000)
  await flow(watcher).receiveNothing()
}

const rows = ENDS.flatMap((end) =>
  CASES.filter(end.applies ?? (() => true)).flatMap(({ delay, expiry }) =>
    (end.store === undefined ? STORES : [end.store]).map((store) => {
      const title = `with delay ${delay} and session expiry ${expiry} after ${end.title} (${store})`
      return [title, { ...end, store, delay, expiry }] as const
    }),
  ),
)

describe('the will of a 5.0 client', () => {
  it.each(rows)('%s', async (_, row) => {
    const { store, delay, expiry } = row
    const kit = await openBroker({ store })
    let watcher = await watcherOf(kit)
    const will = willOf(TOPIC, 'gone', { qos: 1, properties: { willDelayInterval: delay } })
    const properties = { sessionExpiryInterval: expiry }
    const client = await kit.client('c', { fields: { keepalive: KEEP_ALIVE, will, properties } })
    await row.end(kit, client)
    if (watcher.isClosed) watcher = await kit.client('watcher', { fields: kept, sessionPresent: true })
    await isPublished(kit, watcher, row.dueAfter(row))
  })
})

const VERSIONS: readonly Version[] = [3, 4]
const oldRows = VERSIONS.flatMap((version) =>
  [true, false].flatMap((clean) =>
    ENDS.filter(({ isOld }) => isOld).map((end) => {
      const title = `of level ${version} and clean session ${clean ? 1 : 0} is published at once after ${end.title}`
      return [title, { ...end, version, clean }] as const
    }),
  ),
)

describe.each(STORES)('the will of a client before 5.0 on the %s store', (store) => {
  it.each(oldRows)('%s', async (_, { version, clean, end }) => {
    const kit = await openBroker({ store })
    const watcher = await watcherOf(kit)
    const will = willOf(TOPIC, 'gone', { qos: 1 })
    await end(kit, await kit.client('c', { version, fields: { clean, keepalive: KEEP_ALIVE, will } }))
    await isPublished(kit, watcher, 0)
  })
})
