// Bridges: two brokers joined by a client that is connected to both, by the options of 5.0, and by the protocol
// levels 0x83 and 0x84 of Mosquitto's. What goes over once does not come back, and what is retained stays so.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  connack,
  connect,
  encode,
  puback,
  publish,
  publish1,
  publish2,
  type Qos,
  suback,
  subscribe,
  type Version,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const NAMES = { 3: 'MQIsdp', 4: 'MQTT', 5: 'MQTT' } as const
const retain = true

/** Bit 7 of the protocol level, which stands behind the protocol name. */
function connectOfBridge(clientId: string, version: Version, fields: Record<string, unknown> = {}): Buffer {
  const bytes = encode(connect(clientId, fields), version)
  const levelAt = 2 + 2 + NAMES[version].length
  expect(bytes[levelAt]).toBe(version)
  bytes[levelAt] = 0x80 | version
  return bytes
}

/** A bridge's end at one broker: in 5.0 the options say what the level says before. */
async function bridgeAt(kit: TestBroker, version: Version): Promise<Peer> {
  const options = version === 5 ? { nl: true, rap: true } : {}
  const peer = kit.peer(version)
  await flow(peer)
    .send(version === 5 ? connect('bridge') : connectOfBridge('bridge', version))
    .receive(connack())
    .send(subscribe(1, '#', 0, options))
    .receive(suback(1, 0))
  return peer
}

/** What has come to one end goes out at the other. How many messages that was. */
async function carry(from: Peer, to: Peer): Promise<number> {
  await from.settle()
  const count = from.waiting
  for (let i = 0; i < count; i++) {
    const { packet } = await from.next()
    to.send(publish(packet.topic as string, packet.payload as string, { retain: packet.retain }))
  }
  await to.settle()
  return count
}

describe.each([3, 4, 5] as const)('two brokers and a bridge of version %i', (version) => {
  it('each has what is published at the other, once, and retained where it is', async () => {
    const [left, right] = [await openBroker(), await openBroker()]
    const [atLeft, atRight] = [await bridgeAt(left, version), await bridgeAt(right, version)]
    const [watchesLeft, watchesRight] = [
      await left.subscriber('watcher', '#', 0, { rap: true }),
      await right.subscriber('watcher', '#', 0, { rap: true }),
    ]
    await left.publish('a', 'live')
    await left.publish('b', 'retained', true)
    await right.publish('c', 'retained', true)
    expect(await carry(atLeft, atRight)).toBe(2)
    expect(await carry(atRight, atLeft)).toBe(1)
    // Nothing comes back.
    expect(await carry(atLeft, atRight)).toBe(0)
    expect(await carry(atRight, atLeft)).toBe(0)
    const all = [
      publish('a', 'live'),
      publish('b', 'retained', { retain }),
      publish('c', 'retained', { retain }),
    ]
    for (const watcher of [watchesLeft, watchesRight]) {
      await flow(watcher)
        .receiveUnordered(...all)
        .receiveNothing()
    }
    // Its removal goes over like the message.
    await left.publish('b', '', true)
    expect(await carry(atLeft, atRight)).toBe(1)
    expect(await carry(atRight, atLeft)).toBe(0)
    for (const kit of [left, right]) {
      await flow(await kit.subscriber('late', '#', 0))
        .receive(publish('c', 'retained', { retain }))
        .receiveNothing()
    }
  })

  it('what was retained before goes over when the bridge subscribes, and is retained there', async () => {
    const [left, right] = [await openBroker(), await openBroker()]
    await left.publish('a', 'x', true)
    const [atLeft, atRight] = [await bridgeAt(left, version), await bridgeAt(right, version)]
    expect(await carry(atLeft, atRight)).toBe(1)
    expect(await carry(atRight, atLeft)).toBe(0)
    await flow(await right.subscriber('late', '#', 0)).receive(publish('a', 'x', { retain }))
  })
})

describe.each([3, 4] as const)('a bridge of level 0x8%i', (version) => {
  const kept = { clean: false }
  const ofQos = (qos: Qos, id: number, payload: string, fields: object = {}) =>
    publish('a', payload, { qos, ...(qos > 0 && { messageId: id }), ...fields })

  it.each(STORES)('has RETAIN as published at every QoS, and nothing of its own (%s)', async (store) => {
    const kit = await openBroker({ store })
    const bridge = kit.peer(version)
    await flow(bridge)
      .send(connectOfBridge('bridge', version))
      .receive(connack())
      .send(subscribe(1, 'a', 2))
      .receive(suback(1, 2))
      .send(publish('a', 'own'), publish1(9, 'a', 'own', { retain }))
      .receive(puback(9))
    for (const [i, qos] of ([0, 1, 2] as const).entries()) {
      await kit.broker.publish({ topicName: 'a', payload: 'r', qos, retain })
      await kit.broker.publish({ topicName: 'a', payload: 'l', qos })
      const id = 2 * i - 1
      await flow(bridge).receive(ofQos(qos, id, 'r', { retain }), ofQos(qos, id + 1, 'l'))
    }
    await flow(bridge).receiveNothing()
  })

  it.each(STORES)('is one in its queue and after a resumption too (%s)', async (store) => {
    const kit = await openBroker({ store })
    const first = kit.peer(version)
    await flow(first)
      .send(connectOfBridge('bridge', version, kept))
      .receive(connack())
      .send(subscribe(1, 'a', 1))
      .receive(suback(1, 1))
      .drop()
    await kit.broker.publish({ topicName: 'a', payload: 'retained', qos: 1, retain })
    await kit.broker.publish({ topicName: 'a', payload: 'live', qos: 1 })
    if (store === 'level') await kit.restart()
    await flow(kit.peer(version))
      .send(connectOfBridge('bridge', version, kept))
      .receive(connack(0, version !== 3))
      .receive(publish1(1, 'a', 'retained', { retain }), publish1(2, 'a', 'live'))
      .send(puback(1), puback(2), publish1(7, 'a', 'own'))
      .receive(puback(7))
      .receiveNothing()
      .do(() => kit.publish('a', 'again', true))
      .receive(publish('a', 'again', { retain }))
  })

  it('has what is retained flagged at each SUBSCRIBE, and may share a subscription', async () => {
    const kit = await openBroker()
    await kit.publish('a', 'x', true)
    const talk = flow(kit.peer(version)).send(connectOfBridge('bridge', version)).receive(connack())
    for (const id of [1, 2]) {
      talk
        .send(subscribe(id, 'a', 0))
        .receive(suback(id, 0), publish('a', 'x', { retain }))
        .receiveNothing()
    }
    await talk
      .send(subscribe(3, '$share/g/b', 0))
      .receive(suback(3, 0))
      .send(publish('b', 'shared'))
      .receive(publish('b', 'shared'))
      .receiveNothing()
  })

  it('with a will and QoS 2 is a client like any other', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '+', 2)
    const will = { topic: 'will', payload: Buffer.from('gone'), qos: 2, retain: false }
    await flow(kit.peer(version))
      .send(connectOfBridge('bridge', version, { will }))
      .receive(connack())
      .drop()
    await flow(watcher).receive(publish2(1, 'will', 'gone'))
  })

  it('and the same client without the bit are one client: the later one takes over', async () => {
    const kit = await openBroker()
    const bridge = kit.peer(version)
    await flow(bridge).send(connectOfBridge('c', version)).receive(connack())
    const peer = await kit.client('c', { version })
    await flow(bridge).closed()
    await flow(peer)
      .send(subscribe(1, 'a', 0))
      .receive(suback(1, 0))
      .send(publish('a', 'own', { retain }))
      .receive(publish('a', 'own'))
      .receiveNothing()
  })
})

it.each([
  ['0x85', 5, 'MQTT'],
  ['0x83 under the name of 3.1.1', 0x83, 'MQTT'],
] as const)('level %s is not spoken', async (_, level, name) => {
  const kit = await openBroker()
  const bytes = encode(connect('c'), 4)
  const levelAt = 2 + 2 + name.length
  bytes[levelAt] = 0x80 | level
  await flow(kit.peer(4)).send(bytes).receive(connack(1)).closed()
  await kit.servesOthers()
})
