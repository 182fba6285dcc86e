// Deadlines are points in time, not remainders: they come while the broker is down. On a manual clock.
import type { IPublishPacket } from 'mqtt-packet'
import { expect, onTestFinished, test } from 'vitest'
import { type Broker, createBroker, ManualClock } from '../../src/index.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { copyOf } from '../store/stored.ts'
import { WireClient, type WireConnectOptions } from './wire-client.ts'

interface Running {
  readonly broker: Broker
  readonly port: number
}

async function startBroker(path: string, clock: ManualClock): Promise<Running> {
  const broker = await createBroker({ persistence: { path }, clock })
  onTestFinished(() => broker.close())
  const [address] = await broker.listen([{ host: '127.0.0.1', port: 0 }])
  return { broker, port: address?.port ?? 0 }
}

/** Down for `seconds`. */
async function restart(
  running: Running,
  path: string,
  clock: ManualClock,
  seconds: number,
): Promise<Running> {
  await running.broker.close()
  clock.advance(seconds * 1_000)
  return startBroker(path, clock)
}

function join(
  { port }: Running,
  clientId: string,
  sessionExpiryInterval: number,
  will?: WireConnectOptions['will'],
): Promise<WireClient> {
  const properties = { sessionExpiryInterval }
  return WireClient.connect(port, {
    clientId,
    protocolVersion: 5,
    clean: false,
    properties,
    ...(will !== undefined && { will }),
  })
}

async function subscribe(client: WireClient, topic: string): Promise<void> {
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] })
  await client.receive('suback')
}

async function publish(client: WireClient, packet: Partial<IPublishPacket>): Promise<void> {
  const defaults = { cmd: 'publish', topic: 'a', qos: 1, messageId: 1, dup: false, retain: false } as const
  client.send({ ...defaults, payload: '', ...packet })
  await client.receive('puback')
}

test('a message that expired during the downtime is not delivered, the others live on for what is left', async () => {
  const path = await temporaryFolder()
  const clock = new ManualClock()
  let running = await startBroker(path, clock)
  const subscriber = await join(running, 'subscriber', 3_600)
  await subscribe(subscriber, 'a')
  await subscriber.end()
  const publisher = await join(running, 'publisher', 0)
  await publish(publisher, { payload: 'short', properties: { messageExpiryInterval: 50 } })
  await publish(publisher, { payload: 'long', properties: { messageExpiryInterval: 100 } })
  await publish(publisher, { payload: 'kept short', retain: true, properties: { messageExpiryInterval: 50 } })
  await publish(publisher, {
    topic: 'b',
    payload: 'kept long',
    retain: true,
    properties: { messageExpiryInterval: 100 },
  })

  running = await restart(running, path, clock, 60)
  const back = await join(running, 'subscriber', 3_600)
  expect(back.connack.sessionPresent).toBe(true)
  const { payload, properties } = await back.receive('publish')
  expect([payload.toString(), properties?.messageExpiryInterval]).toEqual(['long', 40])
  await back.receiveNothing()
  const reader = await join(running, 'reader', 0)
  await subscribe(reader, '+')
  const retained = await reader.receive('publish')
  expect([retained.payload.toString(), retained.properties?.messageExpiryInterval]).toEqual(['kept long', 40])
  await reader.receiveNothing()
  back.destroy()
  reader.destroy()
})

test('a session expires during the downtime, counted from its disconnection', async () => {
  const path = await temporaryFolder()
  const clock = new ManualClock()
  let running = await startBroker(path, clock)
  await (await join(running, 'short', 100)).end()
  await (await join(running, 'long', 200)).end()
  clock.advance(50_000)

  running = await restart(running, path, clock, 70)
  clock.advance(1_000) // The wheel of the new broker turns.
  expect((await join(running, 'short', 0)).connack.sessionPresent).toBe(false)
  expect((await join(running, 'long', 0)).connack.sessionPresent).toBe(true)
})

test('a session that was connected at the stop is counted from there', async () => {
  const path = await temporaryFolder()
  const clock = new ManualClock()
  let running = await startBroker(path, clock)
  await join(running, 'short', 100)
  await join(running, 'long', 200)

  running = await restart(running, path, clock, 150)
  clock.advance(1_000)
  expect((await join(running, 'short', 0)).connack.sessionPresent).toBe(false)
  expect((await join(running, 'long', 0)).connack.sessionPresent).toBe(true)
})

test('a delayed will is published when its time came during the downtime, and not before its time', async () => {
  const path = await temporaryFolder()
  const clock = new ManualClock()
  let running = await startBroker(path, clock)
  const watcher = await join(running, 'watcher', 3_600)
  await subscribe(watcher, 'wills/+')
  await watcher.end()
  const willOf = (name: string, willDelayInterval: number): WireConnectOptions['will'] => ({
    topic: `wills/${name}`,
    payload: name,
    qos: 1,
    properties: { willDelayInterval },
  })
  const disconnected = new Promise<void>((resolve) => {
    let count = 0
    running.broker.on('disconnected', () => {
      if (++count === 3) resolve()
    })
  })
  for (const [name, seconds] of [
    ['short', 30],
    ['returns', 90],
    ['long', 90],
  ] as const) {
    const client = await join(running, name, 3_600, willOf(name, seconds))
    client.destroy()
  }
  await disconnected

  running = await restart(running, path, clock, 60)
  clock.advance(1_000)
  const back = await join(running, 'watcher', 3_600)
  expect((await back.receive('publish')).topic).toBe('wills/short')
  await back.receiveNothing()
  await join(running, 'returns', 3_600)
  clock.advance(31_000)
  expect((await back.receive('publish')).topic).toBe('wills/long')
  await back.receiveNothing()
  back.destroy()
})

/** As after a kill -9: on a copy of the folder as it is now. Down for `seconds`. */
async function crash(
  path: string,
  clock: ManualClock,
  seconds: number,
): Promise<{ running: Running; path: string }> {
  const copy = await copyOf(path)
  clock.advance(seconds * 1_000)
  return { running: await startBroker(copy, clock), path: copy }
}

test('wills of clients connected at a crash come after their delay from the start on, unless they return', async () => {
  const path = await temporaryFolder()
  const clock = new ManualClock()
  const running = await startBroker(path, clock)
  const watcher = await join(running, 'watcher', 3_600)
  await subscribe(watcher, 'wills/+')
  for (const [name, willDelayInterval] of [
    ['at once', 0],
    ['late', 60],
    ['returns', 60],
  ] as const) {
    const topic = `wills/${name}`
    await join(running, name, 3_600, { topic, payload: name, qos: 1, properties: { willDelayInterval } })
  }

  const first = await crash(path, clock, 100)
  clock.advance(1_000) // The wheel of the new broker turns.
  const back = await join(first.running, 'watcher', 3_600)
  expect((await back.receive('publish')).topic).toBe('wills/at once')
  back.send({ cmd: 'puback', messageId: 1 })
  await back.receiveNothing()
  await join(first.running, 'returns', 3_600)
  clock.advance(29_000)
  await back.receiveNothing()

  // Another crash, half-way: the delay goes on from where it was.
  const second = await crash(first.path, clock, 20)
  clock.advance(1_000)
  const again = await join(second.running, 'watcher', 3_600)
  await again.receiveNothing()
  clock.advance(10_000)
  expect((await again.receive('publish')).topic).toBe('wills/late')
  await again.receiveNothing()
})

test('a session that was connected at a crash is counted from the start on, and over the next crash', async () => {
  const path = await temporaryFolder()
  const clock = new ManualClock()
  const running = await startBroker(path, clock)
  await join(running, 'short', 100)
  await join(running, 'long', 200)

  const first = await crash(path, clock, 1_000)
  clock.advance(60_000)
  const second = await crash(first.path, clock, 60)
  clock.advance(1_000)
  expect((await join(second.running, 'short', 0)).connack.sessionPresent).toBe(false)
  expect((await join(second.running, 'long', 0)).connack.sessionPresent).toBe(true)
})

test('a session that ends during the downtime publishes its will, however long that was to wait', async () => {
  const path = await temporaryFolder()
  const clock = new ManualClock()
  let running = await startBroker(path, clock)
  const watcher = await join(running, 'watcher', 3_600)
  await subscribe(watcher, 'wills/+')
  await watcher.end()
  const gone = new Promise<void>((resolve) => running.broker.on('disconnected', () => resolve()))
  const properties = { willDelayInterval: 500 }
  const client = await join(running, 'short', 50, {
    topic: 'wills/short',
    payload: 'gone',
    qos: 1,
    properties,
  })
  client.destroy()
  await gone

  running = await restart(running, path, clock, 60)
  clock.advance(1_000)
  const back = await join(running, 'watcher', 3_600)
  expect((await back.receive('publish')).topic).toBe('wills/short')
})
