// What a client receives: in flight, again after a reconnect, within its receive maximum and packet size, in order.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
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
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }

async function send(kit: TestBroker, qos: Qos, ...payloads: string[]): Promise<void> {
  for (const payload of payloads) await kit.broker.publish({ topicName: 'a', payload, qos })
}
const back = (kit: TestBroker, fields: object = kept): Promise<Peer> =>
  kit.client('c', { fields: { ...fields }, sessionPresent: true })

describe.each(STORES)('on the %s store', (store) => {
  it('[v5 MQTT-4.4.0-1] [v5 MQTT-3.3.1-1] sends again with DUP what was not acknowledged, in its order', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 1, '1')
    await send(kit, 2, '2')
    await send(kit, 1, '3', '4')
    await flow(peer)
      .receive(publish1(1, 'a', '1'), publish2(2, 'a', '2'), publish1(3, 'a', '3'), publish1(4, 'a', '4'))
      .send(puback(3))
      .receiveNothing()
      .drop()
    await send(kit, 1, '5')
    await flow(await back(kit))
      .receive(
        publish1(1, 'a', '1', { dup: true }),
        publish2(2, 'a', '2', { dup: true }),
        publish1(4, 'a', '4', { dup: true }),
        publish1(5, 'a', '5'),
      )
      .receiveNothing()
  })

  it('resumes QoS 2 with PUBREL once the client has the message, and never sends that again', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 2, '1', '2')
    await flow(peer)
      .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .send(pubrec(1))
      .receive(pubrel(1))
      .drop()
    await flow(await back(kit))
      .receive(pubrel(1), publish2(2, 'a', '2', { dup: true }))
      .send(pubrec(2))
      .receive(pubrel(2))
      .drop()
    await flow(await back(kit))
      .receive(pubrel(1), pubrel(2))
      .send(pubcomp(2), pubcomp(1))
      .receiveNothing()
      .drop()
    await flow(await back(kit)).receiveNothing()
  })

  it('[v5 MQTT-4.3.3-4] sends no PUBREL after a PUBREC with an error, and counts the message', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 2, '1', '2')
    await flow(peer)
      .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .send(pubrec(1, 0x97))
      .receiveNothing()
      .drop()
    expect(kit.dropped('refused-by-receiver')).toBe(1)
    await flow(await back(kit))
      .receive(publish2(2, 'a', '2', { dup: true }))
      .receiveNothing()
  })

  it('takes a PUBACK with an error as the end of it, and counts the message', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 1, { fields: kept })
    await send(kit, 1, '1')
    await flow(peer)
      .receive(publish1(1, 'a', '1'))
      .send(puback(1, 0x83))
      .receiveNothing()
      .drop()
    expect(kit.dropped('refused-by-receiver')).toBe(1)
    await flow(await back(kit)).receiveNothing()
  })

  it('answers a repeated PUBREC with PUBREL again, and one of nothing with 0x92', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 2, '1')
    await flow(peer)
      .receive(publish2(1, 'a', '1'))
      .send(pubrec(1), pubrec(1))
      .receive(pubrel(1), pubrel(1))
      .send(pubcomp(1), pubrec(1))
      .receive(pubrel(1, 0x92))
  })

  it('is not confused by acknowledgements of what was not sent', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 1, '1')
    await send(kit, 2, '2')
    await flow(peer)
      .receive(publish1(1, 'a', '1'), publish2(2, 'a', '2'))
      .send(puback(500), pubcomp(65_535), pubrec(3))
      .receive(pubrel(3, 0x92))
      .drop()
    await flow(await back(kit)).receive(
      publish1(1, 'a', '1', { dup: true }),
      publish2(2, 'a', '2', { dup: true }),
    )
  })

  it.each([
    ['PUBREC of a QoS 1 message', pubrec(1)],
    ['PUBREC of a QoS 1 message, with an error', pubrec(1, 0x80)],
    ['PUBCOMP of a QoS 1 message', pubcomp(1)],
    ['PUBACK of a QoS 2 message', puback(2)],
    ['PUBCOMP before PUBREC', pubcomp(2)],
    ['PUBACK of a QoS 2 message that is released', puback(3)],
  ])('[v5 MQTT-4.13.1-1] takes a %s for a protocol error, and the message stays', async (_, wrong) => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 1, '1')
    await send(kit, 2, '2', '3')
    await flow(peer)
      .receive(publish1(1, 'a', '1'), publish2(2, 'a', '2'), publish2(3, 'a', '3'))
      .send(pubrec(3))
      .receive(pubrel(3))
      .send(wrong)
      .receive(disconnect(0x82))
      .closed()
    await flow(await back(kit))
      .receive(publish1(1, 'a', '1', { dup: true }), publish2(2, 'a', '2', { dup: true }), pubrel(3))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.4-9] never has more in flight than the client’s receive maximum of 1', async () => {
    const kit = await openBroker({ store })
    const fields = { clean: false, properties: { sessionExpiryInterval: 1_000, receiveMaximum: 1 } }
    const peer = await kit.subscriber('c', 'a', 2, { fields })
    await send(kit, 1, '1')
    await send(kit, 2, '2')
    await send(kit, 1, '3')
    // QoS 0 is not counted.
    await send(kit, 0, 'zero')
    await flow(peer)
      .receive(publish1(1, 'a', '1'), publish('a', 'zero'))
      .receiveNothing()
      .send(puback(1))
      .receive(publish2(2, 'a', '2'))
      .receiveNothing()
      .send(pubrec(2))
      .receive(pubrel(2))
      .receiveNothing()
      .drop()
    await flow(await back(kit, fields))
      .receive(pubrel(2))
      .receiveNothing()
      .send(pubcomp(2))
      .receive(publish1(3, 'a', '3'))
      .receiveNothing()
  })

  it('keeps the order when a long queue is drained and new messages come meanwhile', async () => {
    const kit = await openBroker({ store, limits: { queueWindow: 10, inFlightMax: 4 } })
    await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
    const total = 120
    for (let i = 0; i < 100; i++) void kit.broker.publish({ topicName: 'a', payload: String(i), qos: 1 })
    const peer = await back(kit)
    for (let i = 0; i < total; i++) {
      if (i % 5 === 0) void kit.broker.publish({ topicName: 'a', payload: String(100 + i / 5), qos: 1 })
      const { packet } = await peer.next()
      expect(packet).toEqual(publish1(i + 1, 'a', String(i)))
      peer.send(puback(i + 1))
    }
    for (let i = total; i < 124; i++) peer.send(puback((await peer.next()).packet.messageId as number))
    await flow(peer).receiveNothing().drop()
    await flow(await back(kit)).receiveNothing()
  })

  it('drops QoS 0 for who is away, and counts it', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 2, { fields: kept })).drop()
    await send(kit, 0, '0')
    await send(kit, 1, '1')
    expect(kit.dropped('offline-qos0')).toBe(1)
    await flow(await back(kit))
      .receive(publish1(1, 'a', '1'))
      .receiveNothing()
  })

  it('drops the newest when a queue is full, by number or bytes, and counts them', async () => {
    for (const limits of [{ queueMessagesMax: 2 }, { queueBytesMax: 100 }]) {
      const kit = await openBroker({ store, limits })
      await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
      await send(kit, 1, '1'.repeat(40), '2'.repeat(40), '3'.repeat(40))
      expect(kit.dropped('queue-full')).toBe(1)
      await flow(await back(kit))
        .receive(publish1(1, 'a', '1'.repeat(40)), publish1(2, 'a', '2'.repeat(40)))
        .send(puback(1), puback(2))
        .receiveNothing()
        .do(() => send(kit, 1, 'room again'))
        .receive(publish1(3, 'a', 'room again'))
    }
  })

  it('[v5 MQTT-3.1.2-24] [v5 MQTT-3.1.2-25] drops what is above the client’s packet size, and counts it', async () => {
    const kit = await openBroker({ store })
    const fields = { clean: false, properties: { sessionExpiryInterval: 1_000, maximumPacketSize: 60 } }
    const peer = await kit.subscriber('c', 'a', 2, { fields })
    for (const qos of [0, 1, 2] as const) await send(kit, qos, 'x'.repeat(80))
    await send(kit, 1, 'fits')
    await flow(peer)
      .receive(publish1(3, 'a', 'fits'))
      .receiveNothing()
      .drop()
    expect(kit.dropped('too-large')).toBe(3)
    await flow(await back(kit, fields))
      .receive(publish1(3, 'a', 'fits', { dup: true }))
      .receiveNothing()
  })

  it('uses packet ids from 1 to 65,535 and then from 1 again', async () => {
    const kit = await openBroker({ limits: { inFlightMax: 2 } })
    const peer = await kit.subscriber('c', 'a', 1)
    let last = 0
    for (let i = 1; i <= 65_540; i++) {
      void kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
      const { bytes } = await peer.next()
      last = bytes.readUInt16BE(5)
      if (last !== ((i - 1) % 65_535) + 1) throw new Error(`message ${i} came as ${last}`)
      peer.send(Buffer.from([0x40, 2, last >> 8, last & 255]))
    }
    expect(last).toBe(5)
  })
})

describe('over a restart', () => {
  it('has what was in flight again with its packet ids, and PUBREL for what was received', async () => {
    const kit = await openBroker({ store: 'level' })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 1, '1')
    await send(kit, 2, '2', '3')
    await flow(peer)
      .receive(publish1(1, 'a', '1'), publish2(2, 'a', '2'), publish2(3, 'a', '3'))
      .send(pubrec(2))
      .receive(pubrel(2))
    await kit.restart()
    await flow(await back(kit))
      .receive(publish1(1, 'a', '1', { dup: true }), pubrel(2), publish2(3, 'a', '3', { dup: true }))
      .send(puback(1), pubcomp(2), pubrec(3))
      .receive(pubrel(3))
      .do(() => send(kit, 1, '4'))
      .receive(publish1(4, 'a', '4'))
  })
})
