// What a message carries from publisher to receiver: properties, expiry, topic aliases, and how large it may be.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { frame, hex, publish5, text, u16, userProperty, vbi } from '../kit/frames.ts'
import { connack, connect, disconnect, puback, publish, publish1, publish2 } from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }

describe.each(STORES)('on the %s store', (store) => {
  it('[v5 MQTT-3.3.2-17] [v5 MQTT-3.3.2-18] passes user properties on unaltered and in order', async () => {
    const kit = await openBroker({ store })
    const online = await kit.subscriber('online', 'a', 0)
    await flow(await kit.subscriber('away', 'a', 1, { fields: kept })).drop()
    const block = Buffer.concat([
      hex('01 01'),
      Buffer.concat([hex('08'), text('answers/c')]),
      userProperty('z', '1'),
      userProperty('a', '2'),
      Buffer.concat([hex('09'), text('correlation')]),
      userProperty('z', ''),
      userProperty('', '3'),
    ])
    const rest = [vbi(block.length), block, Buffer.from('payload')]
    await flow(await kit.client('sender'))
      .send(frame(0x32, text('a'), u16(7), ...rest))
      .receive(puback(7))
    await flow(online).receiveBytes(frame(0x30, text('a'), ...rest))
    await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receiveBytes(
      frame(0x32, text('a'), u16(1), ...rest),
    )
  })

  it('[v5 MQTT-3.3.2-6] counts the message expiry interval down by the time it waited', async () => {
    const kit = await openBroker({ store })
    const online = await kit.subscriber('online', 'a', 0)
    await flow(await kit.subscriber('away', 'a', 2, { fields: kept })).drop()
    const properties = { messageExpiryInterval: 100 }
    await flow(await kit.client('sender'))
      .send(publish2(1, 'a', 'x', { properties }))
      .do(() => kit.settle())
    await flow(online).receive(publish('a', 'x', { properties }))
    kit.clock.advance(40_000)
    await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receive(
      publish2(1, 'a', 'x', { properties: { messageExpiryInterval: 60 } }),
    )
  })

  it('[v5 MQTT-3.3.2-6] has never more left than fits in a packet, also after the clock was set back', async () => {
    const kit = await openBroker({ store })
    const properties = { messageExpiryInterval: 0xffff_ffff }
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', 'x', { properties, retain: true }))
      .receive(puback(1, 0x10))
    kit.clock.jump(-60_000)
    await flow(await kit.subscriber('reader', 'a', 1)).receive(
      publish1(1, 'a', 'x', { properties, retain: true }),
    )
  })

  it('[v5 MQTT-3.3.2-5] does not deliver a message whose time has passed, and counts it', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('away', 'a', 1, { fields: kept })).drop()
    for (const [payload, messageExpiryInterval] of [
      ['1', 10],
      ['2', 100],
      ['3', 10],
    ] as const) {
      await kit.broker.publish({ topicName: 'a', payload, qos: 1, messageExpiryInterval })
    }
    kit.clock.advance(11_000)
    await flow(await kit.client('away', { fields: kept, sessionPresent: true }))
      .receive(publish1(2, 'a', '2', { properties: { messageExpiryInterval: 89 } }))
      .send(puback(2))
      .receiveNothing()
    expect(kit.dropped('expired')).toBe(2)
  })

  it('sends a message that was begun again, though its time has passed meanwhile', async () => {
    const kit = await openBroker({ store })
    const first = await kit.subscriber('c', 'a', 1, { fields: kept })
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1, messageExpiryInterval: 10 })
    const properties = { messageExpiryInterval: 10 }
    await flow(first)
      .receive(publish1(1, 'a', 'x', { properties }))
      .drop()
    kit.clock.advance(11_000)
    await flow(await kit.client('c', { fields: kept, sessionPresent: true })).receive(
      publish1(1, 'a', 'x', { dup: true, properties: { messageExpiryInterval: 0 } }),
    )
  })

  it('tells 3.1.1 receivers nothing of properties, and lets 5.0 ones read 3.1.1 messages', async () => {
    const kit = await openBroker({ store })
    const old = await kit.subscriber('old', 'a', 1, { version: 4 })
    const fresh = await kit.subscriber('new', 'a', 1)
    const properties = { contentType: 'x', messageExpiryInterval: 5 }
    await flow(await kit.client('5.0'))
      .send(publish1(1, 'a', 'five', { properties }))
      .receive(puback(1))
    await flow(await kit.client('3.1.1', { version: 4 }))
      .send(publish1(1, 'a', 'three'))
      .receive(puback(1))
    await flow(old).receive(publish1(1, 'a', 'five'), publish1(2, 'a', 'three'))
    await flow(fresh).receive(publish1(1, 'a', 'five', { properties }), publish1(2, 'a', 'three'))
  })
})

it('expires over a restart, and what was never sent is not delivered late', async () => {
  const kit = await openBroker({ store: 'level' })
  await flow(await kit.subscriber('away', 'a', 1, { fields: kept })).drop()
  for (const [payload, messageExpiryInterval] of [
    ['1', 10],
    ['2', 100],
  ] as const) {
    await kit.broker.publish({ topicName: 'a', payload, qos: 1, messageExpiryInterval })
  }
  await kit.close()
  kit.clock.advance(20_000)
  await kit.open()
  await flow(await kit.client('away', { fields: kept, sessionPresent: true }))
    .receive(publish1(2, 'a', '2', { properties: { messageExpiryInterval: 80 } }))
    .receiveNothing()
})

describe('a topic alias towards us', () => {
  const alias = (topic: string, topicAlias: number, payload: string) =>
    publish(topic, payload, { properties: { topicAlias } })

  it('[v5 MQTT-3.3.2-7] stands for its topic until it is set anew or the connection ends', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximum: 2 } })
    const receiver = await kit.subscriber('receiver', '#', 0)
    const sender = await kit.client('sender')
    await flow(sender)
      .send(alias('a', 1, '1'), alias('b', 2, '2'), alias('', 1, '3'), alias('', 2, '4'))
      .send(alias('c', 1, '5'), alias('', 1, '6'), publish('a', '7'))
    const expected = [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['b', '4'],
      ['c', '5'],
      ['c', '6'],
      ['a', '7'],
    ] as const
    await flow(receiver).receive(...expected.map(([topic, payload]) => publish(topic, payload)))
    await sender.drop()
    await flow(await kit.client('sender'))
      .send(alias('', 1, 'x'))
      .receive(disconnect(0x82))
      .closed()
    await flow(receiver).receiveNothing()
  })

  it('works at QoS 1 and 2, where the message is kept under its topic', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.subscriber('away', '#', 1, { fields: kept })).drop()
    const properties = { topicAlias: 1 }
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', '1', { properties, retain: true }), publish1(2, '', '2', { properties }))
      .receive(puback(1), puback(2))
    await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receive(
      publish1(1, 'a', '1'),
      publish1(2, 'a', '2'),
    )
    await flow(await kit.subscriber('late', 'a', 1)).receive(publish1(1, 'a', '1', { retain: true }))
  })

  it('[v5 MQTT-3.3.2-8] [v5 MQTT-3.3.2-9] closes at 0, above our maximum, unknown, at no topic', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximum: 2 } })
    const cases: [packet: Buffer, reasonCode: number][] = [
      [publish5('a', [hex('23 0000')], 'x'), 0x94],
      [publish5('a', [hex('23 0003')], 'x'), 0x94],
      [publish5('', [hex('23 0002')], 'x'), 0x82],
      [publish5('', [], 'x'), 0x82],
    ]
    for (const [packet, reasonCode] of cases) {
      await flow(await kit.client('c'))
        .send(packet)
        .receive(disconnect(reasonCode))
        .closed()
    }
    await kit.servesOthers()
  })

  it('is not allowed where CONNACK allowed none', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximum: 0 } })
    await flow(await kit.client('c'))
      .send(alias('a', 1, 'x'))
      .receive(disconnect(0x94))
      .closed()
  })
})

describe('a topic alias towards the client', () => {
  it('is given to the first topics, up to the client’s maximum, and replaces their names', async () => {
    const kit = await openBroker()
    const fields = { properties: { topicAliasMaximum: 2 } }
    const peer = await kit.subscriber('c', '#', 1, { fields })
    const one = { properties: { topicAlias: 1 } }
    const two = { properties: { topicAlias: 2 } }
    for (const [topic, payload] of [
      ['a', '1'],
      ['a', '2'],
      ['b', '3'],
      ['c', '4'],
      ['b', '5'],
      ['c', '6'],
    ] as const) {
      await kit.publish(topic, payload)
    }
    await kit.broker.publish({ topicName: 'a', payload: '7', qos: 1 })
    await flow(peer)
      .receive(publish('a', '1', one), publish('', '2', one), publish('b', '3', two), publish('c', '4'))
      .receive(publish('', '5', two), publish('c', '6'), publish1(1, '', '7', one))
  })

  it('[v5 MQTT-3.1.2-26] is at most ours where that is lower, none where the client allows none', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximumOut: 1 } })
    const peer = await kit.subscriber('c', '#', 1, { fields: { properties: { topicAliasMaximum: 9 } } })
    const none = await kit.subscriber('none', '#', 1)
    for (const topic of ['a', 'b', 'b', 'a']) await kit.publish(topic, 'x')
    const one = { properties: { topicAlias: 1 } }
    await flow(peer).receive(
      publish('a', 'x', one),
      publish('b', 'x'),
      publish('b', 'x'),
      publish('', 'x', one),
    )
    await flow(none).receive(...['a', 'b', 'b', 'a'].map((topic) => publish(topic, 'x')))
  })

  it('is not taken for known when the message that would have told it was too large', async () => {
    const kit = await openBroker()
    const properties = { topicAliasMaximum: 1, maximumPacketSize: 40 }
    const peer = await kit.subscriber('c', 'a', 0, { fields: { properties } })
    await kit.publish('a', 'x'.repeat(50))
    await kit.publish('a', 'fits')
    await kit.publish('a', 'fits too')
    const one = { properties: { topicAlias: 1 } }
    await flow(peer).receive(publish('a', 'fits', one), publish('', 'fits too', one))
    expect(kit.dropped('too-large')).toBe(1)
  })
})

describe('our maximum packet size', () => {
  it('closes with 0x95 as soon as the length is known, in 3.1.1 without a word', async () => {
    const kit = await openBroker({ limits: { maximumPacketSize: 1_000 } })
    // A remaining length of 998 makes 1,001 bytes; none of the body is sent.
    await flow(kit.peer())
      .send(connect('c'))
      .receive(connack(0, false, { maximumPacketSize: 1_000 }))
      .send(hex('30 e6 07'))
      .receive(disconnect(0x95))
      .closed()
    await flow(await kit.client('old', { version: 4 }))
      .send(hex('30 e6 07'))
      .closed()
    await kit.servesOthers()
  })

  it('may be met exactly', async () => {
    const kit = await openBroker({ limits: { maximumPacketSize: 1_000 } })
    const receiver = await kit.subscriber('receiver', 'a', 0, { version: 4 })
    const payload = 'x'.repeat(1_000 - 3 - 3)
    await flow(await kit.client('c', { version: 4 }))
      .send(publish('a', payload))
      .receiveNothing()
    await flow(receiver).receive(publish('a', payload))
  })
})

it('passes a payload of megabytes through, byte for byte, whatever the chunks', async () => {
  const kit = await openBroker()
  const receiver = await kit.subscriber('receiver', 'a', 1, { version: 4 })
  const sender = await kit.client('sender', { version: 4 })
  const payload = Buffer.alloc(3_000_000, 'godwit ')
  const packet = frame(0x32, text('a'), u16(1), payload)
  for (let at = 0; at < packet.length; at += 77_777) sender.stream.write(packet.subarray(at, at + 77_777))
  await flow(sender).receive(puback(1))
  const { bytes } = await receiver.next()
  expect(bytes.equals(packet)).toBe(true)
})
