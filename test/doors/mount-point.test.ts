// Mount points: the topics of a listener's clients live below a prefix that they do not see.
import { describe, expect, it } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { flow } from '../kit/flow.ts'
import { dialTcp, openFrontDoor } from '../kit/front-door.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish,
  publish1,
  publish2,
  pubrec,
  type Said,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
  type Version,
  willOf,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'

/** One listener that shows everything, and two tenants. */
async function openHouse(others: Partial<ConfigInput> = {}) {
  const { addresses, broker } = await openFrontDoor(
    [{ port: 0 }, { port: 0, mountPoint: 'tenant/1/' }, { port: 0, mountPoint: 'tenant/2/' }],
    others,
  )
  const [whole = 0, first = 0, second = 0] = addresses.map(({ port }) => port)
  let clients = 0
  const join = async (port: number, version: Version = 5, fields = {}): Promise<Peer> => {
    const peer = await dialTcp(port, version)
    await flow(peer)
      .send(connect(`client-${clients++}`, fields))
      .receive(connack())
    return peer
  }
  const subscriber = async (
    port: number,
    filter: string,
    qos: 0 | 1 | 2 = 1,
    version: Version = 5,
  ): Promise<Peer> => {
    const peer = await join(port, version)
    await flow(peer)
      .send(subscribe(1, filter, qos))
      .receive(suback(1, qos))
    return peer
  }
  return { broker, whole, first, second, join, subscriber }
}

describe.each([3, 4, 5] as const)('with version %i below a mount point', (version) => {
  it.each([0, 1, 2] as const)(
    'QoS %i: a message has the whole topic outside, and its own inside',
    async (qos) => {
      const { whole, first, second, join, subscriber } = await openHouse()
      const outside = await subscriber(whole, '#', qos)
      const inside = await subscriber(first, 'a/#', qos, version)
      const other = await subscriber(second, '#', qos, version)
      const message = (topic: string, id: number): Said =>
        [publish(topic, 'x'), publish1(id, topic, 'x'), publish2(id, topic, 'x')][qos] as Said
      const publisher = await join(first, version)
      await flow(publisher)
        .send(message('a/b', 7))
        .receive(...([[], [puback(7)], [pubrec(7)]][qos] as Said[]))
      await flow(inside).receive(message('a/b', 1))
      await flow(outside).receive(message('tenant/1/a/b', 1))
      await flow(other).receiveNothing()
    },
  )

  it('retained messages and wills belong below it', async () => {
    const { whole, first, second, join, subscriber } = await openHouse()
    const publisher = await join(first, version, { will: willOf('state', 'gone', { qos: 1, retain: true }) })
    await flow(publisher)
      .send(publish1(1, 'kept', 'x', { retain: true }))
      .receive(puback(1, version === 5 ? 0x10 : 0))
    await publisher.drop()
    const inside = await subscriber(first, '#', 0, version)
    await flow(inside).receiveUnordered(
      publish('kept', 'x', { retain: true }),
      publish('state', 'gone', { retain: true }),
    )
    await flow(await subscriber(second, '#', 0, version)).receiveNothing()
    await flow(await subscriber(whole, 'tenant/1/state', 0, version)).receive(
      publish('tenant/1/state', 'gone', { retain: true }),
    )
  })
})

it('what is published outside arrives inside, large, with properties and to many', async () => {
  const { broker, first, subscriber } = await openHouse()
  const payload = 'long '.repeat(5_000)
  const several = [
    await subscriber(first, 'a'),
    await subscriber(first, '+'),
    await subscriber(first, '#', 0),
  ]
  const properties = { contentType: 'text', userProperties: [['k', 'v']] as const }
  await broker.publish({ topicName: 'tenant/1/a', payload, qos: 1, properties } as never)
  for (const peer of several) {
    const { packet } = await peer.next()
    expect(packet).toMatchObject({ topic: 'a', payload, properties: { contentType: 'text' } })
  }
})

it('shared subscriptions share among the clients of one mount point', async () => {
  const { first, second, broker, subscriber } = await openHouse()
  const [one, two] = [await subscriber(first, '$share/g/a'), await subscriber(first, '$share/g/a')]
  const stranger = await subscriber(second, '$share/g/a')
  await broker.publish({ topicName: 'tenant/1/a', payload: 'x', qos: 1 })
  await broker.publish({ topicName: 'tenant/1/a', payload: 'y', qos: 1 })
  const received = [(await one.next()).packet, (await two.next()).packet].map(({ payload }) => payload)
  expect(received.sort()).toEqual(['x', 'y'])
  await flow(stranger).receiveNothing()
})

it('what is unsubscribed is what was subscribed', async () => {
  const { first, broker, subscriber } = await openHouse()
  const peer = await subscriber(first, 'a/+')
  await flow(peer)
    .send(unsubscribe(2, 'a/+', 'tenant/1/a/+'))
    .receive(unsuback(2, 0, 0x11))
  await broker.publish({ topicName: 'tenant/1/a/b', payload: 'x' })
  await flow(peer).receiveNothing()
})

it('# is everything below it, and not the topic above', async () => {
  const { first, broker, subscriber } = await openHouse()
  const peer = await subscriber(first, '#')
  for (const topicName of ['tenant/1', 'tenant', 'tenant/10', 'tenant/1x/a']) {
    await broker.publish({ topicName, payload: 'x', qos: 1 })
  }
  await broker.publish({ topicName: 'tenant/1/deep/er', payload: 'y', qos: 1 })
  await flow(peer)
    .receive(publish1(1, 'deep/er', 'y'))
    .receiveNothing()
})

it('nothing leads out of it: neither $SYS nor a share nor dots', async () => {
  const { first, broker, subscriber, join } = await openHouse()
  const peer = await subscriber(first, '$SYS/#')
  await broker.publish({ topicName: '$SYS/broker/x', payload: 'x' })
  await flow(peer).receiveNothing()
  const publisher = await join(first)
  const heard: string[] = []
  for (const filter of ['#', '$SYS/x'])
    broker.subscribe(filter, ({ topicName }) => void heard.push(topicName))
  await flow(publisher)
    .send(publish1(1, '$SYS/x', 'x'), publish1(2, '../x', 'x'), publish1(3, '/x', 'x'))
    .receive(puback(1), puback(2), puback(3))
  expect(heard).toEqual(['tenant/1/$SYS/x', 'tenant/1/../x', 'tenant/1//x'])
})

it('what is not valid without it is not valid with it', async () => {
  const { first, join } = await openHouse()
  const filters = [
    '$share',
    '$share/',
    '$share/g',
    '$share/g/',
    '$share//a',
    '$share/+/a',
    'a#',
    'a/#/b',
    '+a',
  ]
  const peer = await join(first)
  await flow(peer)
    .send(subscribe(1, filters, 0))
    .receive(suback(1, ...filters.map(() => 0x8f)))
  await flow(peer).send(publish('a/+', 'x')).receive(disconnect(0x90)).closed()
})

it('aliases work both ways, and a topic that becomes too long is refused', async () => {
  const { first, join } = await openHouse()
  const peer = await join(first, 5, { properties: { topicAliasMaximum: 5 } })
  await flow(peer)
    .send(subscribe(1, 'a', 0), publish('a', '1', { properties: { topicAlias: 3 } }))
    .receive(suback(1, 0), publish('a', '1', { properties: { topicAlias: 1 } }))
    .send(publish('', '2', { properties: { topicAlias: 3 } }))
    .receive(publish('', '2', { properties: { topicAlias: 1 } }))
    .send(publish('x'.repeat(65_530), 'x'))
    .receive(disconnect(0x90))
})

it('a session that came in elsewhere before is not shown what is outside', async () => {
  const { whole, first, broker } = await openHouse()
  const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
  const before = await dialTcp(whole)
  await flow(before)
    .send(connect('moved', fields), subscribe(1, '#', 1))
    .receive(connack(), suback(1, 1))
    .drop()
  await broker.publish({ topicName: 'secret', payload: 'x', qos: 1 })
  await broker.publish({ topicName: 'tenant/1/a', payload: 'x', qos: 1 })
  await flow(await dialTcp(first))
    .send(connect('moved', fields))
    .receive(connack(0, true), publish1(2, 'a', 'x'))
    .receiveNothing()
})
