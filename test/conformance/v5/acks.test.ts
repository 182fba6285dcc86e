// MQTT 5.0, chapters 3.4 to 3.7: PUBACK, PUBREC, PUBREL and PUBCOMP, as the broker sends them and as it takes them.
import { describe, expect, it } from 'vitest'
import { PACKET_SIZE_MAX } from '../../../src/packet/protocol.ts'
import { flow } from '../../kit/flow.ts'
import { frame, u16 } from '../../kit/frames.ts'
import {
  disconnect,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Said,
  type Sendable,
} from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'

/** Reason codes of PUBACK and PUBREC, and of PUBREL and PUBCOMP; the rest belongs to other packets or to none. */
const RECEIPTS = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
const RELEASES = [0x00, 0x92]
const OF_OTHERS = [0x01, 0x04, 0x11, 0x18, 0x81, 0x82, 0x8f, 0x93, 0xff]

const withReason = (firstByte: number, packetId: number, reasonCode: number): Buffer =>
  frame(firstByte, u16(packetId), Buffer.from([reasonCode]))

/** Each of these ends the connection of whoever sends it with 0x82, and nobody else's. */
async function expectRefused(packets: Buffer[]): Promise<void> {
  const kit = await openBroker()
  for (const packet of packets) {
    await flow(await kit.client('c'))
      .send(packet)
      .receive(disconnect(0x82))
      .closed()
  }
  await kit.servesOthers()
}

/** An acknowledgement with its reason code has five bytes: a client may say that it takes no more, or hardly more. */
const SIZES = [5, 6, 8, 12, 20, 40]

/** Clients with little room, more and more of it, ask; each answer is `expected` and within its room. */
async function expectToFit(asked: Sendable, expected: Said): Promise<void> {
  // A CONNACK without properties has five bytes too.
  const kit = await openBroker({ limits: { topicAliasMaximum: 0, maximumPacketSize: PACKET_SIZE_MAX } })
  for (const maximumPacketSize of SIZES) {
    const peer = await kit.client('small', { fields: { properties: { maximumPacketSize } } })
    peer.send(asked)
    const { bytes, packet } = await peer.next()
    expect(packet).toMatchObject(expected)
    expect(bytes.length).toBeLessThanOrEqual(maximumPacketSize)
    await peer.drop()
  }
}

const refusedAtQos1 = publish1(3, '$SYS/x', '')
const refusedAtQos2 = publish2(3, '$SYS/x', '')

describe('PUBACK', () => {
  it('[v5 MQTT-3.4.2-1] says in PUBACK what became of a message: taken, unheard, not allowed, no room', async () => {
    const kit = await openBroker({ limits: { retainedMessagesMax: 1 } })
    await kit.subscriber('reader', 'a', 0)
    await flow(await kit.client('c'))
      .send(publish1(1, 'a', 'x'), publish1(2, 'nobody', 'x'), publish1(3, '$SYS/x', 'x'))
      .receive(puback(1), puback(2, 0x10), puback(3, 0x87))
      .send(publish1(4, 'r/1', 'x', { retain: true }), publish1(5, 'r/2', 'x', { retain: true }))
      .receive(puback(4, 0x10), puback(5, 0x97))
      .receiveNothing()
  })

  it('[v5 MQTT-3.4.2-1] takes every reason code of PUBACK as the end of a message, and no other', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 1, { fields: { properties: { receiveMaximum: 1 } } })
    for (const [index, reasonCode] of RECEIPTS.entries()) {
      await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
      await flow(peer)
        .receive(publish1(index + 1, 'a', 'x'))
        .send(withReason(0x40, index + 1, reasonCode))
    }
    await flow(peer).receiveNothing()
    await expectRefused([...OF_OTHERS, 0x92].map((reasonCode) => withReason(0x40, 1, reasonCode)))
  })

  it('[v5 MQTT-3.4.2-2] leaves the reason string out of a PUBACK that would grow too large by it', async () => {
    await expectToFit(refusedAtQos1, puback(3, 0x87))
  })

  it('[v5 MQTT-3.4.2-3] leaves user properties out of a PUBACK that would grow too large by them', async () => {
    await expectToFit(publish1(3, 'a', '', { properties: { userProperties: { a: 'b' } } }), puback(3, 0x10))
  })
})

describe('PUBREC', () => {
  it('[v5 MQTT-3.5.2-1] says in PUBREC what became of a message: taken, unheard, not allowed, no room', async () => {
    const kit = await openBroker({ limits: { retainedMessagesMax: 1 } })
    await kit.subscriber('reader', 'a', 0)
    await flow(await kit.client('c'))
      .send(publish2(1, 'a', 'x'), publish2(2, 'nobody', 'x'), publish2(3, '$SYS/x', 'x'))
      .receive(pubrec(1), pubrec(2, 0x10), pubrec(3, 0x87))
      .send(publish2(4, 'r/1', 'x', { retain: true }), publish2(5, 'r/2', 'x', { retain: true }))
      .receive(pubrec(4, 0x10), pubrec(5, 0x97))
      .receiveNothing()
  })

  it('[v5 MQTT-3.5.2-1] goes on below 0x80 of a PUBREC, stops from there on, and takes no other code', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 2, { fields: { properties: { receiveMaximum: 1 } } })
    for (const [index, reasonCode] of RECEIPTS.entries()) {
      const packetId = index + 1
      await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
      await flow(peer)
        .receive(publish2(packetId, 'a', 'x'))
        .send(withReason(0x50, packetId, reasonCode))
      if (reasonCode < 0x80) await flow(peer).receive(pubrel(packetId)).send(pubcomp(packetId))
    }
    await flow(peer).receiveNothing()
    await expectRefused([...OF_OTHERS, 0x92].map((reasonCode) => withReason(0x50, 1, reasonCode)))
  })

  it('[v5 MQTT-3.5.2-2] leaves the reason string out of a PUBREC that would grow too large by it', async () => {
    await expectToFit(refusedAtQos2, pubrec(3, 0x87))
  })

  it('[v5 MQTT-3.5.2-3] leaves user properties out of a PUBREC that would grow too large by them', async () => {
    await expectToFit(publish2(3, 'a', '', { properties: { userProperties: { a: 'b' } } }), pubrec(3, 0x10))
  })
})

describe('PUBREL', () => {
  it('[v5 MQTT-3.6.1-1] ends the connection with 0x81 at a PUBREL with other flags than 0010', async () => {
    const kit = await openBroker()
    const reader = await kit.subscriber('reader', 'a', 0)
    for (let flags = 0; flags < 16; flags++) {
      if (flags === 0b0010) continue
      await flow(await kit.client('c'))
        .send(publish2(1, 'a', 'x'))
        .receive(pubrec(1))
        .send(frame(0x60 | flags, u16(1)))
        .receive(disconnect(0x81))
        .closed()
      await flow(reader).receive(publish('a', 'x'))
    }
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.6.1-1] sends PUBREL with the flags 0010', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 2)
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
    await flow(peer)
      .receive(publish2(1, 'a', 'x'))
      .send(pubrec(1), pubrec(7))
      .receiveBytes(frame(0x62, u16(1)))
      .receiveBytes(withReason(0x62, 7, 0x92))
  })

  it('[v5 MQTT-3.6.2-1] sends PUBREL as a success, or with 0x92 for a packet id it knows nothing of', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 2)
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
    await flow(peer)
      .receive(publish2(1, 'a', 'x'))
      .send(pubrec(1), pubrec(2))
      .receive(pubrel(1), pubrel(2, 0x92))
      .receiveNothing()
  })

  it('[v5 MQTT-3.6.2-1] takes both reason codes of PUBREL, and no other', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c')
    for (const reasonCode of RELEASES) {
      await flow(peer)
        .send(publish2(1, 'a', 'x'))
        .receive(pubrec(1, 0x10))
        .send(withReason(0x62, 1, reasonCode))
        .receive(pubcomp(1))
    }
    await expectRefused([...OF_OTHERS, 0x80].map((reasonCode) => withReason(0x62, 1, reasonCode)))
  })

  it('[v5 MQTT-3.6.2-2] leaves the reason string out of a PUBREL that would grow too large by it', async () => {
    await expectToFit(pubrec(3), pubrel(3, 0x92))
  })

  it('[v5 MQTT-3.6.2-3] leaves user properties out of a PUBREL that would grow too large by them', async () => {
    await expectToFit(pubrec(3, 0x10), pubrel(3, 0x92))
  })
})

describe('PUBCOMP', () => {
  it('[v5 MQTT-3.7.2-1] sends PUBCOMP as a success, or with 0x92 for a packet id it knows nothing of', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(publish2(1, 'a', 'x'))
      .receive(pubrec(1, 0x10))
      .send(pubrel(1), pubrel(1), pubrel(2))
      .receive(pubcomp(1), pubcomp(1, 0x92), pubcomp(2, 0x92))
      .receiveNothing()
  })

  it('[v5 MQTT-3.7.2-1] takes both reason codes of PUBCOMP as the end of a message, and no other', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 2, { fields: { properties: { receiveMaximum: 1 } } })
    for (const [index, reasonCode] of RELEASES.entries()) {
      const packetId = index + 1
      await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
      await flow(peer)
        .receive(publish2(packetId, 'a', 'x'))
        .send(pubrec(packetId))
        .receive(pubrel(packetId))
        .send(withReason(0x70, packetId, reasonCode))
    }
    await flow(peer).receiveNothing()
    await expectRefused([...OF_OTHERS, 0x80].map((reasonCode) => withReason(0x70, 1, reasonCode)))
  })

  it('[v5 MQTT-3.7.2-2] leaves the reason string out of a PUBCOMP that would grow too large by it', async () => {
    await expectToFit(pubrel(3), pubcomp(3, 0x92))
  })

  it('[v5 MQTT-3.7.2-3] leaves user properties out of a PUBCOMP that would grow too large by them', async () => {
    await expectToFit(pubrel(3, 0x92), pubcomp(3, 0x92))
  })
})
