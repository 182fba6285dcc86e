// MQTT 3.1.1, chapters 3.8 and 3.9: SUBSCRIBE, what it does, and SUBACK.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text, u16 } from '../../kit/frames.ts'
import {
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Qos,
  type Said,
  suback,
  subscribe,
} from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'
import { string } from './connect-frames.ts'

const V4 = { version: 4 } as const
const KEPT = { version: 4, fields: { clean: false } } as const
const BACK = { ...KEPT, sessionPresent: true } as const
const LEVELS = [0, 1, 2] satisfies Qos[]

const filterOf = (topic: string, qos: number): Buffer => Buffer.concat([text(topic), Buffer.from([qos])])
/** Topic filters, each with its QoS. */
const subscribeTo = (packetId: number, ...filters: [topic: string, qos: number][]): Buffer =>
  frame(0x82, u16(packetId), ...filters.map(([topic, qos]) => filterOf(topic, qos)))

/** Closed without an answer, none of it subscribed, and nobody else is hurt. */
async function expectClosed(...packets: Buffer[]): Promise<void> {
  const kit = await openBroker()
  await flow(await kit.client('c', KEPT)).drop()
  for (const packet of packets) {
    await flow(await kit.client('c', BACK))
      .send(packet)
      .closed()
  }
  await kit.publish('a', 'x')
  await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
  await flow(await kit.client('c', BACK)).receiveNothing()
  await kit.servesOthers()
}

describe('a SUBSCRIBE is closed, and does nothing, when', () => {
  it('[v3.1.1 MQTT-3.8.1-1] its flags are not 0010', async () => {
    const body = hex('06 0001 0001 61 01')
    await expectClosed(
      ...[0x80, 0x81, 0x83, 0x86, 0x8a, 0x8f].map((first) => Buffer.concat([Buffer.from([first]), body])),
    )
  })

  it('[v3.1.1 MQTT-3.8.3-1] a topic filter is no UTF-8 string', async () => {
    const wrong = [hex('61 ff'), hex('ed a0 80'), hex('61 00')]
    // Alone, and behind one that is right.
    await expectClosed(
      ...wrong.map((bytes) => frame(0x82, u16(1), string(bytes), hex('01'))),
      ...wrong.map((bytes) => frame(0x82, u16(1), filterOf('a', 1), string(bytes), hex('01'))),
    )
  })

  it('[v3.1.1 MQTT-3.8.3-3] it has no topic filter, or one without its QoS', async () => {
    await expectClosed(
      frame(0x82, u16(1)),
      frame(0x82, u16(1), text('a')),
      frame(0x82, u16(1), filterOf('a', 1), text('b')),
    )
  })

  it('[v3.1.1 MQTT-3-8.3-4] a requested QoS is 3, or has one of the bits beside it', async () => {
    for (const qos of [0x03, 0x04, 0x05, 0x08, 0x21, 0x80, 0xff]) {
      await expectClosed(subscribeTo(1, ['a', qos]), subscribeTo(1, ['a', 1], ['b', qos]))
    }
  })
})

it('[v3.1.1 MQTT-3.8.3-2] a topic filter with wildcards is taken, and served', async () => {
  const kit = await openBroker()
  const filters = ['#', '+/b', 'a/+', 'a/#', '+/+/#']
  const peer = await kit.client('c', V4)
  await flow(peer)
    .send(subscribe(1, filters, 0))
    .receive(suback(1, ...filters.map(() => 0)))
  for (const filter of filters) {
    const alone = await kit.subscriber('alone', filter, 0, V4)
    await kit.publish('a/b', filter)
    await flow(alone).receive(publish('a/b', filter)).receiveNothing()
  }
})

describe('SUBACK', () => {
  it('[v3.1.1 MQTT-3.8.4-1] answers every SUBSCRIBE, also one of which nothing is taken', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c', V4)
    await flow(peer)
      .send(subscribe(1, 'a', 0))
      .receive(suback(1, 0))
      .send(subscribe(2, 'a#', 0))
      .receive(suback(2, 0x80))
      .send(subscribe(3, 'a', 0))
      .receive(suback(3, 0))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.8.4-2] has the packet id of its SUBSCRIBE, however many are on their way', async () => {
    const kit = await openBroker()
    const ids = [65_535, 1, 300, 256]
    await flow(await kit.client('c', V4))
      .send(...ids.map((id) => subscribe(id, `a/${id}`, 1)))
      .receive(...ids.map((id) => suback(id, 1)))
  })

  it('[v3.1.1 MQTT-3.8.4-5] tells of each topic filter the QoS that counts from now on, or failure', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c', V4)
    await flow(peer)
      .send(subscribeTo(1, ['a', 2], ['b', 0], ['c#', 1], ['d', 1]))
      .receive(suback(1, 2, 0, 0x80, 1))
    for (const topicName of ['a', 'b', 'd']) {
      await kit.broker.publish({ topicName, payload: 'x', qos: 2 })
    }
    await flow(peer)
      .receive(publish2(1, 'a', 'x'), publish('b', 'x'), publish1(2, 'd', 'x'))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.9.3-1] has its return codes in the order of the topic filters', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c', V4)
    await flow(peer)
      .send(subscribeTo(9, ['a', 0], ['b+', 2], ['c', 2], ['d', 1], ['#/e', 0], ['f', 0]))
      .receive(suback(9, 0, 0x80, 2, 1, 0x80, 0))
      .send(subscribeTo(10, ['f', 0], ['#/e', 0], ['d', 1], ['c', 2], ['b+', 2], ['a', 0]))
      .receive(suback(10, 0, 0x80, 1, 2, 0x80, 0))
  })

  it('[v3.1.1 MQTT-3.9.3-2] has no other return codes than 0, 1, 2 and 0x80, whatever the reason', async () => {
    const kit = await openBroker({ limits: { subscriptionsPerSessionMax: 3, topicLevelsMax: 5 } })
    const peer = await kit.client('c', V4)
    const codes: number[] = []
    for (const filter of ['a', 'b', 'c', 'one too many', 'a/b/c/d/e/f', 'a#', '$share/g', '$share//a']) {
      for (const qos of LEVELS) {
        peer.send(subscribe(1, filter, qos))
        codes.push(...((await peer.next()).packet.granted as number[]))
      }
    }
    expect(codes.slice(0, 9)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2])
    expect(new Set(codes.slice(9))).toEqual(new Set([0x80]))
  })
})

describe('a subscription', () => {
  it('[v3.1.1 MQTT-3.8.4-3] replaces one with the same filter: one copy at its QoS, retained again', async () => {
    const kit = await openBroker()
    await kit.publish('a', 'kept', true)
    const kept = publish('a', 'kept', { retain: true })
    const send = () => kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
    await flow(await kit.client('c', V4))
      .send(subscribe(1, 'a', 2))
      .receive(suback(1, 2), kept)
      .do(send)
      .receive(publish2(1, 'a', 'x'))
      .send(subscribe(2, 'a', 0))
      .receive(suback(2, 0), kept)
      .do(send)
      .receive(publish('a', 'x'))
      .send(subscribe(3, 'a', 1))
      .receive(suback(3, 1), kept)
      .do(send)
      .receive(publish1(2, 'a', 'x'))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.8.4-3] that is replaced loses nothing and brings nothing twice', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 1, V4)
    const sender = await kit.client('sender', V4)
    const ids = Array.from({ length: 200 }, (_, i) => i + 1)
    for (const id of ids) {
      sender.send(publish1(id, 'a', String(id)))
      peer.send(subscribe(id, 'a', 1))
    }
    const payloads: unknown[] = []
    const subacks: unknown[] = []
    while (payloads.length < ids.length || subacks.length < ids.length) {
      const { packet } = await peer.next()
      if (packet.cmd === 'publish') peer.send(puback(packet.messageId as number))
      if (packet.cmd === 'publish') payloads.push(packet.payload)
      else subacks.push(packet.messageId)
    }
    expect(payloads).toEqual(ids.map(String))
    expect(subacks).toEqual(ids)
    await flow(peer).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.8.4-4] comes from each of several topic filters as if it had come alone', async () => {
    const kit = await openBroker()
    for (const topic of ['a', 'b']) await kit.publish(topic, 'kept', true)
    const kept = (topic: string) => publish(topic, 'kept', { retain: true })
    const peer = await kit.client('c', V4)
    await flow(peer)
      // "a" twice: the later one is the one that holds.
      .send(subscribeTo(1, ['a', 1], ['b', 0], ['a', 0]))
      .receive(suback(1, 1, 0, 0))
      .receiveUnordered(kept('a'), kept('b'), kept('a'))
      .receiveNothing()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
    await flow(peer).receive(publish('a', 'x')).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.8.4-6] gives each message at the lower of both QoS', async () => {
    const kit = await openBroker()
    const sender = await kit.client('sender', V4)
    for (const granted of LEVELS) {
      const peer = await kit.subscriber('c', 'a', granted, V4)
      await flow(sender)
        .send(publish('a', '0'), publish1(1, 'a', '1'), publish2(2, 'a', '2'))
        .receive(puback(1), pubrec(2))
        .send(pubrel(2))
        .receive(pubcomp(2))
      const expected = [
        [publish('a', '0'), publish('a', '1'), publish('a', '2')],
        [publish('a', '0'), publish1(1, 'a', '1'), publish1(2, 'a', '2')],
        [publish('a', '0'), publish1(1, 'a', '1'), publish2(2, 'a', '2')],
      ][granted] as Said[]
      await flow(peer)
        .receive(...expected)
        .receiveNothing()
    }
  })
})
