// MQTT 5.0, chapter 4.9: the send quota of QoS 1 and 2, from the client's Receive Maximum.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import {
  pingreq,
  pingresp,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Qos,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../../kit/test-broker.ts'

const fieldsOf = (receiveMaximum?: number) => ({
  clean: false,
  properties: { sessionExpiryInterval: 1_000, ...(receiveMaximum !== undefined && { receiveMaximum }) },
})

async function send(kit: TestBroker, qos: Qos, ...payloads: string[]): Promise<void> {
  for (const payload of payloads) await kit.broker.publish({ topicName: 'a', payload, qos })
}

async function sendMany(kit: TestBroker, qos: Qos, count: number): Promise<void> {
  for (let i = 0; i < count; i++) void kit.broker.publish({ topicName: 'a', payload: 'x', qos })
  await kit.settle()
}

/** Packets that have come, unread. */
async function countOf(peer: Peer): Promise<number> {
  await peer.settle()
  return peer.waiting
}

describe('the send quota at the beginning', () => {
  it('[v5 MQTT-4.9.0-1] is above 0 and no more than the Receive Maximum of the client', async () => {
    const kit = await openBroker()
    for (const qos of [1, 2] as const) {
      for (const receiveMaximum of [1, 2, 10, 1_000]) {
        const fields = { properties: { receiveMaximum } }
        const peer = await kit.subscriber('c', 'a', qos, { fields })
        await sendMany(kit, qos, 1_100)
        const count = await countOf(peer)
        expect(count).toBeGreaterThan(0)
        expect(count).toBeLessThanOrEqual(receiveMaximum)
        await peer.drop()
      }
    }
  })

  it('[v5 MQTT-4.9.0-1] is above 0 too for a client that says nothing, or as much as there is', async () => {
    const kit = await openBroker()
    for (const fields of [{}, { properties: { receiveMaximum: 65_535 } }]) {
      const peer = await kit.subscriber('c', 'a', 1, { fields })
      await sendMany(kit, 1, 100)
      expect(await countOf(peer)).toBe(100)
      await peer.drop()
    }
  })

  it('[v5 MQTT-4.9.0-1] is that of each connection anew, also for what is sent again', async () => {
    const kit = await openBroker()
    let peer = await kit.subscriber('c', 'a', 2, { fields: fieldsOf(10) })
    await sendMany(kit, 1, 20)
    for (const receiveMaximum of [10, 3, 1, 7]) {
      expect(await countOf(peer)).toBe(receiveMaximum)
      await peer.drop()
      const next = receiveMaximum === 10 ? 3 : receiveMaximum === 3 ? 1 : 7
      peer = await kit.client('c', { fields: fieldsOf(next), sessionPresent: true })
    }
  })
})

describe.each(STORES)('the send quota on the %s store', (store) => {
  it('[v5 MQTT-4.9.0-2] goes down by each PUBLISH, and at 0 the next one waits for a PUBACK', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 1, { fields: fieldsOf(2) })
    await send(kit, 1, '1', '2', '3', '4')
    await flow(peer)
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'))
      .receiveNothing()
      .send(puback(2))
      .receive(publish1(3, 'a', '3'))
      .receiveNothing()
      .send(puback(1), puback(3))
      .receive(publish1(4, 'a', '4'))
      .receiveNothing()
  })

  it('[v5 MQTT-4.9.0-2] goes up by a PUBCOMP or a PUBREC with an error, not by a PUBREC that goes on', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: fieldsOf(2) })
    await send(kit, 2, '1', '2', '3', '4', '5')
    await flow(peer)
      .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .send(pubrec(1), pubrec(2))
      .receive(pubrel(1), pubrel(2))
      .receiveNothing()
      .send(pubcomp(1))
      .receive(publish2(3, 'a', '3'))
      .receiveNothing()
      .send(pubrec(3, 0x80))
      .receive(publish2(4, 'a', '4'))
      .receiveNothing()
      .send(pubcomp(2))
      .receive(publish2(5, 'a', '5'))
  })

  it('[v5 MQTT-4.9.0-2] goes up by a PUBACK with an error as by any other', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 1, { fields: fieldsOf(1) })
    await send(kit, 1, '1', '2')
    await flow(peer)
      .receive(publish1(1, 'a', '1'))
      .receiveNothing()
      .send(puback(1, 0x99))
      .receive(publish1(2, 'a', '2'))
  })

  it('[v5 MQTT-4.9.0-2] does not go up by acknowledgements of nothing, nor by those that come twice', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: fieldsOf(2) })
    await send(kit, 1, '1', '2', '3')
    await send(kit, 2, '4', '5')
    await flow(peer)
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'))
      .send(puback(3), puback(9), pubcomp(3), pubcomp(9), pubrec(9, 0x80), pubrec(3, 0x80))
      .receiveNothing()
      .send(puback(1), puback(1), puback(1))
      .receive(publish1(3, 'a', '3'))
      .receiveNothing()
      .send(puback(2), puback(3))
      .receive(publish2(4, 'a', '4'), publish2(5, 'a', '5'))
      .send(pubrec(4), pubcomp(4), pubcomp(4), pubcomp(4))
      .receive(pubrel(4))
      .do(() => send(kit, 1, '6', '7'))
      .receive(publish1(6, 'a', '6'))
      .receiveNothing()
  })

  it('[v5 MQTT-4.9.0-2] does not grow beyond where it began, however many acknowledgements come', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 1, { fields: fieldsOf(2) })
    for (let id = 1; id <= 20; id++) peer.send(puback(id), pubcomp(id), pubrec(id, 0x80))
    await peer.settle()
    await sendMany(kit, 1, 10)
    expect(await countOf(peer)).toBe(2)
  })
})

describe('at a send quota of 0', () => {
  it('[v5 MQTT-4.9.0-3] every other packet is handled and answered, and QoS 0 goes out', async () => {
    const kit = await openBroker()
    const reader = await kit.subscriber('reader', 'b', 0)
    const peer = await kit.subscriber('c', 'a', 1, { fields: fieldsOf(1) })
    await send(kit, 1, '1', '2')
    await flow(peer)
      .receive(publish1(1, 'a', '1'))
      .send(pingreq)
      .receive(pingresp)
      .send(subscribe(2, 'c', 0), unsubscribe(3, 'c', 'd'))
      .receive(suback(2, 0), unsuback(3, 0, 0x11))
      .send(publish('b', 'zero'), publish1(4, 'b', 'one'), publish2(5, 'b', 'two'), pubrel(5))
      .receive(puback(4), pubrec(5), pubcomp(5))
      .send(pubrec(77), pubrel(78))
      .receive(pubrel(77, 0x92), pubcomp(78, 0x92))
      .do(() => send(kit, 0, 'not counted'))
      .receive(publish('a', 'not counted'))
      .receiveNothing()
    await flow(reader).receive(publish('b', 'zero'), publish('b', 'one'), publish('b', 'two'))
  })

  it('[v5 MQTT-4.9.0-3] the QoS 2 messages that used it up are carried on', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 2, { fields: fieldsOf(2) })
    await send(kit, 2, '1', '2', '3')
    await flow(peer)
      .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .send(pubrec(1), pubrec(2))
      .receive(pubrel(1), pubrel(2))
      .send(pubrec(1))
      .receive(pubrel(1))
      .receiveNothing()
  })

  it('[v5 MQTT-4.9.0-3] a DISCONNECT is handled too, and the session is kept', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 1, { fields: fieldsOf(1) })
    await send(kit, 1, '1', '2')
    await flow(peer)
      .receive(publish1(1, 'a', '1'))
      .send({ cmd: 'disconnect' })
      .closed()
    await flow(await kit.client('c', { fields: fieldsOf(5), sessionPresent: true })).receive(
      publish1(1, 'a', '1', { dup: true }),
      publish1(2, 'a', '2'),
    )
  })
})
