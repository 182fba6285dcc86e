// Section 3.1.2 of MQTT 5 up to Keep Alive: protocol, connect flags, clean start, user name and password.
// connect-will.test.ts has the will, connect-properties.test.ts the properties.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { hex, text } from '../../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  pingreq,
  pingresp,
  puback,
  publish,
  publish1,
  subscribe,
  unsubscribe,
} from '../../kit/packets.ts'
import { openBroker, type TestBroker } from '../../kit/test-broker.ts'
import { connectOf, Flag, refuses, refusesConnect } from './refusals.ts'

const properties = { sessionExpiryInterval: 100 }
const kept = { clean: false, properties }

describe('the first packet', () => {
  it('[v5 MQTT-3.1.0-1] has to be CONNECT: after any other the broker closes without a word', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'a', 0)
    const others = [publish('a', 'x'), subscribe(1, 'a', 0), unsubscribe(1, 'a'), pingreq, disconnect()]
    for (const packet of [...others, hex('f0 00'), hex('20 03 00 00 00')]) {
      await flow(kit.peer()).send(packet, connect('c')).closed()
    }
    await flow(watcher).receiveNothing()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.1.0-2] cannot be repeated: a second CONNECT is answered 0x82 and ends the connection', async () => {
    const kit = await openBroker()
    await refuses(kit, 0x82, connect('offender'))
    await refuses(kit, 0x82, connect('another'))
    await flow(kit.peer()).send(connect('c'), connect('c')).receive(connack(), disconnect(0x82)).closed()
  })
})

describe('the protocol name and version', () => {
  // Who speaks what we do not know may not know our CONNACK either: it is told in that of 3.1.1, code 0x01.
  const refusesProtocol = async (kit: TestBroker, packet: Buffer) => {
    await flow(kit.peer(4)).send(packet).receive(connack(1)).closed()
    await kit.servesOthers()
  }

  it('[v5 MQTT-3.1.2-1] ends the connection when the name is not MQTT, letter by letter', async () => {
    const kit = await openBroker()
    for (const protocol of ['mqtt', 'MQTTX', 'MQT', 'MQIsdp', '', '\ufeffMQTT']) {
      await refusesProtocol(kit, connectOf({ protocol }))
    }
  })

  it('[v5 MQTT-3.1.2-2] ends the connection when the version is none that is spoken here', async () => {
    const kit = await openBroker()
    for (const level of [0, 1, 2, 3, 6, 0x85, 255]) await refusesProtocol(kit, connectOf({ level }))
  })
})

describe('the reserved connect flag', () => {
  it('[v5 MQTT-3.1.2-3] makes CONNECT malformed when it is set', async () => {
    const kit = await openBroker()
    await refusesConnect(kit, 0x81, connectOf({ flags: Flag.cleanStart | 1 }))
    await refusesConnect(kit, 0x81, connectOf({ flags: 1 }))
  })
})

describe('clean start', () => {
  it('[v5 MQTT-3.1.2-4] of 1 discards subscriptions and queued messages of the session before', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
    await kit.broker.publish({ topicName: 'a', payload: 'queued', qos: 1 })
    const anew = await kit.client('c', { fields: { clean: true, properties } })
    await kit.broker.publish({ topicName: 'a', payload: 'later', qos: 1 })
    await flow(anew).receiveNothing().drop()
    // The session that was begun anew is what is resumed from now on, after a restart too.
    await kit.restart()
    const again = await kit.client('c', { fields: kept, sessionPresent: true })
    await kit.publish('a', 'still later')
    await flow(again).receiveNothing()
  })

  it('[v5 MQTT-3.1.2-5] of 0 goes on with the session: subscriptions, queue and unacknowledged', async () => {
    const kit = await openBroker()
    const first = await kit.subscriber('c', 'a', 1, { fields: kept })
    await kit.broker.publish({ topicName: 'a', payload: 'unacknowledged', qos: 1 })
    await flow(first)
      .receive(publish1(1, 'a', 'unacknowledged'))
      .drop()
    await kit.broker.publish({ topicName: 'a', payload: 'queued', qos: 1 })
    const back = await kit.client('c', { fields: kept, sessionPresent: true })
    await flow(back)
      .receive(publish1(1, 'a', 'unacknowledged', { dup: true }), publish1(2, 'a', 'queued'))
      .send(puback(1), puback(2))
    await kit.publish('a', 'new')
    await flow(back).receive(publish('a', 'new')).receiveNothing()
  })

  it('[v5 MQTT-3.1.2-5] of 0 goes on with the session over a restart of the broker', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
    await kit.broker.publish({ topicName: 'a', payload: 'queued', qos: 1 })
    await kit.restart()
    const back = await kit.client('c', { fields: kept, sessionPresent: true })
    await flow(back)
      .receive(publish1(1, 'a', 'queued'))
      .send(puback(1))
    await kit.publish('a', 'new')
    await flow(back).receive(publish('a', 'new')).receiveNothing()
  })

  it('[v5 MQTT-3.1.2-6] of 0 makes a session where there is none, and it is there next time', async () => {
    const kit = await openBroker()
    await flow(await kit.subscriber('c', 'a', 0, { fields: kept, sessionPresent: false })).drop()
    const back = await kit.client('c', { fields: kept, sessionPresent: true })
    await kit.publish('a', 'x')
    await flow(back).receive(publish('a', 'x')).drop()
    kit.clock.advance(101_000)
    await flow(await kit.client('c', { fields: kept, sessionPresent: false })).receiveNothing()
  })
})

describe('the user name flag', () => {
  it('[v5 MQTT-3.1.2-16] of 0 leaves no place for a user name in the payload', async () => {
    const kit = await openBroker()
    await refusesConnect(kit, 0x81, connectOf({ fields: [text('c'), text('user')] }))
    const flags = Flag.cleanStart | Flag.password
    await refusesConnect(kit, 0x81, connectOf({ flags, fields: [text('c'), text('user'), text('secret')] }))
  })

  it('[v5 MQTT-3.1.2-17] of 1 makes CONNECT malformed without a user name', async () => {
    const kit = await openBroker()
    const flags = Flag.cleanStart | Flag.userName
    await refusesConnect(kit, 0x81, connectOf({ flags }))
    await refusesConnect(kit, 0x81, connectOf({ flags, fields: [text('c'), hex('00')] }))
    await refusesConnect(
      kit,
      0x81,
      connectOf({ flags: flags | Flag.password, fields: [text('c'), text('s')] }),
    )
    await flow(kit.peer())
      .send(connectOf({ flags, fields: [text('c'), text('user')] }))
      .receive(connack())
  })
})

describe('the password flag', () => {
  it('[v5 MQTT-3.1.2-18] of 0 leaves no place for a password in the payload', async () => {
    const kit = await openBroker()
    const flags = Flag.cleanStart | Flag.userName
    await refusesConnect(kit, 0x81, connectOf({ flags, fields: [text('c'), text('user'), text('secret')] }))
  })

  it('[v5 MQTT-3.1.2-19] of 1 makes CONNECT malformed without a password', async () => {
    const kit = await openBroker()
    const flags = Flag.cleanStart | Flag.password
    await refusesConnect(kit, 0x81, connectOf({ flags }))
    await refusesConnect(kit, 0x81, connectOf({ flags, fields: [text('c'), hex('00 05 61')] }))
    // With one it is taken, with a user name and without.
    for (const [flag, fields] of [
      [0, [text('c'), text('secret')]],
      [Flag.userName, [text('c'), text('user'), text('secret')]],
    ] as const) {
      await flow(kit.peer())
        .send(connectOf({ flags: flags | flag, fields }))
        .receive(connack())
    }
  })
})

describe('keep alive', () => {
  it('[v5 MQTT-3.1.2-22] closes after one and a half times its seconds of silence, with 0x8D', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c', { fields: { keepalive: 10 } }))
      .do(() => kit.clock.advance(14_900))
      .do(() => kit.settle())
      .send(pingreq)
      .receive(pingresp)
      .do(() => kit.clock.advance(16_100))
      .receive(disconnect(0x8d))
      .closed()
  })

  it('[v5 MQTT-3.1.2-22] is counted from the last packet of the client, of whatever type', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 1, { fields: { keepalive: 10 } })
    const quiet = await kit.subscriber('quiet', 'a', 0, { fields: { keepalive: 10 } })
    for (const packet of [publish('b', 'x'), puback(9), unsubscribe(3, 'b')]) {
      kit.clock.advance(9_000)
      peer.send(packet)
      await kit.settle()
    }
    // What the broker sends does not count: the second client hears of every message, and is closed all the same.
    await kit.publish('a', 'x')
    expect(peer.isClosed).toBe(false)
    await flow(quiet).receive(disconnect(0x8d)).closed()
  })

  it('[v5 MQTT-3.1.2-22] publishes the will of the client that fell silent', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    const will = { topic: 'will', payload: Buffer.from('silent'), qos: 0, retain: false }
    await kit.client('c', { fields: { keepalive: 10, will } })
    kit.clock.advance(16_100)
    await flow(watcher).receive(publish('will', 'silent'))
  })
})

describe('the session expiry interval', () => {
  it('[v5 MQTT-3.1.2-23] above 0 keeps the session when the connection ends, however it ends', async () => {
    const kit = await openBroker()
    await flow(await kit.subscriber('dropped', 'a', 1, { fields: kept })).drop()
    const left = await kit.subscriber('left', 'a', 1, { fields: kept })
    await flow(left).send(disconnect()).closed()
    const thrown = await kit.subscriber('thrown out', 'a', 1, { fields: kept })
    await flow(thrown).send(hex('36 00')).receive(disconnect(0x81)).closed()
    kit.clock.advance(99_000)
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    for (const clientId of ['dropped', 'left', 'thrown out']) {
      const back = await kit.client(clientId, { fields: kept, sessionPresent: true })
      await flow(back).receive(publish1(1, 'a', 'x'))
    }
  })

  it('[v5 MQTT-3.1.2-23] above 0 keeps the session over a restart of the broker', async () => {
    const kit = await openBroker({ store: 'level' })
    await kit.subscriber('c', 'a', 1, { fields: kept })
    await kit.restart()
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    const back = await kit.client('c', { fields: kept, sessionPresent: true })
    await flow(back).receive(publish1(1, 'a', 'x'))
  })

  it('[v5 MQTT-3.1.2-23] of 0, or left out, keeps nothing', async () => {
    const kit = await openBroker()
    for (const none of [{ sessionExpiryInterval: 0 }, {}]) {
      const fields = { clean: false, properties: none }
      await flow(await kit.subscriber('c', 'a', 0, { fields, sessionPresent: false })).drop()
      await flow(await kit.client('c', { fields, sessionPresent: false })).drop()
    }
  })
})
