// Shared subscriptions: each message to one member of the group.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { puback, publish, publish1, unsuback, unsubscribe } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }

/** Payloads that have come, acknowledged. */
async function payloads(peer: Peer): Promise<string[]> {
  await peer.settle()
  const found: string[] = []
  while (peer.waiting > 0) {
    const { packet } = await peer.next()
    found.push(String(packet.payload))
    if (packet.qos === 1) peer.send(puback(packet.messageId as number))
  }
  return found
}

describe.each(STORES)('on the %s store', (store) => {
  it('gives each message to one member, in turn, and each group its own', async () => {
    const kit = await openBroker({ store })
    const members = []
    for (const name of ['1', '2', '3']) members.push(await kit.subscriber(name, '$share/g/a/+', 1))
    const other = await kit.subscriber('other', '$share/h/a/#', 0)
    const alone = await kit.subscriber('alone', 'a/#', 0)
    for (let i = 0; i < 6; i++) await kit.broker.publish({ topicName: 'a/b', payload: String(i), qos: 1 })
    const shares = []
    for (const member of members) shares.push(await payloads(member))
    expect(shares).toEqual([
      ['0', '3'],
      ['1', '4'],
      ['2', '5'],
    ])
    expect(await payloads(other)).toEqual(['0', '1', '2', '3', '4', '5'])
    expect(await payloads(alone)).toEqual(['0', '1', '2', '3', '4', '5'])
  })

  it('passes over a member that is away while another one is there', async () => {
    const kit = await openBroker({ store })
    const stays = await kit.subscriber('stays', '$share/g/a', 1)
    await flow(await kit.subscriber('away', '$share/g/a', 1, { fields: kept })).drop()
    for (let i = 0; i < 4; i++) await kit.broker.publish({ topicName: 'a', payload: String(i), qos: 1 })
    expect(await payloads(stays)).toEqual(['0', '1', '2', '3'])
    await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receiveNothing()
  })

  it('keeps messages for members that will be back when nobody is there', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('one', '$share/g/a', 1, { fields: kept })).drop()
    await flow(await kit.subscriber('two', '$share/g/a', 1, { fields: kept })).drop()
    for (let i = 0; i < 4; i++) await kit.broker.publish({ topicName: 'a', payload: String(i), qos: 1 })
    const one = await payloads(await kit.client('one', { fields: kept, sessionPresent: true }))
    const two = await payloads(await kit.client('two', { fields: kept, sessionPresent: true }))
    expect([...one, ...two].sort()).toEqual(['0', '1', '2', '3'])
    expect(one).toHaveLength(2)
  })

  it('prefers a member with room over one whose receive maximum is full', async () => {
    const kit = await openBroker({ store })
    const full = await kit.subscriber('full', '$share/g/a', 1, {
      fields: { properties: { receiveMaximum: 1 } },
    })
    const free = await kit.subscriber('free', '$share/g/a', 1)
    for (let i = 0; i < 4; i++) await kit.broker.publish({ topicName: 'a', payload: String(i), qos: 1 })
    await flow(full)
      .receive(publish1(1, 'a', '0'))
      .receiveNothing()
    expect(await payloads(free)).toEqual(['1', '2', '3'])
  })

  it('prefers a member that is busy over one that is away', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('away', '$share/g/a', 1, { fields: kept })).drop()
    const busy = await kit.subscriber('busy', '$share/g/a', 1, {
      fields: { properties: { receiveMaximum: 1 } },
    })
    for (let i = 0; i < 4; i++) await kit.broker.publish({ topicName: 'a', payload: String(i), qos: 1 })
    for (let i = 0; i < 4; i++)
      await flow(busy)
        .receive(publish1(i + 1, 'a', String(i)))
        .send(puback(i + 1))
    await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receiveNothing()
  })

  it('leaves out who has unsubscribed, and is told apart from the plain filter', async () => {
    const kit = await openBroker({ store })
    const leaves = await kit.subscriber('leaves', '$share/g/a', 0)
    const stays = await kit.subscriber('stays', '$share/g/a', 0)
    await flow(leaves)
      .send(unsubscribe(2, 'a', '$share/h/a', '$share/g/a'))
      .receive(unsuback(2, 0x11, 0x11, 0))
    for (let i = 0; i < 3; i++) await kit.publish('a', String(i))
    expect(await payloads(stays)).toEqual(['0', '1', '2'])
    await flow(leaves).receiveNothing()
    await flow(stays)
      .send(unsubscribe(2, '$share/g/a'))
      .receive(unsuback(2, 0))
      .do(() => kit.publish('a', 'x'))
      .receiveNothing()
  })

  it('gives a client in two groups and alone its share of each', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.subscriber('c', '$share/g/a', 0)
    const two = {
      cmd: 'subscribe',
      messageId: 2,
      subscriptions: [
        { topic: '$share/h/a', qos: 0 },
        { topic: 'a', qos: 0 },
      ],
    } as const
    await flow(peer)
      .send(two)
      .receive({ cmd: 'suback', messageId: 2, granted: [0, 0] })
      .do(() => kit.publish('a', 'x'))
      .receive(publish('a', 'x'), publish('a', 'x'), publish('a', 'x'))
      .receiveNothing()
  })
})

it('is known again after a restart', async () => {
  const kit = await openBroker({ store: 'level' })
  await kit.subscriber('c', '$share/g/a', 1, { fields: kept })
  await kit.restart()
  await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
  await flow(await kit.client('c', { fields: kept, sessionPresent: true })).receive(publish1(1, 'a', 'x'))
})
