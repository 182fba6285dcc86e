// Section 3.2 of MQTT 5: when CONNACK is sent, what it says of the session, and the limits it names.
// connack-features.test.ts has what a server may do without.
import { describe, expect, it } from 'vitest'
import { flow, turns } from '../../kit/flow.ts'
import { hex, publish5 } from '../../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  pingreq,
  pingresp,
  publish,
  publish1,
  type Sendable,
  suback,
  subscribe,
  willOf,
} from '../../kit/packets.ts'
import { openBroker, type TestBroker, type TestBrokerOptions } from '../../kit/test-broker.ts'
import { connectOf, Flag, refuses } from './refusals.ts'

const properties = { sessionExpiryInterval: 100 }
const kept = { clean: false, properties }
const badWill = willOf('a/#', 'x')

/** The refusals that a CONNECT can meet without further setting up. */
const refusals: readonly (readonly [packet: Sendable, reasonCode: number, options: TestBrokerOptions])[] = [
  [connectOf({ flags: Flag.cleanStart | 1 }), 0x81, {}],
  [connectOf({ properties: [hex('21 0000')] }), 0x82, {}],
  [connect('c'), 0x87, { allowAnonymous: false }],
  [connect('c', { properties: { authenticationMethod: 'none such' } }), 0x8c, {}],
  [connect('c', { will: badWill }), 0x90, {}],
  [connect('c', { will: willOf('a', 'x', { retain: true }) }), 0x9a, { limits: { retainedMessagesMax: 0 } }],
]

/** The CONNACK that answers `packet`, byte for byte. */
async function answerTo(kit: TestBroker, packet: Sendable): Promise<Buffer> {
  const peer = kit.peer()
  peer.send(packet)
  return (await peer.next()).bytes
}

describe('CONNACK', () => {
  it('[v5 MQTT-3.2.0-1] is sent before all else, whatever the client sent behind its CONNECT', async () => {
    const kit = await openBroker()
    await flow(kit.peer())
      .send(connect('c'), pingreq, subscribe(1, 'a', 0), publish('a', 'x'))
      .receive(connack(), pingresp, suback(1, 0), publish('a', 'x'))
  })

  it('[v5 MQTT-3.2.0-1] is sent before the messages that wait for the client', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.subscriber('c', 'a', 1, { fields: kept })).drop()
    await kit.broker.publish({ topicName: 'a', payload: 'queued', qos: 1 })
    const peer = kit.peer()
    kit.store.hold()
    peer.send(connect('c', kept))
    await turns()
    // Another one comes in while the CONNECT waits for its commit.
    const published = kit.broker.publish({ topicName: 'a', payload: 'meanwhile', qos: 1 })
    await turns()
    expect(peer.waiting).toBe(0)
    kit.store.letGo()
    await published
    await flow(peer).receive(connack(0, true), publish1(1, 'a', 'queued'), publish1(2, 'a', 'meanwhile'))
  })

  it('[v5 MQTT-3.2.0-2] is sent once: a second CONNECT gets none', async () => {
    const kit = await openBroker()
    await flow(kit.peer())
      .send(connect('c'))
      .receive(connack())
      .send(connect('c'))
      .receive(disconnect(0x82))
      .closed()
  })

  it('[v5 MQTT-3.2.0-2] is sent once: what follows a refused CONNECT gets none', async () => {
    const kit = await openBroker()
    await flow(kit.peer())
      .send(connect('c', { will: badWill }), connect('c'))
      .receive(connack(0x90))
      .closed()
  })

  it('[v5 MQTT-3.2.2-1] has 0 in all bits of its flags but Session Present', async () => {
    const kit = await openBroker()
    await kit.client('c', { fields: kept })
    expect((await answerTo(kit, connect('new')))[2]).toBe(0)
    expect((await answerTo(kit, connect('c', kept)))[2]).toBe(1)
    for (const [packet, , options] of refusals) {
      expect((await answerTo(await openBroker(options), packet))[2]).toBe(0)
    }
  })
})

describe('Session Present', () => {
  it('[v5 MQTT-3.2.2-2] is 0 with 0x00 at a clean start, whether there was a session or not', async () => {
    const kit = await openBroker()
    const fields = { clean: true, properties }
    await flow(kit.peer()).send(connect('c', fields)).receive(connack(0, false)).drop()
    await flow(kit.peer()).send(connect('c', fields)).receive(connack(0, false))
    await flow(kit.peer()).send(connect('c', fields)).receive(connack(0, false))
  })

  it('[v5 MQTT-3.2.2-3] tells without a clean start whether there is a session, with 0x00', async () => {
    const kit = await openBroker({ store: 'level' })
    const expectPresent = async (isPresent: boolean) =>
      flow(kit.peer()).send(connect('c', kept)).receive(connack(0, isPresent)).drop()
    await expectPresent(false)
    await expectPresent(true)
    await kit.restart()
    await expectPresent(true)
    kit.clock.advance(101_000)
    await expectPresent(false)
  })

  it('[v5 MQTT-3.2.2-6] is 0 in a refusal, though there is a session', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c', { fields: kept })).drop()
    await flow(kit.peer())
      .send(connect('c', { ...kept, will: badWill }))
      .receive(connack(0x90, false))
      .closed()
    await kit.client('c', { fields: kept, sessionPresent: true })
  })
})

describe('the reason code of CONNACK', () => {
  it('[v5 MQTT-3.2.2-7] of 0x80 and above is followed by the end of the connection', async () => {
    for (const [packet, reasonCode, options] of refusals) {
      const kit = await openBroker(options)
      await flow(kit.peer()).send(packet).receive(connack(reasonCode)).closed()
    }
  })

  it('[v5 MQTT-3.2.2-8] is one of its table', async () => {
    const kit = await openBroker({ limits: { sessionsMax: 1 } })
    const codes = [(await answerTo(kit, connect('one')))[3], (await answerTo(kit, connect('two')))[3]]
    for (const [packet, , options] of refusals) {
      codes.push((await answerTo(await openBroker(options), packet))[3])
    }
    expect(codes).toEqual([0, 0x97, ...refusals.map(([, reasonCode]) => reasonCode)])
  })
})

describe('the maximum packet size of the broker', () => {
  it('[v5 MQTT-3.2.2-15] is told, may be met, and ends the connection with 0x95 one byte above', async () => {
    const kit = await openBroker({ limits: { maximumPacketSize: 1_000 } })
    const receiver = await kit.subscriber('receiver', 'a', 0)
    const payload = 'x'.repeat(1_000 - 3 - 4)
    await flow(kit.peer())
      .send(connect('c'))
      .receive(connack(0, false, { maximumPacketSize: 1_000 }))
      .send(publish('a', payload))
      .receiveNothing()
    await flow(receiver).receive(publish('a', payload))
    await refuses(kit, 0x95, publish('a', `${payload}x`))
    await flow(receiver).receiveNothing()
  })
})

describe('the assigned client id', () => {
  it('[v5 MQTT-3.2.2-16] is told to a client without one, and is none that a session has', async () => {
    const kit = await openBroker({ store: 'level' })
    const assigned = async () => {
      const peer = kit.peer()
      peer.send(connect('', { properties }))
      const { packet } = await peer.next()
      await flow(peer).drop()
      expect(packet).toMatchObject(connack())
      return (packet.properties as { assignedClientIdentifier: string }).assignedClientIdentifier
    }
    const clientIds = [await assigned(), await assigned()]
    await kit.restart()
    clientIds.push(await assigned())
    expect(new Set(clientIds).size).toBe(3)
    for (const clientId of clientIds) {
      await kit.client(clientId, { fields: kept, sessionPresent: true })
    }
  })

  it('[v5 MQTT-3.2.2-16] is not told to a client that has one', async () => {
    const kit = await openBroker()
    const peer = kit.peer()
    peer.send(connect('c'))
    expect((await peer.next()).packet.properties).not.toHaveProperty('assignedClientIdentifier')
  })
})

describe('the topic alias maximum of the broker', () => {
  it('[v5 MQTT-3.2.2-17] is told, may be met, and ends the connection with 0x94 one above', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximum: 5 } })
    const receiver = await kit.subscriber('receiver', 'a', 0)
    await flow(kit.peer())
      .send(connect('c'))
      .receive(connack(0, false, { topicAliasMaximum: 5 }))
      .send(publish5('a', [hex('23 0005')], 'x'))
      .receiveNothing()
    await flow(receiver).receive(publish('a', 'x'))
    await refuses(kit, 0x94, publish5('a', [hex('23 0006')], 'x'))
    await flow(receiver).receiveNothing()
  })

  it('[v5 MQTT-3.2.2-18] that is left out, being 0, makes any topic alias end the connection', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximum: 0 } })
    const receiver = await kit.subscriber('receiver', 'a', 0)
    const peer = kit.peer()
    peer.send(connect('c'))
    expect((await peer.next()).packet.properties ?? {}).not.toHaveProperty('topicAliasMaximum')
    await refuses(kit, 0x94, publish5('a', [hex('23 0001')], 'x'))
    await flow(receiver).receiveNothing()
  })
})

describe('the keep alive', () => {
  it('[v5 MQTT-3.2.2-22] is that of the client where CONNACK names none', async () => {
    const kit = await openBroker()
    for (const keepalive of [1, 100, 65_535]) {
      const peer = kit.peer()
      peer.send(connect('c', { keepalive }))
      expect((await peer.next()).packet.properties).not.toHaveProperty('serverKeepAlive')
      kit.clock.advance(keepalive * 1_500 - 100)
      await kit.settle()
      expect(peer.isClosed).toBe(false)
      kit.clock.advance(1_100)
      await flow(peer).receive(disconnect(0x8d)).closed()
    }
  })

  it('[v5 MQTT-3.2.2-22] of 0 is none at all where CONNACK names none', async () => {
    const kit = await openBroker()
    const peer = kit.peer()
    peer.send(connect('c', { keepalive: 0 }))
    expect((await peer.next()).packet.properties).not.toHaveProperty('serverKeepAlive')
    kit.clock.advance(1_000_000_000)
    await kit.settle()
    expect(peer.isClosed).toBe(false)
  })
})
