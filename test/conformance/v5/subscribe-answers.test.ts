// MQTT 5.0, chapters 3.8.4 and 3.9: every SUBSCRIBE has its SUBACK, and what stands in it.
import { describe, expect, it } from 'vitest'
import { PACKET_SIZE_MAX } from '../../../src/packet/protocol.ts'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text, u16 } from '../../kit/frames.ts'
import {
  pingreq,
  pingresp,
  publish,
  publish1,
  publish2,
  pubrec,
  type Qos,
  suback,
  subscribe,
} from '../../kit/packets.ts'
import { openBroker, STORES } from '../../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }

/** SUBSCRIBE to filters with a QoS each. */
const subscribeTo = (messageId: number, ...filters: [topic: string, qos: Qos][]) =>
  ({
    cmd: 'subscribe',
    messageId,
    subscriptions: filters.map(([topic, qos]) => ({ topic, qos, nl: false, rap: false, rh: 0 })),
  }) as const

/** A SUBACK of one reason code has six bytes. */
const SIZES = [6, 7, 9, 13, 20, 40, 1_000]

/** What clients get in answer to SUBSCRIBE that take packets of no more than these bytes. */
async function answersWithin(filter: string): Promise<{ size: number; bytes: Buffer }[]> {
  const kit = await openBroker({ limits: { topicAliasMaximum: 0, maximumPacketSize: PACKET_SIZE_MAX } })
  const answers = []
  for (const size of SIZES) {
    const peer = await kit.client('small', { fields: { properties: { maximumPacketSize: size } } })
    peer.send(subscribe(3, filter, 1))
    answers.push({ size, bytes: (await peer.next()).bytes })
    await peer.drop()
  }
  return answers
}

describe.each(STORES)('SUBACK on the %s store', (store) => {
  it('[v5 MQTT-3.8.4-1] answers every SUBSCRIBE, in a kept session and in another', async () => {
    const kit = await openBroker({ store })
    for (const fields of [{}, kept]) {
      const peer = await kit.client('c', { fields })
      await flow(peer)
        .send(subscribe(1, 'a', 0))
        .receive(suback(1, 0))
        .send(subscribe(2, 'a', 1), subscribe(3, 'b', 2))
        .receive(suback(2, 1), suback(3, 2))
        .send(subscribe(4, 'not#valid', 2))
        .receive(suback(4, 0x8f))
        .receiveNothing()
        .drop()
    }
  })

  it('[v5 MQTT-3.8.4-2] has the packet id of its SUBSCRIBE', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c', { fields: kept })
    for (const packetId of [1, 65_535, 256, 255, 7]) {
      await flow(peer)
        .send(subscribe(packetId, 'a', 0))
        .receive(suback(packetId, 0))
    }
  })
})

describe('the reason codes of SUBACK', () => {
  it('[v5 MQTT-3.8.4-6] are as many as there are filters', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c')
    for (const count of [1, 2, 500]) {
      const filters = Array.from({ length: count }, (_, i) => `a/${i}`)
      await flow(peer)
        .send(subscribe(1, filters, 1))
        .receive(suback(1, ...filters.map(() => 1)))
    }
    await flow(peer)
      .send(subscribe(2, ['a', 'a', 'a#', 'a'], 0))
      .receive(suback(2, 0, 0, 0x8f, 0))
  })

  it('[v5 MQTT-3.8.4-7] grant what is then given, or say that there is no subscription', async () => {
    const kit = await openBroker({ limits: { subscriptionsPerSessionMax: 3 } })
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribeTo(1, ['zero', 0], ['one', 1], ['two', 2], ['more', 2], ['no+', 2]))
      .receive(suback(1, 0, 1, 2, 0x97, 0x8f))
    for (const [topicName, qos] of [
      ['zero', 0],
      ['one', 1],
      ['two', 2],
    ] as const) {
      await kit.broker.publish({ topicName, payload: 'x', qos: 2 })
      expect((await peer.next()).packet).toMatchObject({ cmd: 'publish', topic: topicName, qos })
    }
    await kit.broker.publish({ topicName: 'more', payload: 'x', qos: 2 })
    await flow(peer).receiveNothing()
  })

  it('[v5 MQTT-3.9.3-1] are in the order of the filters', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribeTo(1, ['a', 2], ['b', 0], ['c#', 0], ['d', 1], ['', 1], ['e', 2]))
      .receive(suback(1, 2, 0, 0x8f, 1, 0x8f, 2))
      .send(subscribeTo(2, ['c#', 0], ['e', 1], ['a', 0]))
      .receive(suback(2, 0x8f, 1, 0))
  })

  it('[v5 MQTT-3.9.3-2] say 0x8F for a filter that is none, and 0x97 for one too many', async () => {
    const kit = await openBroker({ limits: { subscriptionsPerSessionMax: 1 } })
    await flow(await kit.client('c'))
      .send(subscribe(1, 'a', 2))
      .receive(suback(1, 2))
      .send(subscribe(2, 'b', 2))
      .receive(suback(2, 0x97))
      .send(subscribe(3, 'a', 1))
      .receive(suback(3, 1))
      .send(subscribe(4, '#/a', 0))
      .receive(suback(4, 0x8f))
      .do(() => kit.publish('b', 'x'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.9.3-2] say 0x9E, 0xA2 and 0xA1 for what there is not: shares, wildcards, identifiers', async () => {
    const none = { sharedSubscriptions: false, wildcardSubscriptions: false, subscriptionIdentifiers: false }
    const kit = await openBroker({ features: none })
    await flow(await kit.client('c'))
      .send(subscribe(1, ['$share/g/a', 'a/+', 'a/#', 'a'], 0))
      .receive(suback(1, 0x9e, 0xa2, 0xa2, 0))
      .send(subscribe(2, 'b', 0, { subscriptionIdentifier: 7 }))
      .receive(suback(2, 0xa1))
      .do(() => kit.publish('a', 'x'))
      .receive(publish('a', 'x'))
      .do(() => kit.publish('b', 'x'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.9.3-2] say 0x91 for a packet id that a QoS 2 message of the client has', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(publish2(5, 'a', 'x'))
      .receive(pubrec(5, 0x10))
      .send(subscribe(5, ['a', 'b'], 0))
      .receive(suback(5, 0x91, 0x91))
      .do(() => kit.publish('a', 'x'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.8.4-7] grant no QoS that there is not, though it is asked for', async () => {
    for (const maximumQos of [0, 1] as const) {
      const kit = await openBroker({ features: { maximumQos } })
      await flow(await kit.client('c'))
        .send(subscribeTo(1, ['zero', 0], ['one', 1], ['two', 2]))
        .receive(suback(1, 0, maximumQos, maximumQos))
        .do(() => kit.broker.publish({ topicName: 'two', payload: 'x', qos: 2 }))
        .receive(maximumQos === 0 ? publish('two', 'x') : publish1(1, 'two', 'x'))
    }
  })
})

describe('a client with little room', () => {
  it('[v5 MQTT-3.9.2-1] gets SUBACK without the reason string that would make it too large', async () => {
    for (const { size, bytes } of await answersWithin('refused#')) {
      expect(bytes.length).toBeLessThanOrEqual(size)
      expect(bytes.at(-1)).toBe(0x8f)
      if (size < 10) expect(bytes).toHaveLength(6)
      // Who has the room is told why.
      if (size === 1_000) expect(bytes.length).toBeGreaterThan(10)
    }
  })

  it('[v5 MQTT-3.9.2-2] gets SUBACK without the user properties that would make it too large', async () => {
    for (const { size, bytes } of await answersWithin('a')) {
      expect(bytes.length).toBeLessThanOrEqual(size)
      expect(bytes.at(-1)).toBe(1)
    }
    const kit = await openBroker()
    const withUserProperty = frame(0x82, u16(1), hex('07 26 0001 61 0001 62'), text('a'), hex('00'))
    await flow(await kit.client('c', { fields: { properties: { maximumPacketSize: 20 } } }))
      .send(withUserProperty)
      .receiveBytes(hex('90 04 0001 00 00'))
  })
})

it('[v5 MQTT-3.8.4-1] answers a SUBSCRIBE that the disk is slow with, and PINGREQ meanwhile', async () => {
  const kit = await openBroker({ store: 'level' })
  const peer = await kit.client('c', { fields: kept })
  kit.store.hold()
  await flow(peer)
    .send(subscribe(1, 'a', 0), pingreq)
    .receive(pingresp)
    .do(() => kit.publish('a', 'the subscription may be at work before its SUBACK'))
    .do(() => kit.store.letGo())
    .receiveUnordered(suback(1, 0), publish('a', 'the subscription may be at work before its SUBACK'))
})
