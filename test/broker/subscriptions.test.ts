// Who gets a message, how often and how: overlapping filters, their options, $ topics, UNSUBSCRIBE.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { hex } from '../kit/frames.ts'
import {
  disconnect,
  puback,
  publish,
  publish1,
  publish2,
  type Said,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
/** The packet with these subscription identifiers, in whatever order they come. */
const withIdentifiers = ({ properties, ...packet }: Said, identifiers: number[]): void => {
  const { subscriptionIdentifier } = properties as { subscriptionIdentifier: number | number[] }
  expect(packet.cmd).toBe('publish')
  expect([subscriptionIdentifier].flat().sort()).toEqual(identifiers)
}

describe.each(STORES)('on the %s store', (store) => {
  it.each([4, 5] as const)(
    'level %i: overlapping subscriptions give one copy, at the highest QoS',
    async (version) => {
      const kit = await openBroker({ store })
      const peer = await kit.client('c', { version })
      await flow(peer)
        .send(subscribe(1, 'a/#', 0), subscribe(2, 'a/+', 2), subscribe(3, 'a/b', 1))
        .receiveUnordered(suback(1, 0), suback(2, 2), suback(3, 1))
      await kit.broker.publish({ topicName: 'a/b', payload: 'x', qos: 2 })
      await kit.broker.publish({ topicName: 'a/b', payload: 'y', qos: 0 })
      await flow(peer)
        .receive(publish2(1, 'a/b', 'x'), publish('a/b', 'y'))
        .receiveNothing()
    },
  )

  it('[v5 MQTT-3.3.4-3] merges the identifiers of all subscriptions that match, QoS 0 and 1', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c')
    await flow(peer)
      .send(
        subscribe(1, 'a/#', 1, { subscriptionIdentifier: 1 }),
        subscribe(2, 'a/+', 0, { subscriptionIdentifier: 300_000 }),
        subscribe(3, '+/b', 0),
        subscribe(4, 'other', 0, { subscriptionIdentifier: 4 }),
      )
      .receiveUnordered(suback(1, 1), suback(2, 0), suback(3, 0), suback(4, 0))
    for (const qos of [0, 1] as const) {
      await kit.broker.publish({ topicName: 'a/b', payload: 'x', qos })
      withIdentifiers((await peer.next()).packet, [1, 300_000])
    }
    await kit.publish('c/b', 'none of them')
    await flow(peer).receive(publish('c/b', 'none of them')).receiveNothing()
  })

  it('keeps the identifier for messages that wait for a client', async () => {
    const kit = await openBroker({ store })
    const options = { fields: kept, subscriptionIdentifier: 7 }
    await flow(await kit.subscriber('c', 'a', 1, options)).drop()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await flow(await kit.client('c', { fields: kept, sessionPresent: true })).receive(
      publish1(1, 'a', 'x', { properties: { subscriptionIdentifier: 7 } }),
    )
  })

  it('[v5 MQTT-3.8.4-3] replaces a subscription to the same filter, its QoS and its identifier', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c', { fields: kept })
    await flow(peer)
      .send(subscribe(1, 'a', 2, { subscriptionIdentifier: 1 }))
      .receive(suback(1, 2))
      .send(subscribe(2, 'a', 0))
      .receive(suback(2, 0))
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
    await flow(peer).receive(publish('a', 'x')).receiveNothing()
  })

  it('[v5 MQTT-3.8.3-3] gives no message back to its publisher under No Local, but to all others', async () => {
    const kit = await openBroker({ store })
    const other = await kit.subscriber('other', 'a', 0, { nl: true })
    await flow(await kit.subscriber('c', 'a', 1, { nl: true, fields: kept }))
      .send(publish1(1, 'a', 'mine'))
      .receive(puback(1))
      .receiveNothing()
      .drop()
    // Also after the session was resumed, by another connection of the same client.
    await flow(await kit.client('c', { fields: kept, sessionPresent: true }))
      .send(publish('a', 'mine again'))
      .receiveNothing()
      .do(() => kit.publish('a', 'not mine'))
      .receive(publish('a', 'not mine'))
    await flow(other).receive(publish('a', 'mine'), publish('a', 'mine again'), publish('a', 'not mine'))
  })

  it('gives it back by an overlapping subscription without No Local, as that one says', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c')
    await flow(peer)
      .send(
        subscribe(1, 'a/#', 2, { nl: true, subscriptionIdentifier: 1 }),
        subscribe(2, 'a/+', 0, { subscriptionIdentifier: 2 }),
      )
      .receiveUnordered(suback(1, 2), suback(2, 0))
      .send(publish('a/b', 'mine'))
      .receive(publish('a/b', 'mine', { properties: { subscriptionIdentifier: 2 } }))
      .do(() => kit.publish('a/b', 'not mine'))
    withIdentifiers((await peer.next()).packet, [1, 2])
    await flow(peer).receiveNothing()
  })

  it('[v5 MQTT-3.3.1-12] [v5 MQTT-3.3.1-13] keeps the RETAIN flag only under Retain As Published', async () => {
    const kit = await openBroker({ store })
    const plain = await kit.subscriber('plain', 'a', 1)
    const asPublished = await kit.subscriber('as published', 'a', 1, { rap: true })
    const sender = await kit.client('sender', { version: 4 })
    await flow(sender)
      .send(publish('a', '0', { retain: true }), publish1(1, 'a', '1', { retain: true }), publish('a', '2'))
      .receive(puback(1))
    await flow(plain).receive(publish('a', '0'), publish1(1, 'a', '1'), publish('a', '2'))
    await flow(asPublished).receive(
      publish('a', '0', { retain: true }),
      publish1(1, 'a', '1', { retain: true }),
      publish('a', '2'),
    )
  })

  it('[v5 MQTT-4.7.2-1] shows no $ topics to filters that begin with a wildcard', async () => {
    const kit = await openBroker({ store })
    const all = await kit.subscriber('all', '#', 0)
    const second = await kit.subscriber('second', '+/x', 0)
    const dollar = await kit.subscriber('dollar', '$SYS/#', 0)
    await kit.publish('$SYS/x', 'secret')
    await kit.publish('b/x', 'open')
    await flow(all).receive(publish('b/x', 'open')).receiveNothing()
    await flow(second).receive(publish('b/x', 'open')).receiveNothing()
    await flow(dollar).receive(publish('$SYS/x', 'secret')).receiveNothing()
  })

  it('[v5 MQTT-3.11.3-1] tells of each filter of an UNSUBSCRIBE whether there was a subscription', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 0, { fields: kept })
    await flow(peer)
      .send(unsubscribe(5, 'b', 'a', 'a'))
      .receive(unsuback(5, 0x11, 0, 0x11))
      .do(() => kit.publish('a', 'x'))
      .receiveNothing()
      .drop()
    const again = await kit.client('c', { fields: kept, sessionPresent: true })
    await kit.publish('a', 'x')
    await flow(again).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.10.4-5] answers UNSUBSCRIBE of a 3.1.1 client though nothing matches', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('c', { version: 4 }))
      .send(unsubscribe(5, 'b'))
      .receive(unsuback(5))
  })

  it('completes what is in flight when its subscription has gone', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 1, { fields: kept })
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await flow(peer)
      .receive(publish1(1, 'a', 'x'))
      .send(unsubscribe(5, 'a'))
      .receive(unsuback(5, 0))
      .drop()
    await flow(await kit.client('c', { fields: kept, sessionPresent: true }))
      .receive(publish1(1, 'a', 'x', { dup: true }))
      .send(puback(1))
      .receiveNothing()
  })

  it('keeps subscriptions of a kept session, and loses those of another', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('kept', 'a', 1, { fields: kept })).drop()
    await flow(await kit.subscriber('not kept', 'a', 1)).drop()
    const first = await kit.client('kept', { fields: kept, sessionPresent: true })
    const second = await kit.client('not kept')
    await kit.publish('a', 'x')
    await flow(first).receive(publish('a', 'x'))
    await flow(second).receiveNothing()
  })
})

it('refuses a filter that is not valid with 0x8F, in 3.1.1 with 0x80, and takes the others', async () => {
  const kit = await openBroker()
  const filters = ['ok', 'a/#/b', 'a#', '+a', '$share/g', '$share//a', '$share/g+/a']
  await flow(await kit.client('new'))
    .send(subscribe(1, filters, 1))
    .receive(suback(1, 1, 0x8f, 0x8f, 0x8f, 0x8f, 0x8f, 0x8f))
  await flow(await kit.client('old', { version: 4 }))
    .send(subscribe(1, filters, 1))
    .receive(suback(1, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80))
})

it('refuses one subscription too many with 0x97, but takes a known one again', async () => {
  const kit = await openBroker({ limits: { subscriptionsPerSessionMax: 2 } })
  await flow(await kit.client('c'))
    .send(subscribe(1, ['a', 'b', 'c'], 0), subscribe(2, 'b', 1))
    .receive(suback(1, 0, 0, 0x97), suback(2, 1))
})

it('[v5 MQTT-3.8.3-4] closes with 0x82 who asks for No Local on a shared subscription', async () => {
  const kit = await openBroker()
  await flow(await kit.client('c'))
    .send(subscribe(1, '$share/g/a', 0, { nl: true }))
    .receive(disconnect(0x82))
    .closed()
  await kit.servesOthers()
})

it('[v5 MQTT-3.8.3-2] closes who subscribes to nothing', async () => {
  const kit = await openBroker()
  await flow(await kit.client('new'))
    .send(hex('82 03 0001 00'))
    .receive(disconnect(0x82))
    .closed()
  await flow(await kit.client('old', { version: 4 }))
    .send(hex('82 02 0001'))
    .closed()
  await kit.servesOthers()
})
