// MQTT 5.0, chapter 3.8: what a SUBSCRIBE must look like, and what a subscription does with messages.
// subscribe-answers.test.ts holds SUBACK.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text, u16 } from '../../kit/frames.ts'
import {
  disconnect,
  puback,
  publish,
  publish1,
  publish2,
  type Qos,
  suback,
  subscribe,
} from '../../kit/packets.ts'
import { openBroker, type TestBroker } from '../../kit/test-broker.ts'

const LEVELS: readonly Qos[] = [0, 1, 2]
const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }

const withOptions = (options: number): Buffer =>
  frame(0x82, u16(1), hex('00'), text('a'), Buffer.from([options]))

async function expectRefused(packet: Buffer, reasonCode: number): Promise<void> {
  const kit = await openBroker()
  await flow(await kit.client('c'))
    .send(packet)
    .receive(disconnect(reasonCode))
    .closed()
  await kit.servesOthers()
}

const published = (qos: Qos, packetId: number, payload: string) =>
  [publish('a', payload), publish1(packetId, 'a', payload), publish2(packetId, 'a', payload)][
    qos
  ] as ReturnType<typeof publish>

async function send(kit: TestBroker, qos: Qos, ...payloads: string[]): Promise<void> {
  for (const payload of payloads) await kit.broker.publish({ topicName: 'a', payload, qos })
}

describe('a SUBSCRIBE that cannot be taken', () => {
  it('[v5 MQTT-3.8.1-1] ends the connection with 0x81 at a SUBSCRIBE with other flags than 0010', async () => {
    for (let flags = 0; flags < 16; flags++) {
      if (flags === 0b0010) continue
      await expectRefused(frame(0x80 | flags, u16(1), hex('00'), text('a'), hex('00')), 0x81)
    }
  })

  it('[v5 MQTT-3.8.3-1] ends the connection with 0x81 at a topic filter that is not UTF-8', async () => {
    for (const bytes of ['ff', 'c0 80', 'ed a0 80', 'f4 90 80 80', 'e2 82']) {
      const filter = hex(bytes)
      await expectRefused(frame(0x82, u16(1), hex('00'), u16(filter.length), filter, hex('00')), 0x81)
    }
  })

  it('[v5 MQTT-3.8.3-2] ends the connection with 0x82 at a SUBSCRIBE without a topic filter', async () => {
    await expectRefused(frame(0x82, u16(1), hex('00')), 0x82)
  })

  it('[v5 MQTT-3.8.3-2] ends the connection with 0x81 at a topic filter without its options', async () => {
    await expectRefused(frame(0x82, u16(1), hex('00'), text('a')), 0x81)
    await expectRefused(frame(0x82, u16(1), hex('00'), text('a'), hex('00'), text('b')), 0x81)
  })

  it('[v5 MQTT-3.8.3-4] ends the connection with 0x82 at No Local on a shared subscription', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(subscribe(1, '$share/g/a', 0, { nl: true }))
      .receive(disconnect(0x82))
      .closed()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.8.3-5] ends the connection with 0x81 at a reserved bit of the subscription options', async () => {
    for (const options of [0x40, 0x80, 0xc0, 0x41, 0x8e]) await expectRefused(withOptions(options), 0x81)
  })

  it('[v5 MQTT-3.8.3-5] tells values that are not allowed, 0x82, from reserved bits', async () => {
    for (const options of [0x03, 0x30]) await expectRefused(withOptions(options), 0x82)
  })
})

describe('No Local', () => {
  it('[v5 MQTT-3.8.3-3] gives a message to everyone but the client that published it', async () => {
    const kit = await openBroker()
    const other = await kit.subscriber('other', 'a', 2, { nl: true })
    const peer = await kit.subscriber('c', 'a', 2, { nl: true, fields: kept })
    await flow(peer)
      .send(publish('a', 'zero'), publish1(1, 'a', 'one'))
      .receive(puback(1))
      .receiveNothing()
      .drop()
    await flow(other).receive(publish('a', 'zero'), publish1(1, 'a', 'one'))
    // The client id counts, not the connection.
    const again = await kit.client('c', { fields: kept, sessionPresent: true })
    await flow(again).send(publish('a', 'again')).receiveNothing()
    await flow(other).send(publish('a', "the other's")).receive(publish('a', 'again')).receiveNothing()
    await flow(again).receive(publish('a', "the other's")).receiveNothing()
  })

  it('[v5 MQTT-3.8.3-3] gives it back where the option is not set', async () => {
    const kit = await openBroker()
    await flow(await kit.subscriber('c', 'a', 0))
      .send(publish('a', 'x'))
      .receive(publish('a', 'x'))
      .receiveNothing()
  })
})

describe('a filter that is subscribed again', () => {
  it('[v5 MQTT-3.8.4-3] takes over QoS, identifier and No Local of the new SUBSCRIBE, and gives one copy', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 2, { subscriptionIdentifier: 1, nl: true })
    await flow(peer)
      .send(subscribe(2, 'a', 1, { subscriptionIdentifier: 2 }))
      .receive(suback(2, 1))
      .send(publish2(9, 'a', 'x'))
      .receiveUnordered(publish1(1, 'a', 'x', { properties: { subscriptionIdentifier: 2 } }), {
        cmd: 'pubrec',
        messageId: 9,
      })
      .receiveNothing()
  })

  it('[v5 MQTT-3.8.4-3] does not take the place of a shared one, nor of one that differs by a letter', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', '$share/g/a', 0)
    await flow(peer)
      .send(subscribe(2, ['a', '+', 'A'], 0))
      .receive(suback(2, 0, 0, 0))
      .do(() => kit.publish('a', 'x'))
      .receive(publish('a', 'x'), publish('a', 'x'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.8.4-4] gets what is retained once more with Retain Handling 0', async () => {
    const kit = await openBroker()
    await kit.publish('a', 'kept', true)
    const peer = await kit.subscriber('c', '#', 0)
    await flow(peer)
      .receive(publish('a', 'kept', { retain: true }))
      .send(subscribe(2, '#', 0))
      .receive(suback(2, 0), publish('a', 'kept', { retain: true }))
      .receiveNothing()
  })

  it('[v5 MQTT-3.8.4-4] loses none of the messages that wait for the client or come meanwhile', async () => {
    const kit = await openBroker()
    const fields = { properties: { receiveMaximum: 1 } }
    const peer = await kit.subscriber('c', 'a', 1, { fields })
    await send(kit, 1, '0', '1', '2')
    const payloads: unknown[] = []
    for (let i = 0; i < 20; i++) {
      peer.send(subscribe(100 + i, 'a', 1, { rh: i % 2 === 0 ? 0 : 2 }))
      await send(kit, 1, String(i + 3))
    }
    while (payloads.length < 23) {
      const { packet } = await peer.next()
      if (packet.cmd !== 'publish') continue
      payloads.push(packet.payload)
      peer.send(puback(packet.messageId as number))
    }
    expect(payloads).toEqual(Array.from({ length: 23 }, (_, i) => String(i)))
    await flow(peer).receiveNothing()
  })
})

describe('several filters in one SUBSCRIBE', () => {
  it('[v5 MQTT-3.8.4-5] are as many SUBSCRIBEs one after the other, with one SUBACK', async () => {
    const kit = await openBroker()
    await kit.publish('a', 'kept', true)
    const peer = await kit.client('c')
    const filter = (topic: string, qos: Qos, rh: number) => ({ topic, qos, nl: false, rap: false, rh })
    // The second is there already, so Retain Handling 1 gives nothing; the last one holds.
    const subscriptions = [filter('a', 0, 0), filter('a', 2, 1), filter('bad#', 0, 0), filter('a', 1, 2)]
    await flow(peer)
      .send({ cmd: 'subscribe', messageId: 3, subscriptions })
      .receive(suback(3, 0, 2, 0x8f, 1), publish('a', 'kept', { retain: true }))
      .receiveNothing()
      .do(() => send(kit, 2, 'once'))
      .receive(publish1(1, 'a', 'once'))
      .receiveNothing()
  })
})

describe('the QoS of a message', () => {
  it('[v5 MQTT-3.8.4-8] is the lower one of its own and the granted one', async () => {
    const kit = await openBroker()
    for (const granted of LEVELS) {
      const peer = await kit.subscriber(`granted ${granted}`, 'a', granted)
      for (const qos of LEVELS) {
        await send(kit, qos, 'x')
        const { packet } = await peer.next()
        expect(packet.qos, `published at ${qos}, granted ${granted}`).toBe(Math.min(qos, granted))
      }
    }
  })

  it('[v5 MQTT-3.8.4-8] is the lower one for retained messages too', async () => {
    for (const qos of LEVELS) {
      const kit = await openBroker()
      await kit.broker.publish({ topicName: 'a', payload: 'kept', qos, retain: true })
      for (const granted of LEVELS) {
        const lower = Math.min(qos, granted) as Qos
        await flow(await kit.subscriber(`granted ${granted}`, 'a', granted)).receive({
          ...published(lower, 1, 'kept'),
          retain: true,
        })
      }
    }
  })
})
