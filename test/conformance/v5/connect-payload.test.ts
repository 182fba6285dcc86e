// Sections 3.1.3 and 3.1.4 of MQTT 5: client id and user name in CONNECT, and what the broker does about it.
// connect-will.test.ts has the will.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text, u16, userProperty } from '../../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  pingreq,
  pingresp,
  publish,
  publish1,
  subscribe,
  willOf,
} from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker } from '../../kit/test-broker.ts'
import { block, connectOf, Flag, refusesConnect } from './refusals.ts'
import {
  auth,
  authenticated,
  connectWith,
  dataOf,
  exchange,
  firstOf,
  openScram,
  proofOf,
} from './scram-client.ts'

const properties = { sessionExpiryInterval: 100 }
const kept = { clean: false, properties }

/** What the client was told of its client id. */
async function assignedTo(peer: Peer): Promise<string> {
  const { packet } = await peer.next()
  expect(packet).toMatchObject(connack())
  return (packet.properties as { assignedClientIdentifier: string }).assignedClientIdentifier
}

describe('the payload of CONNECT', () => {
  const all = Flag.cleanStart | Flag.will | Flag.userName | Flag.password
  const fields = {
    clientId: text('c'),
    willProperties: block(userProperty('n', 'v')),
    willTopic: text('will'),
    willPayload: text('gone'),
    userName: text('user'),
    password: text('secret'),
  }

  it('[v5 MQTT-3.1.3-1] is read in the order of its fields', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0)
    await flow(kit.peer())
      .send(connectOf({ flags: all, fields: Object.values(fields) }))
      .receive(connack())
      .send(hex('36 00'))
      .receive(disconnect(0x81))
      .closed()
    await flow(watcher).receive(publish('will', 'gone', { properties: { userProperties: { n: 'v' } } }))
  })

  it('[v5 MQTT-3.1.3-1] is malformed with the user name, or the will, out of its place', async () => {
    const kit = await openBroker()
    const { clientId, willProperties, willTopic, willPayload, userName, password } = fields
    const will = [willProperties, willTopic, willPayload]
    for (const order of [
      [clientId, userName, ...will, password],
      [clientId, willTopic, willPayload, willProperties, userName, password],
      [...will, clientId, userName, password],
    ]) {
      await refusesConnect(kit, 0x81, connectOf({ flags: all, fields: order }))
    }
  })
})

describe('the client id', () => {
  it('[v5 MQTT-3.1.3-2] is what a session is found by', async () => {
    const kit = await openBroker()
    await flow(await kit.subscriber('one', 'a', 1, { fields: kept })).drop()
    await flow(await kit.subscriber('two', 'b', 1, { fields: kept })).drop()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await flow(await kit.client('ONE', { fields: kept, sessionPresent: false })).receiveNothing()
    await flow(await kit.client('two', { fields: kept, sessionPresent: true })).receiveNothing()
    const one = await kit.client('one', { fields: kept, sessionPresent: true })
    await flow(one).receive(publish1(1, 'a', 'x'))
  })

  it('[v5 MQTT-3.1.3-3] is there, or CONNECT is malformed', async () => {
    const kit = await openBroker()
    await refusesConnect(kit, 0x81, connectOf({ fields: [] }))
    await refusesConnect(kit, 0x81, connectOf({ fields: [hex('00')] }))
    await refusesConnect(kit, 0x81, connectOf({ fields: [hex('00 05 61')] }))
  })

  it('[v5 MQTT-3.1.3-4] is well-formed UTF-8, or CONNECT is malformed', async () => {
    const kit = await openBroker()
    for (const digits of ['c0 af', 'ed a0 80', 'ff', '63 00']) {
      const bytes = hex(digits)
      await refusesConnect(kit, 0x81, connectOf({ fields: [Buffer.concat([u16(bytes.length), bytes])] }))
    }
  })

  it('[v5 MQTT-3.1.3-5] is taken with 1 to 23 bytes of digits and letters, whichever', async () => {
    const kit = await openBroker()
    const characters = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
    const clientIds = [...characters, ...(characters.match(/.{1,23}/g) ?? [])]
    for (let length = 1; length <= 23; length++) clientIds.push('x'.repeat(length))
    expect(clientIds).toContain('0123456789abcdefghijklm')
    for (const clientId of clientIds) await flow(await kit.client(clientId)).drop()
  })

  it('[v5 MQTT-3.1.3-6] that is empty is replaced by a unique one, of clients that are there at once', async () => {
    const kit = await openBroker()
    const peers = [kit.peer(), kit.peer(), kit.peer()]
    const clientIds = new Set<string>()
    for (const peer of peers) {
      peer.send(connect(''))
      clientIds.add(await assignedTo(peer))
    }
    expect(clientIds.size).toBe(3)
    expect(clientIds.has('')).toBe(false)
    // None of them has taken over another.
    for (const peer of peers) await flow(peer).send(pingreq).receive(pingresp)
  })

  it('[v5 MQTT-3.1.3-7] that was assigned stands for the client as if it had brought it', async () => {
    const kit = await openBroker()
    const first = kit.peer()
    first.send(connect('', { properties }), subscribe(1, 'a', 1))
    const clientId = await assignedTo(first)
    await flow(first)
      .receive({ cmd: 'suback', messageId: 1, granted: [1] })
      .drop()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    const back = await kit.client(clientId, { fields: kept, sessionPresent: true })
    await flow(back).receive(publish1(1, 'a', 'x'))
  })

  it('[v5 MQTT-3.1.3-8] of a session that is somebody else’s is refused, and the connection ends', async () => {
    const kit = await openScram()
    await flow(await authenticated(kit, { properties })).drop()
    // `connectWith` is for the client `c`, as `authenticated` is, but this one is bob.
    const peer = kit.peer()
    peer.send(connectWith(firstOf('bob')))
    const { final } = proofOf('bob', 'brush', dataOf((await peer.next()).packet))
    await flow(peer).send(auth(0x18, final)).receive(connack(0x87, false)).closed()
    const back = kit.peer()
    const answer = await exchange(back, connectWith(firstOf('ada'), kept))
    expect(answer).toMatchObject(connack(0, true))
  })
})

describe('the user name', () => {
  it('[v5 MQTT-3.1.3-12] is well-formed UTF-8, or CONNECT is malformed', async () => {
    const kit = await openBroker()
    const flags = Flag.cleanStart | Flag.userName
    for (const digits of ['c0 af', 'ed a0 80', 'ff', '63 00']) {
      const bytes = hex(digits)
      const userName = Buffer.concat([u16(bytes.length), bytes])
      await refusesConnect(kit, 0x81, connectOf({ flags, fields: [text('c'), userName] }))
    }
  })

  it('[v5 MQTT-3.1.3-12] comes behind the will', async () => {
    const kit = await openBroker()
    const flags = Flag.cleanStart | Flag.userName | Flag.will
    const fields = [text('c'), block(), text('will'), text('gone'), text('user')]
    await flow(kit.peer()).send(connectOf({ flags, fields })).receive(connack())
  })
})

describe('a CONNECT', () => {
  it('[v5 MQTT-3.1.4-1] that ends before its fields do, or goes on behind them, ends the connection', async () => {
    const kit = await openBroker()
    const body = connectOf({ properties: [hex('11 0000000a')] }).subarray(2)
    // At 7 bytes the version is known, so that the broker can say why; before it cannot.
    for (let length = 7; length < body.length; length++) {
      await refusesConnect(kit, 0x81, frame(0x10, body.subarray(0, length)))
    }
    for (let length = 0; length < 7; length++) {
      await flow(kit.peer())
        .send(frame(0x10, body.subarray(0, length)))
        .closed()
    }
    await refusesConnect(kit, 0x81, frame(0x10, body, hex('00')))
  })

  it('[v5 MQTT-3.1.4-1] with properties that are not its own, or malformed, ends the connection', async () => {
    const kit = await openBroker()
    for (const property of ['23 0001', '01 00', '24 01', '00', '7f 00', '11 0000', '26 0001 61', '99 01']) {
      await refusesConnect(kit, 0x81, connectOf({ properties: [hex(property)] }))
    }
  })

  it('[v5 MQTT-3.1.4-1] with a property twice, or out of its range, ends the connection with 0x82', async () => {
    const kit = await openBroker()
    const once = ['11 00000001', '21 0001', '27 00000100', '22 0001', '19 01', '17 01', '15 0001 61']
    for (const property of once) {
      await refusesConnect(kit, 0x82, connectOf({ properties: [hex(property), hex(property)] }))
    }
    for (const property of ['21 0000', '27 00000000', '19 02', '17 02', '16 0001 61']) {
      await refusesConnect(kit, 0x82, connectOf({ properties: [hex(property)] }))
    }
  })

  it('[v5 MQTT-3.1.4-2] that fails the check of who it is gets 0x87, and the connection ends', async () => {
    const kit = await openBroker({ allowAnonymous: false })
    await flow(kit.peer()).send(connect('c')).receive(connack(0x87)).closed()
  })

  it('[v5 MQTT-3.1.4-2] that asks for what is not allowed is refused, and leaves no session', async () => {
    const kit = await openBroker()
    const wills = [
      [willOf('a/#', 'x'), 0x90],
      [willOf('$SYS/a', 'x'), 0x87],
    ] as const
    for (const [will, reasonCode] of wills) {
      await refusesConnect(kit, reasonCode, connect('c', { will, properties }))
      await flow(await kit.client('c', { fields: { clean: false }, sessionPresent: false })).drop()
    }
  })

  it('[v5 MQTT-3.1.4-3] under the client id of another ends that one with 0x8E', async () => {
    const kit = await openBroker()
    const first = await kit.client('c')
    const second = await kit.client('c')
    await flow(first).receive(disconnect(0x8e)).closed()
    const third = await kit.client('c', { fields: kept })
    await flow(second).receive(disconnect(0x8e)).closed()
    await flow(third).receiveNothing()
  })

  it('[v5 MQTT-3.1.4-3] under the client id of another has the will of that one published', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await kit.client('c', { fields: { will: willOf('will', 'taken over') } })
    await kit.client('c')
    await flow(watcher).receive(publish('will', 'taken over')).receiveNothing()
  })

  it('[v5 MQTT-3.1.4-4] has its clean start acted on, also when it takes over a connection', async () => {
    const kit = await openBroker()
    await kit.subscriber('c', 'a', 0, { fields: kept })
    const resumed = await kit.client('c', { fields: kept, sessionPresent: true })
    await kit.publish('a', '1')
    await flow(resumed).receive(publish('a', '1'))
    const anew = await kit.client('c', { fields: { clean: true, properties }, sessionPresent: false })
    await kit.publish('a', '2')
    await flow(anew).receiveNothing()
  })

  it('[v5 MQTT-3.1.4-5] that is taken is answered by CONNACK with 0x00', async () => {
    const kit = await openBroker()
    const peer = kit.peer()
    peer.send(connect('c'))
    const { bytes } = await peer.next()
    expect(bytes.subarray(0, 1)).toEqual(hex('20'))
    expect(bytes[3]).toBe(0)
  })

  it('[v5 MQTT-3.1.4-6] that is refused has nothing done of what came behind it', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0)
    const behind = [publish('a', 'x', { retain: true }), publish1(1, 'a', 'y'), subscribe(2, 'a', 1), pingreq]
    const refused = connect('c', { will: willOf('a/#', 'x'), properties })
    await flow(kit.peer())
      .send(refused, ...behind)
      .receive(connack(0x90))
      .closed()
    const malformed = connectOf({ flags: Flag.cleanStart | 1 })
    await flow(kit.peer())
      .send(malformed, ...behind)
      .receive(connack(0x81))
      .closed()
    await flow(watcher).receiveNothing()
    await flow(await kit.subscriber('late', '#', 0)).receiveNothing()
  })
})
