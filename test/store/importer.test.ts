// StoreImporter: what it puts into an empty folder is what a store restores from it.
import { expect, it } from 'vitest'
import { Delivery, DeliveryState } from '../../src/store/delivery.ts'
import { StoreImporter } from '../../src/store/importer.ts'
import { KeyKind } from '../../src/store/keys.ts'
import type { SessionRecord, SubscriptionRecord, WillRecord } from '../../src/store/store.ts'
import { describeDelivery, describeMessage, finish, messageOf } from './payloads.ts'
import { countRows } from './rows.ts'
import { openLevelStore, temporaryFolder } from './stored.ts'

const session = (importer: StoreImporter, clientId: string): SessionRecord => ({
  number: importer.nextSessionNumber(),
  clientId,
  identity: `user of ${clientId}`,
  expiryInterval: 3_600,
  sentBefore: 1,
  expiresAt: 1_700_000_000_000,
})

const subscription: SubscriptionRecord = {
  topicFilter: 'a/+',
  qos: 1,
  noLocal: false,
  retainAsPublished: true,
  retainHandling: 1,
  subscriptionIdentifier: 7,
  owesRetained: false,
}

const will: WillRecord = {
  topicName: 'last/words',
  payload: Buffer.from('x'),
  qos: 2,
  retain: true,
  properties: Buffer.alloc(0),
  messageExpiryInterval: 60,
  delayInterval: 5,
  dueAt: 1_700_000_000_123,
}

it('has everything restored that was put', async () => {
  const path = await temporaryFolder()
  const importer = await StoreImporter.open(path)
  const sessions = ['one', 'two'].map((clientId) => session(importer, clientId))
  const shared = messageOf('for both')
  const alone = messageOf('alone', 'a/c', 1_800_000_000_000)
  await importer.putBody(shared)
  const deliveries = [
    new Delivery(3, shared, 1, false, [7]),
    new Delivery(4, undefined, 2, false, undefined),
    new Delivery(9, alone, 2, true, undefined, '$share/g/a/c'),
  ]
  for (const record of sessions) {
    await importer.putSession(record)
    await importer.putSubscription(record.number, subscription)
    await importer.putReceived(record.number, 17)
    for (const delivery of deliveries) await importer.enqueue(record.number, delivery)
  }
  await importer.putRetained(alone)
  await importer.putWill('one', will)
  await importer.close()

  const { store, stored, damage } = await openLevelStore(path)
  expect(damage).toEqual([])
  expect(stored.sessions).toEqual(sessions)
  expect(stored.subscriptions).toEqual(sessions.map(({ number }) => [number, subscription]))
  expect(stored.retainedMessages.map(describeMessage)).toEqual([describeMessage(alone)])
  expect([...stored.wills]).toEqual([['one', will]])
  for (const { number } of sessions) {
    expect(stored.queues.get(number)).toMatchObject({ head: 3, tail: 10 })
    expect(stored.receivedPacketIds.get(number)).toEqual([17])
    const read = await store.readQueue(number, 0, 10)
    expect(read.map(describeDelivery)).toEqual(
      deliveries.map((delivery) => ({
        ...describeDelivery(delivery),
        state: delivery.message === undefined ? DeliveryState.Released : DeliveryState.Waiting,
      })),
    )
    for (const delivery of read) finish(store, number, delivery)
  }
  expect(store.nextSessionNumber()).toBe(3)
  await store.close()
  expect((await countRows(path)).get(KeyKind.Body)).toBeUndefined()
})

it('goes into a folder that holds nothing, and nowhere else', async () => {
  const { store, path } = await openLevelStore(await temporaryFolder())
  await store.close()
  await expect(StoreImporter.open(path)).rejects.toMatchObject({ code: 'ERR_GODWIT_STORE_NOT_EMPTY' })
})

it('leaves a folder that is refused when it did not finish', async () => {
  const path = await temporaryFolder()
  const importer = await StoreImporter.open(path)
  await importer.putSession(session(importer, 'one'))
  await importer.abandon()
  await expect(openLevelStore(path)).rejects.toMatchObject({
    code: 'ERR_GODWIT_STORE_FORMAT',
    message: expect.stringContaining('an import that did not finish'),
  })
})
