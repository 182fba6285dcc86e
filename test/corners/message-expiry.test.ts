// Message Expiry Interval: counted down wherever a message waits, and the end of it where its time has passed.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { puback, pubcomp, publish, publish1, publish2, pubrec, pubrel, type Qos } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 0xffff_ffff } }
const SECOND = 1_000

/** Published by a client, as QoS 0 so that nothing of it waits for an answer. */
async function send(kit: TestBroker, payload: string, messageExpiryInterval: number, qos: Qos = 1) {
  await kit.broker.publish({ topicName: 'a', payload, qos, messageExpiryInterval })
}
const left = (messageExpiryInterval: number) => ({ properties: { messageExpiryInterval } })
const ofQos = { 1: publish1, 2: publish2 } as const

async function waitFor(kit: TestBroker, seconds: number, isDown = false): Promise<void> {
  if (isDown) await kit.close()
  kit.clock.advance(seconds * SECOND)
  if (isDown) await kit.open()
}
const back = (kit: TestBroker): Promise<Peer> => kit.client('c', { fields: kept, sessionPresent: true })

describe.each(STORES)('on the %s store', (store) => {
  it('[v5 MQTT-3.3.2-6] is counted down behind a full receive maximum, and ends a message there', async () => {
    const kit = await openBroker({ store })
    const fields = { properties: { receiveMaximum: 1 } }
    const peer = await kit.subscriber('c', 'a', 1, { fields })
    for (const [payload, seconds] of [
      ['1', 100],
      ['2', 30],
      ['3', 100],
    ] as const) {
      await send(kit, payload, seconds)
    }
    await flow(peer).receive(publish1(1, 'a', '1', left(100)))
    kit.clock.advance(30 * SECOND + 1)
    await flow(peer)
      .send(puback(1))
      .receive(publish1(3, 'a', '3', left(70)))
      .receiveNothing()
    expect(kit.dropped('expired')).toBe(1)
  })

  it.each<1 | 2>([1, 2])('is what is left at a repeat, at QoS %i', async (qos) => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 'x', 100, qos)
    await flow(peer)
      .receive(ofQos[qos](1, 'a', 'x', left(100)))
      .drop()
    await waitFor(kit, 40, store === 'level')
    await flow(await back(kit)).receive(ofQos[qos](1, 'a', 'x', { dup: true, ...left(60) }))
  })

  it.each<1 | 2>([1, 2])('is counted down over an offline queue at QoS %i, twice', async (qos) => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 2, { fields: kept })).drop()
    await send(kit, 'short', 50, qos)
    await send(kit, 'long', 100, qos)
    await waitFor(kit, 30, store === 'level')
    await waitFor(kit, 30, store === 'level')
    await flow(await back(kit))
      .receive(ofQos[qos](2, 'a', 'long', left(40)))
      .receiveNothing()
    expect(kit.dropped('expired')).toBe(1)
  })

  it('is never more than was received, nor negative, in parts of a second', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
    for (const [payload, seconds] of [
      ['1', 1],
      ['2', 2],
      ['3', 0xffff_ffff],
    ] as const) {
      await send(kit, payload, seconds)
    }
    kit.clock.advance(999)
    await flow(await back(kit))
      .receive(publish1(1, 'a', '1', left(1)), publish1(2, 'a', '2', left(2)))
      .receive(publish1(3, 'a', '3', left(0xffff_ffff)))
      .drop()
    kit.clock.advance(1_001)
    await flow(await back(kit))
      // Begun before: sent again, though there is nothing left.
      .receive(publish1(1, 'a', '1', { dup: true, ...left(0) }))
      .receive(publish1(2, 'a', '2', { dup: true, ...left(0) }))
      .receive(publish1(3, 'a', '3', { dup: true, ...left(0xffff_ffff - 2) }))
  })

  it('of a retained message is counted down, and removes it', async () => {
    const kit = await openBroker({ store })
    for (const [topicName, messageExpiryInterval] of [
      ['short', 50],
      ['long', 100],
      ['for ever', undefined],
    ] as const) {
      const expiry = messageExpiryInterval === undefined ? {} : { messageExpiryInterval }
      await kit.broker.publish({ topicName, payload: 'x', retain: true, qos: 1, ...expiry })
    }
    await waitFor(kit, 60, store === 'level')
    const retain = true
    await flow(await kit.subscriber('c', '#', 0))
      .receiveUnordered(publish('long', 'x', { retain, ...left(40) }), publish('for ever', 'x', { retain }))
      .receiveNothing()
    await waitFor(kit, 60, store === 'level')
    await flow(await kit.subscriber('d', '#', 0))
      .receive(publish('for ever', 'x', { retain }))
      .receiveNothing()
  })

  it('of what is retained goes on in the queue that it was given to', async () => {
    const kit = await openBroker({ store })
    const fields = { ...kept, properties: { ...kept.properties, receiveMaximum: 1 } }
    for (const topicName of ['r/1', 'r/2']) {
      await kit.broker.publish({ topicName, payload: 'x', retain: true, qos: 1, messageExpiryInterval: 100 })
    }
    kit.clock.advance(10 * SECOND)
    const retain = true
    const peer = await kit.subscriber('c', 'r/+', 1, { fields })
    await flow(peer).receive(publish1(1, 'r/1', 'x', { retain, ...left(90) }))
    kit.clock.advance(10 * SECOND)
    await flow(peer)
      .send(puback(1))
      .receive(publish1(2, 'r/2', 'x', { retain, ...left(80) }))
  })

  it('waits for a PUBREL no longer: what the client has is completed', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await send(kit, 'x', 10, 2)
    await flow(peer)
      .receive(publish2(1, 'a', 'x', left(10)))
      .send(pubrec(1))
      .receive(pubrel(1))
      .drop()
    await waitFor(kit, 20, store === 'level')
    await flow(await back(kit))
      .receive(pubrel(1))
      .send(pubcomp(1))
      .receiveNothing()
  })
})

describe.each(STORES)('an interval of 0 on the %s store', (store) => {
  it.each<Qos>([0, 1, 2])('is for who can have the message at once, at QoS %i', async (qos) => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    await flow(await kit.client('sender'))
      .send(publish('a', 'x', { ...left(0), ...(qos > 0 && { qos, messageId: 1 }) }))
      .do(() => kit.settle())
    const ofPacket = qos === 0 ? publish('a', 'x', left(0)) : ofQos[qos](1, 'a', 'x', left(0))
    await flow(peer).receive(ofPacket)
    expect(kit.dropped('expired')).toBe(0)
  })

  it('is for nobody who is away, or has no room', async () => {
    const kit = await openBroker({ store })
    const fields = { ...kept, properties: { ...kept.properties, receiveMaximum: 1 } }
    const busy = await kit.subscriber('busy', 'a', 1, { fields })
    await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
    await send(kit, 'before', 100)
    await send(kit, 'none', 0)
    kit.clock.advance(1)
    await flow(busy)
      .receive(publish1(1, 'a', 'before', left(100)))
      .send(puback(1))
      .receiveNothing()
    await flow(await back(kit))
      .receive(publish1(1, 'a', 'before', left(100)))
      .receiveNothing()
    expect(kit.dropped('expired')).toBe(2)
  })

  it('is for no later subscriber where the message is retained', async () => {
    const kit = await openBroker({ store })
    await kit.broker.publish({ topicName: 'a', payload: 'x', retain: true, messageExpiryInterval: 0 })
    kit.clock.advance(1)
    await flow(await kit.subscriber('c', 'a', 0)).receiveNothing()
  })
})
