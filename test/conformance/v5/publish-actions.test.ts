// Section 3.3.4 of MQTT 5: how a PUBLISH is answered, and what a client gets whose subscriptions overlap.
// publish-flow.test.ts has the receive maximum.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, publish5, text, u16 } from '../../kit/frames.ts'
import {
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  suback,
  subscribe,
} from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker } from '../../kit/test-broker.ts'
import { block, closesWith } from './refusals.ts'

/** The subscription identifiers of the next PUBLISH, in order. */
async function identifiersOf(peer: Peer): Promise<number[]> {
  const { packet } = await peer.next()
  expect(packet.cmd).toBe('publish')
  const { subscriptionIdentifier } = (packet.properties ?? {}) as {
    subscriptionIdentifier?: number | number[]
  }
  return [subscriptionIdentifier ?? []].flat().sort((a, b) => a - b)
}

describe('the answer to a PUBLISH', () => {
  it('[v5 MQTT-3.3.4-1] is none at QoS 0, PUBACK at QoS 1 and PUBREC at QoS 2, heard by somebody', async () => {
    const kit = await openBroker()
    await kit.subscriber('receiver', 'a', 0)
    await flow(await kit.client('sender'))
      .send(publish('a', 'x'))
      .receiveNothing()
      .send(publish1(1, 'a', 'x'))
      .receive(puback(1))
      .send(publish2(2, 'a', 'x'))
      .receive(pubrec(2))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.4-1] is none at QoS 0, PUBACK at QoS 1 and PUBREC at QoS 2, heard by nobody', async () => {
    const kit = await openBroker()
    await flow(await kit.client('sender'))
      .send(publish('a', 'x'))
      .receiveNothing()
      .send(publish1(1, 'a', 'x'))
      .receive(puback(1, 0x10))
      .send(publish2(2, 'a', 'x'))
      .receive(pubrec(2, 0x10))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.4-1] goes by the QoS of each when all come at once', async () => {
    const kit = await openBroker({ store: 'level' })
    const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
    await flow(await kit.subscriber('away', 'a', 2, { fields })).drop()
    await flow(await kit.client('sender'))
      .send(publish2(1, 'a', 'x'), publish('a', 'x'), publish1(2, 'a', 'x'), publish2(3, 'a', 'x'))
      .receive(pubrec(1), puback(2), pubrec(3))
      .send(pubrel(1), pubrel(3))
      .receive(pubcomp(1), pubcomp(3))
  })
})

describe('overlapping subscriptions of a client', () => {
  it('[v5 MQTT-3.3.4-2] get a message at the highest QoS among them', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribe(1, 'a/#', 0), subscribe(2, 'a/+', 2), subscribe(3, 'a/b', 1), subscribe(4, '#', 0))
      .receive(suback(1, 0), suback(2, 2), suback(3, 1), suback(4, 0))
    await kit.broker.publish({ topicName: 'a/b', payload: 'two', qos: 2 })
    await kit.broker.publish({ topicName: 'a/b', payload: 'one', qos: 1 })
    await kit.broker.publish({ topicName: 'a/b/c', payload: 'two', qos: 2 })
    await flow(peer)
      .receive(publish2(1, 'a/b', 'two'), publish1(2, 'a/b', 'one'), publish('a/b/c', 'two'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.4-3] have their identifiers in the message', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribe(1, 'a/#', 1, { subscriptionIdentifier: 268_435_455 }))
      .send(subscribe(2, 'a/b', 0, { subscriptionIdentifier: 1 }))
      .receive(suback(1, 1), suback(2, 0))
    await kit.publish('a/b', 'QoS 0')
    expect(await identifiersOf(peer)).toEqual([1, 268_435_455])
    await kit.broker.publish({ topicName: 'a/b', payload: 'QoS 1', qos: 1 })
    expect(await identifiersOf(peer)).toEqual([1, 268_435_455])
    await kit.publish('a/c', 'only one of them')
    expect(await identifiersOf(peer)).toEqual([268_435_455])
  })

  it('[v5 MQTT-3.3.4-3] have their identifiers in a message that was queued over a restart', async () => {
    const kit = await openBroker({ store: 'level' })
    const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
    const peer = await kit.subscriber('c', '#', 1, { fields, subscriptionIdentifier: 7 })
    await flow(peer)
      .send(subscribe(2, 'a', 1, { subscriptionIdentifier: 300 }))
      .receive(suback(2, 1))
      .drop()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await kit.restart()
    const back = await kit.client('c', { fields, sessionPresent: true })
    expect(await identifiersOf(back)).toEqual([7, 300])
    await kit.publish('a', 'new')
    expect(await identifiersOf(back)).toEqual([7, 300])
  })

  it('[v5 MQTT-3.3.4-4] have all their identifiers in the one copy there is, equal ones too', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribe(1, ['a/#', '+/b'], 0, { subscriptionIdentifier: 5 }))
      .send(subscribe(2, 'a/b', 0), subscribe(3, '#', 0, { subscriptionIdentifier: 9 }))
      .receive(suback(1, 0, 0), suback(2, 0), suback(3, 0))
    await kit.publish('a/b', 'x')
    expect(await identifiersOf(peer)).toEqual([5, 5, 9])
    await flow(peer).receiveNothing()
  })

  it('[v5 MQTT-3.3.4-4] without identifiers have none in the message', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 0)
    await kit.subscriber('other', 'a', 0, { subscriptionIdentifier: 3 })
    await kit.publish('a', 'x')
    await flow(peer).receiveBytes(publish5('a', [], 'x'))
  })

  it('[v5 MQTT-3.3.4-5] that bring a copy each, as shared ones do, have in each their own identifier', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribe(1, '$share/one/a', 0, { subscriptionIdentifier: 1 }))
      .send(subscribe(2, '$share/two/+', 0, { subscriptionIdentifier: 2 }))
      .send(subscribe(3, '$share/three/#', 0))
      .send(subscribe(4, 'a', 0, { subscriptionIdentifier: 4 }))
      .receive(suback(1, 0), suback(2, 0), suback(3, 0), suback(4, 0))
    await kit.publish('a', 'x')
    const copies: number[][] = []
    for (let i = 0; i < 4; i++) copies.push(await identifiersOf(peer))
    expect(copies.sort()).toEqual([[], [1], [2], [4]])
    await flow(peer).receiveNothing()
  })
})

describe('a subscription identifier', () => {
  it('[v5 MQTT-3.3.4-6] in a PUBLISH from a client ends the connection with 0x82', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0)
    for (const digits of ['0b 01', '0b ffffff7f']) {
      await closesWith(kit, 0x82, publish5('a', [hex(digits)], 'x'))
      await closesWith(kit, 0x82, frame(0x32, text('a'), u16(1), block(hex(digits)), Buffer.from('x')))
    }
    await flow(watcher).receiveNothing()
    await kit.servesOthers()
  })
})
