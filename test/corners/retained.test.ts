// Retain handling where the session was there before, several filters in one SUBSCRIBE, and empty payloads.
import { describe, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  puback,
  publish,
  publish1,
  type Said,
  suback,
  unsuback,
  unsubscribe,
  willOf,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const retain = true
const HANDLINGS = [0, 1, 2] as const
type Handling = (typeof HANDLINGS)[number]

/** One SUBSCRIBE for all: [topic filter, retain handling]. */
const subscribeEach = (messageId: number, filters: [string, Handling][]): Said => ({
  cmd: 'subscribe',
  messageId,
  subscriptions: filters.map(([topic, rh]) => ({ topic, qos: 0, nl: false, rap: false, rh })),
})

const back = (kit: TestBroker): Promise<Peer> => kit.client('c', { fields: kept, sessionPresent: true })

describe.each(STORES)('retain handling on the %s store', (store) => {
  it.each(HANDLINGS)('%i of a subscription that a resumed session has already', async (rh) => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 0, { fields: kept, rh })).drop()
    await kit.publish('a', 'x', true)
    if (store === 'level') await kit.restart()
    const given = rh === 0 ? [publish('a', 'x', { retain })] : []
    await flow(await back(kit))
      .receiveNothing()
      .send(subscribeEach(2, [['a', rh]]))
      .receive(suback(2, 0), ...given)
      .receiveNothing()
  })

  it.each(HANDLINGS)('%i of a subscription that has ended with its session', async (rh) => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 0, { fields: kept, rh })).drop()
    await kit.publish('a', 'x', true)
    const given = rh === 2 ? [] : [publish('a', 'x', { retain })]
    await flow(await kit.client('c', { fields: { ...kept, clean: true } }))
      .send(subscribeEach(2, [['a', rh]]))
      .receive(suback(2, 0), ...given)
      .receiveNothing()
  })

  it('is of each filter of a SUBSCRIBE, and of the last where one comes twice', async () => {
    const kit = await openBroker({ store })
    for (const topic of ['a', 'b', 'c', 'd']) await kit.publish(topic, 'x', true)
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribeEach(1, [['b', 2]]))
      .receive(suback(1, 0))
      .send(
        subscribeEach(2, [
          ['a', 0],
          ['b', 1],
          ['c', 2],
          ['d', 1],
        ]),
      )
      .receive(suback(2, 0, 0, 0, 0))
      .receiveUnordered(publish('a', 'x', { retain }), publish('d', 'x', { retain }))
      .receiveNothing()
      // The second of them finds the first one there.
      .send(
        unsubscribe(3, 'a'),
        subscribeEach(4, [
          ['a', 2],
          ['a', 1],
        ]),
      )
      .receive(unsuback(3, 0), suback(4, 0, 0))
      .receiveNothing()
  })

  it('of one filter is not that of another which matches the same topic', async () => {
    const kit = await openBroker({ store })
    await kit.publish('a/b', 'x', true)
    await flow(await kit.client('c'))
      .send(subscribeEach(1, [['a/#', 1]]))
      .receive(suback(1, 0), publish('a/b', 'x', { retain }))
      .send(
        subscribeEach(2, [
          ['a/+', 1],
          ['+/b', 2],
        ]),
      )
      .receive(suback(2, 0, 0), publish('a/b', 'x', { retain }))
      .receiveNothing()
  })
})

describe.each(STORES)('an empty payload on the %s store', (store) => {
  it('[v5 MQTT-3.3.1-6] removes at every QoS, and is a live message to who is there or was away', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', '+', 1, { fields: kept })).drop()
    const asPublished = await kit.subscriber('as published', '+', 1, { rap: true })
    for (const topic of ['0', '1', '2']) await kit.publish(topic, 'x', true)
    await flow(asPublished).receive(...['0', '1', '2'].map((topic) => publish(topic, 'x', { retain })))
    for (const qos of [0, 1, 2] as const) {
      await kit.broker.publish({ topicName: String(qos), payload: '', qos, retain })
    }
    await flow(asPublished).receive(
      publish('0', '', { retain }),
      publish1(1, '1', '', { retain }),
      publish1(2, '2', '', { retain }),
    )
    if (store === 'level') await kit.restart()
    await flow(await back(kit))
      .receive(publish1(1, '1', ''), publish1(2, '2', ''))
      .receiveNothing()
    await flow(await kit.subscriber('late', '#', 0)).receiveNothing()
  })

  it('removes whatever properties it has, and nothing else is removed', async () => {
    const kit = await openBroker({ store })
    for (const topic of ['a', 'a/b', 'a/']) await kit.publish(topic, 'x', true)
    const properties = { contentType: 'none', messageExpiryInterval: 100 }
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', '', { retain, properties }))
      .receive(puback(1, 0x10))
      .send(publish1(2, 'never there', '', { retain }))
      .receive(puback(2, 0x10))
    if (store === 'level') await kit.restart()
    await flow(await kit.subscriber('late', '#', 0))
      .receiveUnordered(publish('a/b', 'x', { retain }), publish('a/', 'x', { retain }))
      .receiveNothing()
  })

  it('without RETAIN removes nothing, and a message without RETAIN replaces nothing', async () => {
    const kit = await openBroker({ store })
    await kit.publish('a', 'x', true)
    await flow(await kit.client('sender', { fields: { will: willOf('a', '') } }))
      .send(publish1(1, 'a', ''), publish1(2, 'a', 'y'))
      .receive(puback(1, 0x10), puback(2, 0x10))
      .drop()
    if (store === 'level') await kit.restart()
    await flow(await kit.subscriber('late', 'a', 0)).receive(publish('a', 'x', { retain }))
  })
})
