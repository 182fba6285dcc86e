// MQTT 3.1.1, chapters 3.10 to 3.14: UNSUBSCRIBE with its answer, PINGREQ, DISCONNECT.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text, u16 } from '../../kit/frames.ts'
import {
  disconnect,
  pingreq,
  pingresp,
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
  willOf,
} from '../../kit/packets.ts'
import { openBroker, STORES } from '../../kit/test-broker.ts'
import { string } from './connect-frames.ts'

const V4 = { version: 4 } as const
const KEPT = { version: 4, fields: { clean: false } } as const
const BACK = { ...KEPT, sessionPresent: true } as const

/** Closed without an answer, still subscribed to "a", and nobody else is hurt. */
async function expectClosed(...packets: Buffer[]): Promise<void> {
  const kit = await openBroker()
  await flow(await kit.subscriber('c', 'a', 0, KEPT)).drop()
  for (const packet of packets) {
    await flow(await kit.client('c', BACK))
      .send(packet)
      .closed()
  }
  const peer = await kit.client('c', BACK)
  await kit.publish('a', 'still there')
  await flow(peer).receive(publish('a', 'still there'))
  await kit.servesOthers()
}

describe('an UNSUBSCRIBE is closed when', () => {
  it('[v3.1.1 MQTT-3.10.1-1] its flags are not 0010', async () => {
    const body = hex('05 0001 0001 61')
    await expectClosed(
      ...[0xa0, 0xa1, 0xa3, 0xa6, 0xaa, 0xaf].map((first) => Buffer.concat([Buffer.from([first]), body])),
    )
  })

  it('[v3.1.1 MQTT-3.10.3-1] a topic filter is no UTF-8 string, or there is something between them', async () => {
    await expectClosed(
      frame(0xa2, u16(1), string(hex('61 ff'))),
      frame(0xa2, u16(1), string(hex('61 00'))),
      frame(0xa2, u16(1), text('b'), string(hex('ed a0 80'))),
      frame(0xa2, u16(1), text('b'), hex('00'), text('b')),
    )
  })

  it('[v3.1.1 MQTT-3.10.3-2] it has no topic filter', async () => {
    await expectClosed(frame(0xa2, u16(1)))
  })
})

describe.each(STORES)('on the %s store', (store) => {
  it('[v3.1.1 MQTT-3.10.4-1] ends the subscription whose filter is the same, and no other', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c', KEPT)
    await flow(peer)
      .send(subscribe(1, ['a/b', 'a/+', 'A/b', 'a/é'], 0))
      .receive(suback(1, 0, 0, 0, 0))
      .send(unsubscribe(2, 'a/#', '#', '+/b', 'a', 'a/b/', 'a/B', 'a/e\u0301'))
      .receive(unsuback(2))
    await kit.publish('A/b', 'one')
    await kit.publish('a/é', 'two')
    await flow(peer)
      .receive(publish('A/b', 'one'), publish('a/é', 'two'))
      .send(unsubscribe(3, 'a/+', 'a/é'))
      .receive(unsuback(3))
      .do(() => kit.publish('a/c', 'nobody'))
      .do(() => kit.publish('a/é', 'nobody'))
      .do(() => kit.publish('a/b', 'three'))
      .receive(publish('a/b', 'three'))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.10.4-2] ends what comes, and a reconnect does not bring it back', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 1, KEPT)
    const send = () => kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await flow(peer).send(unsubscribe(2, 'a')).receive(unsuback(2)).do(send).receiveNothing().drop()
    await send()
    if (store === 'level') await kit.restart()
    await flow(await kit.client('c', BACK))
      .do(send)
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.10.4-3] completes the messages that are on their way', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, KEPT)
    for (const qos of [1, 2, 2] as const) await kit.broker.publish({ topicName: 'a', payload: 'x', qos })
    await flow(peer)
      .receive(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'), publish2(3, 'a', 'x'))
      .send(pubrec(3))
      .receive(pubrel(3))
      .send(unsubscribe(2, 'a'))
      .receive(unsuback(2))
      .send(pubrec(2))
      .receive(pubrel(2))
      .send(pubcomp(2))
      .receiveNothing()
      .drop()
    await flow(await kit.client('c', BACK))
      .receive(publish1(1, 'a', 'x', { dup: true }), pubrel(3))
      .send(puback(1), pubcomp(3))
      .receiveNothing()
  })
})

describe('UNSUBACK', () => {
  it('[v3.1.1 MQTT-3.10.4-4] answers every UNSUBSCRIBE with its packet id, and nothing besides', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 0, V4)
    await flow(peer)
      .send(unsubscribe(0xabcd, 'a'))
      .receiveBytes(hex('b0 02 abcd'))
      .send(unsubscribe(2, 'b'), unsubscribe(1, 'c'))
      .receiveBytes(hex('b0 02 0002'))
      .receiveBytes(hex('b0 02 0001'))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.10.4-5] comes also where no subscription ends', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c', V4))
      .send(unsubscribe(1, 'a'))
      .receive(unsuback(1))
      .send(unsubscribe(2, 'a#', 'b', '#/a'))
      .receive(unsuback(2))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.10.4-6] comes once for several topic filters, of which each is ended', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c', V4)
    await flow(peer)
      .send(subscribe(1, ['a', 'b', 'c'], 0))
      .receive(suback(1, 0, 0, 0))
      .send(unsubscribe(2, 'a', 'nothing', 'c', 'a'))
      .receive(unsuback(2))
    for (const topic of ['a', 'b', 'c']) await kit.publish(topic, 'x')
    await flow(peer).receive(publish('b', 'x')).receiveNothing()
  })
})

it('[v3.1.1 MQTT-3.12.4-1] every PINGREQ is answered by a PINGRESP', async () => {
  const kit = await openBroker()
  await flow(await kit.client('c', V4))
    .send(pingreq)
    .receiveBytes(hex('d0 00'))
    .send(pingreq, pingreq, pingreq)
    .receive(pingresp, pingresp, pingresp)
    .receiveNothing()
})

describe('DISCONNECT', () => {
  it('[v3.1.1 MQTT-3.14.1-1] with flags is none: the connection is closed as for a violation', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0, V4)
    for (const first of ['e1', 'e2', 'e4', 'e8', 'ef']) {
      await flow(await kit.client('c', { version: 4, fields: { will: willOf('will', first) } }))
        .send(hex(`${first} 00`))
        .closed()
      await flow(watcher).receive(publish('will', first))
    }
    await kit.servesOthers()
  })

  it('[v3.1.1 MQTT-3.14.4-3] discards the will of the connection', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0, V4)
    for (const clean of [true, false]) {
      const will = willOf('will', 'never', { retain: true })
      await flow(await kit.client(`c ${clean}`, { version: 4, fields: { clean, will } }))
        .send(disconnect())
        .closed()
    }
    kit.clock.advance(1_000_000)
    await flow(watcher).receiveNothing()
    await flow(await kit.subscriber('late', 'will', 0, V4)).receiveNothing()
  })
})
