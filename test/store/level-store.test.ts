// LevelStore: what is put is there after a restart, and on the disk no more than has to be.
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { Message, NEVER } from '../../src/packet/message.ts'
import { SESSION_NEVER_EXPIRES } from '../../src/packet/protocol.ts'
import { Delivery, DeliveryState } from '../../src/store/delivery.ts'
import { KeyKind } from '../../src/store/keys.ts'
import type { SubscriptionRecord, WillRecord } from '../../src/store/store.ts'
import * as kit from './payloads.ts'
import { countRows } from './rows.ts'
import { describeStore } from './store-suite.ts'
import { copyOf, openLevelStore, temporaryFolder } from './stored.ts'

describeStore('LevelStore', async () => (await openLevelStore(await temporaryFolder())).store)

const will: WillRecord = {
  topicName: 'last/words',
  payload: Buffer.from([0, 255, 1]),
  qos: 2,
  retain: true,
  properties: Buffer.from('0300017a', 'hex'),
  messageExpiryInterval: 60,
  delayInterval: 5,
  dueAt: 1_700_000_000_123,
}

describe('after a restart', () => {
  it('hands over sessions with their identity and deadlines', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const long = { ...kit.sessionOf(store, 'ü'.repeat(30_000)), expiryInterval: SESSION_NEVER_EXPIRES }
    const offline = { ...kit.sessionOf(store, 'offline'), identity: '', expiresAt: 1_700_000_000_123.5 }
    store.putSession(long)
    store.putSession({ ...offline, expiryInterval: 1 })
    store.putSession(offline)
    const deleted = kit.sessionOf(store, 'deleted')
    store.putSession(deleted)
    store.deleteSession(deleted)
    await store.close()
    const { stored } = await openLevelStore(path)
    expect(stored.sessions.sort((a, b) => a.number - b.number)).toEqual([long, offline])
    expect(stored.queues.get(long.number)).toEqual({ head: 0, tail: 0, bytes: 0 })
  })

  it('hands over subscriptions with all of their options', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const session = kit.sessionOf(store, 'c')
    store.putSession(session)
    const record: SubscriptionRecord = {
      topicFilter: '+/ä/#',
      qos: 2,
      noLocal: true,
      retainAsPublished: true,
      retainHandling: 2,
      subscriptionIdentifier: 268_435_455,
      owesRetained: false,
    }
    const plain = {
      ...record,
      topicFilter: 'a',
      qos: 0 as const,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
      subscriptionIdentifier: 0,
      owesRetained: false,
    }
    store.putSubscription(session.number, { ...record, qos: 1 })
    store.putSubscription(session.number, record)
    store.putSubscription(session.number, plain)
    store.putSubscription(session.number, { ...plain, topicFilter: 'gone' })
    store.deleteSubscription(session.number, 'gone')
    await store.close()
    const { stored } = await openLevelStore(path)
    expect(stored.subscriptions).toEqual([
      [session.number, record],
      [session.number, plain],
    ])
  })

  it('hands over wills', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const bare = {
      ...will,
      payload: Buffer.alloc(0),
      properties: Buffer.alloc(0),
      messageExpiryInterval: undefined,
    }
    store.putWill('a', will)
    store.putWill('b', { ...bare, dueAt: Number.POSITIVE_INFINITY })
    store.putWill('c', will)
    await store.flush()
    store.deleteWill('c')
    await store.close()
    const { stored } = await openLevelStore(path)
    expect([...stored.wills]).toEqual([
      ['a', will],
      ['b', { ...bare, dueAt: Number.POSITIVE_INFINITY }],
    ])
  })

  it('hands over of each retained topic the last message only', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    store.putRetained(kit.messageOf('first', 'a'))
    store.putRetained(kit.messageOf('gone', 'b'))
    await store.flush()
    store.putRetained(kit.messageOf('second', 'a'))
    store.putRetained(kit.messageOf('third', 'a', 1_700_000_000_000))
    store.putRetained(kit.messageOf('more', 'b'))
    store.deleteRetained('b')
    store.deleteRetained('c')
    store.putRetained(kit.messageOf('put again', 'c'))
    await store.close()
    const { stored } = await openLevelStore(path)
    expect(stored.retainedMessages.map(kit.describeMessage)).toEqual([
      kit.describeMessage(kit.messageOf('third', 'a', 1_700_000_000_000)),
      kit.describeMessage(kit.messageOf('put again', 'c')),
    ])
  })

  it('hands over the packet ids that were received and not released', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const session = kit.sessionOf(store, 'c')
    store.putSession(session)
    for (const packetId of [1, 2, 3, 65_535]) store.putReceived(session.number, packetId)
    store.deleteReceived(session.number, 1)
    await store.flush()
    store.deleteReceived(session.number, 2)
    store.deleteReceived(session.number, 3)
    store.putReceived(session.number, 3)
    await store.close()
    const { stored } = await openLevelStore(path)
    expect(stored.receivedPacketIds.get(session.number)).toEqual([3, 65_535])
  })

  it('hands over the ends of queues, short and long', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const sessions = ['empty', 'short', 'long', 'middling'].map((clientId) => kit.sessionOf(store, clientId))
    const lengths = [0, 3, 2_500, 150]
    const body = kit.messageOf('x'.repeat(100))
    sessions.forEach((session, i) => {
      store.putSession(session)
      for (let sequence = 5; sequence < 5 + (lengths[i] ?? 0); sequence++) {
        store.enqueue(session.number, kit.deliveryOf(sequence, sequence % 2 === 0 ? body : 'x'.repeat(100)))
      }
    })
    await store.close()
    const { stored } = await openLevelStore(path)
    const queues = sessions.map(({ number }) => stored.queues.get(number))
    expect(queues.map((queue) => [queue?.head, queue?.tail])).toEqual([
      [0, 0],
      [5, 8],
      [5, 2_505],
      [5, 155],
    ])
    for (const [i, queue] of queues.entries()) {
      expect(queue?.bytes).toBeGreaterThanOrEqual((lengths[i] ?? 0) * body.length)
      expect(queue?.bytes).toBeLessThanOrEqual((lengths[i] ?? 0) * body.length * 1.3)
    }
  })

  it('reads deliveries with their options, and released ones without their message', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const [number = 0] = kit.putSessions(store, 1)
    const shared = kit.messageOf('shared')
    const first = new Delivery(0, shared, 2, true, [1, 268_435_455])
    const second = new Delivery(1, shared, 2, false, undefined)
    const third = new Delivery(2, kit.messageOf('alone'), 2, true, [200])
    for (const delivery of [first, second, third]) store.enqueue(number, delivery)
    await store.flush()
    const expected = [first, second, third].map(kit.describeDelivery)
    for (const delivery of [second, third]) {
      store.release(number, delivery)
      delivery.state = DeliveryState.Released
      delivery.message = undefined
    }
    await store.close()
    const { store: again } = await openLevelStore(path)
    const released = { state: DeliveryState.Released, message: undefined }
    expect((await again.readQueue(number, 0, 10)).map(kit.describeDelivery)).toEqual([
      expected[0],
      { ...expected[1], ...released },
      { ...expected[2], ...released },
    ])
  })

  it('never gives a session number again, even without a close', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const numbers = Array.from({ length: 1_001 }, () => store.nextSessionNumber())
    await store.flush()
    const { store: killed } = await openLevelStore(await copyOf(path))
    expect(killed.nextSessionNumber()).toBeGreaterThan(Math.max(...numbers))
    const further = store.nextSessionNumber()
    await store.close()
    const { store: again } = await openLevelStore(path)
    expect(again.nextSessionNumber()).toBeGreaterThan(further)
  })
})

describe('on the disk', () => {
  it('is nothing of a delivery that was done before its batch was cut', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const shared = kit.messageOf('shared')
    for (let session = 1; session <= 3; session++) {
      const delivery = kit.deliveryOf(0, shared)
      store.enqueue(session, delivery)
      kit.finish(store, session, delivery)
    }
    await store.close()
    expect(await countRows(path)).toEqual(new Map([[KeyKind.Meta, 1]]))
  })

  it('is one body for many sessions, and none when the last of them has it', async () => {
    const opened = await openLevelStore(await temporaryFolder())
    const [alone = 0, ...numbers] = kit.putSessions(opened.store, 101)
    const shared = kit.messageOf('shared')
    for (const number of numbers) opened.store.enqueue(number, kit.deliveryOf(0, shared))
    opened.store.enqueue(alone, kit.deliveryOf(0, 'alone'))
    await opened.store.close()
    const rows = await countRows(opened.path)
    expect([rows.get(KeyKind.Queue), rows.get(KeyKind.Body), rows.get(KeyKind.References)]).toEqual([
      101, 1, 1,
    ])
    for (const [finished, bodies] of [
      [numbers.slice(0, 99), 1],
      [numbers.slice(99), undefined],
    ] as const) {
      const { store } = await openLevelStore(opened.path)
      for (const number of finished) {
        const [delivery] = await store.readQueue(number, 0, 1)
        if (delivery === undefined) throw new Error('the queue is empty')
        expect(delivery.message?.payload.toString()).toBe('shared')
        kit.finish(store, number, delivery)
      }
      await store.close()
      const left = await countRows(opened.path)
      expect([left.get(KeyKind.Body), left.get(KeyKind.References)]).toEqual([bodies, bodies])
    }
  })

  it('is the body again when a message is enqueued after its last reference went', async () => {
    const { store } = await openLevelStore(await temporaryFolder())
    const shared = kit.messageOf('shared')
    const both = [kit.deliveryOf(0, shared), kit.deliveryOf(0, shared)]
    for (const [i, delivery] of both.entries()) store.enqueue(i, delivery)
    await store.flush()
    for (const [i, delivery] of both.entries()) kit.finish(store, i, delivery)
    await store.flush()
    store.enqueue(3, kit.deliveryOf(0, shared))
    expect(kit.payloadsOf(await store.readQueue(3, 0, 1))).toEqual(['shared'])
  })

  it('keeps a body, whoever else had the message in a row of its own, and however often that goes', async () => {
    const { store } = await openLevelStore(await temporaryFolder())
    const message = kit.messageOf('kept')
    const inline = kit.deliveryOf(0, message)
    store.enqueue(1, inline)
    await store.flush()
    store.enqueue(2, kit.deliveryOf(0, message))
    const twice = kit.deliveryOf(0, message)
    store.enqueue(3, twice)
    store.enqueue(4, kit.deliveryOf(0, message))
    await store.flush()
    kit.finish(store, 1, inline)
    for (let i = 0; i < 3; i++) kit.finish(store, 3, twice)
    expect(kit.payloadsOf(await store.readQueue(2, 0, 1))).toEqual(['kept'])
    expect(kit.payloadsOf(await store.readQueue(4, 0, 1))).toEqual(['kept'])
  })

  it('has an id of its own for each body, even if the clock was set back between two starts', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder(), {
      clock: new ManualClock(2_000_000),
    })
    const [one = 0, other = 0] = kit.putSessions(store, 2)
    const early = kit.messageOf('early')
    for (const number of [one, other]) store.enqueue(number, kit.deliveryOf(0, early))
    await store.close()
    const { store: again } = await openLevelStore(path, { clock: new ManualClock(1_999_999) })
    for (let sequence = 1; sequence < 3_000; sequence++) {
      const late = kit.messageOf(`late ${sequence}`)
      for (const number of [one, other]) again.enqueue(number, kit.deliveryOf(sequence, late))
    }
    const payloads = kit.payloadsOf(await again.readQueue(one, 0, 3_000))
    expect(payloads.slice(0, 3)).toEqual(['early', 'late 1', 'late 2'])
    expect(new Set(payloads).size).toBe(3_000)
  })

  it('is, with sync everysec, a synced write a second after the others, though nothing else is put', async () => {
    const clock = new ManualClock()
    const { store, path } = await openLevelStore(await temporaryFolder(), { clock, sync: 'everysec' })
    store.putReceived(1, 1)
    await store.flush()
    clock.advance(1_000)
    await store.flush()
    await store.close()
    expect((await countRows(path)).get(KeyKind.Meta)).toBe(2)
  })

  it('is the frame of a message from a 3.1.1 client as it came', async () => {
    const { store } = await openLevelStore(await temporaryFolder())
    const frame = Buffer.from('32090003612f6200096869', 'hex') // 'hi' to a/b at QoS 1, packet id 9
    const message = new Message('a/b', 1, false, NEVER, false, frame, 0, 11, 2, 9, 9)
    const expected = kit.describeMessage(message)
    store.enqueue(1, kit.deliveryOf(0, message))
    const [delivery] = await store.readQueue(1, 0, 1)
    expect(delivery?.message && kit.describeMessage(delivery.message)).toEqual(expected)
    expect(expected.payload).toBe('hi')
  })
})
