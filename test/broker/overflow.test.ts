// Full queues: what becomes of a message for which there is no room, by policy and by topic.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  connect,
  disconnect,
  pingreq,
  pingresp,
  puback,
  publish,
  publish1,
  publish2,
  pubrec,
  willOf,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const keptBusy = { ...kept, properties: { ...kept.properties, receiveMaximum: 1 } }
const keptOld = { clean: false }

async function publishAll(
  kit: TestBroker,
  topicName: string,
  ...payloads: (string | number)[]
): Promise<void> {
  for (const payload of payloads) {
    await kit.broker.publish({ topicName, payload: String(payload), qos: 1 }).catch(() => {})
  }
}

/** Payloads that come, each acknowledged. */
async function drained(peer: Peer): Promise<string[]> {
  const found: string[] = []
  for (;;) {
    await peer.settle()
    if (peer.waiting === 0) return found
    const { packet } = await peer.next()
    found.push(String(packet.payload))
    peer.send(puback(packet.messageId as number))
  }
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i))

describe.each(STORES)('on the %s store', (store) => {
  describe('drop-oldest', () => {
    const overflow = { policy: 'drop-oldest' } as const

    it('keeps the newest for a client that is away, in order', async () => {
      const kit = await openBroker({ store, overflow, limits: { queueMessagesMax: 10 } })
      await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
      await publishAll(kit, 'a', ...range(1, 25))
      await kit.settle()
      expect(await drained(await kit.client('c', { fields: kept, sessionPresent: true }))).toEqual(
        range(16, 25),
      )
      expect(kit.dropped('queue-full')).toBe(15)
    })

    it('keeps what is in flight and the newest of what waits for a client that is slow', async () => {
      const kit = await openBroker({ store, overflow, limits: { queueMessagesMax: 5 } })
      const peer = await kit.subscriber('c', 'a', 1, { fields: keptBusy })
      await publishAll(kit, 'a', ...range(1, 20))
      expect(await drained(peer)).toEqual(['1', ...range(17, 20)])
      expect(kit.dropped('queue-full')).toBe(15)
      await publishAll(kit, 'a', ...range(21, 24))
      expect(await drained(peer)).toEqual(range(21, 24))
    })

    it('keeps what was sent before the connection went, and is sent again', async () => {
      const kit = await openBroker({ store, overflow, limits: { queueMessagesMax: 3 } })
      const peer = await kit.subscriber('c', 'a', 1, { fields: keptBusy })
      await publishAll(kit, 'a', 1)
      await flow(peer)
        .receive(publish1(1, 'a', '1'))
        .drop()
      await publishAll(kit, 'a', ...range(2, 9))
      await kit.settle()
      expect(await drained(await kit.client('c', { fields: kept, sessionPresent: true }))).toEqual([
        '1',
        '8',
        '9',
      ])
    })

    it('keeps the newest beyond the window in memory, also while it is drained', async () => {
      const limits = { queueMessagesMax: 50, queueWindow: 10 }
      const kit = await openBroker({ store, overflow, limits })
      const peer = await kit.subscriber('c', 'a', 1, { fields: keptBusy })
      await publishAll(kit, 'a', ...range(1, 120))
      await kit.settle()
      const received = await drained(peer)
      expect(received[0]).toBe('1')
      expect(received.slice(-20)).toEqual(range(101, 120))
      expect(received).toEqual([...received].sort((a, b) => Number(a) - Number(b)))
      expect(received.length + kit.dropped('queue-full')).toBe(120)
    })

    it('is bounded by bytes as well', async () => {
      const kit = await openBroker({ store, overflow, limits: { queueBytesMax: 2_000 } })
      await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
      const payload = 'x'.repeat(150)
      await publishAll(kit, 'a', ...range(1, 50).map((number) => `${number} ${payload}`))
      await kit.settle()
      const received = await drained(await kit.client('c', { fields: kept, sessionPresent: true }))
      expect(received.at(-1)).toBe(`50 ${payload}`)
      expect(received.length).toBeLessThan(15)
      expect(received.length + kit.dropped('queue-full')).toBe(50)
    })
  })

  describe('drop-newest', () => {
    it('is the policy where nothing is said: the oldest are kept', async () => {
      const kit = await openBroker({ store, limits: { queueMessagesMax: 10 } })
      await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
      await publishAll(kit, 'a', ...range(1, 25))
      expect(await drained(await kit.client('c', { fields: kept, sessionPresent: true }))).toEqual(
        range(1, 10),
      )
      expect(kit.dropped('queue-full')).toBe(15)
    })
  })

  describe('reject', () => {
    const options = { store, overflow: { policy: 'reject' }, limits: { queueMessagesMax: 1 } } as const

    it('answers a 5.0 publisher 0x97, and nobody gets the message', async () => {
      const kit = await openBroker(options)
      await flow(await kit.subscriber('away', 'a', 1, { fields: kept })).drop()
      const other = await kit.subscriber('other', 'a', 1)
      const sender = await kit.client('sender')
      await flow(sender)
        .send(publish1(1, 'a', 'taken'))
        .receive(puback(1))
      await flow(other)
        .receive(publish1(1, 'a', 'taken'))
        .send(puback(1))
        .receiveNothing()
      await flow(sender)
        .send(publish1(2, 'a', 'refused', { retain: true }), publish2(3, 'a', 'refused', { retain: true }))
        .receive(puback(2, 0x97), pubrec(3, 0x97))
        .send(publish('a', 'of QoS 0'))
      await flow(other).receive(publish('a', 'of QoS 0')).receiveNothing()
      await flow(await kit.subscriber('late', 'a', 1)).receiveNothing()
      expect(kit.dropped('rejected')).toBe(2)
      await expect(kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })).rejects.toMatchObject({
        code: 'ERR_GODWIT_PUBLISH_REFUSED',
      })
    })

    it('takes messages again when there is room, under the packet id that was refused', async () => {
      const kit = await openBroker(options)
      await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
      const sender = await kit.client('sender')
      await flow(sender)
        .send(publish1(1, 'a', '1'), publish2(2, 'a', '2'))
        .receive(puback(1), pubrec(2, 0x97))
      const peer = await kit.client('c', { fields: kept, sessionPresent: true })
      expect(await drained(peer)).toEqual(['1'])
      await flow(sender)
        .send(publish2(2, 'a', '2'))
        .receive(pubrec(2))
      expect(await drained(peer)).toEqual(['2'])
    })

    it('holds a 3.1.1 publisher back until there is room, and loses nothing', async () => {
      const kit = await openBroker(options)
      await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
      const sender = await kit.client('sender', { version: 4 })
      await flow(sender)
        .send(publish1(1, 'a', '1'), publish1(2, 'a', '2'), publish2(3, 'a', '3'), pingreq)
        .receive(puback(1))
      await sender.settle()
      expect(sender.waiting).toBe(0)
      await kit.servesOthers()
      const peer = await kit.client('c', { fields: kept, sessionPresent: true })
      expect(await drained(peer)).toEqual(['1', '2', '3'])
      await flow(sender).receiveUnordered(puback(2), pubrec(3), pingresp)
    })

    it('reads on from a 3.1.1 publisher when the session for which there was no room ends', async () => {
      const kit = await openBroker(options)
      await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
      const sender = await kit.client('sender', { version: 4 })
      await flow(sender)
        .send(publish1(1, 'a', '1'), publish1(2, 'a', '2'))
        .receive(puback(1))
        .do(() => kit.clock.advance(1_001_000))
        .receive(puback(2))
    })

    it('reads on from a 3.1.1 publisher when another queue makes room for all of them', async () => {
      const kit = await openBroker({ ...options, limits: { queuedMessagesMax: 1 } })
      await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
      await flow(await kit.subscriber('d', 'b', 1, { fields: kept })).drop()
      const sender = await kit.client('sender', { version: 4 })
      await flow(sender)
        .send(publish1(1, 'a', '1'), publish1(2, 'b', '2'))
        .receive(puback(1))
      await sender.settle()
      expect(sender.waiting).toBe(0)
      expect(await drained(await kit.client('c', { fields: kept, sessionPresent: true }))).toEqual(['1'])
      await flow(sender).receive(puback(2))
      expect(kit.drops).toEqual({})
    })

    it('is not for QoS 0 and wills: who has room gets them, who has none does not', async () => {
      const kit = await openBroker({ ...options, overflow: { policy: 'reject', queueQos0: true } })
      await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
      const other = await kit.subscriber('other', 'a', 1)
      const will = willOf('a', 'gone', { qos: 1 })
      const sender = await kit.client('sender', { fields: { will } })
      await flow(sender)
        .send(publish1(1, 'a', '1'))
        .receive(puback(1))
      expect(await drained(other)).toEqual(['1'])
      await flow(sender).send(publish('a', 'of QoS 0')).receiveNothing().drop()
      await flow(other).receive(publish('a', 'of QoS 0'), publish1(2, 'a', 'gone'))
      expect(kit.dropsOf('c')).toEqual({ 'queue-full': 2 })
    })

    it('holds back a message that came in pieces', async () => {
      const kit = await openBroker(options)
      await flow(await kit.subscriber('c', 'a', 1, { version: 4, fields: keptOld })).drop()
      const sender = await kit.client('sender', { version: 4 })
      await flow(sender)
        .send(publish1(1, 'a', '1'))
        .receive(puback(1))
      const bytes = Buffer.from([0x32, 6, 0, 1, 0x61, 0, 2, 0x32, 0xc0, 0])
      sender.send(bytes.subarray(0, 4))
      await sender.settle()
      sender.send(bytes.subarray(4))
      await sender.settle()
      const peer = await kit.client('c', { version: 4, fields: keptOld, sessionPresent: true })
      expect(await drained(peer)).toEqual(['1', '2'])
      await flow(sender).receiveUnordered(puback(2), pingresp)
    })

    it('closes a 3.1.1 publisher where that is configured', async () => {
      const overflow = { policy: 'reject', oldPublishers: 'disconnect' } as const
      const kit = await openBroker({ ...options, overflow })
      await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
      await flow(await kit.client('sender', { version: 4 }))
        .send(publish1(1, 'a', '1'))
        .receive(puback(1))
        .send(publish1(2, 'a', '2'))
        .closed()
      expect(kit.dropped('rejected')).toBe(1)
    })

    it('is for a share only when no member has room', async () => {
      const kit = await openBroker(options)
      for (const name of ['one', 'two']) {
        await flow(await kit.subscriber(name, '$share/g/a', 1, { fields: kept })).drop()
      }
      await flow(await kit.client('sender'))
        .send(publish1(1, 'a', '1'), publish1(2, 'a', '2'), publish1(3, 'a', '3'))
        .receive(puback(1), puback(2), puback(3, 0x97))
    })
  })

  describe('disconnect', () => {
    it('sends a client that falls behind away with 0x97, and goes on with the others', async () => {
      const kit = await openBroker({
        store,
        overflow: { policy: 'disconnect' },
        limits: { queueMessagesMax: 2 },
      })
      const slow = await kit.subscriber('slow', 'a', 1, { fields: keptBusy })
      const other = await kit.subscriber('other', 'a', 1)
      for (const payload of range(1, 3)) {
        await publishAll(kit, 'a', payload)
        expect(await drained(other)).toEqual([payload])
      }
      await flow(slow)
        .receive(publish1(1, 'a', '1'), disconnect(0x97))
        .closed()
      expect(kit.dropped('queue-full')).toBe(1)
    })
  })

  it('does not go from one member of a share to the next when one leaves', async () => {
    const overflow = { policy: 'disconnect' } as const
    const kit = await openBroker({ store, overflow, limits: { queueMessagesMax: 3 } })
    const members = []
    for (const name of ['one', 'two', 'three']) {
      members.push(await kit.subscriber(name, '$share/g/a', 1, { fields: keptBusy }))
    }
    await publishAll(kit, 'a', ...range(1, 9))
    expect(kit.dropped('queue-full')).toBe(0)
    const [leaves, ...stay] = members as [Peer, Peer, Peer]
    await flow(leaves)
      .send(disconnect(0, { sessionExpiryInterval: 0 }))
      .do(() => kit.settle())
    await expect.poll(() => kit.dropped('queue-full')).toBe(3)
    for (const peer of stay) expect(await drained(peer)).toHaveLength(3)
  })

  it('goes by topic: the first rule that matches', async () => {
    const byTopic = [
      { topicFilter: 'newest/#', policy: 'drop-oldest' },
      { topicFilter: '#', policy: 'reject' },
    ] as const
    const kit = await openBroker({ store, overflow: { byTopic }, limits: { queueMessagesMax: 1 } })
    await flow(await kit.subscriber('c', '#', 1, { fields: kept })).drop()
    await flow(await kit.client('sender'))
      .send(publish1(1, 'newest/a', '1'), publish1(2, 'newest/a', '2'), publish1(3, 'other', '3'))
      .receive(puback(1), puback(2), puback(3, 0x97))
    await kit.settle()
    expect(await drained(await kit.client('c', { fields: kept, sessionPresent: true }))).toEqual(['2'])
  })

  it('counts all queues together against the bounds of the broker, and gives back what is done with', async () => {
    const kit = await openBroker({ store, limits: { queuedMessagesMax: 3 } })
    for (const name of ['one', 'two']) {
      await flow(await kit.subscriber(name, 'a', 1, { fields: kept })).drop()
    }
    await publishAll(kit, 'a', 1, 2)
    expect(kit.dropped('queue-full')).toBe(1)
    await flow(kit.peer())
      .send(connect('one', { clean: true }))
      .do(() => kit.settle())
    await publishAll(kit, 'a', 3, 4)
    expect(await drained(await kit.client('two', { fields: kept, sessionPresent: true }))).toHaveLength(3)
    await kit.settle()
    await publishAll(kit, 'a', 5, 6, 7)
    expect(kit.dropped('queue-full')).toBe(1)
  })
})

it('goes on dropping the oldest after a restart', async () => {
  const kit = await openBroker({
    store: 'level',
    overflow: { policy: 'drop-oldest' },
    limits: { queueMessagesMax: 10 },
  })
  await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
  await publishAll(kit, 'a', ...range(1, 10))
  kit.store.hold()
  const publishing = [publishAll(kit, 'a', 11), publishAll(kit, 'a', 12)]
  await kit.restart() // What must go for these two has not been read yet when it begins to close.
  await Promise.all(publishing)
  await publishAll(kit, 'a', ...range(13, 17))
  await kit.settle()
  const received = await drained(await kit.client('c', { fields: kept, sessionPresent: true }))
  expect(received).toEqual(range(8, 17))
})
