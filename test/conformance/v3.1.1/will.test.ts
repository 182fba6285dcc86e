// MQTT 3.1.1, chapters 3.1.2.5 to 3.1.2.7 and 3.1.3.2: the will, its flags and its topic.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { hex, text } from '../../kit/frames.ts'
import {
  connack,
  disconnect,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Qos,
  willOf,
} from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../../kit/test-broker.ts'
import { connectFrame, Flag, string } from './connect-frames.ts'

const V4 = { version: 4 } as const
const [id, topic, payload] = [text('c'), text('will'), text('gone')]

const watch = (kit: TestBroker): Promise<Peer> => kit.subscriber('watcher', 'will', 2, V4)
const withWill = (kit: TestBroker, fields: object = {}, clean = true): Promise<Peer> =>
  kit.client('c', { version: 4, fields: { clean, will: willOf('will', 'gone', { ...fields }) } })

/** Closed without an answer, and nobody else is hurt. */
async function expectClosed(...packets: Buffer[]): Promise<void> {
  const kit = await openBroker()
  const watcher = await watch(kit)
  for (const packet of packets) await flow(kit.peer(4)).send(packet).closed()
  await flow(watcher).receiveNothing()
  await kit.servesOthers()
}

describe.each(STORES)('on the %s store', (store) => {
  it('[v3.1.1 MQTT-3.1.2-8] a will is published whenever its connection ends without DISCONNECT', async () => {
    const kit = await openBroker({ store })
    const watcher = await watch(kit)
    const ends: ((peer: Peer) => unknown)[] = [
      (peer) => peer.drop(),
      (peer) => peer.brokerEnd.destroy(new Error('connection reset')),
      (peer) => flow(peer).send(hex('c1 00')).closed(),
      () => kit.client('c', V4),
    ]
    for (const end of ends) {
      await end(await withWill(kit))
      await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
    }
    await flow(await withWill(kit))
      .send(disconnect())
      .closed()
    await flow(watcher).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.1.2-10] a will is gone once published, and once called off', async () => {
    const kit = await openBroker({ store })
    const watcher = await watch(kit)
    const again = { version: 4, fields: { clean: false }, sessionPresent: true } as const
    await flow(await withWill(kit, {}, false)).drop()
    await flow(watcher).receive(publish('will', 'gone'))
    await flow(await kit.client('c', again)).drop()
    await flow(watcher).receiveNothing()
    const will = willOf('will', 'called off')
    await flow(await kit.client('c', { ...again, fields: { clean: false, will } }))
      .send(disconnect())
      .closed()
    await flow(await kit.client('c', again)).drop()
    await flow(watcher).receiveNothing()
    if (store === 'level') await kit.restart()
    await flow(await kit.subscriber('later', 'will', 0, V4)).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.1.2-17] a will with Will Retain 1 is retained', async () => {
    const kit = await openBroker({ store })
    const watcher = await watch(kit)
    await flow(await withWill(kit, { retain: true, qos: 1 })).drop()
    await flow(watcher).receive(publish1(1, 'will', 'gone'))
    await flow(await kit.subscriber('late', 'will', 2, V4)).receive(
      publish1(1, 'will', 'gone', { retain: true }),
    )
  })
})

describe('the Will Flag', () => {
  it('[v3.1.1 MQTT-3.1.2-9] asks for a will topic and a will message, and makes its QoS and RETAIN count', async () => {
    const flags = Flag.clean | Flag.will
    await expectClosed(
      connectFrame(flags, id),
      connectFrame(flags, id, topic),
      connectFrame(flags | Flag.willQos1, id, topic, hex('00')),
    )
    const kit = await openBroker()
    const watcher = await watch(kit)
    await flow(kit.peer(4))
      .send(connectFrame(flags | Flag.willQos1 | Flag.willRetain, id, topic, payload))
      .receive(connack())
      .drop()
    await flow(watcher).receive(publish1(1, 'will', 'gone'))
    await flow(await kit.subscriber('late', 'will', 1, V4)).receive(
      publish1(1, 'will', 'gone', { retain: true }),
    )
  })

  it('[v3.1.1 MQTT-3.1.2-11] that is not set leaves no will in flags or payload', async () => {
    await expectClosed(
      connectFrame(Flag.clean, id, topic, payload),
      connectFrame(Flag.clean | Flag.willQos1, id, topic, payload),
      connectFrame(Flag.clean | Flag.willRetain, id, topic, payload),
    )
  })

  it('[v3.1.1 MQTT-3.1.2-12] that is not set ends the connection without a will, whoever had one before', async () => {
    const kit = await openBroker()
    const watcher = await watch(kit)
    await flow(await kit.client('c', V4)).drop()
    await flow(await withWill(kit, {}, false))
      .send(disconnect())
      .closed()
    await flow(await kit.client('c', { version: 4, fields: { clean: false }, sessionPresent: true })).drop()
    await flow(watcher).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.1.2-13] that is not set closes who asks for a Will QoS', async () => {
    await expectClosed(
      connectFrame(Flag.clean | Flag.willQos1, id),
      connectFrame(Flag.clean | Flag.willQos2, id),
      connectFrame(Flag.clean | Flag.willQos3, id),
    )
  })

  it('[v3.1.1 MQTT-3.1.2-15] that is not set closes who asks for Will Retain', async () => {
    await expectClosed(connectFrame(Flag.clean | Flag.willRetain, id), connectFrame(Flag.willRetain, id))
  })
})

it('[v3.1.1 MQTT-3.1.2-14] a Will QoS of 0, 1 and 2 is that of the message, and 3 closes', async () => {
  const kit = await openBroker()
  const watcher = await watch(kit)
  for (const qos of [0, 1, 2] satisfies Qos[]) await flow(await withWill(kit, { qos })).drop()
  await flow(watcher)
    .receive(publish('will', 'gone'), publish1(1, 'will', 'gone'), publish2(2, 'will', 'gone'))
    .send(pubrec(2))
    .receive(pubrel(2))
    .send(pubcomp(2))
    .receiveNothing()
  await expectClosed(connectFrame(Flag.clean | Flag.will | Flag.willQos3, id, topic, payload))
})

it('[v3.1.1 MQTT-3.1.2-16] a will with Will Retain 0 is not retained', async () => {
  const kit = await openBroker()
  const watcher = await watch(kit)
  for (const qos of [0, 1] satisfies Qos[]) await flow(await withWill(kit, { qos, retain: false })).drop()
  await flow(watcher).receive(publish('will', 'gone'), publish1(1, 'will', 'gone'))
  await flow(await kit.subscriber('late', 'will', 2, V4)).receiveNothing()
})

it('[v3.1.1 MQTT-3.1.3-10] a will topic is a string by the rules for strings', async () => {
  for (const bytes of [hex('77 ff'), hex('77 00'), hex('c1 81')]) {
    await expectClosed(connectFrame(Flag.clean | Flag.will, id, string(bytes), payload))
  }
})
