// MQTT 5.0, chapter 4.4: what is sent a second time, and when: at a reconnect with Clean Start 0, never else.
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
  type Qos,
  suback,
  subscribe,
} from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker, STORES, type StoreKind, type TestBroker } from '../../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 100_000 } }
const back = (kit: TestBroker, fields: object = kept): Promise<Peer> =>
  kit.client('c', { fields: { ...fields }, sessionPresent: true })

async function send(kit: TestBroker, qos: Qos, ...payloads: string[]): Promise<void> {
  for (const payload of payloads) await kit.broker.publish({ topicName: 'a', payload, qos })
}

/** A client with two messages in flight, one that is released, and one that is done with. */
async function midway(store: StoreKind): Promise<{ kit: TestBroker; peer: Peer }> {
  const kit = await openBroker({ store })
  const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
  await send(kit, 1, 'one')
  await send(kit, 2, 'two', 'three')
  await send(kit, 1, 'four')
  await flow(peer)
    .receive(
      publish1(1, 'a', 'one'),
      publish2(2, 'a', 'two'),
      publish2(3, 'a', 'three'),
      publish1(4, 'a', 'four'),
    )
    .send(puback(4), pubrec(3))
    .receive(pubrel(3))
  return { kit, peer }
}
const AGAIN = [publish1(1, 'a', 'one', { dup: true }), publish2(2, 'a', 'two', { dup: true }), pubrel(3)]

describe.each(STORES)('on the %s store', (store) => {
  it('[v5 MQTT-4.4.0-1] sends PUBLISH and PUBREL again under their packet ids in a resumed session', async () => {
    const { kit, peer } = await midway(store)
    await peer.drop()
    await flow(await back(kit))
      .receive(...AGAIN)
      .receiveNothing()
      .drop()
    await flow(await back(kit))
      .receive(...AGAIN)
      .send(puback(1), pubrec(2), pubcomp(3))
      .receive(pubrel(2))
      .send(pubcomp(2))
      .receiveNothing()
      .drop()
    await flow(await back(kit)).receiveNothing()
  })

  it('[v5 MQTT-4.4.0-1] sends them again too when the session is taken over', async () => {
    const { kit } = await midway(store)
    await flow(await back(kit))
      .receive(...AGAIN)
      .receiveNothing()
  })

  it('[v5 MQTT-4.4.0-1] sends what has come meanwhile behind them, under packet ids of its own', async () => {
    const { kit, peer } = await midway(store)
    await peer.drop()
    await send(kit, 1, 'five')
    await flow(await back(kit))
      .receive(...AGAIN, publish1(5, 'a', 'five'))
      .receiveNothing()
  })

  it('[v5 MQTT-4.4.0-1] sends nothing again in the same connection, however long it takes', async () => {
    const { kit, peer } = await midway(store)
    for (const hours of [0.01, 1, 100]) {
      kit.clock.advance(hours * 3_600_000)
      await flow(peer).receiveNothing()
    }
    await send(kit, 1, 'five')
    await flow(peer)
      .receive(publish1(5, 'a', 'five'))
      .send(subscribe(9, 'a', 2))
      .receive(suback(9, 2))
      .receiveNothing()
  })

  it('[v5 MQTT-4.4.0-1] sends nothing again after Clean Start 1', async () => {
    const { kit, peer } = await midway(store)
    await peer.drop()
    await flow(await kit.client('c', { fields: { ...kept, clean: true } }))
      .send(subscribe(1, 'a', 2))
      .receive(suback(1, 2))
      .receiveNothing()
  })

  it('[v5 MQTT-4.4.0-1] keeps to the new receive maximum, and sends the rest as room comes', async () => {
    const { kit, peer } = await midway(store)
    await peer.drop()
    const fields = { clean: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 1 } }
    await flow(await back(kit, fields))
      .receive(publish1(1, 'a', 'one', { dup: true }))
      .receiveNothing()
      .send(puback(1))
      .receive(publish2(2, 'a', 'two', { dup: true }))
      .receiveNothing()
      .send(pubrec(2))
      .receive(pubrel(2))
      .receiveNothing()
      .send(pubcomp(2))
      .receive(pubrel(3))
      .receiveNothing()
  })

  it('[v5 MQTT-4.4.0-2] does not send again what was refused by PUBACK or PUBREC', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 1, 'one', 'two')
    await send(kit, 2, 'three', 'four')
    await flow(peer)
      .receive(publish1(1, 'a', 'one'), publish1(2, 'a', 'two'))
      .receive(publish2(3, 'a', 'three'), publish2(4, 'a', 'four'))
      .send(puback(1, 0x80), pubrec(3, 0x97))
      .receiveNothing()
      .drop()
    await flow(await back(kit))
      .receive(publish1(2, 'a', 'two', { dup: true }), publish2(4, 'a', 'four', { dup: true }))
      .send(puback(2, 0x99), pubrec(4, 0x83))
      .receiveNothing()
      .drop()
    await flow(await back(kit)).receiveNothing()
  })
})

describe('over a restart', () => {
  it('[v5 MQTT-4.4.0-1] sends PUBLISH and PUBREL again under their packet ids', async () => {
    const { kit } = await midway('level')
    await kit.restart()
    await flow(await back(kit))
      .receive(...AGAIN)
      .send(puback(1), pubcomp(3), pubrec(2))
      .receive(pubrel(2))
      .send(pubcomp(2))
      .receiveNothing()
  })

  it('[v5 MQTT-4.4.0-2] does not send again what was refused', async () => {
    const kit = await openBroker({ store: 'level' })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 1, 'one')
    await send(kit, 2, 'two')
    await flow(peer)
      .receive(publish1(1, 'a', 'one'), publish2(2, 'a', 'two'))
      .send(puback(1, 0x80), pubrec(2, 0x80))
      .receiveNothing()
    await kit.restart()
    await flow(await back(kit)).receiveNothing()
  })
})

it('[v5 MQTT-4.4.0-1] does not send QoS 0 again', async () => {
  const kit = await openBroker()
  const peer = await kit.subscriber('c', 'a', 0, { fields: kept })
  await send(kit, 2, 'once')
  await flow(peer).receive(publish('a', 'once')).drop()
  await flow(await back(kit)).receiveNothing()
})
