// MQTT 3.1.1, chapters 4.1 to 4.5: session state, the three qualities of service, and what is sent again.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, text } from '../../kit/frames.ts'
import {
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
} from '../../kit/packets.ts'
import { openBroker, STORES, type TestBroker } from '../../kit/test-broker.ts'

const V4 = { version: 4 } as const
const KEPT = { version: 4, fields: { clean: false } } as const
const BACK = { ...KEPT, sessionPresent: true } as const
const YEAR_MS = 365 * 86_400_000

const send = (kit: TestBroker, qos: Qos, payload = 'x'): Promise<void> =>
  kit.broker.publish({ topicName: 'a', payload, qos })

describe('the state of a session', () => {
  it('[v3.1.1 MQTT-4.1.0-1] is all there after a restart: subscriptions, both directions, what waits', async () => {
    const kit = await openBroker({ store: 'level' })
    const receiver = await kit.subscriber('other', 'b', 0, KEPT)
    const peer = await kit.subscriber('c', 'a', 2, KEPT)
    for (const qos of [1, 2, 2] as const) await send(kit, qos)
    await flow(peer)
      .receive(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'), publish2(3, 'a', 'x'))
      .send(pubrec(3))
      .receive(pubrel(3))
      .send(publish2(9, 'b', 'once'))
      .receive(pubrec(9))
      .drop()
    await flow(receiver).receive(publish('b', 'once')).drop()
    await send(kit, 1, 'waits')
    await kit.restart()
    kit.clock.advance(10 * YEAR_MS)
    const other = await kit.client('other', BACK)
    await flow(await kit.client('c', BACK))
      .receive(publish1(1, 'a', 'x', { dup: true }), publish2(2, 'a', 'x', { dup: true }), pubrel(3))
      .receive(publish1(4, 'a', 'waits'))
      // The packet id of the message that was not released is still known.
      .send(publish2(9, 'b', 'once', { dup: true }))
      .receive(pubrec(9))
      .send(pubrel(9))
      .receive(pubcomp(9))
    await flow(other).receiveNothing()
  })

  it('[v3.1.1 MQTT-4.1.0-2] lasts at least as long as the connection, clean or not', async () => {
    const kit = await openBroker()
    const peers = [await kit.subscriber('clean', 'a', 1, V4), await kit.subscriber('kept', 'a', 1, KEPT)]
    kit.clock.advance(10 * YEAR_MS)
    await send(kit, 1)
    for (const peer of peers) {
      await flow(peer)
        .receive(publish1(1, 'a', 'x'))
        .receiveNothing()
    }
  })
})

describe('at QoS 0', () => {
  it('[v3.1.1 MQTT-4.3.1-1] a message goes out at QoS 0 without DUP, and not again', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 0, KEPT)
    await flow(await kit.client('sender', V4))
      .send(publish('a', 'x'), publish1(1, 'a', 'x', { dup: true }))
      .receive(puback(1))
    const packet = frame(0x30, text('a'), Buffer.from('x'))
    await flow(peer).receiveBytes(packet).receiveBytes(packet).drop()
    await flow(await kit.client('c', BACK)).receiveNothing()
  })
})

describe.each(STORES)('at QoS 1, on the %s store', (store) => {
  it('[v3.1.1 MQTT-4.3.2-1] a message has a packet id of its own and is not done before PUBACK', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 1, KEPT)
    for (const payload of ['1', '2', '3']) await send(kit, 1, payload)
    await flow(peer)
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'), publish1(3, 'a', '3'))
      .send(puback(2))
      .receiveNothing()
      .drop()
    const again = [publish1(1, 'a', '1', { dup: true }), publish1(3, 'a', '3', { dup: true })]
    await flow(await kit.client('c', BACK))
      .receive(...again)
      .drop()
    // PUBREC and PUBCOMP are not what was asked for.
    await flow(await kit.client('c', BACK))
      .receive(...again)
      .send(puback(3), pubcomp(1))
      .closed()
    await flow(await kit.client('c', BACK))
      .receive(publish1(1, 'a', '1', { dup: true }))
      .send(pubrec(1))
      .closed()
    await flow(await kit.client('c', BACK))
      .receive(publish1(1, 'a', '1', { dup: true }))
      .send(puback(1))
      .receiveNothing()
      .do(() => send(kit, 1, '4'))
      .receive(publish1(4, 'a', '4'))
  })

  it('[v3.1.1 MQTT-4.3.2-2] every PUBLISH is answered by PUBACK and passed on, with an old packet id too', async () => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', 'a', 1, V4)
    const sender = await kit.client('sender', KEPT)
    await flow(sender)
      .send(publish1(7, 'a', 'first'))
      .receive(puback(7))
      .send(publish1(7, 'a', 'second'))
      .receive(puback(7))
      .send(publish1(7, 'a', 'second', { dup: true }))
      .receive(puback(7))
      .receiveNothing()
    await flow(receiver)
      .receive(publish1(1, 'a', 'first'), publish1(2, 'a', 'second'), publish1(3, 'a', 'second'))
      .receiveNothing()
  })
})

describe.each(STORES)('at QoS 2, on the %s store', (store) => {
  it('[v3.1.1 MQTT-4.3.3-1] a message waits for PUBREC, then for PUBCOMP, and never goes back', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, KEPT)
    for (const payload of ['1', '2']) await send(kit, 2, payload)
    await flow(peer)
      .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .drop()
    await flow(await kit.client('c', BACK))
      .receive(publish2(1, 'a', '1', { dup: true }), publish2(2, 'a', '2', { dup: true }))
      .send(pubrec(1))
      .receive(pubrel(1))
      .drop()
    await flow(await kit.client('c', BACK))
      .receive(pubrel(1), publish2(2, 'a', '2', { dup: true }))
      .send(pubcomp(1), pubrec(2))
      .receive(pubrel(2))
      .drop()
    await flow(await kit.client('c', BACK))
      .receive(pubrel(2))
      .send(pubcomp(2))
      .receiveNothing()
      .drop()
    await flow(await kit.client('c', BACK))
      .receiveNothing()
      .do(() => send(kit, 2, '3'))
      .receive(publish2(3, 'a', '3'))
  })

  it('[v3.1.1 MQTT-4.3.3-2] a message is passed on once until PUBREL, and a new one after PUBCOMP', async () => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', 'a', 2, V4)
    const repeat = publish2(7, 'a', 'once', { dup: true })
    await flow(await kit.client('sender', KEPT))
      .send(publish2(7, 'a', 'once'))
      .receive(pubrec(7))
      .send(repeat, publish2(7, 'a', 'once'))
      .receive(pubrec(7), pubrec(7))
      .drop()
    await flow(await kit.client('sender', BACK))
      .send(repeat)
      .receive(pubrec(7))
      .send(pubrel(7))
      .receive(pubcomp(7))
      .send(pubrel(7))
      .receive(pubcomp(7))
      .send(publish2(7, 'a', 'new', { dup: true }))
      .receive(pubrec(7))
    await flow(receiver)
      .receive(publish2(1, 'a', 'once'), publish2(2, 'a', 'new'))
      .receiveNothing()
  })
})

describe.each(STORES)('what was taken over, on the %s store,', (store) => {
  it('[v3.1.1 MQTT-4.4.0-1] goes out again after a reconnect with its packet id, PUBLISH and PUBREL', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, KEPT)
    for (const qos of [1, 2, 2, 1] as const) await send(kit, qos)
    await flow(peer)
      .receive(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'), publish2(3, 'a', 'x'), publish1(4, 'a', 'x'))
      .send(pubrec(2), puback(4))
      .receive(pubrel(2))
      // Nothing is sent again as long as the connection lasts.
      .do(() => kit.clock.advance(YEAR_MS))
      .receiveNothing()
      .drop()
    if (store === 'level') await kit.restart()
    const again = [publish1(1, 'a', 'x', { dup: true }), pubrel(2), publish2(3, 'a', 'x', { dup: true })]
    for (let i = 0; i < 2; i++) {
      await flow(await kit.client('c', BACK))
        .receive(...again)
        .receiveNothing()
        .drop()
    }
    await flow(await kit.client('c', V4)).receiveNothing()
  })

  it('[v3.1.1 MQTT-4.5.0-1] is in every session that has a matching subscription, here or away', async () => {
    const kit = await openBroker({ store })
    const here = await kit.subscriber('here', 'a/+', 1, V4)
    const two = await kit.client('two', KEPT)
    await flow(two)
      .send(subscribe(1, ['a/#', 'a/b'], 2))
      .receive(suback(1, 2, 2))
      .drop()
    for (const [clientId, filter] of Object.entries({ away: '+/b', wide: '#', other: 'a/c' })) {
      await flow(await kit.subscriber(clientId, filter, 1, KEPT)).drop()
    }
    await flow(await kit.client('sender', V4))
      .send(publish1(1, 'a/b', 'x'))
      .receive(puback(1))
    if (store === 'memory') await flow(here).receive(publish1(1, 'a/b', 'x'))
    else await kit.restart()
    for (const clientId of ['away', 'wide', 'two']) {
      const peer = await kit.client(clientId, BACK)
      const { packet } = await peer.next()
      expect(packet).toMatchObject({ topic: 'a/b', payload: 'x', messageId: 1 })
      await flow(peer).receiveNothing()
    }
    await flow(await kit.client('other', BACK)).receiveNothing()
  })
})
