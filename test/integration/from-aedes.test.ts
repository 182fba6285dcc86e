// What a program does that has Aedes in it, done the same way with Aedes and with godwit: the rows of the table in
// docs/migrating-from-aedes.md, with MQTT.js as the client.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Aedes } from 'aedes'
import { expect, onTestFinished, test } from 'vitest'
import { createBroker } from '../../src/index.ts'
import { joinMqttJs } from './mqttjs-client.ts'

/** The part of either broker that the program uses. */
interface Embedded {
  readonly port: number
  publish(topic: string, payload: string, retain: boolean): Promise<void>
  /** The next message is handed over when what `handler` returns has resolved. */
  subscribe(topicFilter: string, handler: (topic: string, payload: string) => Promise<void>): Promise<void>
}

/** A server of the program's own, which hands each socket over. */
async function serve(handle: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(handle).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function embedAedes(): Promise<Embedded> {
  const aedes = await Aedes.createBroker()
  onTestFinished(() => new Promise<void>((resolve) => aedes.close(resolve)))
  const packet = { cmd: 'publish', qos: 1, dup: false } as const
  return {
    port: await serve(aedes.handle),
    publish: (topic, payload, retain) =>
      new Promise((resolve, reject) => {
        const done = (error?: Error) => (error ? reject(error) : resolve())
        aedes.publish({ ...packet, topic, payload, retain }, done)
      }),
    subscribe: (topicFilter, handler) =>
      new Promise((resolve) => {
        const deliver = (each: { topic: string; payload: string | Buffer }, done: () => void): void =>
          void handler(each.topic, String(each.payload)).then(done)
        aedes.subscribe(topicFilter, deliver, resolve)
      }),
  }
}

async function embedGodwit(): Promise<Embedded> {
  const broker = await createBroker({ persistence: { enabled: false } })
  onTestFinished(() => broker.close())
  return {
    port: await serve((socket) => broker.attach(socket)),
    publish: (topicName, payload, retain) => broker.publish({ topicName, payload, qos: 1, retain }),
    subscribe: async (topicFilter, handler) =>
      void broker.subscribe(topicFilter, ({ topicName, payload }) => handler(topicName, String(payload))),
  }
}

const brokers = [
  ['Aedes', embedAedes],
  ['godwit', embedGodwit],
] as const

test.each(brokers)('%s answers requests of clients from inside the process', async (_, embed) => {
  const broker = await embed()
  await broker.subscribe('rooms/+/get', async (topic, payload) => {
    await broker.publish(topic.replace('get', 'is'), `${payload} degrees`, false)
  })
  const { client, inbox } = await joinMqttJs(broker.port, { clientId: 'panel' })
  await client.subscribeAsync('rooms/hall/is', { qos: 1 })
  await client.publishAsync('rooms/hall/get', '21', { qos: 1 })
  const { topic, payload, qos } = await inbox.one()
  expect([topic, payload.toString(), qos]).toEqual(['rooms/hall/is', '21 degrees', 1])
})

test.each(brokers)('%s tells who is there by a retained message and a will', async (_, embed) => {
  const broker = await embed()
  const will = { topic: 'status/sensor', payload: Buffer.from('offline'), qos: 1, retain: true } as const
  const { client: sensor } = await joinMqttJs(broker.port, { clientId: 'sensor', will })
  await sensor.publishAsync('status/sensor', 'online', { qos: 1, retain: true })
  const { client, inbox } = await joinMqttJs(broker.port, { clientId: 'panel' })
  await client.subscribeAsync('status/+', { qos: 1 })
  expect(await inbox.one()).toMatchObject({ payload: Buffer.from('online'), retain: true })
  sensor.stream.destroy()
  expect(await inbox.one()).toMatchObject({ payload: Buffer.from('offline'), retain: false })
})

test.each(brokers)('%s keeps what its program publishes for a client that is away', async (_, embed) => {
  const broker = await embed()
  const lamp = { clientId: 'lamp', clean: false }
  const { client } = await joinMqttJs(broker.port, lamp)
  await client.subscribeAsync('lamps/#', { qos: 1 })
  await client.endAsync()
  for (const payload of ['on', 'dim', 'off']) await broker.publish('lamps/hall', payload, false)
  const { inbox, connack } = await joinMqttJs(broker.port, lamp)
  expect(connack.sessionPresent).toBe(true)
  expect((await inbox.next(3)).map(({ payload }) => payload.toString())).toEqual(['on', 'dim', 'off'])
})
