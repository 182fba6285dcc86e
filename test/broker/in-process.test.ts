// Publishing and subscribing from inside the process, what the broker tells of its clients, and how it closes.
import { describe, expect, it } from 'vitest'
import type { ReceivedMessage } from '../../src/broker/index.ts'
import { flow, turns } from '../kit/flow.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish,
  publish1,
  publish2,
  type Qos,
  willOf,
} from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }

describe.each(STORES)('on the %s store', (store) => {
  it.each<Qos>([0, 1, 2])('broker.publish at QoS %i reaches clients with all its properties', async (qos) => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2)
    await kit.broker.publish({
      topicName: 'a',
      payload: new Uint8Array([0x78]),
      qos,
      messageExpiryInterval: 5,
      properties: { contentType: 'text', correlationData: Buffer.from('7'), userProperties: [['k', 'v']] },
    })
    const properties = {
      messageExpiryInterval: 5,
      contentType: 'text',
      correlationData: Buffer.from('7'),
      userProperties: { k: 'v' },
    }
    const message = publish('a', 'x', { qos, properties, ...(qos > 0 && { messageId: 1 }) })
    await flow(peer).receive(message)
  })

  it.each<Qos>([0, 1, 2])(
    'broker.subscribe at QoS %i receives what clients publish, in order',
    async (qos) => {
      const kit = await openBroker({ store })
      const received: [string, Qos][] = []
      kit.broker.subscribe(
        'a/#',
        (message) => void received.push([String(message.payload), message.qos]),
        qos,
      )
      await flow(await kit.client('c'))
        .send(publish('a', '0'), publish1(1, 'a/b', '1'), publish2(2, 'a/b/c', '2'), publish('b', 'not this'))
        .do(() => kit.settle())
      const lower = (other: Qos) => Math.min(qos, other)
      const expected = [
        ['0', 0],
        ['1', lower(1)],
        ['2', lower(2)],
      ] as const
      // QoS 0 overtakes what waits for a commit.
      expect(received.sort()).toEqual(expected)
    },
  )

  it('what is retained comes first, flagged, and a message carries its properties', async () => {
    const kit = await openBroker({ store })
    await kit.broker.publish({
      topicName: 'a',
      payload: 'kept',
      retain: true,
      properties: { responseTopic: 'r' },
    })
    const received: ReceivedMessage[] = []
    kit.broker.subscribe('#', (message) => void received.push(message))
    await kit.publish('a', 'live')
    await turns()
    expect(received).toEqual([
      {
        topicName: 'a',
        payload: Buffer.from('kept'),
        qos: 0,
        retain: true,
        properties: { responseTopic: 'r' },
      },
      { topicName: 'a', payload: Buffer.from('live'), qos: 0, retain: false, properties: {} },
    ])
  })
})

it('the promise of a handler is its acknowledgement: no more than in-flight are given before it resolves', async () => {
  const kit = await openBroker({ limits: { inFlightMax: 2 } })
  const begun: string[] = []
  const finish: (() => void)[] = []
  kit.broker.subscribe('a', ({ payload }) => {
    begun.push(String(payload))
    return new Promise<void>((resolve) => finish.push(resolve))
  })
  for (const [payload, qos] of [
    ['1', 1],
    ['2', 2],
    ['3', 1],
    ['4', 2],
  ] as const) {
    await kit.broker.publish({ topicName: 'a', payload, qos })
  }
  await turns()
  expect(begun).toEqual(['1', '2'])
  finish[1]?.()
  await turns()
  expect(begun).toEqual(['1', '2', '3'])
  finish[0]?.()
  finish[2]?.()
  await turns()
  expect(begun).toEqual(['1', '2', '3', '4'])
})

it('a handler that throws or rejects has received its message all the same, and the others get theirs', async () => {
  const kit = await openBroker({ limits: { inFlightMax: 1 } })
  const begun: string[] = []
  kit.broker.subscribe('a', ({ payload }) => {
    begun.push(String(payload))
    if (begun.length === 1) throw new Error('thrown')
    return Promise.reject(new Error('rejected'))
  })
  const peer = await kit.subscriber('c', 'a', 1)
  for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
  await turns()
  expect(begun).toEqual(['1', '2', '3'])
  await flow(peer).receive(publish1(1, 'a', '1'))
})

it('a local subscription ends with unsubscribe, however often it is called', async () => {
  const kit = await openBroker()
  let received = 0
  const subscription = kit.broker.subscribe('a', () => void received++)
  expect(subscription.topicFilter).toBe('a')
  await kit.publish('a', 'x')
  await turns()
  subscription.unsubscribe()
  subscription.unsubscribe()
  await kit.publish('a', 'x')
  await turns()
  expect(received).toBe(1)
})

it('what a local subscription had not finished when it ended is counted, once', async () => {
  const kit = await openBroker()
  const subscription = kit.broker.subscribe('a', () => new Promise<void>(() => {}))
  await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
  await turns()
  subscription.unsubscribe()
  subscription.unsubscribe()
  expect(kit.dropped('session-ended')).toBe(1)
})

it('a local subscription may be shared with clients', async () => {
  const kit = await openBroker()
  const received: string[] = []
  kit.broker.subscribe('$share/g/a', ({ payload }) => void received.push(String(payload)))
  const peer = await kit.subscriber('c', '$share/g/a', 0)
  for (const payload of ['1', '2', '3', '4']) await kit.publish('a', payload)
  await turns()
  expect(received).toEqual(['1', '3'])
  await flow(peer).receive(publish('a', '2'), publish('a', '4')).receiveNothing()
})

it('a client with the id of a local subscriber keeps its session and its will when that one goes', async () => {
  const kit = await openBroker()
  const watcher = await kit.subscriber('watcher', 'will', 0)
  const { unsubscribe } = kit.broker.subscribe('a', () => {})
  const fields = { ...kept, will: willOf('will', 'gone', { properties: { willDelayInterval: 100 } }) }
  const peers = []
  for (const clientId of ['$local/1', '$local/0', '$local/2'])
    peers.push(await kit.client(clientId, { fields }))
  await flow(peers[0] as NonNullable<(typeof peers)[0]>).drop()
  unsubscribe()
  await flow(watcher).receiveNothing()
  await kit.client('$local/1', { fields, sessionPresent: true })
})

describe('what cannot be taken is refused with a GodwitError', () => {
  it.each(['', 'a/#', '+', 'a\0b', 'x'.repeat(65_536)])('topic name %j', async (topicName) => {
    const kit = await openBroker()
    const refused = kit.broker.publish({ topicName, payload: 'x' })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_GODWIT_PUBLISH_REFUSED' })
  })

  it('a payload larger than any packet', async () => {
    const kit = await openBroker()
    const refused = kit.broker.publish({ topicName: 'a', payload: Buffer.alloc(268_435_456) })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_GODWIT_PUBLISH_REFUSED' })
  })

  it('a retained message beyond their number', async () => {
    const kit = await openBroker({ limits: { retainedMessagesMax: 0 } })
    const refused = kit.broker.publish({ topicName: 'a', payload: 'x', retain: true })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_GODWIT_PUBLISH_REFUSED' })
  })

  it('topic filters', async () => {
    const kit = await openBroker()
    for (const topicFilter of ['', 'a/#/b', '$share/g']) {
      const refused = expect(() => kit.broker.subscribe(topicFilter, () => {}))
      refused.toThrow(expect.objectContaining({ code: 'ERR_GODWIT_SUBSCRIBE_REFUSED' }))
    }
  })

  it('anything, of a broker that is closed', async () => {
    const kit = await openBroker()
    await kit.close()
    const code = 'ERR_GODWIT_BROKER_CLOSED'
    await expect(kit.broker.publish({ topicName: 'a', payload: '' })).rejects.toMatchObject({ code })
    expect(() => kit.broker.subscribe('a', () => {})).toThrow(expect.objectContaining({ code }))
  })
})

it('tells of clients that come and go, by what reason', async () => {
  const kit = await openBroker()
  const heard: unknown[] = []
  const onConnected = (facts: unknown): void => void heard.push(facts)
  kit.broker.on('connected', onConnected)
  kit.broker.on('disconnected', (facts) => heard.push(facts))
  const address = 'in-process'
  await flow(await kit.client('a', { version: 4 }))
    .send(disconnect())
    .closed()
  await flow(await kit.client('b', { fields: kept })).drop()
  await kit.client('b', { fields: kept, sessionPresent: true })
  await kit.client('b', { fields: kept, sessionPresent: true })
  await flow(kit.peer()).send(publish('a', 'not a CONNECT')).closed()
  expect(heard).toEqual([
    { clientId: 'a', identity: '', version: 4, address, sessionPresent: false },
    { clientId: 'a', address, reason: 'client-disconnected' },
    { clientId: 'b', identity: '', version: 5, address, sessionPresent: false },
    { clientId: 'b', address, reason: 'client-closed' },
    { clientId: 'b', identity: '', version: 5, address, sessionPresent: true },
    { clientId: 'b', address, reason: 'session-taken-over' },
    { clientId: 'b', identity: '', version: 5, address, sessionPresent: true },
  ])
  kit.broker.off('connected', onConnected)
  await kit.client('c')
  expect(heard).toHaveLength(7)
})

it('a listener of connected can publish to the client that has come', async () => {
  const kit = await openBroker()
  await kit.subscriber('c', 'welcome', 0, { fields: kept })
  kit.broker.on('connected', () => void kit.publish('welcome', 'back'))
  await flow(await kit.client('c', { fields: kept, sessionPresent: true })).receive(
    publish('welcome', 'back'),
  )
})

describe.each(STORES)('closing on the %s store', (store) => {
  it('tells 5.0 clients 0x8B, closes all, and takes nobody any more', async () => {
    const kit = await openBroker({ store })
    const fresh = await kit.client('5.0', { fields: kept })
    const old = await kit.client('3.1.1', { version: 4 })
    const silent = kit.peer()
    await Promise.all([kit.close(), kit.broker.close()])
    await flow(fresh).receive(disconnect(0x8b)).closed()
    await flow(old).closed()
    await flow(silent).closed()
    await flow(kit.peer()).closed()
  })

  it('lets go of nothing that it has acknowledged', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 1, { fields: kept })
    const publishing = kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await kit.broker.close()
    await publishing
    await flow(peer)
      .receive(publish1(1, 'a', 'x'), disconnect(0x8b))
      .closed()
  })
})

it('lets acknowledgements that wait for the disk leave before its farewell', async () => {
  const kit = await openBroker({ store: 'level' })
  await flow(await kit.subscriber('away', 'a', 1, { fields: kept })).drop()
  const sender = await kit.client('sender')
  sender.send(publish1(1, 'a', 'x'), publish1(2, 'a', 'y'))
  await turns(1)
  await kit.close()
  await flow(sender).receive(puback(1), puback(2), disconnect(0x8b)).closed()
})

it('keeps the will of a kept session for the next start, and publishes that of one that ends', async () => {
  const kit = await openBroker({ store: 'level' })
  await flow(await kit.subscriber('watcher', 'will/#', 1, { fields: kept })).drop()
  await kit.client('kept', { fields: { ...kept, will: willOf('will/kept', 'x', { qos: 1 }) } })
  await kit.client('ends', { fields: { will: willOf('will/ends', 'x', { qos: 1 }) } })
  await kit.restart()
  await flow(kit.peer())
    .send(connect('kept', { ...kept }))
    .receive(connack(0, true))
  kit.clock.advance(10_000)
  await flow(await kit.client('watcher', { fields: kept, sessionPresent: true }))
    .receive(publish1(1, 'will/ends', 'x'))
    .receiveNothing()
})
