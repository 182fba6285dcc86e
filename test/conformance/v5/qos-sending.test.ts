// MQTT 5.0, chapter 4.3, the sender's half: QoS 0, 1 and 2 towards a subscriber.
// qos-packet-ids.test.ts has their packet ids, qos-receiving.test.ts the receiver's half, qos-again.test.ts
// what is sent a second time.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { hex } from '../../kit/frames.ts'
import {
  disconnect,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Qos,
} from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const back = (kit: TestBroker): Promise<Peer> => kit.client('c', { fields: kept, sessionPresent: true })

async function send(kit: TestBroker, qos: Qos, ...payloads: string[]): Promise<void> {
  for (const payload of payloads) await kit.broker.publish({ topicName: 'a', payload, qos })
}

describe('QoS 0', () => {
  it('[v5 MQTT-4.3.1-1] goes out with QoS 0 and DUP 0, whatever the message came with', async () => {
    const kit = await openBroker()
    const reader = await kit.subscriber('reader', 'a', 0)
    const sender = await kit.client('sender')
    await flow(sender)
      .send(publish1(1, 'a', 'one', { dup: true }), publish2(2, 'a', 'two', { dup: true }))
      .send(publish('a', 'zero'))
    for (const payload of ['one', 'two', 'zero']) {
      const { bytes, packet } = await reader.next()
      expect(packet.payload).toBe(payload)
      expect(bytes[0]).toBe(0x30)
    }
  })
})

describe('the first PUBLISH', () => {
  it('[v5 MQTT-4.3.2-2] of a QoS 1 message has a packet id, QoS 1 and DUP 0, whatever it came with', async () => {
    const kit = await openBroker()
    const reader = await kit.subscriber('reader', 'a', 1)
    await flow(await kit.client('sender')).send(
      publish1(77, 'a', 'one', { dup: true }),
      publish2(78, 'a', 'two', { dup: true }),
    )
    await flow(reader)
      .receiveBytes(hex('32 09 0001 61 0001 00 6f6e65'))
      .receiveBytes(hex('32 09 0001 61 0002 00 74776f'))
  })

  it('[v5 MQTT-4.3.3-2] of a QoS 2 message has a packet id, QoS 2 and DUP 0, whatever it came with', async () => {
    const kit = await openBroker()
    const reader = await kit.subscriber('reader', 'a', 2)
    await flow(await kit.client('sender')).send(publish2(78, 'a', 'two', { dup: true }))
    await flow(reader).receiveBytes(hex('34 09 0001 61 0001 00 74776f'))
  })

  it('[v5 MQTT-4.3.2-2] has DUP 0 too when the message has waited for its client', async () => {
    const kit = await openBroker()
    await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
    await send(kit, 1, 'one')
    await flow(await back(kit)).receive(publish1(1, 'a', 'one'))
  })

  it('[v5 MQTT-4.3.3-2] has DUP 0 too when the message has waited for room in the send quota', async () => {
    const kit = await openBroker()
    const fields = { clean: false, properties: { sessionExpiryInterval: 1_000, receiveMaximum: 1 } }
    const peer = await kit.subscriber('c', 'a', 2, { fields })
    await send(kit, 2, 'one', 'two')
    await flow(peer)
      .receive(publish2(1, 'a', 'one'))
      .send(pubrec(1))
      .receive(pubrel(1))
      .send(pubcomp(1))
      .receive(publish2(2, 'a', 'two'))
  })
})

describe.each(STORES)('on the %s store', (store) => {
  it('[v5 MQTT-4.3.2-3] holds a QoS 1 message for unacknowledged until the PUBACK of its packet id', async () => {
    const kit = await openBroker({ store })
    let peer = await kit.subscriber('c', 'a', 1, { fields: kept })
    await send(kit, 1, 'one', 'two')
    await flow(peer).receive(publish1(1, 'a', 'one'), publish1(2, 'a', 'two'))
    // None of these is the PUBACK of the first message.
    await flow(peer).send(puback(3), puback(2)).drop()
    for (const wrong of [pubrec(1), pubrec(1, 0x80), pubcomp(1)]) {
      await flow(await back(kit))
        .receive(publish1(1, 'a', 'one', { dup: true }))
        .send(wrong)
        .receive(disconnect(0x82))
        .closed()
    }
    for (let i = 0; i < 3; i++) {
      peer = await back(kit)
      await flow(peer)
        .receive(publish1(1, 'a', 'one', { dup: true }))
        .receiveNothing()
      if (i < 2) await peer.drop()
    }
    await flow(peer).send(puback(1)).receiveNothing().drop()
    await flow(await back(kit)).receiveNothing()
  })

  it('[v5 MQTT-4.3.3-3] holds a QoS 2 message for unacknowledged until the PUBREC of its packet id', async () => {
    const kit = await openBroker({ store })
    let peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 2, 'one', 'two')
    await flow(peer).receive(publish2(1, 'a', 'one'), publish2(2, 'a', 'two'))
    // None of these is the PUBREC of the first message.
    await flow(peer).send(pubrec(3), pubrec(2)).receive(pubrel(3, 0x92), pubrel(2)).drop()
    for (const wrong of [puback(1), pubcomp(1)]) {
      await flow(await back(kit))
        .receive(publish2(1, 'a', 'one', { dup: true }), pubrel(2))
        .send(wrong)
        .receive(disconnect(0x82))
        .closed()
    }
    for (let i = 0; i < 3; i++) {
      peer = await back(kit)
      await flow(peer)
        .receive(publish2(1, 'a', 'one', { dup: true }), pubrel(2))
        .receiveNothing()
      if (i < 2) await peer.drop()
    }
    await flow(peer).send(pubrec(1)).receive(pubrel(1)).drop()
    await flow(await back(kit))
      .receive(pubrel(1), pubrel(2))
      .receiveNothing()
  })

  it('[v5 MQTT-4.3.3-4] answers PUBREC below 0x80 by PUBREL with its packet id, as often as it comes', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 2, 'one', 'two', 'three')
    await flow(peer)
      .receive(publish2(1, 'a', 'one'), publish2(2, 'a', 'two'), publish2(3, 'a', 'three'))
      .send(pubrec(2), pubrec(3, 0x10), pubrec(1), pubrec(2))
      .receive(pubrel(2), pubrel(3), pubrel(1), pubrel(2))
      .receiveNothing()
  })

  it('[v5 MQTT-4.3.3-4] answers PUBREC of 0x80 and above by nothing', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 2, 'one', 'two')
    await flow(peer)
      .receive(publish2(1, 'a', 'one'), publish2(2, 'a', 'two'))
      .send(pubrec(1, 0x80), pubrec(2, 0x99))
      .receiveNothing()
      .drop()
    await flow(await back(kit)).receiveNothing()
  })

  it('[v5 MQTT-4.3.3-5] holds a PUBREL for unacknowledged until the PUBCOMP of its packet id', async () => {
    const kit = await openBroker({ store })
    let peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 2, 'one')
    await flow(peer)
      .receive(publish2(1, 'a', 'one'))
      .send(pubrec(1))
      .receive(pubrel(1))
    // None of these is the PUBCOMP of the message.
    await flow(peer).send(pubcomp(2), puback(1)).receive(disconnect(0x82)).closed()
    for (let i = 0; i < 3; i++) {
      peer = await back(kit)
      await flow(peer).receive(pubrel(1)).receiveNothing()
      if (i < 2) await peer.drop()
    }
    await flow(peer).send(pubcomp(1)).receiveNothing().drop()
    await flow(await back(kit)).receiveNothing()
  })

  it('[v5 MQTT-4.3.3-6] does not send a PUBLISH again once its PUBREL is out', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 2, 'one')
    await flow(peer)
      .receive(publish2(1, 'a', 'one'))
      .send(pubrec(1))
      .receive(pubrel(1))
      .drop()
    // An error comes too late to change that.
    await flow(await back(kit))
      .receive(pubrel(1))
      .send(pubrec(1, 0x80))
      .receiveNothing()
      .drop()
    await flow(await back(kit))
      .receive(pubrel(1))
      .receiveNothing()
  })

  it('[v5 MQTT-4.3.3-7] does not let a QoS 2 message expire that it has sent', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    for (const payload of ['sent', 'released']) {
      await kit.broker.publish({ topicName: 'a', payload, qos: 2, messageExpiryInterval: 10 })
    }
    const expiring = { properties: { messageExpiryInterval: 10 } }
    await flow(peer)
      .receive(publish2(1, 'a', 'sent', expiring), publish2(2, 'a', 'released', expiring))
      .send(pubrec(2))
      .receive(pubrel(2))
      .do(() => kit.clock.advance(60_000))
      .receiveNothing()
      .drop()
    await kit.broker.publish({ topicName: 'a', payload: 'never sent', qos: 2, messageExpiryInterval: 10 })
    kit.clock.advance(60_000)
    const again = await back(kit)
    expect((await again.next()).packet).toMatchObject({ messageId: 1, payload: 'sent', dup: true, qos: 2 })
    await flow(again)
      .receive(pubrel(2))
      .receiveNothing()
      .send(pubrec(1), pubcomp(2))
      .receive(pubrel(1))
      .send(pubcomp(1))
      .receiveNothing()
  })
})

describe('over a restart', () => {
  it('[v5 MQTT-4.3.3-6] does not send a PUBLISH again once its PUBREL is out', async () => {
    const kit = await openBroker({ store: 'level' })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 2, 'one')
    await flow(peer)
      .receive(publish2(1, 'a', 'one'))
      .send(pubrec(1))
      .receive(pubrel(1))
    await kit.restart()
    await flow(await back(kit))
      .receive(pubrel(1))
      .receiveNothing()
  })

  it('[v5 MQTT-4.3.3-7] does not let a QoS 2 message expire that it may have sent before', async () => {
    const kit = await openBroker({ store: 'level' })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await kit.broker.publish({ topicName: 'a', payload: 'sent', qos: 2, messageExpiryInterval: 10 })
    expect((await peer.next()).packet).toMatchObject({ messageId: 1, payload: 'sent', dup: false })
    await kit.restart()
    kit.clock.advance(60_000)
    const again = await back(kit)
    expect((await again.next()).packet).toMatchObject({ messageId: 1, payload: 'sent', dup: true })
  })
})
