// The bounds of what is retained, as clients see them: how much of it, how large, and for how long.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { puback, publish, publish1, publish2, pubrec } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const retain = true

/** Topic names that come, each acknowledged. */
async function given(peer: Peer): Promise<string[]> {
  const found: string[] = []
  for (;;) {
    await peer.settle()
    if (peer.waiting === 0) return found
    const { packet } = await peer.next()
    found.push(String(packet.topic))
    if (packet.qos === 1) peer.send(puback(packet.messageId as number))
  }
}

describe.each(STORES)('on the %s store', (store) => {
  it('one that is too large is refused with 0x97, and nobody gets it', async () => {
    const kit = await openBroker({ store, limits: { retainedMessageBytesMax: 100 } })
    const reader = await kit.subscriber('reader', '#', 1)
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', 'x'.repeat(100), { retain }), publish2(2, 'b', 'x'.repeat(100), { retain }))
      .receive(puback(1, 0x97), pubrec(2, 0x97))
      .send(publish1(3, 'a', 'x', { retain }), publish1(4, 'c', 'x'.repeat(100)))
      .receive(puback(3), puback(4))
    await flow(reader)
      .receive(publish1(1, 'a', 'x'), publish1(2, 'c', 'x'.repeat(100)))
      .receiveNothing()
    expect(await given(await kit.subscriber('late', '#', 1))).toEqual(['a'])
    expect(kit.drops).toEqual({ 'retained-full': 2 })
  })

  it('so is one for which there are too many bytes, until others are smaller or gone', async () => {
    const kit = await openBroker({ store, limits: { retainedBytesMax: 250 } })
    const sender = await kit.client('sender')
    const large = 'x'.repeat(100)
    await flow(sender)
      .send(publish1(1, 'a', large, { retain }), publish1(2, 'b', large, { retain }))
      .receive(puback(1, 0x10), puback(2, 0x10))
      .send(publish1(3, 'c', large, { retain }), publish1(4, 'a', `${large}${large}`, { retain }))
      .receive(puback(3, 0x97), puback(4, 0x97))
      .send(publish1(5, 'a', 'y', { retain }), publish1(6, 'c', large, { retain }))
      .receive(puback(5, 0x10), puback(6, 0x10))
      .send(publish1(7, 'b', '', { retain }), publish1(8, 'd', large, { retain }))
      .receive(puback(7, 0x10), puback(8, 0x10))
    expect((await given(await kit.subscriber('late', '#', 1))).sort()).toEqual(['a', 'c', 'd'])
  })

  it('what the broker says of itself needs no room', async () => {
    const limits = { retainedMessagesMax: 1, retainedBytesMax: 100, retainedMessageBytesMax: 50 }
    const kit = await openBroker({ store, limits, system: { intervalSeconds: 10 } })
    await kit.publish('a', 'x', true)
    const told = await given(await kit.subscriber('reader', '$SYS/#', 0))
    expect(told.length).toBeGreaterThan(20)
    expect(kit.drops).toEqual({})
  })

  it('one without an expiry of its own goes when the broker’s has passed, and live messages do not', async () => {
    const kit = await openBroker({ store, limits: { retainedExpirySeconds: 60 } })
    await flow(
      await kit.subscriber('away', 'a', 1, {
        fields: { clean: false, properties: { sessionExpiryInterval: 999 } },
      }),
    ).drop()
    await kit.broker.publish({ topicName: 'a', payload: '1', qos: 1, retain })
    await kit.broker.publish({ topicName: 'b', payload: '2', retain, messageExpiryInterval: 500 })
    kit.clock.advance(59_000)
    await flow(await kit.subscriber('early', 'a', 1)).receive(publish1(1, 'a', '1', { retain }))
    await kit.publish('c', '3', true)
    kit.clock.advance(2_000)
    expect((await given(await kit.subscriber('late', '#', 1))).sort()).toEqual(['b', 'c'])
    const fields = { clean: false, properties: { sessionExpiryInterval: 999 } }
    await flow(await kit.client('away', { fields, sessionPresent: true })).receive(publish1(1, 'a', '1'))
    expect(kit.drops).toEqual({})
  })

  it('begins anew with each message of the topic', async () => {
    const kit = await openBroker({ store, limits: { retainedExpirySeconds: 60 } })
    for (const payload of ['1', '2']) {
      await kit.publish('a', payload, true)
      kit.clock.advance(40_000)
    }
    await flow(await kit.subscriber('c', 'a', 0)).receive(publish('a', '2', { retain }))
  })

  it('waits for a client whose queue is full, and is given complete', async () => {
    const kit = await openBroker({ store, limits: { queueMessagesMax: 5 } })
    const names = Array.from({ length: 100 }, (_, i) => `t/${i}`)
    for (const topicName of names) await kit.broker.publish({ topicName, payload: 'x', qos: 1, retain })
    expect(await given(await kit.subscriber('c', '#', 1))).toEqual(names)
    expect(kit.drops).toEqual({})
  })

  it('is not given any more when it was replaced while it waited for room', async () => {
    const kit = await openBroker({ store, limits: { queueMessagesMax: 1 } })
    for (const topicName of ['1', '2', '3'])
      await kit.broker.publish({ topicName, payload: 'old', qos: 1, retain })
    const peer = await kit.subscriber('c', '#', 1)
    await flow(peer)
      .receive(publish1(1, '1', 'old', { retain }))
      .receiveNothing()
    await kit.broker.publish({ topicName: '2', payload: 'new', qos: 1, retain })
    expect(kit.dropped('queue-full')).toBe(1) // The live one had no room.
    peer.send(puback(1))
    expect(await given(peer)).toEqual(['3'])
  })
})

it('goes on counting over a restart', async () => {
  const kit = await openBroker({ store: 'level', limits: { retainedExpirySeconds: 60 } })
  await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1, retain })
  await kit.close()
  kit.clock.advance(50_000)
  await kit.open()
  await flow(await kit.subscriber('early', 'a', 0)).receive(publish('a', 'x', { retain }))
  kit.clock.advance(11_000)
  await flow(await kit.subscriber('late', 'a', 0)).receiveNothing()
})
