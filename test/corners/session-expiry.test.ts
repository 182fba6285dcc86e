// Session Expiry Interval at DISCONNECT: over a restart, at its limits, and where the client has no say.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { connect, disconnect, publish, publish1, type Version, willOf } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const NEVER = 0xffff_ffff
const SECOND = 1_000
const YEAR = 365 * 86_400 * SECOND
const keptFor = (sessionExpiryInterval: number) => ({ clean: false, properties: { sessionExpiryInterval } })
const leave = (peer: Peer, properties?: Record<string, unknown>) =>
  flow(peer).send(disconnect(0, properties)).closed()

/** Whether the session of `c` is there; the connection that asks leaves it as it would have been. */
async function isThere(kit: TestBroker): Promise<boolean> {
  const peer = kit.peer()
  peer.send(connect('c', keptFor(NEVER)))
  const { packet } = await peer.next()
  await peer.drop()
  return packet.sessionPresent === true
}

interface Row {
  readonly atConnect: number
  /** Undefined: DISCONNECT says nothing of it. */
  readonly atDisconnect: number | undefined
  /** Milliseconds for which the session is there, and at which it is gone. */
  readonly livesMs: number
  readonly endsMs: number
}

const ROWS: readonly Row[] = [
  { atConnect: 10, atDisconnect: undefined, livesMs: 9_800, endsMs: 10_200 },
  { atConnect: 10, atDisconnect: 10, livesMs: 9_800, endsMs: 10_200 },
  { atConnect: 10, atDisconnect: 100, livesMs: 99_800, endsMs: 100_200 },
  { atConnect: 100, atDisconnect: 10, livesMs: 9_800, endsMs: 10_200 },
  { atConnect: NEVER, atDisconnect: 10, livesMs: 9_800, endsMs: 10_200 },
  { atConnect: 10, atDisconnect: NEVER, livesMs: 10 * YEAR, endsMs: Number.POSITIVE_INFINITY },
]

/** With a message that waits: what ends is the queue too. */
async function leftBehind(kit: TestBroker, { atConnect, atDisconnect }: Row): Promise<void> {
  const peer = await kit.subscriber('c', 'a', 1, { fields: keptFor(atConnect) })
  const properties = atDisconnect === undefined ? undefined : { sessionExpiryInterval: atDisconnect }
  await leave(peer, properties)
  await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
}

const WAYS = [
  { store: 'memory', isDown: false, way: 'on the memory store' },
  { store: 'level', isDown: false, way: 'on the level store' },
  { store: 'level', isDown: true, way: 'over a downtime of the level store' },
] as const

describe.each(WAYS)('$way', ({ store, isDown }) => {
  async function wait(kit: TestBroker, ms: number): Promise<void> {
    if (isDown) await kit.close()
    kit.clock.advance(ms)
    if (isDown) await kit.open()
    // What is due at the start ends at the next tick.
    if (isDown) kit.clock.advance(100)
  }

  it.each(ROWS)('$atConnect at CONNECT and $atDisconnect at DISCONNECT: the later counts', async (row) => {
    const kit = await openBroker({ store })
    await leftBehind(kit, row)
    await wait(kit, row.livesMs)
    await flow(await kit.client('c', { fields: keptFor(NEVER), sessionPresent: true })).receive(
      publish1(1, 'a', 'x'),
    )
    if (row.endsMs === Number.POSITIVE_INFINITY) return
    const other = await openBroker({ store })
    await leftBehind(other, row)
    if (isDown) await other.close()
    other.clock.advance(row.endsMs)
    if (isDown) await other.open()
    if (isDown) other.clock.advance(100)
    expect(await isThere(other)).toBe(false)
  })
})

describe.each(STORES)('on the %s store', (store) => {
  it('0 at DISCONNECT ends the session at once, also where it was to last for ever', async () => {
    const kit = await openBroker({ store })
    for (const atConnect of [10, NEVER]) {
      await leave(await kit.client('c', { fields: keptFor(atConnect) }), { sessionExpiryInterval: 0 })
      expect(await isThere(kit)).toBe(false)
      await leave(await kit.client('c', { fields: keptFor(10), sessionPresent: true }), {
        sessionExpiryInterval: 0,
      })
    }
    if (store === 'level') await kit.restart()
    expect(await isThere(kit)).toBe(false)
  })

  it('0 may be said again after 0', async () => {
    const kit = await openBroker({ store })
    const fields = { ...keptFor(0), will: willOf('will', 'x') }
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await leave(await kit.client('c', { fields }), { sessionExpiryInterval: 0 })
    await flow(watcher).receiveNothing()
    expect(await isThere(kit)).toBe(false)
  })

  it('anything else after 0 is a violation, and so no farewell: the will is published', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    for (const sessionExpiryInterval of [1, NEVER]) {
      const fields = { ...keptFor(0), will: willOf('will', 'gone') }
      await flow(await kit.client('c', { fields }))
        .send(disconnect(0, { sessionExpiryInterval }))
        .receive(disconnect(0x82))
        .closed()
      await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
      expect(await isThere(kit)).toBe(false)
      await leave(await kit.client('c', { fields: keptFor(10), sessionPresent: true }), {
        sessionExpiryInterval: 0,
      })
    }
  })

  it('is no more than we allow, at DISCONNECT either', async () => {
    const kit = await openBroker({ store, limits: { sessionExpiryIntervalMax: 20 } })
    await leave(await kit.client('c', { fields: keptFor(10) }), { sessionExpiryInterval: NEVER })
    kit.clock.advance(20_200)
    expect(await isThere(kit)).toBe(false)
  })

  it('of the connection before does not count for the next one', async () => {
    const kit = await openBroker({ store })
    await leave(await kit.client('c', { fields: keptFor(10) }), { sessionExpiryInterval: 1_000 })
    await leave(await kit.client('c', { fields: keptFor(10), sessionPresent: true }))
    kit.clock.advance(10_200)
    expect(await isThere(kit)).toBe(false)
  })

  it.each<Version>([3, 4])(
    'a client of level %i that leaves with clean session 0 is kept for ever',
    async (version) => {
      const kit = await openBroker({ store })
      const fields = { clean: false }
      const peer = await kit.subscriber('c', 'a', 1, { version, fields })
      await flow(peer).send(disconnect()).closed()
      await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
      kit.clock.advance(10 * YEAR)
      if (store === 'level') await kit.restart()
      await flow(await kit.client('c', { version, fields, sessionPresent: version === 4 })).receive(
        publish1(1, 'a', 'x'),
      )
    },
  )
})
