// MQTT 3.1.1, chapters 1 and 2: strings, reserved flags, packet ids.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text, u16 } from '../../kit/frames.ts'
import {
  connect,
  pingreq,
  puback,
  pubcomp,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Sendable,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker } from '../../kit/test-broker.ts'
import { connectFrame, Flag, string } from './connect-frames.ts'

const V4 = { version: 4 } as const
const KEPT = { version: 4, fields: { clean: false } } as const
const BACK = { ...KEPT, sessionPresent: true } as const

/** The bytes in every place where CONNECT has a string. */
const connectsWith = (bytes: Buffer): Buffer[] => [
  connectFrame(Flag.clean, string(bytes)),
  connectFrame(Flag.clean | Flag.will, text('c'), string(bytes), text('will')),
  connectFrame(Flag.clean | Flag.userName, text('c'), string(bytes)),
]

/** And in every place where other packets have one. */
const packetsWith = (bytes: Buffer): Buffer[] => [
  frame(0x30, string(bytes), Buffer.from('payload')),
  frame(0x32, string(bytes), u16(1)),
  frame(0x82, u16(1), string(bytes), hex('00')),
  frame(0xa2, u16(1), string(bytes)),
]

async function expectClosedAt(bytes: Buffer): Promise<void> {
  const kit = await openBroker()
  for (const packet of connectsWith(bytes)) await flow(kit.peer(4)).send(packet).closed()
  for (const packet of packetsWith(bytes)) {
    await flow(await kit.client('c', V4))
      .send(packet)
      .closed()
  }
  await kit.servesOthers()
}

describe('a string', () => {
  it('[v3.1.1 MQTT-1.5.3-1] closes its sender when it is not UTF-8, wherever it stands', async () => {
    // Cut short, a surrogate, longer than need be, above U+10FFFF, a continuation byte without a beginning.
    for (const digits of ['61 c3', 'ed a0 80', 'c0 af', 'f4 90 80 80', '80'])
      await expectClosedAt(hex(digits))
  })

  it('[v3.1.1 MQTT-1.5.3-2] closes its sender when U+0000 is in it, wherever it stands', async () => {
    for (const digits of ['00', '61 00', '61 2f 00 62']) await expectClosedAt(hex(digits))
  })

  it('[v3.1.1 MQTT-1.5.3-3] keeps a byte order mark, at its beginning and inside', async () => {
    const kit = await openBroker()
    const plain = await kit.subscriber('plain', 'ab', 0, V4)
    const marked = await kit.client('marked', V4)
    for (const topic of ['\uFEFFab', 'a\uFEFFb']) {
      const packet = frame(0x30, text(topic), Buffer.from('x'))
      await flow(marked)
        .send(frame(0x82, u16(1), text(topic), hex('00')))
        .receive(suback(1, 0))
        .send(packet)
        .receiveBytes(packet)
    }
    await flow(plain).receiveNothing()
  })
})

describe('the flags of the fixed header', () => {
  it('[v3.1.1 MQTT-2.2.2-1] are those of the table in every packet of the broker', async () => {
    const kit = await openBroker()
    const peer = kit.peer(4)
    const answerTo = async (packet: Sendable): Promise<number> => {
      peer.send(packet)
      return (await peer.next()).bytes[0] ?? 0
    }
    expect(await answerTo(connect('c'))).toBe(0x20)
    expect(await answerTo(subscribe(1, 'a', 2))).toBe(0x90)
    expect(await answerTo(pingreq)).toBe(0xd0)
    expect(await answerTo(publish1(8, 'b', 'x'))).toBe(0x40)
    expect(await answerTo(publish2(7, 'b', 'x'))).toBe(0x50)
    expect(await answerTo(pubrel(7))).toBe(0x70)
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
    await flow(peer).receive(publish2(1, 'a', 'x'))
    expect(await answerTo(pubrec(1))).toBe(0x62)
    peer.send(pubcomp(1))
    expect(await answerTo(unsubscribe(2, 'a'))).toBe(0xb0)
  })

  it('[v3.1.1 MQTT-2.2.2-2] close who sets them otherwise, whatever the packet', async () => {
    const kit = await openBroker()
    const rest = (digits: string): Buffer => hex(`02 ${digits}`)
    const packets = [
      [0x41, 0x42, 0x48, 0x51, 0x60, 0x61, 0x63, 0x66, 0x71, 0x7f].map((first) => [first, rest('0001')]),
      [0xc1, 0xc2, 0xcf].map((first) => [first, hex('00')]),
      [0x80, 0x81, 0x83, 0x8a].map((first) => [first, hex('06 0001 0001 61 00')]),
      [0xa0, 0xa3].map((first) => [first, hex('05 0001 0001 61')]),
    ].flat() as [number, Buffer][]
    for (const [first, body] of packets) {
      await flow(await kit.client('c', V4))
        .send(Buffer.concat([Buffer.from([first]), body]))
        .closed()
    }
    const connectWithFlags = connectFrame(Flag.clean, text('c'))
    connectWithFlags[0] = 0x11
    await flow(kit.peer(4)).send(connectWithFlags).closed()
    await kit.servesOthers()
  })
})

describe('a packet id', () => {
  it('[v3.1.1 MQTT-2.3.1-1] of 0 closes the sender of SUBSCRIBE, UNSUBSCRIBE and PUBLISH', async () => {
    const kit = await openBroker()
    const packets = [
      frame(0x82, u16(0), text('a'), hex('00')),
      frame(0xa2, u16(0), text('a')),
      frame(0x32, text('a'), u16(0)),
      frame(0x34, text('a'), u16(0)),
    ]
    for (const packet of packets) {
      await flow(await kit.client('c', V4))
        .send(packet)
        .closed()
    }
    await kit.servesOthers()
  })

  it('[v3.1.1 MQTT-2.3.1-4] goes to no second message before the first is acknowledged', async () => {
    const kit = await openBroker({ limits: { inFlightMax: 2 } })
    const peer = await kit.subscriber('c', 'a', 1, V4)
    const send = (payload: string) => kit.broker.publish({ topicName: 'a', payload, qos: 1 })
    void send('held')
    await flow(peer).receive(publish1(1, 'a', 'held'))
    // All the other ids there are, and more: 1 stays with the message that is held.
    const seen = new Set<number>()
    for (let i = 2; i <= 65_540; i++) void send('x')
    await peer.settle()
    while (peer.waiting > 0) {
      const packetId = (await peer.next()).bytes.readUInt16BE(5)
      seen.add(packetId)
      peer.send(Buffer.from([0x40, 2, packetId >> 8, packetId & 255]))
      if (peer.waiting === 0) await peer.settle()
    }
    expect(seen.has(0)).toBe(false)
    expect(seen.has(1)).toBe(false)
    expect(seen.size).toBeGreaterThan(65_000)
    await flow(peer).receiveNothing().send(puback(1))
    while (peer.waiting === 0) await peer.settle()
    const ids = [await peer.next(), await peer.next()].map(({ bytes }) => bytes.readUInt16BE(5))
    expect(ids).toContain(1)
    expect(ids).not.toContain(0)
  })

  it('[v3.1.1 MQTT-2.3.1-4] stays with a message that is sent again', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 2, KEPT)
    for (const qos of [1, 2] as const) await kit.broker.publish({ topicName: 'a', payload: 'x', qos })
    await flow(peer)
      .receive(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'))
      .drop()
    await flow(await kit.client('c', BACK)).receive(
      publish1(1, 'a', 'x', { dup: true }),
      publish2(2, 'a', 'x', { dup: true }),
    )
  })

  it('[v3.1.1 MQTT-2.3.1-5] is not in a QoS 0 PUBLISH, neither read nor written', async () => {
    const kit = await openBroker()
    // The payload begins with what would be a packet id.
    const packet = frame(0x30, text('a'), hex('0001 78'))
    const downgraded = await kit.subscriber('downgraded', 'b', 0, V4)
    await flow(await kit.subscriber('c', 'a', 2, V4))
      .send(packet)
      .receiveBytes(packet)
      .send(publish1(7, 'b', 'x'))
      .receive(puback(7))
    await flow(downgraded).receiveBytes(frame(0x30, text('b'), Buffer.from('x')))
  })

  it('[v3.1.1 MQTT-2.3.1-6] of a PUBLISH is in its PUBACK, PUBREC and PUBREL', async () => {
    const kit = await openBroker()
    for (const packetId of [1, 0x1234, 0xffff]) {
      await flow(await kit.client('sender', V4))
        .send(publish1(packetId, 'nobody', 'x'))
        .receive(puback(packetId))
        .send(publish2(packetId, 'nobody', 'x'))
        .receive(pubrec(packetId))
    }
    const receiver = await kit.subscriber('receiver', 'a', 2, V4)
    const received = async (peer: Peer): Promise<number> => (await peer.next()).packet.messageId as number
    await kit.broker.publish({ topicName: 'a', payload: '1', qos: 2 })
    await kit.broker.publish({ topicName: 'a', payload: '2', qos: 2 })
    const [first, second] = [await received(receiver), await received(receiver)]
    await flow(receiver).send(pubrec(second), pubrec(first)).receive(pubrel(second), pubrel(first))
  })

  it('[v3.1.1 MQTT-2.3.1-7] of a SUBSCRIBE or UNSUBSCRIBE is in its answer', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c', V4)
    for (const packetId of [0xffff, 0x0100, 1]) {
      await flow(peer)
        .send(subscribe(packetId, 'a', 1))
        .receive(suback(packetId, 1))
        .send(unsubscribe(packetId, 'a'))
        .receive(unsuback(packetId))
    }
  })
})
