// MQTT 3.1's own rules: client ids, flags that it calls unused, fields that may be missing, and no session present.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { frame, hex, text, u16 } from '../kit/frames.ts'
import {
  connack,
  connect,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  suback,
  subscribe,
  unsuback,
} from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const WILL_FLAG = 0x04
const CLEAN_SESSION = 0x02

const connect3 = (flags: number, ...fields: Buffer[]): Buffer =>
  frame(0x10, text('MQIsdp'), Buffer.from([3, flags, 0, 0]), ...fields)

describe('a client id', () => {
  it.each([
    ['one character', 'x'],
    ['23 characters, the most that 3.1 allows', 'x'.repeat(23)],
    ['24 characters', 'x'.repeat(24)],
    ['200 characters of two bytes', 'ä'.repeat(200)],
    ['65,535 bytes', 'x'.repeat(65_535)],
  ])('of %s is taken', async (_, clientId) => {
    const kit = await openBroker()
    const peer = await kit.client(clientId, { version: 3, fields: { clean: false } })
    await flow(peer)
      .send(subscribe(1, 'a', 1))
      .receive(suback(1, 1))
      .drop()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await flow(await kit.client(clientId, { version: 3, fields: { clean: false } })).receive(
      publish1(1, 'a', 'x'),
    )
  })

  it.each([0, CLEAN_SESSION])('of none is refused with 2, with connect flags %i', async (flags) => {
    const kit = await openBroker()
    await flow(kit.peer(3))
      .send(connect3(flags, text('')))
      .receive(connack(2))
      .closed()
    await kit.servesOthers()
  })
})

describe('connect flags', () => {
  it.each([
    ['will QoS 1 without a will', CLEAN_SESSION | 0x08],
    ['will QoS 2 without a will', CLEAN_SESSION | 0x10],
    ['will RETAIN without a will', CLEAN_SESSION | 0x20],
    ['the reserved bit', CLEAN_SESSION | 0x01],
  ])('%s are disregarded, where 3.1.1 closes', async (_, flags) => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0)
    await flow(kit.peer(3))
      .send(connect3(flags, text('c')))
      .receive(connack())
      .receiveNothing()
      .drop()
    await flow(watcher).receiveNothing()
    const later = frame(0x10, text('MQTT'), Buffer.from([4, flags, 0, 0]), text('c'))
    await flow(kit.peer(4)).send(later).closed()
    await kit.servesOthers()
  })

  it('will QoS 3 of a will is refused all the same', async () => {
    const kit = await openBroker()
    const flags = CLEAN_SESSION | WILL_FLAG | 0x18
    await flow(kit.peer(3))
      .send(connect3(flags, text('c'), text('will'), text('x')))
      .closed()
    await kit.servesOthers()
  })

  it('beside a will mean what they say: the reserved bit changes nothing', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 2, { rap: true })
    const flags = CLEAN_SESSION | WILL_FLAG | 0x08 | 0x20 | 0x01
    await flow(kit.peer(3))
      .send(connect3(flags, text('c'), text('will'), text('gone')))
      .receive(connack())
      .drop()
    await flow(watcher).receive(publish1(1, 'will', 'gone', { retain: true }))
  })

  it('of user name and password may be set where the packet ends before them', async () => {
    const kit = await openBroker()
    for (const fields of [
      [text('c')],
      [text('c'), text('user')],
      [text('c'), text('user'), text('secret')],
    ]) {
      await flow(kit.peer(3))
        .send(connect3(CLEAN_SESSION | 0xc0, ...fields))
        .receive(connack())
        .receiveNothing()
    }
  })
})

describe('the fixed header', () => {
  it('may have DUP in SUBSCRIBE, UNSUBSCRIBE and PUBREL, which are repeated like a message', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c', { version: 3 }))
      .send(frame(0x8a, u16(1), text('a'), hex('01')))
      .receive(suback(1, 1))
      .send(publish2(7, 'b', 'x'))
      .receive(pubrec(7))
      .send(frame(0x6a, u16(7)))
      .receive(pubcomp(7))
      .send(frame(0xaa, u16(2), text('a')))
      .receive(unsuback(2))
      .do(() => kit.publish('a', 'x'))
      .receiveNothing()
  })
})

describe.each(STORES)('a session on the %s store', (store) => {
  it('is resumed with all that waits, though CONNACK has no way to say so', async () => {
    const kit = await openBroker({ store })
    const fields = { clean: false }
    await flow(await kit.subscriber('c', 'a', 2, { version: 3, fields })).drop()
    for (const qos of [1, 2] as const) await kit.broker.publish({ topicName: 'a', payload: 'x', qos })
    if (store === 'level') await kit.restart()
    const peer = kit.peer(3)
    await flow(peer)
      .send(connect('c', fields))
      .receiveBytes(hex('20 02 00 00'))
      .receive(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'))
      .send(puback(1))
  })

  it('passes between 3.1, 3.1.1 and 5.0, each time with the CONNACK of its version', async () => {
    const kit = await openBroker({ store })
    const fields = { clean: false }
    await flow(await kit.subscriber('c', 'a', 1, { version: 3, fields })).drop()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    if (store === 'level') await kit.restart()
    await flow(await kit.client('c', { version: 4, fields, sessionPresent: true }))
      .receive(publish1(1, 'a', 'x'))
      .drop()
    const properties = { sessionExpiryInterval: 100 }
    await flow(await kit.client('c', { fields: { ...fields, properties }, sessionPresent: true }))
      .receive(publish1(1, 'a', 'x', { dup: true }))
      .drop()
    await flow(await kit.client('c', { version: 3, fields }))
      .receive(publish1(1, 'a', 'x', { dup: true }))
      .send(puback(1))
      .receiveNothing()
  })
})

it('a payload that looks like properties is a payload', async () => {
  const kit = await openBroker()
  const fresh = await kit.subscriber('new', 'a', 0)
  const payload = hex('05 02 00 00 00 01').toString('latin1')
  await flow(await kit.subscriber('old', 'a', 0, { version: 3 }))
    .send(publish('a', payload))
    .receive(publish('a', payload))
  const { packet } = await fresh.next()
  expect(packet).toEqual(publish('a', payload))
})
