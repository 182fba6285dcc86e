// MQTT 3.1.1, chapters 3.3 to 3.7: PUBLISH with its flags, its topic name and its answers; PUBREL. What is retained
// has a file of its own.
import { describe, it } from 'vitest'
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
  suback,
  subscribe,
} from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'
import { string } from './connect-frames.ts'

const V4 = { version: 4 } as const
const KEPT = { version: 4, fields: { clean: false } } as const
const BACK = { ...KEPT, sessionPresent: true } as const

/** Closed without an answer; nobody sees a message of it, and nobody else is hurt. */
async function expectClosed(...packets: Buffer[]): Promise<void> {
  const kit = await openBroker()
  const watcher = await kit.subscriber('watcher', '#', 2, V4)
  for (const packet of packets) {
    await flow(await kit.client('c', V4))
      .send(packet)
      .closed()
  }
  await flow(watcher).receiveNothing()
  await kit.servesOthers()
}

describe('DUP', () => {
  it('[v3.1.1 MQTT-3.3.1-1] is set in what is sent again, and in nothing else', async () => {
    const kit = await openBroker()
    const sender = await kit.client('sender', V4)
    const peer = await kit.subscriber('c', 'a', 2, KEPT)
    await flow(sender)
      .send(publish1(1, 'a', 'one'), publish2(2, 'a', 'two'))
      .receive(puback(1), pubrec(2))
    await flow(peer)
      .receive(publish1(1, 'a', 'one'), publish2(2, 'a', 'two'))
      .drop()
    await flow(sender)
      .send(publish1(3, 'a', 'three'))
      .receive(puback(3))
    await flow(await kit.client('c', BACK)).receive(
      publish1(1, 'a', 'one', { dup: true }),
      publish2(2, 'a', 'two', { dup: true }),
      publish1(3, 'a', 'three'),
    )
  })

  it('[v3.1.1 MQTT-3.3.1-2] is 0 at QoS 0: never sent there, and a violation of who sends it', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', 'a', 0, V4)
    await flow(await kit.client('sender', V4))
      .send(publish1(1, 'a', 'x', { dup: true }), publish2(2, 'a', 'y', { dup: true }))
      .receive(puback(1), pubrec(2))
    await flow(receiver).receive(publish('a', 'x'), publish('a', 'y'))
    await expectClosed(frame(0x38, text('a'), Buffer.from('x')))
  })

  it('[v3.1.1 MQTT-3.3.1-3] of the sender is not passed on: each copy has its own', async () => {
    const kit = await openBroker()
    const sender = await kit.client('sender', V4)
    const one = await kit.subscriber('one', 'a', 1, KEPT)
    const two = await kit.subscriber('two', 'a', 2, V4)
    await flow(sender)
      .send(publish1(1, 'a', 'x', { dup: true }), publish2(2, 'a', 'y', { dup: true }))
      .receive(puback(1), pubrec(2))
    await flow(one)
      .receive(publish1(1, 'a', 'x'), publish1(2, 'a', 'y'))
      .drop()
    await flow(two).receive(publish1(1, 'a', 'x'), publish2(2, 'a', 'y'))
    await flow(await kit.client('one', { ...BACK })).receive(
      publish1(1, 'a', 'x', { dup: true }),
      publish1(2, 'a', 'y', { dup: true }),
    )
  })
})

it('[v3.1.1 MQTT-3.3.1-4] a PUBLISH of QoS 3 closes its sender and goes nowhere', async () => {
  await expectClosed(
    frame(0x36, text('a'), u16(1), Buffer.from('x')),
    frame(0x3f, text('a'), u16(1), Buffer.from('x')),
  )
})

describe('a topic name', () => {
  it('[v3.1.1 MQTT-3.3.2-1] begins every PUBLISH and is UTF-8; without it the sender is closed', async () => {
    await expectClosed(
      frame(0x30),
      frame(0x30, hex('00')),
      frame(0x30, hex('0003 61 62')),
      frame(0x32, u16(1), text('a')), // the packet id first
      frame(0x30, string(hex('61 ff'))),
      frame(0x32, string(hex('ed a0 80')), u16(1)),
    )
  })

  it('[v3.1.1 MQTT-3.3.2-2] has no wildcard; who sends one is closed, at every QoS', async () => {
    const topics = ['#', '+', 'a/#', 'a/+/b', 'a+', '#a']
    await expectClosed(
      ...topics.map((topic) => frame(0x30, text(topic), Buffer.from('x'))),
      ...topics.map((topic) => frame(0x32, text(topic), u16(1), Buffer.from('x'))),
      ...topics.map((topic) => frame(0x34, text(topic), u16(1), Buffer.from('x'))),
    )
  })

  it('[v3.1.1 MQTT-3.3.2-3] that is sent to a subscriber matches its topic filter', async () => {
    const kit = await openBroker()
    const [tennis, player, ranking] = ['sport/tennis', 'sport/tennis/player1', 'sport/tennis/player1/ranking']
    const names = ['sport', 'sport/', tennis, player, ranking, '/finance', 'Sport', 'sports']
    const expected: Record<string, string[]> = {
      '#': names,
      'sport/#': ['sport', 'sport/', tennis, player, ranking],
      'sport/tennis/player1/#': [player, ranking],
      'sport/+': ['sport/', tennis],
      'sport/tennis/+': [player],
      'sport/+/player1': [player],
      '+': ['sport', 'Sport', 'sports'],
      '+/+': ['sport/', tennis, '/finance'],
      '/+': ['/finance'],
      '+/tennis/#': [tennis, player, ranking],
      sport: ['sport'],
    }
    const peers = new Map(
      await Promise.all(
        Object.keys(expected).map(
          async (filter) => [filter, await kit.subscriber(filter, filter, 0, V4)] as const,
        ),
      ),
    )
    await flow(await kit.client('sender', V4))
      .send(...names.map((name) => publish(name, 'x')))
      .receiveNothing()
    for (const [filter, peer] of peers) {
      await flow(peer)
        .receive(...(expected[filter] ?? []).map((name) => publish(name, 'x')))
        .receiveNothing()
    }
  })
})

describe('the answer to a PUBLISH', () => {
  it('[v3.1.1 MQTT-3.3.4-1] is none, PUBACK or PUBREC, as its QoS says', async () => {
    const kit = await openBroker()
    const sender = await kit.client('sender', V4)
    await flow(sender).send(publish('a', 'x')).receiveNothing()
    await flow(sender)
      .send(publish1(5, 'a', 'x'))
      .receive(puback(5))
      .receiveNothing()
    await flow(sender)
      .send(publish2(6, 'a', 'x'))
      .receive(pubrec(6))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.3.5-2] is that of its QoS also when it is not allowed, and nobody gets it', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '$SYS/#', 2, V4)
    await flow(await kit.client('c', V4))
      .send(publish('$SYS/x', '0'), publish1(1, '$SYS/x', '1'), publish2(2, '$SYS/x', '2'))
      .receive(puback(1), pubrec(2))
      .send(pubrel(2))
      .receive(pubcomp(2))
      .receiveNothing()
    await flow(watcher).receiveNothing()
  })
})

it('[v3.1.1 MQTT-3.3.5-1] overlapping subscriptions give the highest of their QoS', async () => {
  const kit = await openBroker()
  const sender = await kit.client('sender', V4)
  for (const [clientId, qosOf] of [
    ['rising', [0, 1, 2]],
    ['falling', [2, 1, 0]],
  ] as const) {
    const peer = await kit.client(clientId, V4)
    await flow(peer)
      .send(
        subscribe(1, 'a/#', qosOf[0]),
        subscribe(2, 'a/+', qosOf[1]),
        subscribe(3, `a/${clientId}`, qosOf[2]),
      )
      .receiveUnordered(suback(1, qosOf[0]), suback(2, qosOf[1]), suback(3, qosOf[2]))
    await flow(sender)
      .send(publish2(1, `a/${clientId}`, 'x'))
      .receive(pubrec(1))
      .send(pubrel(1))
      .receive(pubcomp(1))
    await flow(peer).receive(publish2(1, `a/${clientId}`, 'x'))
    await peer.drop()
  }
})

it('[v3.1.1 MQTT-3.6.1-1] a PUBREL with other flags than 0010 closes, and releases nothing', async () => {
  const kit = await openBroker()
  const receiver = await kit.subscriber('receiver', 'a', 0, V4)
  await flow(await kit.client('c', KEPT))
    .send(publish2(1, 'a', 'once'))
    .receive(pubrec(1))
    .send(hex('60 02 0001'))
    .closed()
  for (const first of ['61', '63', '64', '66', '6a', '6f']) {
    await flow(await kit.client('c', BACK))
      .send(publish2(1, 'a', 'once', { dup: true }))
      .receive(pubrec(1))
      .send(hex(`${first} 02 0001`))
      .closed()
  }
  await flow(receiver).receive(publish('a', 'once')).receiveNothing()
})
