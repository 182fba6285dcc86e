// The first half of section 4.6 of MQTT 5: the order of repeats and acknowledgements. It is asked of clients, and the
// broker, which is a sender and a receiver too, keeps it as well. ordering.test.ts has what is asked of servers.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { puback, publish1, publish2, pubrec, pubrel, type Said } from '../../kit/packets.ts'
import { openBroker, STORES } from '../../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 100 } }
const ids = [50, 3, 0xffff, 2, 48, 1]

/** A sender half of whose messages wait for the disk, and to no avail until the store lets go. */
async function senderToTheDisk() {
  const kit = await openBroker({ store: 'level' })
  await flow(await kit.subscriber('away', 'away', 1, { fields: kept })).drop()
  const sender = await kit.client('sender')
  await kit.settle()
  kit.store.hold()
  return { kit, sender }
}
const topicOf = (index: number): string => (index % 2 === 1 ? 'away' : 'nobody')
const codeOf = (index: number): number => (index % 2 === 1 ? 0 : 0x10)

describe.each(STORES)('on the %s store', (store) => {
  it('[v5 MQTT-4.6.0-1] PUBLISH packets are sent again in the order of the first time', async () => {
    const kit = await openBroker({ store })
    const first = await kit.subscriber('c', 'a', 2, { fields: kept })
    const sent = (id: number, dup: boolean): Said =>
      (id % 3 === 0 ? publish2 : publish1)(id, 'a', String(id), { dup })
    for (let id = 1; id <= 9; id++) {
      await kit.broker.publish({ topicName: 'a', payload: String(id), qos: id % 3 === 0 ? 2 : 1 })
      await flow(first).receive(sent(id, false))
    }
    await flow(first).send(puback(7), puback(2)).receiveNothing().drop()
    if (store === 'level') await kit.restart()
    const back = await kit.client('c', { fields: kept, sessionPresent: true })
    const order: unknown[] = []
    for (let i = 0; i < 7; i++) order.push((await back.next()).packet.messageId)
    expect(order).toEqual([1, 3, 4, 5, 6, 8, 9])
  })

  it('[v5 MQTT-4.6.0-4] PUBRELs are sent in the order of the PUBRECs', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', 'a', 2, { fields: kept })
    for (let i = 0; i < 5; i++) await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
    const order = [3, 1, 5, 2, 4]
    await flow(peer)
      .receive(...[1, 2, 3, 4, 5].map((id) => publish2(id, 'a', 'x')))
      .send(...order.map((id) => pubrec(id)))
      .receive(...order.map((id) => pubrel(id)))
  })
})

it('[v5 MQTT-4.6.0-2] PUBACKs are sent in the order of the PUBLISH packets, whichever wait for the disk', async () => {
  const { kit, sender } = await senderToTheDisk()
  await flow(sender)
    .send(...ids.map((id, index) => publish1(id, topicOf(index), 'x')))
    .receive(puback(50, 0x10))
    .receiveNothing()
    .do(() => kit.store.letGo())
    .receive(...ids.slice(1).map((id, index) => puback(id, codeOf(index + 1))))
})

it('[v5 MQTT-4.6.0-3] PUBRECs are sent in the order of the PUBLISH packets, whichever wait for the disk', async () => {
  const { kit, sender } = await senderToTheDisk()
  await flow(sender)
    .send(...ids.map((id, index) => publish2(id, topicOf(index), 'x')))
    .receive(pubrec(50, 0x10))
    .receiveNothing()
    .do(() => kit.store.letGo())
    .receive(...ids.slice(1).map((id, index) => pubrec(id, codeOf(index + 1))))
})
