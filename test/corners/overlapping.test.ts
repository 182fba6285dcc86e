// Overlapping topic filters of one client, in each version: one copy, at the highest QoS, with every identifier.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { publish, publish1, publish2, type Qos, suback, subscribe, type Version } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type StoreKind, type TestBroker } from '../kit/test-broker.ts'
import { nextPublish, Property } from './received-publish.ts'

const VERSIONS: readonly Version[] = [3, 4, 5]
const FILTERS: readonly (readonly [string, Qos])[] = [
  ['#', 0],
  ['a/#', 1],
  ['a/+', 2],
  ['+/b', 0],
  ['a/b', 1],
  ['a/b/#', 0],
]
const rows = STORES.flatMap((store) => VERSIONS.map((version) => ({ store, version })))

const keptFields = (version: Version) => ({
  clean: false,
  ...(version === 5 && { properties: { sessionExpiryInterval: 1_000 } }),
})
const back = (kit: TestBroker, version: Version): Promise<Peer> =>
  kit.client('c', { version, fields: keptFields(version), sessionPresent: version !== 3 })

/** A kept client with all of them, in the order given; their identifiers in 5.0 are their places in FILTERS, from 1. */
async function overlapping(store: StoreKind, version: Version, filters = FILTERS) {
  const kit = await openBroker({ store })
  const peer = await kit.client('c', { version, fields: keptFields(version) })
  for (const [i, each] of filters.entries()) {
    const [topicFilter, qos] = each
    const identifier = version === 5 ? { subscriptionIdentifier: FILTERS.indexOf(each) + 1 } : {}
    await flow(peer)
      .send(subscribe(i + 1, topicFilter, qos, identifier))
      .receive(suback(i + 1, qos))
  }
  return { kit, peer }
}

const send = (kit: TestBroker, topicName: string, qos: Qos) =>
  kit.broker.publish({ topicName, payload: 'x', qos })

/** The next message, and it is the only one. */
async function only(peer: Peer) {
  const { publish } = await nextPublish(peer)
  await flow(peer).receiveNothing()
  const ids = publish.properties.filter(([id]) => id === Property.SubscriptionIdentifier)
  return { qos: publish.qos, identifiers: ids.map(([, value]) => value).sort() }
}

describe.each(rows)('in version $version on the $store store', ({ store, version }) => {
  const identifiers = (...expected: number[]) => (version === 5 ? expected : [])

  it.each([false, true])(
    'one copy comes at the highest QoS, whatever their order (reversed: %s)',
    async (isReversed) => {
      const filters = isReversed ? [...FILTERS].reverse() : FILTERS
      const { kit, peer } = await overlapping(store, version, filters)
      for (const qos of [0, 1, 2] as const) {
        await send(kit, 'a/b', qos)
        expect(await only(peer)).toEqual({ qos, identifiers: identifiers(1, 2, 3, 4, 5, 6) })
      }
      await send(kit, 'a', 2)
      expect(await only(peer)).toEqual({ qos: 1, identifiers: identifiers(1, 2) })
      await send(kit, 'c/b', 2)
      expect(await only(peer)).toEqual({ qos: 0, identifiers: identifiers(1, 4) })
      await send(kit, 'a/b/c', 2)
      expect(await only(peer)).toEqual({ qos: 1, identifiers: identifiers(1, 2, 6) })
    },
  )

  it('one copy waits for who is away, and comes with all that matched', async () => {
    const { kit, peer } = await overlapping(store, version)
    await peer.drop()
    await send(kit, 'a/b', 2)
    if (store === 'level') await kit.restart()
    const again = await back(kit, version)
    expect(await only(again)).toEqual({ qos: 2, identifiers: identifiers(1, 2, 3, 4, 5, 6) })
  })
})

describe.each(STORES)('in 5.0 on the %s store', (store) => {
  it('the same identifier of two that match is told once or twice, and nothing else', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribe(1, ['a/#', 'a/+'], 1, { subscriptionIdentifier: 7 }))
      .receive(suback(1, 1, 1))
    await send(kit, 'a/b', 1)
    const { qos, identifiers } = await only(peer)
    expect(qos).toBe(1)
    expect(new Set(identifiers)).toEqual(new Set([7]))
  })

  it('what is retained comes once for each, at its own QoS, with its own identifier', async () => {
    const kit = await openBroker({ store })
    const retain = true
    await kit.broker.publish({ topicName: 'a/b', payload: 'x', qos: 2, retain })
    const properties = (subscriptionIdentifier: number) => ({ properties: { subscriptionIdentifier } })
    await flow(await kit.client('c'))
      .send(subscribe(1, ['a/#', 'a/+'], 1, { subscriptionIdentifier: 7 }))
      .receive(suback(1, 1, 1))
      .receive(publish1(1, 'a/b', 'x', { retain, ...properties(7) }))
      .receive(publish1(2, 'a/b', 'x', { retain, ...properties(7) }))
      .send(subscribe(2, '+/b', 2, { subscriptionIdentifier: 268_435_455 }), subscribe(3, '#', 0))
      .receiveUnordered(
        suback(2, 2),
        suback(3, 0),
        publish2(3, 'a/b', 'x', { retain, ...properties(268_435_455) }),
        publish('a/b', 'x', { retain }),
      )
      .receiveNothing()
  })
})
