// Dead letters: what is dropped is published once more, and says for whom it was, why it was dropped and when.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { puback, publish, publish1, publish2, type Said } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const keptFor = (sessionExpiryInterval: number, others: object = {}) => ({
  fields: { clean: false, properties: { sessionExpiryInterval, ...others } },
})
const kept = keptFor(1_000)
const deadLetters = { topic: 'dead/%t' } as const

const publishAll = async (kit: TestBroker, topicName: string, ...payloads: string[]): Promise<void> => {
  for (const payload of payloads) await kit.broker.publish({ topicName, payload, qos: 1 })
}

/** What has come, each acknowledged. */
async function received(peer: Peer): Promise<Said[]> {
  const found: Said[] = []
  for (;;) {
    await peer.settle()
    if (peer.waiting === 0) return found
    const { packet } = await peer.next()
    found.push(packet)
    if (packet.qos === 1) peer.send(puback(packet.messageId as number))
  }
}

const reasonOf = ({ properties }: Said): unknown =>
  (properties as { userProperties?: Record<string, string> }).userProperties?.['dead-letter-reason']

const figure = async (kit: TestBroker, name: string): Promise<string> => {
  const reader = await kit.subscriber('figures', `$SYS/broker/dead letters/${name}`, 0)
  const value = String((await reader.next()).packet.payload)
  await reader.drop()
  return value
}

describe.each(STORES)('on the %s store', (store) => {
  it('says what was dropped, for whom, why and when, and keeps the properties that it had', async () => {
    const kit = await openBroker({ store, deadLetters, limits: { queueMessagesMax: 1 } })
    await flow(await kit.subscriber('c/1', 'a/b', 1, kept)).drop()
    const watcher = await kit.subscriber('watcher', 'dead/#', 2)
    await publishAll(kit, 'a/b', '1')
    const own = { contentType: 'text', correlationData: Buffer.from('7'), responseTopic: 'r' }
    await kit.broker.publish({
      topicName: 'a/b',
      payload: '2',
      qos: 2,
      messageExpiryInterval: 60,
      properties: { ...own, payloadFormatIndicator: 1, userProperties: [['k', 'v']] },
    })
    const userProperties = {
      k: 'v',
      'dead-letter-topic': 'a/b',
      'dead-letter-client': 'c/1',
      'dead-letter-reason': 'queue-full',
      'dead-letter-time': new Date(kit.clock.now()).toISOString(),
    }
    const properties = { ...own, payloadFormatIndicator: true, userProperties }
    await flow(watcher)
      .receive(publish2(1, 'dead/a/b', '2', { properties }))
      .receiveNothing()
    expect(kit.drops).toEqual({ 'queue-full': 1 })
  })

  it('reaches 3.1.1 subscribers with its payload, not retained, as QoS 0 if it was that', async () => {
    const reasons = ['too-large'] as const
    const kit = await openBroker({ store, deadLetters: { ...deadLetters, reasons } })
    await kit.subscriber('c', 'a', 1, { fields: { properties: { maximumPacketSize: 32 } } })
    const watcher = await kit.subscriber('watcher', 'dead/#', 1, { version: 4 })
    const payload = 'x'.repeat(50)
    await kit.broker.publish({ topicName: 'a', payload, retain: true })
    await flow(watcher).receive(publish('dead/a', payload)).receiveNothing()
    await flow(await kit.subscriber('late', 'dead/#', 1, { version: 4 })).receiveNothing()
  })

  it('is made for each reason that is asked for', async () => {
    const reasons = ['queue-full', 'expired', 'refused-by-receiver', 'session-ended', 'offline-qos0'] as const
    const settings = { topic: 'dead/%r/%c/%t', reasons }
    const kit = await openBroker({ store, deadLetters: settings, limits: { queueMessagesMax: 4 } })
    const watcher = await kit.subscriber('watcher', 'dead/#', 0)
    const reader = await kit.subscriber('c+/1', 'a', 1, keptFor(10))
    await publishAll(kit, 'a', 'refused')
    await flow(reader)
      .receive(publish1(1, 'a', 'refused'))
      .send(puback(1, 0x80))
      .do(() => reader.drop())
    await kit.broker.publish({ topicName: 'a', payload: 'expires', qos: 1, messageExpiryInterval: 2 })
    await kit.publish('a', 'of QoS 0')
    kit.clock.advance(3_000)
    const again = await kit.client('c+/1', { ...keptFor(10), sessionPresent: true })
    await flow(again).receiveNothing().drop()
    await publishAll(kit, 'a', '1', '2', '3', '4', 'too many')
    kit.clock.advance(11_000)
    await expect.poll(() => kit.dropped('session-ended')).toBe(4)
    const letters = await received(watcher)
    expect(letters.map(({ topic, payload }) => `${topic} ${payload}`)).toEqual([
      'dead/refused-by-receiver/c__1/a refused',
      'dead/offline-qos0/c__1/a of QoS 0',
      'dead/expired/c__1/a expires',
      'dead/queue-full/c__1/a too many',
      ...['1', '2', '3', '4'].map((payload) => `dead/session-ended/c__1/a ${payload}`),
    ])
    for (const { topic, properties } of letters) {
      expect(properties).toMatchObject({
        userProperties: { 'dead-letter-client': 'c+/1', 'dead-letter-reason': String(topic).split('/')[1] },
      })
    }
  })

  it('is not made by default of what QoS 0 loses, nor of what its publisher is told', async () => {
    const kit = await openBroker({
      store,
      deadLetters,
      overflow: { policy: 'reject' },
      limits: { queueMessagesMax: 1 },
    })
    await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
    const watcher = await kit.subscriber('watcher', 'dead/#', 1)
    await publishAll(kit, 'a', '1')
    await expect(publishAll(kit, 'a', '2')).rejects.toThrow()
    await kit.publish('a', 'of QoS 0')
    await flow(watcher).receiveNothing()
    expect(kit.drops).toEqual({ rejected: 1, 'offline-qos0': 1 })
  })

  it('makes no dead letter of a dead letter, also after it has waited for long', async () => {
    const kit = await openBroker({ store, deadLetters, limits: { queueMessagesMax: 2 } })
    await flow(await kit.subscriber('c', '#', 1, kept)).drop()
    const watcher = await kit.subscriber('watcher', 'dead/#', 1)
    await publishAll(kit, 'a', '1', '2', '3', '4')
    const letters = await received(watcher)
    expect(letters.map(({ topic, payload }) => `${topic} ${payload}`)).toEqual(['dead/a 3', 'dead/a 4'])
    // Two of the four, and the dead letters of both of these.
    expect(kit.dropsOf('c')).toEqual({ 'queue-full': 4 })
    await flow(await kit.client('refuser', { ...kept })).do(() => kit.settle())
    await publishAll(kit, 'dead/of its own', '5')
    await flow(watcher)
      .receive(publish1(3, 'dead/of its own', '5'))
      .send(puback(3, 0x80))
      .receiveNothing()
    expect(kit.dropsOf('watcher')).toEqual({ 'refused-by-receiver': 1 })
  })

  it('is held to a number and a size a second; what is withheld is counted', async () => {
    const settings = { ...deadLetters, messagesPerSecondMax: 3, bytesPerSecondMax: 1_000 }
    const system = { intervalSeconds: 10 }
    const kit = await openBroker({ store, system, deadLetters: settings, limits: { queueMessagesMax: 1 } })
    await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
    const watcher = await kit.subscriber('watcher', 'dead/#', 0)
    await publishAll(kit, 'a', '0', '1', '2', '3', '4', '5')
    expect((await received(watcher)).map(({ payload }) => payload)).toEqual(['1', '2', '3'])
    kit.clock.advance(1_000)
    await publishAll(kit, 'a', 'x'.repeat(1_000), '6')
    expect(await received(watcher)).toHaveLength(1)
    expect(await figure(kit, 'count')).toBe('4')
    expect(await figure(kit, 'withheld')).toBe('3')
    expect(kit.dropped('queue-full')).toBe(7)
  })

  it('is withheld where its topic name would be none', async () => {
    const system = { intervalSeconds: 10 }
    const limits = { queueMessagesMax: 1, topicLevelsMax: 4 }
    const kit = await openBroker({ store, system, deadLetters, limits })
    await flow(await kit.subscriber('c', 'a/b/c/d', 1, kept)).drop()
    await publishAll(kit, 'a/b/c/d', '1', '2')
    expect(await figure(kit, 'withheld')).toBe('1')
  })

  it('comes to a subscriber in the process', async () => {
    const kit = await openBroker({ store, deadLetters, limits: { queueMessagesMax: 1 } })
    await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
    const reasons: unknown[] = []
    kit.broker.subscribe('dead/#', ({ properties }) => {
      reasons.push(properties.userProperties?.find(([name]) => name === 'dead-letter-reason')?.[1])
    })
    await publishAll(kit, 'a', '1', '2')
    await kit.settle()
    expect(reasons).toEqual(['queue-full'])
  })
})

it('is in the same batch as what drops it: a crash leaves one of the two', async () => {
  const kit = await openBroker({ store: 'level', deadLetters })
  await flow(await kit.subscriber('watcher', 'dead/#', 1, kept)).drop()
  await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
  for (const payload of ['1', '2', '3']) {
    await kit.broker.publish({ topicName: 'a', payload, qos: 1, messageExpiryInterval: 2 })
  }
  await kit.settle()
  kit.clock.advance(3_000)
  const batches: string[] = []
  for (const [name, what] of [
    ['enqueue', 'letter'],
    ['dequeue', 'drop'],
  ] as const) {
    const change = kit.store[name].bind(kit.store)
    kit.store[name] = (...given) => {
      batches.push(`${what} in ${kit.store.openBatch}`)
      change(...given)
    }
  }
  await flow(await kit.client('c', { ...kept, sessionPresent: true })).receiveNothing()
  const numbers = batches.map((each) => each.split(' in ')[1])
  expect(batches.map((each) => each.split(' in ')[0]).sort()).toEqual([
    ...Array(3).fill('drop'),
    ...Array(3).fill('letter'),
  ])
  expect(new Set(numbers).size).toBe(1)
})

it('waits on disk for who reads them, over a restart, also of a session that ended meanwhile', async () => {
  const kit = await openBroker({ store: 'level', deadLetters, limits: { queueMessagesMax: 2 } })
  await flow(await kit.subscriber('watcher', 'dead/#', 1, kept)).drop()
  // Of two, so that the bodies do not lie in the rows.
  await flow(await kit.subscriber('c', 'a', 1, keptFor(10))).drop()
  await flow(await kit.subscriber('other', 'a', 1, kept)).drop()
  await publishAll(kit, 'a', '1', '2')
  await kit.settle()
  kit.clock.advance(11_000)
  await kit.restart()
  await kit.settle()
  const watcher = await kit.client('watcher', { ...kept, sessionPresent: true })
  const letters = await received(watcher)
  expect(letters.map(({ topic, payload }) => `${topic} ${payload}`)).toEqual(['dead/a 1', 'dead/a 2'])
  expect(letters.map(reasonOf)).toEqual(['session-ended', 'session-ended'])
})

it('is refused a template that makes no topic names, or would make dead letters of everything', async () => {
  for (const topic of [
    '%t',
    'dead/#',
    'dead/%x',
    '+/%t',
    '$SYS/dead',
    'dead%t',
    '/%t',
    '$share/g/%t',
    '100%',
  ]) {
    await expect(openBroker({ deadLetters: { topic } })).rejects.toMatchObject({
      code: 'ERR_GODWIT_CONFIG_INVALID',
      message: expect.stringContaining('it must be empty, or a text such as dead/%t'),
    })
  }
  for (const topic of ['dead', 'dead/%t', '$dead/x-%r-%c', '$SYSTEM/%t', 'a/b/%c/%t/c']) {
    await openBroker({ deadLetters: { topic } })
  }
})
