// MQTT 3.1.1, chapter 3.3.1.3: what is retained, what takes its place, and who gets it.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import {
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Said,
  suback,
  subscribe,
} from '../../kit/packets.ts'
import { openBroker, STORES, type TestBroker } from '../../kit/test-broker.ts'

const V4 = { version: 4 } as const
const retain = true

/** Published by a client, each with its whole exchange. */
async function send(kit: TestBroker, ...packets: Said[]): Promise<void> {
  const talk = flow(await kit.client('sender', V4))
  for (const packet of packets) {
    const packetId = packet.messageId as number
    talk.send(packet)
    if (packet.qos === 1) talk.receive(puback(packetId))
    if (packet.qos === 2) talk.receive(pubrec(packetId)).send(pubrel(packetId)).receive(pubcomp(packetId))
  }
  await talk.receiveNothing()
}

/** What a new subscriber of everything is given. */
async function expectRetained(kit: TestBroker, ...packets: Said[]): Promise<void> {
  const peer = await kit.subscriber('late', '#', 2, V4)
  await flow(peer)
    .receiveUnordered(...packets)
    .receiveNothing()
    .drop()
}

describe.each(STORES)('on the %s store', (store) => {
  it('[v3.1.1 MQTT-3.3.1-5] a message with RETAIN is kept with its QoS for later subscribers', async () => {
    const kit = await openBroker({ store })
    const [one, two] = [publish1(1, 'a/1', 'x', { retain }), publish2(1, 'a/2', 'x', { retain })]
    await send(kit, publish('a/0', 'x', { retain }), one, two)
    if (store === 'level') await kit.restart()
    for (const packet of [publish('a/0', 'x', { retain }), one, two]) {
      await flow(await kit.subscriber('late', String(packet.topic), 2, V4))
        .receive(packet)
        .receiveNothing()
    }
  })

  it('[v3.1.1 MQTT-3.3.1-6] a new subscription gets the last message of each topic it matches', async () => {
    const kit = await openBroker({ store })
    for (const payload of ['first', 'last']) {
      await send(kit, publish('a/b', payload, { retain }), publish('a/c', payload, { retain }))
    }
    await send(kit, publish('b', 'no match', { retain }), publish('a/b', 'not retained'))
    await flow(await kit.subscriber('late', 'a/+', 1, V4))
      .receiveUnordered(publish('a/b', 'last', { retain }), publish('a/c', 'last', { retain }))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.3.1-7] a QoS 0 message with RETAIN takes the place of one of any QoS', async () => {
    const kit = await openBroker({ store })
    const packets = [publish('a/0', 'old', { retain }), publish1(1, 'a/1', 'old', { retain })]
    await send(kit, ...packets, publish2(2, 'a/2', 'old', { retain }))
    const news = ['a/0', 'a/1', 'a/2'].map((topic) => publish(topic, 'new', { retain }))
    await send(kit, ...news)
    await expectRetained(kit, ...news)
  })

  it('[v3.1.1 MQTT-3.3.1-10] an empty message with RETAIN is sent on and removes what was retained', async () => {
    const kit = await openBroker({ store })
    await send(kit, publish1(1, 'a', 'x', { retain }), publish('b', 'y', { retain }))
    const watcher = await kit.subscriber('watcher', 'a', 1, V4)
    await flow(watcher).receive(publish1(1, 'a', 'x', { retain }))
    await send(kit, publish('a', '', { retain }))
    await flow(watcher).receive(publish('a', '')).receiveNothing()
    if (store === 'level') await kit.restart()
    await expectRetained(kit, publish('b', 'y', { retain }))
  })

  it('[v3.1.1 MQTT-3.3.1-11] an empty message is never retained itself', async () => {
    const kit = await openBroker({ store })
    await send(kit, publish('a', '', { retain }), publish1(1, 'b', '', { retain }))
    await send(kit, publish2(1, 'c', '', { retain }))
    if (store === 'level') await kit.restart()
    await expectRetained(kit)
  })

  it('[v3.1.1 MQTT-3.3.1-12] a message without RETAIN is not kept, and leaves what is there', async () => {
    const kit = await openBroker({ store })
    await send(kit, publish1(1, 'a', 'stays', { retain }))
    await send(kit, publish('a', 'other'), publish1(1, 'a', ''), publish2(2, 'a', ''), publish('b', 'x'))
    if (store === 'level') await kit.restart()
    await expectRetained(kit, publish1(1, 'a', 'stays', { retain }))
  })
})

it('[v3.1.1 MQTT-3.3.1-8] RETAIN is 1 in what a new subscription brings, at every QoS', async () => {
  const kit = await openBroker()
  await send(kit, publish2(1, 'a', 'x', { retain }))
  await flow(await kit.client('c', V4))
    .send(subscribe(1, 'a', 0))
    .receive(suback(1, 0), publish('a', 'x', { retain }))
    .send(subscribe(2, 'a', 1))
    .receive(suback(2, 1), publish1(1, 'a', 'x', { retain }))
    .send(subscribe(3, '+', 2))
    .receive(suback(3, 2), publish2(2, 'a', 'x', { retain }))
})

it('[v3.1.1 MQTT-3.3.1-9] RETAIN is 0 in what an established subscription gets, whoever waits for it', async () => {
  const kit = await openBroker()
  const there = await kit.subscriber('there', 'a', 2, V4)
  await flow(await kit.subscriber('away', 'a', 2, { version: 4, fields: { clean: false } })).drop()
  await send(kit, publish('a', '0', { retain }), publish1(1, 'a', '1', { retain }))
  await send(kit, publish2(1, 'a', '2', { retain }))
  await flow(there).receive(publish('a', '0'), publish1(1, 'a', '1'), publish2(2, 'a', '2'))
  const away = await kit.client('away', { version: 4, fields: { clean: false }, sessionPresent: true })
  await flow(away).receive(publish1(1, 'a', '1'), publish2(2, 'a', '2'))
})
