// Topic filters against topic names over the wire: `a/#` for `a`, `+/#`, `/`, empty levels, `$` topics.
// Live, retained, and after a restart: three ways to match that must agree.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { publish1, suback, subscribe, type Version } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const VERSIONS: readonly Version[] = [3, 4, 5]
/** Those that begin with `$SYS/` only the broker itself can publish. */
const NAMES = [
  ...['a', 'A', 'a/', '/a', '/', '//', '///', 'a/b', 'a//b', '/a/b', 'a/b/', 'a/b/c', ' ', 'a/ /b', 'ab'],
  ...['$', '$a', '$a/b', '$SYS', '$SYS/x', '$SYS/x/y', 'a/$SYS', '/$SYS/x', '$share/g/a'],
] as const

/** Topic filter, and what of NAMES it matches. */
const TABLE: readonly (readonly [topicFilter: string, ...names: (typeof NAMES)[number][]])[] = [
  ['a', 'a'],
  ['a/#', 'a', 'a/', 'a/b', 'a//b', 'a/b/', 'a/b/c', 'a/ /b', 'a/$SYS'],
  ['a/+', 'a/', 'a/b', 'a/$SYS'],
  ['a/+/#', 'a/', 'a/b', 'a//b', 'a/b/', 'a/b/c', 'a/ /b', 'a/$SYS'],
  ['a/b/#', 'a/b', 'a/b/', 'a/b/c'],
  ['a/+/b', 'a//b', 'a/ /b'],
  ['a//b', 'a//b'],
  ['/', '/'],
  ['//', '//'],
  ['/#', '/', '/a', '//', '///', '/a/b', '/$SYS/x'],
  ['/+', '/', '/a'],
  ['+', 'a', 'A', ' ', 'ab'],
  ['+/', 'a/', '/'],
  ['/+/', '//'],
  ['+/+', 'a/', '/a', '/', 'a/b', 'a/$SYS'],
  ['+/+/+', '//', 'a//b', '/a/b', 'a/b/', 'a/b/c', 'a/ /b', '/$SYS/x'],
  ['+//+', 'a//b', '//'],
  ['#', ...NAMES.filter((name) => !name.startsWith('$'))],
  ['+/#', ...NAMES.filter((name) => !name.startsWith('$'))],
  ['+/x'],
  ['+/SYS/#'],
  ['$', '$'],
  ['$a/#', '$a', '$a/b'],
  ['$a/+', '$a/b'],
  ['$SYS/#', '$SYS', '$SYS/x', '$SYS/x/y'],
  ['$SYS/+', '$SYS/x'],
  ['+/$SYS', 'a/$SYS'],
  ['/$SYS/#', '/$SYS/x'],
]

const keptFields = (version: Version) => ({
  clean: false,
  ...(version === 5 && { properties: { sessionExpiryInterval: 1_000 } }),
})

/** A client for each filter. */
async function subscribers(kit: TestBroker, version: Version): Promise<Map<string, Peer>> {
  const peers = new Map<string, Peer>()
  for (const [topicFilter] of TABLE) {
    const peer = await kit.client(`of ${topicFilter}`, { version, fields: keptFields(version) })
    await flow(peer)
      .send(subscribe(1, topicFilter, 1))
      .receive(suback(1, 1))
    peers.set(topicFilter, peer)
  }
  return peers
}

async function publishAll(kit: TestBroker, retain: boolean): Promise<void> {
  for (const topicName of NAMES) await kit.broker.publish({ topicName, payload: topicName, qos: 1, retain })
  await kit.settle()
}

/** The topic names that each has got. */
async function received(peers: Map<string, Peer>): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const [topicFilter, peer] of peers) {
    const names: string[] = []
    await peer.settle()
    while (peer.waiting > 0) {
      const { packet } = await peer.next()
      expect(packet.payload).toBe(packet.topic)
      names.push(packet.topic as string)
    }
    found[topicFilter] = names.sort()
  }
  return found
}

const expected = Object.fromEntries(TABLE.map(([topicFilter, ...names]) => [topicFilter, [...names].sort()]))

describe.each(VERSIONS)('in version %i', (version) => {
  it('a live message reaches whom the table says', async () => {
    const kit = await openBroker()
    const peers = await subscribers(kit, version)
    await publishAll(kit, false)
    expect(await received(peers)).toEqual(expected)
  })

  it.each(STORES)('what is retained reaches whom the table says, on the %s store', async (store) => {
    const kit = await openBroker({ store })
    await publishAll(kit, true)
    if (store === 'level') await kit.restart()
    expect(await received(await subscribers(kit, version))).toEqual(expected)
  })

  it('subscriptions from the store match as they did before the restart', async () => {
    const kit = await openBroker({ store: 'level' })
    await subscribers(kit, version)
    await kit.restart()
    await publishAll(kit, false)
    const peers = new Map<string, Peer>()
    for (const [topicFilter] of TABLE) {
      const options = { version, fields: keptFields(version), sessionPresent: version !== 3 }
      peers.set(topicFilter, await kit.client(`of ${topicFilter}`, options))
    }
    expect(await received(peers)).toEqual(expected)
  })
})

it('[v5 MQTT-4.7.2-1] not even a client that publishes to $ itself sees it by a wildcard', async () => {
  const kit = await openBroker()
  const peer = await kit.client('c')
  await flow(peer)
    .send(subscribe(1, ['#', '+/b', '$a/b'], 1))
    .receive(suback(1, 1, 1, 1))
    .send(publish1(1, '$a/b', 'x'))
    .receiveUnordered({ cmd: 'puback', messageId: 1 }, publish1(1, '$a/b', 'x'))
    .receiveNothing()
})
