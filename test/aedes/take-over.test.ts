// A real Aedes writes the database, godwit serves what was in it: nothing missing, nothing twice, all in order.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { AedesDatabase } from '../../src/aedes/database.ts'
import { takeOver } from '../../src/aedes/take-over.ts'
import { WILL_DELAY_SECONDS } from '../../src/aedes/values.ts'
import { SESSION_NEVER_EXPIRES } from '../../src/packet/protocol.ts'
import { StoreImporter } from '../../src/store/importer.ts'
import { joinMqttJs } from '../integration/mqttjs-client.ts'
import { serveBroker } from '../integration/served-broker.ts'
import { WireClient } from '../integration/wire-client.ts'
import { flow } from '../kit/flow.ts'
import * as packets from '../kit/packets.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { TestBroker } from '../kit/test-broker.ts'
import { AedesProcess } from './aedes-process.ts'
import { NEWS, populate, type SentIds, UNRELEASED, UNRELEASED_ID } from './population.ts'

let written: string
let imported: string
let sentIds: SentIds
const overs: (() => unknown)[] = []

async function importFrom(folder: string, to: string) {
  const database = await AedesDatabase.open(folder)
  const importer = await StoreImporter.open(to)
  const options = { sessionExpiryInterval: SESSION_NEVER_EXPIRES, now: 0, onProgress: () => {} }
  const { taken, leftOut } = await takeOver(database, importer, options)
  await importer.close()
  await database.close()
  return { taken, leftOut: [...leftOut.byReason] }
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'godwit-aedes-'))
  overs.push(() => rm(folder, { recursive: true }))
  written = join(folder, 'aedes')
  imported = join(folder, 'godwit')
  sentIds = await populate(written, (end) => void overs.unshift(end))
  expect(await importFrom(written, imported)).toEqual({
    taken: {
      sessions: 3,
      subscriptions: 3,
      queued: NEWS + 2 + NEWS / 2 - 4 + 1, // sleeper's, and those that halfway was not sent
      inFlight: 3,
      receivedPacketIds: 1,
      retained: 3,
      wills: 2,
    },
    leftOut: [],
  })
}, 60_000)

afterAll(async () => {
  for (const over of overs) await over()
})

/** A data folder of its own, as the import left it. */
async function copyOfImported(): Promise<string> {
  const path = await temporaryFolder()
  await cp(imported, path, { recursive: true })
  return path
}

async function serveImported(): Promise<number> {
  return (await serveBroker({ persistence: { path: await copyOfImported() } }, onTestFinished)).port
}

test('what waited for a client comes in its order, each message once, at the QoS that it had asked for', async () => {
  const port = await serveImported()
  const client = await WireClient.connect(port, { clientId: 'sleeper', protocolVersion: 4, clean: false })
  expect(client.connack.sessionPresent).toBe(true)
  const came: string[] = []
  for (let i = 0; i < NEWS + 2; i++) {
    const { topic, payload, qos, dup, retain } = await client.receive('publish')
    came.push(`${topic} ${payload} qos ${qos}${dup ? ' dup' : ''}${retain ? ' retain' : ''}`)
  }
  await client.receiveNothing()
  const news = Array.from({ length: NEWS }, (_, i) => `news/ü ${i} qos ${i % 2 === 0 ? 1 : 2}`)
  const [first, second] = [news.slice(0, NEWS / 2), news.slice(NEWS / 2)]
  expect(came).toEqual([...first, 'once/b at QoS 1 at most qos 1', ...second, 'news/unreleased once qos 2'])
  client.destroy()
})

test('its subscriptions are there: what is published now comes behind what waited', async () => {
  const port = await serveImported()
  const { client } = await joinMqttJs(port, { clientId: 'publisher' })
  await client.publishAsync('news/after', 'last', { qos: 2 })
  const { inbox } = await joinMqttJs(port, { clientId: 'sleeper', clean: false })
  const came = await inbox.next(NEWS + 3)
  expect(came.at(-1)).toMatchObject({ topic: 'news/after', qos: 2 })
})

test('what was in flight goes out again under its packet id, what was received is released', async () => {
  const port = await serveImported()
  const client = await WireClient.connect(port, { clientId: 'halfway', protocolVersion: 4, clean: false })
  expect(client.connack.sessionPresent).toBe(true)
  const [left, leftToo, , received] = sentIds
  expect(await client.receive('publish')).toMatchObject({ messageId: left, qos: 1, dup: true })
  expect(await client.receive('publish')).toMatchObject({ messageId: leftToo, qos: 2, dup: true })
  expect(await client.receive('pubrel')).toMatchObject({ messageId: received })
  for (let i = NEWS / 2 + 4; i < NEWS; i++) {
    const { payload, dup, messageId } = await client.receive('publish')
    expect([payload.toString(), dup]).toEqual([`${i}`, false])
    expect(sentIds).not.toContain(messageId)
  }
  client.destroy()
})

test('a QoS 2 message that a client has not released is not taken a second time', async () => {
  const port = await serveImported()
  const { client: watcher, inbox } = await joinMqttJs(port, { clientId: 'watcher' })
  await watcher.subscribeAsync('news/unreleased', { qos: 2 })
  const client = await WireClient.connect(port, { clientId: 'unreleased', protocolVersion: 4, clean: false })
  expect(client.connack.sessionPresent).toBe(true)
  client.send({ ...UNRELEASED, dup: true })
  await client.receive('pubrec')
  client.send({ cmd: 'pubrel', messageId: UNRELEASED_ID })
  await client.receive('pubcomp')
  client.send({ ...UNRELEASED, payload: 'another one', dup: false })
  await client.receive('pubrec')
  expect((await inbox.one()).payload.toString()).toBe('another one')
  client.destroy()
})

test('retained messages greet whoever subscribes', async () => {
  const port = await serveImported()
  const { client, inbox } = await joinMqttJs(port, { clientId: 'newcomer' })
  await client.subscribeAsync('kept/#', { qos: 2 })
  const came = await inbox.next(3)
  expect(came.every(({ retain }) => retain)).toBe(true)
  const byTopic = came.map(({ topic, payload, qos }) => [topic, qos, payload.toString('hex')] as const)
  expect(byTopic.toSorted()).toEqual([
    ['kept/bytes', 2, '00ff80'],
    ['kept/text', 1, Buffer.from('last').toString('hex')],
    ['kept/€/😀', 0, Buffer.from('at most once').toString('hex')],
  ])
})

test('the will of a client that was connected is published, unless it returns in time', async () => {
  const broker = new TestBroker({}, await copyOfImported())
  await broker.open()
  onTestFinished(() => broker.close())
  const watcher = await broker.subscriber('watcher', 'wills/#', 2)
  broker.clock.advance((WILL_DELAY_SECONDS - 1) * 1000)
  await flow(watcher).receiveNothing()
  await broker.client('returning')
  broker.clock.advance(1000)
  await flow(watcher)
    .receive(packets.publish1(1, 'wills/gone', 'sorry'))
    .send(packets.puback(1))
    .receiveNothing()
})

test('Aedes goes on with its database after the import', async () => {
  const folder = await temporaryFolder()
  await cp(written, folder, { recursive: true })
  await importFrom(folder, await temporaryFolder())
  const aedes = await AedesProcess.start(folder, 'c', onTestFinished)
  const { inbox, connack } = await joinMqttJs(aedes.port, { clientId: 'sleeper', clean: false })
  expect(connack.sessionPresent).toBe(true)
  expect((await inbox.next(NEWS + 2)).length).toBe(NEWS + 2)
})
