// Sessions and queues as they are put together from rows that aedes-persistence-level wrote, where order and packet ids
// are seldom what they should be.
import { ClassicLevel } from 'classic-level'
import { expect, onTestFinished, test } from 'vitest'
import { AedesDatabase } from '../../src/aedes/database.ts'
import { LeftOut } from '../../src/aedes/left-out.ts'
import { type AedesDelivery, SessionReader } from '../../src/aedes/session-reader.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { type AedesPacket, type AedesPersistence, aedesPersistenceLevel } from './aedes-persistence.ts'

/** Its database, once `write` is through with it. */
async function databaseOf(write: (persistence: AedesPersistence, level: ClassicLevel) => Promise<void>) {
  const path = await temporaryFolder()
  const level = new ClassicLevel(path)
  const persistence = aedesPersistenceLevel(level)
  await persistence.setup({ id: 'broker' })
  await write(persistence, level)
  await persistence.destroy()
  const database = await AedesDatabase.open(path)
  onTestFinished(() => database.close())
  return database
}

const packetOf = (brokerCounter: number, fields: Partial<AedesPacket> = {}): AedesPacket => ({
  cmd: 'publish',
  brokerId: 'broker',
  brokerCounter,
  topic: 'a/b',
  payload: Buffer.from(String(brokerCounter)),
  qos: 1,
  retain: false,
  dup: false,
  ...fields,
})

const client = { id: 'c' }
const receivers = [{ clientId: 'c' }]

const textOf = ({ message, qos, retain, packetId }: AedesDelivery): string =>
  `${message?.payload} qos ${qos}${retain ? ' retain' : ''}${packetId === undefined ? '' : ` as ${packetId}`}`

async function queueOf(database: AedesDatabase, leftOut = new LeftOut()): Promise<string[]> {
  const reader = new SessionReader(database, leftOut)
  const [session] = await reader.sessions()
  const deliveries: string[] = []
  if (session !== undefined)
    for await (const delivery of reader.queue(session)) deliveries.push(textOf(delivery))
  return deliveries
}

test('what waits comes in the order in which it was published, across all lengths of the counter', async () => {
  const counters = [9, 10, 99, 100, 2 ** 31, 2 ** 32, 2 ** 40]
  const database = await databaseOf(async (persistence) => {
    for (const counter of counters.toReversed()) {
      await persistence.outgoingEnqueueCombi(receivers, packetOf(counter))
    }
  })
  expect(await queueOf(database)).toEqual(counters.map((counter) => `${counter} qos 1`))
})

test('what was sent comes first, by packet id, going round from that of the oldest', async () => {
  const packetIds = new Map([
    [1, 65_534],
    [2, 65_535],
    [4, 1],
    [6, 40_000], // given by a later connection
    [7, 2],
  ])
  const database = await databaseOf(async (persistence) => {
    for (const counter of [1, 2, 3, 4, 5, 6, 7]) {
      await persistence.outgoingEnqueueCombi(receivers, packetOf(counter, { qos: 2 }))
      const messageId = packetIds.get(counter)
      if (messageId !== undefined) {
        await persistence.outgoingUpdate(client, packetOf(counter, { qos: 2, messageId }))
      }
    }
  })
  expect(await queueOf(database)).toEqual([
    '1 qos 2 as 65534',
    '2 qos 2 as 65535',
    '4 qos 2 as 1',
    '7 qos 2 as 2',
    '6 qos 2 as 40000',
    '3 qos 2',
    '5 qos 2',
  ])
})

test('a packet id that was given a second time is that of the later message', async () => {
  const database = await databaseOf(async (persistence) => {
    for (const counter of [1, 2]) {
      await persistence.outgoingEnqueueCombi(receivers, packetOf(counter))
      await persistence.outgoingUpdate(client, packetOf(counter, { messageId: 7 }))
    }
  })
  expect(await queueOf(database)).toEqual(['2 qos 1 as 7', '1 qos 1'])
})

test('a message written over one that was sent is not taken for it', async () => {
  const database = await databaseOf(async (persistence) => {
    await persistence.outgoingEnqueueCombi(receivers, packetOf(1))
    await persistence.outgoingUpdate(client, packetOf(1, { messageId: 7 }))
    await persistence.outgoingEnqueueCombi(receivers, packetOf(1))
  })
  expect(await queueOf(database)).toEqual(['1 qos 1'])
})

test('what waits has the QoS that its subscriptions agreed to, what was sent that of its first time', async () => {
  const leftOut = new LeftOut()
  const database = await databaseOf(async (persistence) => {
    await persistence.addSubscriptions(client, [
      { topic: 'a/+', qos: 1 },
      { topic: 'a/#', qos: 0 },
      { topic: 'zero', qos: 0 },
    ])
    await persistence.outgoingEnqueueCombi(receivers, packetOf(1, { qos: 2 }))
    await persistence.outgoingUpdate(client, packetOf(1, { qos: 2, messageId: 5 }))
    await persistence.outgoingEnqueueCombi(receivers, packetOf(2, { qos: 2 }))
    await persistence.outgoingEnqueueCombi(receivers, packetOf(3, { qos: 2, topic: 'unsubscribed' }))
    await persistence.outgoingEnqueueCombi(receivers, packetOf(4, { qos: 2, topic: 'zero' }))
  })
  expect(await queueOf(database, leftOut)).toEqual(['1 qos 2 as 5', '2 qos 1', '3 qos 2'])
  expect([...leftOut.byReason]).toEqual([['queued messages of QoS 0, or for subscriptions of QoS 0', 1]])
})

test('the RETAIN flag is set where a subscription wants it as published', async () => {
  const database = await databaseOf(async (persistence) => {
    const asPublished = { topic: 'kept/+', qos: 1, rap: true } as const
    await persistence.addSubscriptions(client, [{ topic: '#', qos: 1 }, asPublished])
    for (const [i, topic] of ['kept/x', 'plain', 'plain/x'].entries()) {
      await persistence.outgoingEnqueueCombi(receivers, packetOf(i + 1, { topic, retain: i < 2 }))
    }
  })
  expect(await queueOf(database)).toEqual(['1 qos 1 retain', '2 qos 1', '3 qos 1'])
})

test('a session is whoever has a subscription, a queue or a packet id to release', async () => {
  const ids = ['plain', 'a:b/c', 'ä€😀', '%', 'plain2', '__proto__']
  const database = await databaseOf(async (persistence, level) => {
    for (const [i, id] of ids.entries()) {
      await persistence.outgoingEnqueueCombi([{ clientId: id }], packetOf(i + 1))
      await persistence.outgoingEnqueueCombi([{ clientId: id }], packetOf(i + 100))
    }
    await persistence.addSubscriptions({ id: 'subscriber:1' }, [{ topic: 'x:y/#', qos: 2 }])
    await level.put('incoming:publisher%3A1:0000000000000077', '')
  })
  const sessions = [...(await new SessionReader(database, new LeftOut()).sessions())]
  expect(sessions.map(({ clientId }) => clientId).toSorted()).toEqual(
    [...ids, 'subscriber:1', 'publisher:1'].toSorted(),
  )
  const [subscriber, publisher] = sessions
  expect(subscriber?.subscriptions).toMatchObject([{ topicFilter: 'x:y/#', qos: 2, retainHandling: 0 }])
  expect(publisher?.receivedPacketIds).toEqual([77])
})
