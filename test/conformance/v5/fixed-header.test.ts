// Chapter 2 of MQTT 5: flags of the fixed header, packet ids, and property blocks that are empty.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, publish5, text, u16, userProperty } from '../../kit/frames.ts'
import {
  connect,
  disconnect,
  pingreq,
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
import { openBroker } from '../../kit/test-broker.ts'
import { block, connectOf, refuses, refusesConnect } from './refusals.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }

describe('the flags of the fixed header', () => {
  it('[v5 MQTT-2.1.3-1] make PUBACK, PUBREC and PUBCOMP malformed when they are not 0000', async () => {
    const kit = await openBroker()
    for (const type of [0x40, 0x50, 0x70]) {
      for (const flag of [1, 2, 4, 8]) await refuses(kit, 0x81, frame(type | flag, u16(1)))
    }
  })

  it('[v5 MQTT-2.1.3-1] make PUBREL, SUBSCRIBE and UNSUBSCRIBE malformed when they are not 0010', async () => {
    const kit = await openBroker()
    for (const flags of [0b0000, 0b0011, 0b0110, 0b1010, 0b1111]) {
      await refuses(kit, 0x81, frame(0x60 | flags, u16(1)))
      await refuses(kit, 0x81, frame(0x80 | flags, u16(1), block(), text('a'), hex('00')))
      await refuses(kit, 0x81, frame(0xa0 | flags, u16(1), block(), text('a')))
    }
  })

  it('[v5 MQTT-2.1.3-1] make CONNECT, PINGREQ, DISCONNECT and AUTH malformed when not 0000', async () => {
    const kit = await openBroker()
    for (const flag of [1, 2, 4, 8]) {
      const bad = connectOf({})
      bad[0] = 0x10 | flag
      await refusesConnect(kit, 0x81, bad)
      await refuses(kit, 0x81, Buffer.from([0xc0 | flag, 0]))
      await refuses(kit, 0x81, Buffer.from([0xe0 | flag, 0]))
      await refuses(kit, 0x81, Buffer.from([0xf0 | flag, 0]))
    }
  })

  it('[v5 MQTT-2.1.3-1] are those of the table in what the broker sends', async () => {
    const kit = await openBroker()
    const peer = kit.peer()
    peer.send(
      connect('c'),
      subscribe(1, 'a', 2),
      publish2(2, 'a', 'x'),
      pubrel(2),
      publish1(3, 'b', 'x'),
      unsubscribe(4, 'a'),
      pubrec(1),
      pubcomp(1),
      pingreq,
      connect('again'),
    )
    const firstBytes: Record<string, number> = {}
    while (!('disconnect' in firstBytes)) {
      const { bytes, packet } = await peer.next()
      firstBytes[packet.cmd] = bytes[0] as number
    }
    expect(firstBytes).toEqual({
      connack: 0x20,
      suback: 0x90,
      publish: 0x34,
      pubrec: 0x50,
      pubcomp: 0x70,
      puback: 0x40,
      unsuback: 0xb0,
      pubrel: 0x62,
      pingresp: 0xd0,
      disconnect: 0xe0,
    })
  })
})

describe('a packet id', () => {
  it('[v5 MQTT-2.2.1-2] is not in a QoS 0 PUBLISH from the broker, though the publisher had one', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', 'a', 0)
    await flow(await kit.client('sender'))
      .send(publish1(0x1234, 'a', 'x'))
      .receive(puback(0x1234))
    await flow(receiver).receiveBytes(publish5('a', [], 'x'))
  })

  it('[v5 MQTT-2.2.1-2] is not looked for in a QoS 0 PUBLISH to the broker', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', 'a', 2)
    // With a packet id the bytes behind the topic name would be read otherwise: 0x0002 for two bytes of properties.
    await flow(await kit.client('sender')).send(frame(0x30, text('a'), hex('00 02 01 00')))
    await flow(receiver).receiveBytes(frame(0x30, text('a'), hex('00 02 01 00')))
  })

  it('[v5 MQTT-2.2.1-3] of 0 is refused in PUBLISH, SUBSCRIBE and UNSUBSCRIBE', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'a', 0)
    for (const firstByte of [0x32, 0x34]) {
      await refuses(kit, 0x82, frame(firstByte, text('a'), u16(0), block(), Buffer.from('x')))
    }
    await refuses(kit, 0x82, frame(0x82, u16(0), block(), text('a'), hex('00')))
    await refuses(kit, 0x82, frame(0xa2, u16(0), block(), text('a')))
    await flow(watcher).receiveNothing()
  })

  it('[v5 MQTT-2.2.1-4] is one of its own for each message in flight, and never 0', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', '#', 2)
    const sender = await kit.client('sender')
    for (let id = 1; id <= 100; id++)
      sender.send(id % 2 === 0 ? publish1(id, 'a', 'x') : publish2(id, 'a', 'x'))
    const ids = new Set<unknown>()
    for (let i = 0; i < 100; i++) ids.add((await receiver.next()).packet.messageId)
    expect(ids.size).toBe(100)
    expect(ids.has(0)).toBe(false)
  })

  it('[v5 MQTT-2.2.1-4] that is in use is not given to any of the next 65,000 messages', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', 'a', 1)
    const publishOne = () => kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    const nextId = async () => (await receiver.next()).packet.messageId as number
    await publishOne()
    const held = await nextId()
    const ids = new Set<number>([0, held])
    for (let i = 0; i < 65_000; i++) {
      await publishOne()
      const id = await nextId()
      ids.add(id)
      receiver.send(puback(id))
    }
    expect(ids.size).toBe(65_002)
    receiver.send(puback(held))
    for (let i = 0; i < 1_000; i++) {
      await publishOne()
      expect(await nextId()).toBeGreaterThan(0)
    }
  })

  it('[v5 MQTT-2.2.1-5] of a PUBLISH is that of PUBACK, PUBREC and PUBCOMP for it', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(publish1(0x1234, 'a', 'x'), publish2(0xffff, 'a', 'x'), publish2(1, 'a', 'x'))
      .receive(puback(0x1234, 0x10), pubrec(0xffff, 0x10), pubrec(1, 0x10))
      .send(pubrel(1), pubrel(0xffff))
      .receive(pubcomp(1), pubcomp(0xffff))
  })

  it('[v5 MQTT-2.2.1-5] of a PUBLISH from the broker is that of its PUBREL', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', 'a', 2)
    for (let i = 0; i < 3; i++) await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
    await flow(receiver)
      .receive(publish2(1, 'a', 'x'), publish2(2, 'a', 'x'), publish2(3, 'a', 'x'))
      .send(pubrec(1), pubrec(2), pubrec(3))
      .receive(pubrel(1), pubrel(2), pubrel(3))
  })

  it('[v5 MQTT-2.2.1-6] of SUBSCRIBE and UNSUBSCRIBE is that of SUBACK and UNSUBACK', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(subscribe(0xffff, 'a', 0), subscribe(7, 'b', 1), unsubscribe(0x1234, 'a'), unsubscribe(1, 'z'))
      .receive(suback(0xffff, 0), suback(7, 1), unsuback(0x1234, 0), unsuback(1, 0x11))
  })
})

describe('a property block without properties', () => {
  it('[v5 MQTT-2.2.2-1] has a length of 0 in PUBLISH, SUBACK and UNSUBACK of the broker', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(subscribe(1, 'a', 1))
      .receiveBytes(hex('90 04 0001 00 01'))
      .send(publish('a', 'x'))
      .receiveBytes(hex('30 05 000161 00 78'))
      .send(unsubscribe(2, 'a'))
      .receiveBytes(hex('b0 04 0002 00 00'))
  })

  it('[v5 MQTT-2.2.2-1] has a length of 0 in CONNACK, where there is nothing to say', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximum: 0, maximumPacketSize: 268_435_460 } })
    await flow(kit.peer()).send(connect('c')).receiveBytes(hex('20 03 00 00 00'))
  })

  it('[v5 MQTT-2.2.2-1] may not be left out by a client', async () => {
    const kit = await openBroker()
    await refuses(kit, 0x81, frame(0x30, text('a')))
    await refuses(kit, 0x81, frame(0x32, text('a'), u16(1)))
    await refuses(kit, 0x81, frame(0x82, u16(1)))
    await refuses(kit, 0x81, frame(0xa2, u16(1)))
    await refusesConnect(kit, 0x81, frame(0x10, text('MQTT'), hex('05 02 0000')))
  })

  it('[v5 MQTT-2.2.2-1] takes nothing away from the properties of the next packet', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', 'a', 0)
    const packets = [
      publish5('a', [], '1'),
      publish5('a', [userProperty('n', 'v')], '2'),
      publish5('a', [], '3'),
    ]
    await flow(await kit.client('sender', { fields: kept })).send(...packets, disconnect())
    const talk = flow(receiver)
    for (const packet of packets) talk.receiveBytes(packet)
    await talk
  })
})
