// MQTT 3.1.1, chapter 3.1: who may connect, under which client id, and what becomes of the session. Wills have a file
// of their own, and so has CONNACK.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text } from '../../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  pingreq,
  pingresp,
  puback,
  publish,
  publish1,
  publish2,
  subscribe,
  willOf,
} from '../../kit/packets.ts'
import { openBroker, STORES, type TestBroker } from '../../kit/test-broker.ts'
import { connectFrame, connectOf, Flag, string } from './connect-frames.ts'

const V4 = { version: 4 } as const
const KEPT = { version: 4, fields: { clean: false } } as const
const BACK = { ...KEPT, sessionPresent: true } as const

/** Closed without an answer, and nobody else is hurt. */
async function expectClosed(...packets: Buffer[]): Promise<void> {
  const kit = await openBroker()
  for (const packet of packets) await flow(kit.peer(4)).send(packet).closed()
  await kit.servesOthers()
}

/** Published by a client, so that all of it goes over the wire. */
async function send(kit: TestBroker, ...packets: ReturnType<typeof publish1>[]): Promise<void> {
  const sender = await kit.client('sender', V4)
  for (const packet of packets) {
    sender.send(packet)
    await sender.next()
  }
}

describe('the first packet', () => {
  it('[v3.1.1 MQTT-3.1.0-1] closes the connection when it is not CONNECT, and does nothing', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0, V4)
    for (const packet of [publish('a', 'x'), subscribe(1, 'a', 0), pingreq, disconnect(), puback(1)]) {
      await flow(kit.peer(4)).send(packet).closed()
    }
    await flow(watcher).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.1.0-2] is the only CONNECT: a second one closes, and the will tells of it', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0, V4)
    const will = willOf('will', 'violated')
    await flow(await kit.client('c', { version: 4, fields: { will } }))
      .send(connect('c'))
      .closed()
    await flow(watcher).receive(publish('will', 'violated'))
    await kit.servesOthers()
  })
})

describe('protocol name and level', () => {
  it('[v3.1.1 MQTT-3.1.2-1] of something else do not make a client of MQTT 3.1.1', async () => {
    const kit = await openBroker()
    const there = await kit.client('c', KEPT)
    for (const name of ['MQTX', 'mqtt', 'MQTTT', 'MQIsdp', 'HTTP', '']) {
      const peer = kit.peer(4)
      peer.send(connectOf(name, 4, 'c'))
      await peer.closed()
      // Whether it says so or not: it is not accepted.
      if (peer.waiting > 0) expect((await peer.next()).packet.code).not.toBe(0)
    }
    await flow(there).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.1.2-2] are answered 0x01 and closed when the level is not spoken', async () => {
    const kit = await openBroker()
    for (const level of [0, 1, 2, 3, 6, 0x7f, 0xff]) {
      await flow(kit.peer(4))
        .send(connectOf('MQTT', level, 'c'))
        .receiveBytes(hex('20 02 00 01'))
        .closed()
    }
    await kit.servesOthers()
  })
})

it('[v3.1.1 MQTT-3.1.2-3] closes who sets the reserved connect flag', async () => {
  await expectClosed(
    connectFrame(Flag.clean | Flag.reserved, text('c')),
    connectFrame(Flag.reserved, text('c')),
  )
})

describe.each(STORES)('CleanSession on the %s store', (store) => {
  it('[v3.1.1 MQTT-3.1.2-4] of 0 makes a session, keeps it, and goes on with it', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 1, KEPT)).drop()
    const peer = await kit.client('c', BACK)
    await send(kit, publish1(1, 'a', 'still subscribed'))
    await flow(peer)
      .receive(publish1(1, 'a', 'still subscribed'))
      .send(disconnect())
      .closed()
    await flow(await kit.client('c', BACK)).receive(publish1(1, 'a', 'still subscribed', { dup: true }))
  })

  it('[v3.1.1 MQTT-3.1.2-5] of 0 collects QoS 1 and QoS 2 messages while the client is away', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a/#', 2, KEPT))
      .send(disconnect())
      .closed()
    await send(kit, publish1(1, 'a', 'one'), publish2(2, 'a/b', 'two'), publish1(3, 'b', 'no match'))
    await flow(await kit.client('c', BACK))
      .receive(publish1(1, 'a', 'one'), publish2(2, 'a/b', 'two'))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.1.2-6] of 1 ends the session before it, and leaves nothing of its own', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 1, KEPT)).drop()
    await send(kit, publish1(1, 'a', 'waiting'))
    const clean = await kit.client('c', V4)
    await send(kit, publish1(1, 'a', 'not subscribed any more'))
    await flow(clean)
      .receiveNothing()
      .send(subscribe(1, 'b', 1))
    await clean.next()
    await clean.drop()
    const kept = await kit.client('c', KEPT)
    await send(kit, publish1(1, 'a', 'x'), publish1(2, 'b', 'x'))
    await flow(kept).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.1.2.7] does not concern what is retained: that stays', async () => {
    const kit = await openBroker({ store })
    for (const clean of [false, true]) {
      const peer = await kit.client('c', { version: 4, fields: { clean } })
      await flow(peer)
        .send(publish1(1, `a/${clean}`, 'x', { retain: true }))
        .receive(puback(1))
        .drop()
    }
    await flow(await kit.subscriber('late', 'a/+', 0, V4)).receiveUnordered(
      publish('a/true', 'x', { retain: true }),
      publish('a/false', 'x', { retain: true }),
    )
  })
})

describe('user name and password', () => {
  const [id, user, password] = [text('c'), text('user'), text('secret')]

  it('[v3.1.1 MQTT-3.1.2-18] a user name without its flag closes', async () => {
    await expectClosed(connectFrame(Flag.clean, id, user))
  })

  it('[v3.1.1 MQTT-3.1.2-19] the flag without a user name closes, with one it is read', async () => {
    await expectClosed(connectFrame(Flag.clean | Flag.userName, id))
    const kit = await openBroker()
    const packet = connectFrame(Flag.clean | Flag.userName, id, user)
    await flow(kit.peer(4)).send(packet).receive(connack())
  })

  it('[v3.1.1 MQTT-3.1.2-20] a password without its flag closes', async () => {
    await expectClosed(connectFrame(Flag.clean | Flag.userName, id, user, password))
  })

  it('[v3.1.1 MQTT-3.1.2-21] the flag without a password closes, with one it is read', async () => {
    const flags = Flag.clean | Flag.userName | Flag.password
    await expectClosed(connectFrame(flags, id, user))
    const kit = await openBroker()
    await flow(kit.peer(4))
      .send(connectFrame(flags, id, user, password))
      .receive(connack())
  })

  it('[v3.1.1 MQTT-3.1.2-22] a password without a user name closes', async () => {
    await expectClosed(
      connectFrame(Flag.clean | Flag.password, id, password),
      connectFrame(Flag.clean | Flag.password, id, user, password),
    )
  })

  it('[v3.1.1 MQTT-3.1.3-11] a user name is a string by the rules for strings', async () => {
    for (const bytes of [hex('75 ff'), hex('75 00'), hex('ed b0 80')]) {
      await expectClosed(connectFrame(Flag.clean | Flag.userName, id, string(bytes)))
    }
  })
})

it('[v3.1.1 MQTT-3.1.2-24] closes who is silent for 1.5 keep alives, and publishes its will', async () => {
  const kit = await openBroker()
  const watcher = await kit.subscriber('watcher', 'will', 0, V4)
  const fields = { keepalive: 10, will: willOf('will', 'silent') }
  const peer = await kit.client('c', { version: 4, fields })
  await flow(peer)
    .do(() => kit.clock.advance(14_900))
    .send(pingreq)
    .receive(pingresp)
    .do(() => kit.clock.advance(14_900))
    .receiveNothing()
  await flow(watcher).receiveNothing()
  kit.clock.advance(16_500)
  await flow(peer).closed()
  await flow(watcher).receive(publish('will', 'silent'))
})

describe('the payload of CONNECT', () => {
  it('[v3.1.1 MQTT-3.1.3-1] is client id, will topic, will message, user name, password', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0, V4)
    const flags = Flag.will | Flag.userName | Flag.password
    const fields = ['the id', 'the topic', 'the message', 'the user', 'the password'].map(text)
    await flow(kit.peer(4))
      .send(connectFrame(flags, ...fields))
      .receive(connack())
      .drop()
    await flow(watcher).receive(publish('the topic', 'the message')).receiveNothing()
    await kit.client('the id', BACK)
  })

  it('[v3.1.1 MQTT-3.1.3-3] begins with the client id, always', async () => {
    await expectClosed(
      connectFrame(Flag.clean),
      connectFrame(Flag.clean, hex('00')),
      // What is there is taken as client id, and the will is missing.
      connectFrame(Flag.clean | Flag.will, text('topic'), text('message')),
    )
  })
})

describe('a client id', () => {
  it('[v3.1.1 MQTT-3.1.3-2] names the session: another one has nothing of it', async () => {
    const kit = await openBroker()
    await flow(await kit.subscriber('one', 'a', 1, KEPT)).drop()
    await flow(await kit.subscriber('two', 'b', 1, KEPT)).drop()
    await send(kit, publish1(1, 'a', 'for one'), publish1(2, 'b', 'for two'))
    await flow(await kit.client('One', KEPT)).receiveNothing()
    await flow(await kit.client('two', BACK))
      .receive(publish1(1, 'b', 'for two'))
      .receiveNothing()
    await flow(await kit.client('one', BACK))
      .receive(publish1(1, 'a', 'for one'))
      .receiveNothing()
  })

  it('[v3.1.1 MQTT-3.1.3-4] is a string by the rules for strings', async () => {
    for (const bytes of [hex('63 ff'), hex('63 00'), hex('ed a0 80')]) {
      await expectClosed(connectFrame(Flag.clean, string(bytes)))
    }
  })

  it('[v3.1.1 MQTT-3.1.3-5] may have 1 to 23 letters and digits', async () => {
    const kit = await openBroker()
    const all = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
    const clientIds = [all.slice(0, 23), all.slice(23, 46), all.slice(46), ...all]
    for (const clientId of clientIds) await flow(await kit.client(clientId, KEPT)).drop()
    for (const clientId of clientIds) await kit.client(clientId, BACK)
  })

  it('[v3.1.1 MQTT-3.1.3-6] that is empty is replaced by one of its own for each client', async () => {
    const kit = await openBroker()
    const peers = [kit.peer(4), kit.peer(4)]
    for (const peer of peers) {
      await flow(peer)
        .send(connect(''))
        .receive(connack())
        .send(subscribe(1, 'a', 1))
      await peer.next()
    }
    await send(kit, publish1(1, 'a', 'to both'))
    for (const peer of peers) {
      await flow(peer)
        .receive(publish1(1, 'a', 'to both'))
        .receiveNothing()
    }
  })

  it('[v3.1.1 MQTT-3.1.3-7] that is empty needs CleanSession 1', async () => {
    const kit = await openBroker()
    await flow(kit.peer(4))
      .send(connectFrame(Flag.clean, text('')))
      .receive(connack())
    await flow(kit.peer(4))
      .send(connectFrame(0, text('')))
      .receive(connack(2))
      .closed()
  })

  it('[v3.1.1 MQTT-3.1.3-8] that is empty with CleanSession 0 is answered 0x02, then closed', async () => {
    const kit = await openBroker()
    const will = [text('will'), text('never')]
    const watcher = await kit.subscriber('watcher', 'will', 0, V4)
    for (const packet of [connectFrame(0, text('')), connectFrame(Flag.will, text(''), ...will)]) {
      await flow(kit.peer(4)).send(packet).receiveBytes(hex('20 02 00 02')).closed()
    }
    await flow(watcher).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.1.3-9] that is refused is told so by 0x02, whatever comes behind the CONNECT', async () => {
    const kit = await openBroker()
    const refused = connectFrame(0, text(''))
    await flow(kit.peer(4)).send(refused, pingreq).receiveBytes(hex('20 02 00 02')).closed()
    await flow(kit.peer(4)).send(refused, hex('ff ff')).receiveBytes(hex('20 02 00 02')).closed()
    await kit.servesOthers()
  })
})

describe('a CONNECT', () => {
  it('[v3.1.1 MQTT-3.1.4-1] that is malformed is closed without a CONNACK', async () => {
    await expectClosed(
      connectFrame(Flag.clean, text('c'), hex('00')), // more than its fields
      connectFrame(Flag.clean, hex('0005 63')), // a string longer than the packet
      connectFrame(Flag.clean | Flag.will, text('c'), text('topic'), hex('0002 78')), // a will cut short
      connectFrame(Flag.clean | Flag.will | Flag.willQos3, text('c'), text('topic'), text('x')),
      frame(0x10, text('MQTT'), hex('04 02 00')), // no keep alive
      frame(0x10, text('MQTT'), hex('04')), // no flags
      frame(0x10),
    )
  })

  it('[v3.1.1 MQTT-3.1.4-2] closes the client that is there under its client id', async () => {
    const kit = await openBroker()
    for (const options of [V4, KEPT]) {
      const first = await kit.client('c', options)
      const second = await kit.client('c', { ...options, sessionPresent: options === KEPT })
      await flow(first).closed()
      await flow(second).receiveNothing().drop()
    }
  })

  it('[v3.1.1 MQTT-3.1.4-3] has its CleanSession honoured, also when it takes over', async () => {
    const kit = await openBroker()
    await kit.subscriber('c', 'a', 1, KEPT)
    const second = await kit.client('c', BACK)
    await send(kit, publish1(1, 'a', 'to the second'))
    await flow(second).receive(publish1(1, 'a', 'to the second'))
    const third = await kit.client('c', V4)
    await send(kit, publish1(1, 'a', 'to nobody'))
    await flow(third).receiveNothing().drop()
    await kit.client('c', KEPT)
  })

  it('[v3.1.1 MQTT-3.1.4-4] that is accepted is answered by a CONNACK with return code 0', async () => {
    const kit = await openBroker()
    for (const flags of [0, Flag.clean]) {
      await flow(kit.peer(4))
        .send(connectFrame(flags, text(`c${flags}`)))
        .receiveBytes(hex('20 02 00 00'))
        .receiveNothing()
    }
  })

  it('[v3.1.1 MQTT-3.1.4-5] that is refused leaves what follows it undone', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0, V4)
    const message = publish('a', 'x', { retain: true })
    await flow(kit.peer(4))
      .send(connectOf('MQTT', 6, 'c'), message)
      .receive(connack(1))
      .closed()
    await flow(kit.peer(4))
      .send(connectFrame(0, text('')), message)
      .receive(connack(2))
      .closed()
    await flow(kit.peer(4))
      .send(connectFrame(Flag.reserved, text('c')), message)
      .closed()
    await flow(watcher).receiveNothing()
    await flow(await kit.subscriber('late', '#', 0, V4)).receiveNothing()
  })
})
