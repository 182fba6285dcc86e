// MQTT 5.0, chapters 4.1, 4.2 and 4.5: session state, the transport under it, and what is stored for whom.
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { flow } from '../../kit/flow.ts'
import {
  connect,
  disconnect,
  encode,
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
import { openBroker, STORES, type TestBroker } from '../../kit/test-broker.ts'

const keptFor = (sessionExpiryInterval: number) => ({ clean: false, properties: { sessionExpiryInterval } })
const back = (kit: TestBroker, fields: object): Promise<Peer> =>
  kit.client('c', { fields: { ...fields }, sessionPresent: true })

/** Leaves one of everything in the session: a subscription, a message in flight each way, one released. */
async function fill(kit: TestBroker, peer: Peer): Promise<void> {
  await flow(peer)
    .send(subscribe(1, 'a', 2))
    .receive(suback(1, 2))
    .send(publish2(9, 'b', 'x'))
    .receive(pubrec(9, 0x10))
  for (const qos of [1, 2, 2] as const) await kit.broker.publish({ topicName: 'a', payload: 'x', qos })
  await flow(peer)
    .receive(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'), publish2(3, 'a', 'x'))
    .send(pubrec(3))
    .receive(pubrel(3))
}

describe.each(STORES)('session state on the %s store', (store) => {
  it('[v5 MQTT-4.1.0-1] is all there after a day of an open connection, whatever its expiry interval', async () => {
    for (const seconds of [0, 1]) {
      const kit = await openBroker({ store })
      const peer = await kit.client('c', { fields: keptFor(seconds) })
      await fill(kit, peer)
      kit.clock.advance(86_400_000)
      await flow(peer)
        .send(publish2(9, 'a', 'a repeat', { dup: true }), pubrel(9))
        .receive(pubrec(9), pubcomp(9))
        .send(puback(1), pubrec(2), pubcomp(3))
        .receive(pubrel(2))
        .do(() => kit.publish('a', 'still subscribed'))
        .receive(publish('a', 'still subscribed'))
        .receiveNothing()
    }
  })

  it('[v5 MQTT-4.1.0-1] is all there when the client is back before the interval is over', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c', { fields: keptFor(10) })
    await fill(kit, peer)
    await peer.drop()
    kit.clock.advance(9_000)
    const again = await back(kit, keptFor(10))
    // The clock of the interval stands still while the connection is open.
    kit.clock.advance(60_000)
    await flow(again)
      .receive(publish1(1, 'a', 'x', { dup: true }), publish2(2, 'a', 'x', { dup: true }), pubrel(3))
      .send(publish2(9, 'a', 'a repeat', { dup: true }))
      .receive(pubrec(9))
      .do(() => kit.publish('a', 'still subscribed'))
      .receive(publish('a', 'still subscribed'))
      .receiveNothing()
  })

  it('[v5 MQTT-4.1.0-2] is gone when the interval is over, all of it', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c', { fields: keptFor(10) })
    await fill(kit, peer)
    await peer.drop()
    kit.clock.advance(10_200)
    await flow(await kit.client('c', { fields: keptFor(10) }))
      .receiveNothing()
      .send(publish2(9, 'b', 'new'), pubrel(9), pubrec(3))
      .receive(pubrec(9, 0x10), pubcomp(9), pubrel(3, 0x92))
      .do(() => kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 }))
      .receiveNothing()
  })

  it('[v5 MQTT-4.1.0-2] is gone with the connection when the interval is 0 or not given', async () => {
    const kit = await openBroker({ store })
    for (const fields of [keptFor(0), { clean: false }]) {
      const peer = await kit.client('c', { fields })
      await fill(kit, peer)
      await peer.drop()
      await flow(await kit.client('c', { fields }))
        .receiveNothing()
        .drop()
    }
  })

  it('[v5 MQTT-4.5.0-1] has each message that matches, at QoS 1 and 2, of everyone who is away', async () => {
    const kit = await openBroker({ store })
    const fields = keptFor(100)
    const filters = ['a/b', 'a/+', '#', 'c']
    for (const filter of filters) await flow(await kit.subscriber(filter, filter, 2, { fields })).drop()
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a/b', 'one'), publish2(2, 'a/b', 'two'))
      .receive(puback(1), pubrec(2))
    for (const filter of filters) {
      const peer = await kit.client(filter, { fields, sessionPresent: true })
      if (filter !== 'c') await flow(peer).receive(publish1(1, 'a/b', 'one'), publish2(2, 'a/b', 'two'))
      await flow(peer).receiveNothing()
    }
  })
})

describe('over a restart', () => {
  it('[v5 MQTT-4.1.0-2] session state is gone when the interval ended meanwhile', async () => {
    const kit = await openBroker({ store: 'level' })
    const peer = await kit.client('c', { fields: keptFor(10) })
    await fill(kit, peer)
    await peer.drop()
    await kit.close()
    kit.clock.advance(11_000)
    await kit.open()
    kit.clock.advance(200)
    const again = await kit.client('c', { fields: keptFor(10) })
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await flow(again).receiveNothing()
  })

  it('[v5 MQTT-4.5.0-1] each message that was acknowledged is in the session of its subscriber', async () => {
    const kit = await openBroker({ store: 'level' })
    await kit.subscriber('c', 'a', 2, { fields: keptFor(100) })
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', 'one'), publish2(2, 'a', 'two'))
      .receive(puback(1), pubrec(2))
    await kit.restart()
    const again = await back(kit, keptFor(100))
    const received = [(await again.next()).packet, (await again.next()).packet]
    expect(received).toMatchObject([
      { topic: 'a', payload: 'one', qos: 1, messageId: 1 },
      { topic: 'a', payload: 'two', qos: 2, messageId: 2 },
    ])
  })
})

describe('the transport', () => {
  /** A TCP connection that says these bytes, in pieces of odd sizes; resolves with all it heard until the end. */
  async function talk(port: number, said: Buffer): Promise<Buffer> {
    const socket = connectTcp({ host: '127.0.0.1', port })
    onTestFinished(() => void socket.destroy())
    const heard: Buffer[] = []
    socket.on('data', (chunk) => heard.push(chunk))
    const ended = once(socket, 'end')
    for (let at = 0, size = 1; at < said.length; at += size, size = (size * 7) % 4_093) {
      socket.write(said.subarray(at, at + size))
    }
    await ended
    return Buffer.concat(heard)
  }

  it('[v5 MQTT-4.2.0-1] is TCP: every byte arrives, in order, in both directions', async () => {
    const kit = await openBroker()
    const [address] = await kit.broker.listen([{ host: '127.0.0.1', port: 0 }])
    const messages = Array.from({ length: 20_000 }, (_, i) => publish('a', `message ${i}`))
    const said = [connect('c'), subscribe(1, 'a', 0), ...messages, disconnect()]
    const heard = await talk(address?.port ?? 0, Buffer.concat(said.map((packet) => encode(packet, 5))))
    const expected = Buffer.concat([suback(1, 0), ...messages].map((packet) => encode(packet, 5)))
    expect(heard[0]).toBe(0x20)
    expect(heard.subarray(2 + (heard[1] as number)).equals(expected)).toBe(true)
  })
})
