// MQTT 5.0, chapters 3.10 and 3.11: UNSUBSCRIBE ends subscriptions, not deliveries, and always has its UNSUBACK.
import { describe, expect, it } from 'vitest'
import { PACKET_SIZE_MAX } from '../../../src/packet/protocol.ts'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text, u16 } from '../../kit/frames.ts'
import {
  disconnect,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../../kit/packets.ts'
import { openBroker, STORES } from '../../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }

async function expectRefused(packet: Buffer, reasonCode: number): Promise<void> {
  const kit = await openBroker()
  const peer = await kit.subscriber('c', 'a', 1, { fields: kept })
  await flow(peer).send(packet).receive(disconnect(reasonCode)).closed()
  // And nothing was unsubscribed.
  await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
  const again = await kit.client('c', { fields: kept, sessionPresent: true })
  await flow(again).receive(publish1(1, 'a', 'x'))
  await kit.servesOthers()
}

describe('an UNSUBSCRIBE that cannot be taken', () => {
  it('[v5 MQTT-3.10.1-1] ends the connection with 0x81 at an UNSUBSCRIBE with other flags than 0010', async () => {
    for (let flags = 0; flags < 16; flags++) {
      if (flags === 0b0010) continue
      await expectRefused(frame(0xa0 | flags, u16(1), hex('00'), text('a')), 0x81)
    }
  })

  it('[v5 MQTT-3.10.3-1] ends the connection with 0x81 at a topic filter that is not UTF-8', async () => {
    for (const bytes of ['ff', 'c0 80', 'ed a0 80', 'f4 90 80 80', 'e2 82']) {
      const filter = hex(bytes)
      await expectRefused(frame(0xa2, u16(1), hex('00'), u16(filter.length), filter), 0x81)
    }
  })

  it('[v5 MQTT-3.10.3-2] ends the connection with 0x82 at an UNSUBSCRIBE without a topic filter', async () => {
    await expectRefused(frame(0xa2, u16(1), hex('00')), 0x82)
  })
})

describe('what is unsubscribed', () => {
  it('[v5 MQTT-3.10.4-1] is the filter that is the same, character by character, and no other', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c')
    const filters = ['a/b', 'a/+', 'a/#', '$share/g/a/b']
    await flow(peer)
      .send(subscribe(1, filters, 0))
      .receive(suback(1, 0, 0, 0, 0))
    // All of these match, or look alike.
    const others = [
      'A/b',
      'a/b/',
      '/a/b',
      '+/b',
      '#',
      'a/+/#',
      '$share/h/a/b',
      '$share/g/a/+',
      'a/\u{62}\u{301}',
    ]
    await flow(peer)
      .send(unsubscribe(2, ...others))
      .receive(unsuback(2, ...others.map(() => 0x11)))
      .do(() => kit.publish('a/b', 'x'))
      .receive(publish('a/b', 'x'), publish('a/b', 'x'))
    for (const [index, filter] of filters.entries()) {
      await flow(peer)
        .send(unsubscribe(3 + index, filter), unsubscribe(50 + index, filter))
        .receive(unsuback(3 + index, 0), unsuback(50 + index, 0x11))
    }
    await flow(peer)
      .do(() => kit.publish('a/b', 'x'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.10.4-1] stays so when the client comes back, and over a restart', async () => {
    const kit = await openBroker({ store: 'level' })
    const peer = await kit.subscriber('c', 'a', 1, { fields: kept })
    await flow(peer).send(unsubscribe(2, 'a')).receive(unsuback(2, 0))
    await kit.restart()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await flow(await kit.client('c', { fields: kept, sessionPresent: true })).receiveNothing()
  })
})

describe.each(STORES)('messages on the %s store', (store) => {
  it('[v5 MQTT-3.10.4-2] are not added any more, of any QoS, neither now nor while the client is away', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a/+', 2, { fields: kept })
    await flow(peer).send(unsubscribe(2, 'a/+')).receive(unsuback(2, 0))
    const publishAll = async (): Promise<void> => {
      for (const qos of [0, 1, 2] as const) await kit.broker.publish({ topicName: 'a/b', payload: 'x', qos })
    }
    await flow(peer).do(publishAll).receiveNothing().drop()
    await publishAll()
    await flow(await kit.client('c', { fields: kept, sessionPresent: true })).receiveNothing()
  })

  it('[v5 MQTT-3.10.4-2] are not added after the UNSUBSCRIBE, whatever comes in one go with it', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 0))
      .send(publish('a', 'before'), unsubscribe(2, 'a'), publish('a', 'after'))
      .receiveUnordered(publish('a', 'before'), unsuback(2, 0))
      .receiveNothing()
  })

  it('[v5 MQTT-3.10.4-3] are finished if they were sent, at QoS 1 and 2, in this connection', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    for (const qos of [1, 2, 2] as const) await kit.broker.publish({ topicName: 'a', payload: 'x', qos })
    await flow(peer)
      .receive(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'), publish2(3, 'a', 'x'))
      .send(pubrec(3))
      .receive(pubrel(3))
      .send(unsubscribe(2, 'a'))
      .receive(unsuback(2, 0))
      .send(puback(1), pubrec(2))
      .receive(pubrel(2))
      .send(pubcomp(2), pubcomp(3))
      .receiveNothing()
      .drop()
    await flow(await kit.client('c', { fields: kept, sessionPresent: true })).receiveNothing()
  })

  it('[v5 MQTT-3.10.4-3] are finished if they were sent, at QoS 1 and 2, in the next connection', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    for (const qos of [1, 2, 2] as const) await kit.broker.publish({ topicName: 'a', payload: 'x', qos })
    await flow(peer)
      .receive(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'), publish2(3, 'a', 'x'))
      .send(pubrec(3))
      .receive(pubrel(3))
      .send(unsubscribe(2, 'a'))
      .receive(unsuback(2, 0))
      .drop()
    await flow(await kit.client('c', { fields: kept, sessionPresent: true }))
      .receive(publish1(1, 'a', 'x', { dup: true }), publish2(2, 'a', 'x', { dup: true }), pubrel(3))
      .send(puback(1), pubrec(2), pubcomp(3))
      .receive(pubrel(2))
      .send(pubcomp(2))
      .receiveNothing()
  })
})

describe.each(STORES)('UNSUBACK on the %s store', (store) => {
  it('[v5 MQTT-3.10.4-4] answers every UNSUBSCRIBE', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 0, { fields: kept })
    await flow(peer)
      .send(unsubscribe(1, 'a'), unsubscribe(2, 'b'), unsubscribe(3, 'b#'))
      .receive(unsuback(1, 0), unsuback(2, 0x11), unsuback(3, 0x8f))
      .receiveNothing()
  })

  it('[v5 MQTT-3.10.4-5] has the packet id of its UNSUBSCRIBE, though nothing was subscribed', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c', { fields: kept })
    for (const packetId of [1, 65_535, 256, 255, 7]) {
      await flow(peer).send(unsubscribe(packetId, 'a')).receive(unsuback(packetId, 0x11))
    }
  })

  it('[v5 MQTT-3.10.4-6] is one for several filters, which are taken one after the other', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c', { fields: kept })
    await flow(peer)
      .send(subscribe(1, ['a', 'b', 'c'], 0))
      .receive(suback(1, 0, 0, 0))
      .send(unsubscribe(2, 'a', 'a', 'none', 'c'))
      .receive(unsuback(2, 0, 0x11, 0x11, 0))
      .receiveNothing()
    for (const topicName of ['a', 'b', 'c']) await kit.publish(topicName, 'x')
    await flow(peer).receive(publish('b', 'x')).receiveNothing()
  })
})

describe('the reason codes of UNSUBACK', () => {
  it('[v5 MQTT-3.11.3-1] are in the order of the filters', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribe(1, ['a', 'b', 'c'], 0))
      .receive(suback(1, 0, 0, 0))
      .send(unsubscribe(2, 'x', 'c', 'y+', 'a'))
      .receive(unsuback(2, 0x11, 0, 0x8f, 0))
      .send(unsubscribe(3, 'a', 'b', 'c'))
      .receive(unsuback(3, 0x11, 0, 0x11))
  })

  it('[v5 MQTT-3.11.3-2] say 0x00 for a subscription that is gone, 0x11 for none, 0x8F for no filter', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', '$share/g/a', 0)
    await flow(peer)
      .send(unsubscribe(2, '$share/g/a', 'a', '$share/g', ''))
      .receive(unsuback(2, 0, 0x11, 0x8f, 0x8f))
      .receiveNothing()
  })
})

describe('a client with little room', () => {
  /** An UNSUBACK of one reason code has six bytes. */
  const SIZES = [6, 7, 9, 13, 20, 40]

  async function expectToFit(topicFilter: string, reasonCode: number): Promise<void> {
    const kit = await openBroker({ limits: { topicAliasMaximum: 0, maximumPacketSize: PACKET_SIZE_MAX } })
    for (const maximumPacketSize of SIZES) {
      const peer = await kit.client('small', { fields: { properties: { maximumPacketSize } } })
      peer.send(unsubscribe(3, topicFilter))
      const { bytes } = await peer.next()
      expect(bytes.length).toBeLessThanOrEqual(maximumPacketSize)
      expect(bytes.at(-1)).toBe(reasonCode)
      await peer.drop()
    }
  }

  it('[v5 MQTT-3.11.2-1] gets UNSUBACK without the reason string that would make it too large', async () => {
    await expectToFit('refused#', 0x8f)
  })

  it('[v5 MQTT-3.11.2-2] gets UNSUBACK without the user properties that would make it too large', async () => {
    await expectToFit('none', 0x11)
    const kit = await openBroker()
    const withUserProperty = frame(0xa2, u16(1), hex('07 26 0001 61 0001 62'), text('a'))
    await flow(await kit.client('c', { fields: { properties: { maximumPacketSize: 20 } } }))
      .send(withUserProperty)
      .receiveBytes(hex('b0 04 0001 00 11'))
  })
})
