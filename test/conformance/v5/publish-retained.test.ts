// Section 3.3.1.3 of MQTT 5: which messages are retained, and who gets them when subscribing.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import {
  puback,
  publish,
  publish1,
  publish2,
  pubrec,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../../kit/packets.ts'
import { openBroker, STORES } from '../../kit/test-broker.ts'

const retain = { retain: true }

describe.each(STORES)('a retained message on the %s store', (store) => {
  it('[v5 MQTT-3.3.1-5] takes the place of the one before on its topic, and of no other', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('sender'))
      .send(publish('a', 'QoS 0', retain), publish1(1, 'b', 'other', retain))
      .receive(puback(1, 0x10))
      .send(publish1(2, 'a', 'QoS 1', retain), publish2(3, 'a', 'QoS 2', retain))
      .receive(puback(2, 0x10), pubrec(3, 0x10))
    const late = await kit.subscriber('late', '#', 2)
    await flow(late)
      .receiveUnordered(publish2(1, 'a', 'QoS 2', retain), publish1(2, 'b', 'other', retain))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.1-6] is removed by one without payload, which subscribers still receive', async () => {
    const kit = await openBroker({ store })
    const online = await kit.subscriber('online', '#', 1)
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', 'x', retain), publish1(2, 'a/b', 'stays', retain), publish1(3, 'a', '', retain))
      .receive(puback(1), puback(2), puback(3))
    await flow(online).receive(publish1(1, 'a', 'x'), publish1(2, 'a/b', 'stays'), publish1(3, 'a', ''))
    const late = await kit.subscriber('late', '#', 0)
    await flow(late)
      .receive(publish('a/b', 'stays', retain))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.1-7] is not made by a PUBLISH without payload, whether there was one or not', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('sender'))
      .send(publish1(1, 'never there', '', retain))
      .send(publish1(2, 'a', 'x', retain), publish1(3, 'a', '', retain), publish1(4, 'a', '', retain))
      .receive(puback(1, 0x10), puback(2, 0x10), puback(3, 0x10), puback(4, 0x10))
    await flow(await kit.subscriber('late', '#', 0)).receiveNothing()
  })

  it('[v5 MQTT-3.3.1-8] is not made, replaced or removed by a PUBLISH without RETAIN', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', 'retained', retain), publish1(2, 'a', 'not'), publish1(3, 'a', ''))
      .send(publish1(4, 'b', 'not'))
      .receive(puback(1, 0x10), puback(2, 0x10), puback(3, 0x10), puback(4, 0x10))
    const late = await kit.subscriber('late', '#', 1)
    await flow(late)
      .receive(publish1(1, 'a', 'retained', retain))
      .receiveNothing()
  })
})

describe('retained messages over a restart', () => {
  it('[v5 MQTT-3.3.1-5] are those that came last', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.client('sender'))
      .send(
        publish1(1, 'a', 'first', retain),
        publish1(2, 'a', 'last', retain),
        publish('b', 'QoS 0', retain),
      )
      .receive(puback(1, 0x10), puback(2, 0x10))
    await kit.restart()
    const late = await kit.subscriber('late', '#', 1)
    await flow(late)
      .receiveUnordered(publish1(1, 'a', 'last', retain), publish('b', 'QoS 0', retain))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.1-6] are gone if they were removed before', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', 'x', retain), publish1(2, 'a', '', retain))
      .receive(puback(1, 0x10), puback(2, 0x10))
    await kit.restart()
    await flow(await kit.subscriber('late', '#', 1)).receiveNothing()
  })
})

describe('Retain Handling', () => {
  const two = [publish('a/1', 'x', retain), publish('a/2', 'y', retain)]

  it('[v5 MQTT-3.3.1-9] of 0 gets all that match, at the first SUBSCRIBE and at each one after', async () => {
    const kit = await openBroker()
    await kit.publish('a/1', 'x', true)
    await kit.publish('a/2', 'y', true)
    await kit.publish('b', 'another', true)
    const talk = flow(await kit.client('c'))
    for (const packetId of [1, 2, 3]) {
      talk
        .send(subscribe(packetId, 'a/+', 0, { rh: 0 }))
        .receive(suback(packetId, 0))
        .receiveUnordered(...two)
        .receiveNothing()
    }
    await talk
  })

  it('[v5 MQTT-3.3.1-10] of 1 gets all that match at a new subscription, none at one that was there', async () => {
    const kit = await openBroker()
    await kit.publish('a/1', 'x', true)
    await kit.publish('a/2', 'y', true)
    await flow(await kit.client('c'))
      .send(subscribe(1, 'a/+', 0, { rh: 1 }))
      .receive(suback(1, 0))
      .receiveUnordered(...two)
      .send(subscribe(2, 'a/+', 1, { rh: 1 }))
      .receive(suback(2, 1))
      .receiveNothing()
      .send(unsubscribe(3, 'a/+'), subscribe(4, 'a/+', 0, { rh: 1 }))
      .receive(unsuback(3, 0), suback(4, 0))
      .receiveUnordered(...two)
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.1-10] of 1 knows the subscriptions of a session that was resumed', async () => {
    const kit = await openBroker({ store: 'level' })
    const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
    await flow(await kit.subscriber('c', 'a/+', 0, { fields, rh: 1 })).drop()
    await kit.publish('a/1', 'x', true)
    await kit.restart()
    await flow(await kit.client('c', { fields, sessionPresent: true }))
      .send(subscribe(1, 'a/+', 0, { rh: 1 }))
      .receive(suback(1, 0))
      .receiveNothing()
      .send(subscribe(2, 'a/1', 0, { rh: 1 }))
      .receive(suback(2, 0), publish('a/1', 'x', retain))
  })

  it('[v5 MQTT-3.3.1-11] of 2 gets none, at a new subscription or an old one, and all that come later', async () => {
    const kit = await openBroker()
    await kit.publish('a/1', 'x', true)
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribe(1, 'a/+', 0, { rh: 2 }))
      .receive(suback(1, 0))
      .receiveNothing()
      .send(subscribe(2, 'a/+', 0, { rh: 2 }))
      .receive(suback(2, 0))
      .receiveNothing()
    await kit.publish('a/1', 'later', true)
    await flow(peer).receive(publish('a/1', 'later'))
  })
})
