// MQTT 5.0, chapter 4.8.2: shared subscriptions, and what becomes of a message whose chosen member goes.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import {
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  suback,
  subscribe,
} from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker, STORES, type StoreKind, type TestBroker } from '../../kit/test-broker.ts'

const SHARED = '$share/g/a'
const keptFor = (sessionExpiryInterval: number) => ({ clean: false, properties: { sessionExpiryInterval } })
const back = (kit: TestBroker, clientId: string): Promise<Peer> =>
  kit.client(clientId, { fields: keptFor(100), sessionPresent: true })

async function expectNoFilters(filters: string[]): Promise<void> {
  const kit = await openBroker()
  const peer = await kit.client('c')
  await flow(peer)
    .send(subscribe(1, filters, 0))
    .receive(suback(1, ...filters.map(() => 0x8f)))
  for (const topicName of ['a', 'g/a', '/a', 'x/y']) await kit.publish(topicName, 'x')
  await flow(peer).receiveNothing()
}

/** Two members of one share; the first of them has been sent a QoS 2 message. */
async function midway(store: StoreKind): Promise<{ kit: TestBroker; chosen: Peer; other: Peer }> {
  const kit = await openBroker({ store })
  const chosen = await kit.subscriber('chosen', SHARED, 2, { fields: keptFor(100) })
  const other = await kit.subscriber('other', SHARED, 2, { fields: keptFor(1_000) })
  await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
  await flow(chosen).receive(publish2(1, 'a', 'x'))
  return { kit, chosen, other }
}

describe('the filter of a shared subscription', () => {
  it('[v5 MQTT-4.8.2-1] is refused with 0x8F without a share name', async () => {
    await expectNoFilters(['$share', '$share/', '$share//', '$share//a', '$share//x/y', '$share/g'])
  })

  it('[v5 MQTT-4.8.2-1] begins with $share/ in just these letters; whatever else is a plain filter', async () => {
    const kit = await openBroker()
    const filters = ['$shared/g/a', '$SHARE/g/a', 'share/g/a', '/$share/g/a', '$share2/g/a']
    const one = await kit.client('one')
    const two = await kit.client('two')
    for (const peer of [one, two]) {
      await flow(peer)
        .send(subscribe(1, filters, 0))
        .receive(suback(1, 0, 0, 0, 0, 0))
    }
    await kit.publish('a', 'of none of them')
    for (const filter of filters) await kit.publish(filter, 'of both')
    const received = filters.map((filter) => publish(filter, 'of both'))
    await flow(one)
      .receive(...received)
      .receiveNothing()
    await flow(two)
      .receive(...received)
      .receiveNothing()
  })

  it('[v5 MQTT-4.8.2-1] needs no more than one character of a share name', async () => {
    const kit = await openBroker()
    const one = await kit.subscriber('one', '$share/g/a', 0)
    const two = await kit.subscriber('two', '$share/g/a', 0)
    await kit.publish('a', 'x')
    await kit.publish('a', 'y')
    await flow(one).receive(publish('a', 'x')).receiveNothing()
    await flow(two).receive(publish('a', 'y')).receiveNothing()
  })

  it('[v5 MQTT-4.8.2-2] is refused with 0x8F with a wildcard in its share name', async () => {
    await expectNoFilters([
      '$share/+/a',
      '$share/#/a',
      '$share/g+/a',
      '$share/+g/a',
      '$share/g#/a',
      '$share/#',
    ])
  })

  it('[v5 MQTT-4.8.2-2] is refused with 0x8F without a valid filter behind the share name', async () => {
    await expectNoFilters(['$share/g', '$share/g/', '$share/g/a#', '$share/g/#/a', '$share/g/a+/b'])
  })

  it('[v5 MQTT-4.8.2-2] has all behind the slash after its share name for its filter', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribe(1, ['$share/g//a', '$share/$g é/+/b', '$share/g/$share/x'], 0))
      .receive(suback(1, 0, 0, 0))
    for (const topicName of ['/a', 'a', 'x/b', 'g/x/b', '$share/x']) await kit.publish(topicName, 'x')
    await flow(peer)
      .receive(publish('/a', 'x'), publish('x/b', 'x'), publish('$share/x', 'x'))
      .receiveNothing()
  })
})

describe('the granted QoS', () => {
  it('[v5 MQTT-4.8.2-3] is kept to for each member of its own', async () => {
    const kit = await openBroker()
    const members = []
    for (const qos of [0, 1, 2] as const) members.push(await kit.subscriber(`granted ${qos}`, SHARED, qos))
    for (const qos of [0, 1, 2] as const) {
      for (const [granted, member] of members.entries()) {
        await kit.broker.publish({ topicName: 'a', payload: 'x', qos })
        const { packet } = await member.next()
        expect(packet, `published at ${qos}, granted ${granted}`).toMatchObject({
          cmd: 'publish',
          qos: Math.min(qos, granted),
        })
      }
    }
  })
})

describe.each(STORES)('a QoS 2 message on the %s store', (store) => {
  it('[v5 MQTT-4.8.2-4] that was sent to a member which then drops is finished with that one', async () => {
    const { kit, chosen, other } = await midway(store)
    await chosen.drop()
    await flow(other).receiveNothing()
    await flow(await back(kit, 'chosen'))
      .receive(publish2(1, 'a', 'x', { dup: true }))
      .send(pubrec(1))
      .receive(pubrel(1))
      .drop()
    await flow(await back(kit, 'chosen'))
      .receive(pubrel(1))
      .send(pubcomp(1))
      .receiveNothing()
    await flow(other).receiveNothing()
  })

  it('[v5 MQTT-4.8.2-4] is finished with that one though it has left the share', async () => {
    const { kit, chosen, other } = await midway(store)
    await flow(chosen)
      .send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [SHARED] })
      .receive({ cmd: 'unsuback', messageId: 2, granted: [0] })
      .drop()
    await flow(await back(kit, 'chosen'))
      .receive(publish2(1, 'a', 'x', { dup: true }))
      .receiveNothing()
    await flow(other).receiveNothing()
  })

  it('[v5 MQTT-4.8.2-5] goes to no other member when the session ends by its expiry', async () => {
    const { kit, chosen, other } = await midway(store)
    await chosen.drop()
    kit.clock.advance(101_000)
    await flow(other).receiveNothing()
    await flow(await kit.client('chosen', { fields: keptFor(100) })).receiveNothing()
  })

  it('[v5 MQTT-4.8.2-5] goes to no other member when the session ends by Clean Start', async () => {
    const { kit, chosen, other } = await midway(store)
    await chosen.drop()
    await flow(await kit.client('chosen')).receiveNothing()
    await flow(other).receiveNothing()
  })

  it('[v5 MQTT-4.8.2-5] goes to no other member when the session ends with its connection', async () => {
    const kit = await openBroker({ store })
    const chosen = await kit.subscriber('chosen', SHARED, 2)
    const other = await kit.subscriber('other', SHARED, 2)
    for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 2 })
    await flow(chosen).receive(publish2(1, 'a', '1'), publish2(2, 'a', '3'))
    // The first has been released as well.
    await flow(chosen).send(pubrec(1)).receive(pubrel(1)).drop()
    await flow(other)
      .receive(publish2(1, 'a', '2'))
      .receiveNothing()
    await flow(await kit.subscriber('third', SHARED, 2)).receiveNothing()
  })
})

describe('over a restart', () => {
  it('[v5 MQTT-4.8.2-4] a QoS 2 message is finished with the member that it was sent to', async () => {
    const { kit } = await midway('level')
    await kit.restart()
    await flow(await back(kit, 'other')).receiveNothing()
    await flow(await back(kit, 'chosen'))
      .receive(publish2(1, 'a', 'x', { dup: true }))
      .receiveNothing()
  })

  it('[v5 MQTT-4.8.2-5] a QoS 2 message goes to no other member when the session ended meanwhile', async () => {
    const { kit, chosen } = await midway('level')
    await chosen.drop()
    await kit.close()
    kit.clock.advance(101_000)
    await kit.open()
    kit.clock.advance(200)
    await flow(await back(kit, 'other')).receiveNothing()
  })
})

describe.each(STORES)('a message that its member refuses, on the %s store', (store) => {
  it('[v5 MQTT-4.8.2-6] is thrown away at a PUBACK of 0x80 and above, and goes to no other member', async () => {
    const kit = await openBroker({ store })
    const one = await kit.subscriber('one', SHARED, 1, { fields: keptFor(100) })
    const two = await kit.subscriber('two', SHARED, 1, { fields: keptFor(100) })
    for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
    await flow(one)
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '3'))
      .send(puback(1, 0x80), puback(2, 0x97))
      .receiveNothing()
      .drop()
    await flow(two)
      .receive(publish1(1, 'a', '2'))
      .receiveNothing()
    await flow(await back(kit, 'one'))
      .receiveNothing()
      .drop()
    kit.clock.advance(101_000)
    await flow(two).receiveNothing()
  })

  it('[v5 MQTT-4.8.2-6] is thrown away at a PUBREC of 0x80 and above, and goes to no other member', async () => {
    const { kit, chosen, other } = await midway(store)
    await flow(chosen).send(pubrec(1, 0x83)).receiveNothing().drop()
    await flow(other).receiveNothing()
    await flow(await back(kit, 'chosen'))
      .receiveNothing()
      .drop()
    kit.clock.advance(101_000)
    await flow(other).receiveNothing()
  })
})

describe.each(STORES)('what a member leaves behind, on the %s store', (store) => {
  it('[v5 MQTT-4.3.2-2] at QoS 1 goes to another one, in order, with packet ids of its own and DUP 0', async () => {
    const kit = await openBroker({ store })
    const chosen = await kit.subscriber('chosen', SHARED, 1, { fields: keptFor(10) })
    for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
    await flow(chosen)
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'), publish1(3, 'a', '3'))
      .send(puback(1))
      .receiveNothing()
      .drop()
    const other = await kit.subscriber('other', SHARED, 2, { fields: keptFor(100) })
    await kit.broker.publish({ topicName: 'a', payload: 'first of its own', qos: 1 })
    await flow(other).receive(publish1(1, 'a', 'first of its own'))
    kit.clock.advance(11_000)
    await flow(other)
      .receive(publish1(2, 'a', '2'), publish1(3, 'a', '3'))
      .receiveNothing()
  })
})
