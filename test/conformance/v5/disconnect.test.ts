// MQTT 5.0, chapter 3.14: DISCONNECT, when the broker sends it, and what stands in it.
// disconnect-after.test.ts has what follows.
import { describe, expect, it } from 'vitest'
import { PACKET_SIZE_MAX } from '../../../src/packet/protocol.ts'
import { flow } from '../../kit/flow.ts'
import { frame, hex, publish5, text } from '../../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  pingreq,
  publish,
  publish2,
  type Sendable,
  subscribe,
  willOf,
} from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker, type TestBroker } from '../../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const MALFORMED = frame(0x36, text('a'))

/** The reason codes of DISCONNECT that a client may not send. */
const OF_SERVERS = [0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2]
const OF_OTHERS = [0x01, 0x02, 0x10, 0x11, 0x18, 0x19, 0x84, 0x85, 0x86, 0x88, 0x8a, 0x91, 0x92, 0xff]

/** What makes the broker send DISCONNECT, and the reason code that is named for it. */
const MISTAKES: [packets: Sendable[], reasonCode: number][] = [
  [[MALFORMED], 0x81],
  [[connect('again')], 0x82],
  [[publish('a/+', 'x')], 0x90],
  [[publish2(1, 'a', 'x'), publish2(2, 'a', 'x'), publish2(3, 'a', 'x')], 0x93],
  [[publish5('a', [hex('23 0004')], 'x')], 0x94],
  [[publish('a', 'x'.repeat(2_000))], 0x95],
  [[subscribe(1, 'a'.repeat(200), 0)], 0x97],
  [[publish('a', 'x', { retain: true })], 0x9a],
]
const openStrict = (): Promise<TestBroker> =>
  openBroker({
    limits: {
      receiveMaximum: 2,
      topicAliasMaximum: 3,
      maximumPacketSize: 1_500,
      controlBytesMax: 100,
      retainedMessagesMax: 0,
    },
  })

describe('before CONNACK', () => {
  it('[v5 MQTT-3.14.0-1] gets no DISCONNECT who is refused, or sends something else first', async () => {
    const kit = await openBroker({ limits: { connectionsMax: 1 } })
    const firsts: Sendable[] = [pingreq, disconnect(), publish('a', 'x'), hex('f0 02 18 00'), hex('00 00')]
    for (const first of firsts) await flow(kit.peer()).send(first).closed()
    const refused: [packet: Sendable, code: number][] = [
      [connect('c', { will: willOf('a/#', 'x') }), 0x90],
      [connect('c', { properties: { authenticationMethod: 'nobody has this one' } }), 0x8c],
      [hex('10 0e 0004 4d515454 05 03 0000 00 0001 63'), 0x81],
    ]
    for (const [packet, code] of refused) await flow(kit.peer()).send(packet).receive(connack(code)).closed()
    await kit.client('the only one')
    await flow(kit.peer()).closed()
  })

  it('[v5 MQTT-3.14.0-1] gets no DISCONNECT who is too slow, nor at the end of the broker', async () => {
    const kit = await openBroker()
    const slow = kit.peer()
    await flow(slow).send(hex('10 0e 0004'))
    kit.clock.advance(11_000)
    await flow(slow).closed()
    const silent = kit.peer()
    await flow(silent).receiveNothing()
    await kit.close()
    await flow(silent).closed()
  })

  it('[v5 MQTT-3.14.0-1] gets no DISCONNECT who is taken over while the disk has the session', async () => {
    const kit = await openBroker({ store: 'level' })
    kit.store.hold()
    const first = kit.peer()
    await flow(first).send(connect('c', kept)).receiveNothing()
    const second = kit.peer()
    await flow(second).send(connect('c', kept)).receiveNothing()
    await flow(first).closed()
    kit.store.letGo()
    await flow(second).receive(connack(0, true)).receiveNothing()
    expect(first.waiting).toBe(0)
  })
})

describe('a DISCONNECT that cannot be taken', () => {
  it('[v5 MQTT-3.14.1-1] is answered 0x81 where a reserved bit is set, and is no farewell', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    for (let flags = 1; flags < 16; flags++) {
      await flow(await kit.client('c', { fields: { will: willOf('will', 'gone') } }))
        .send(Buffer.from([0xe0 | flags, 0]))
        .receive(disconnect(0x81))
        .closed()
      await flow(watcher).receive(publish('will', 'gone'))
    }
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.14.2-1] is answered 0x82 with a reason code that no client may send', async () => {
    const kit = await openBroker()
    for (const reasonCode of [...OF_SERVERS, ...OF_OTHERS]) {
      await flow(await kit.client('c'))
        .send(Buffer.from([0xe0, 1, reasonCode]))
        .receive(disconnect(0x82))
        .closed()
    }
    await kit.servesOthers()
  })
})

describe('the DISCONNECT of the broker', () => {
  it('[v5 MQTT-3.14.2-1] names what the client did wrong', async () => {
    const kit = await openStrict()
    for (const [packets, reasonCode] of MISTAKES) {
      const peer = await kit.client('c')
      peer.send(...packets)
      const seen = []
      while (seen.at(-1)?.cmd !== 'disconnect') seen.push((await peer.next()).packet)
      expect(seen.at(-1)).toMatchObject(disconnect(reasonCode))
    }
  })

  it('[v5 MQTT-3.14.2-1] names silence, a take-over and the end of the broker', async () => {
    const kit = await openBroker()
    const silent = await kit.client('silent', { fields: { keepalive: 1 } })
    kit.clock.advance(3_000)
    await flow(silent).receive(disconnect(0x8d)).closed()
    const first = await kit.client('c')
    const second = await kit.client('c')
    await flow(first).receive(disconnect(0x8e)).closed()
    await kit.close()
    await flow(second).receive(disconnect(0x8b)).closed()
  })

  it('[v5 MQTT-3.14.2-1] names a QoS that there is not, and another server where there is one', async () => {
    const serverReference = 'other.example:1883'
    const kit = await openBroker({ features: { maximumQos: 1 }, redirect: { serverReference } })
    await flow(await kit.client('c'))
      .send(publish2(1, 'a', 'x'))
      .receive(disconnect(0x9b))
      .closed()
    const last = await kit.client('c')
    await kit.close()
    await flow(last).receive(disconnect(0x9c, { serverReference })).closed()
  })

  it('[v5 MQTT-3.14.2-2] holds no session expiry interval, whatever the session has', async () => {
    const kit = await openBroker({ limits: { sessionExpiryIntervalMax: 100 } })
    const expectWithout = async (peer: Peer, reasonCode: number): Promise<void> => {
      const { packet } = await peer.next()
      expect(packet).toMatchObject(disconnect(reasonCode))
      expect(packet.properties ?? {}).not.toHaveProperty('sessionExpiryInterval')
      await peer.closed()
    }
    const first = await kit.client('c', { fields: kept })
    const second = await kit.client('c', { fields: kept, sessionPresent: true })
    await expectWithout(first, 0x8e)
    second.send(MALFORMED)
    await expectWithout(second, 0x81)
    const third = await kit.client('d')
    third.send(disconnect(0, { sessionExpiryInterval: 10 }))
    await expectWithout(third, 0x82)
    const last = await kit.client('e', { fields: kept })
    await kit.close()
    await expectWithout(last, 0x8b)
  })

  it('[v5 MQTT-3.14.2-3] says why in words, but not where that would make it too large', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximum: 0, maximumPacketSize: PACKET_SIZE_MAX } })
    for (const maximumPacketSize of [5, 6, 9, 15, 30, 1_000]) {
      const peer = await kit.client('c', { fields: { properties: { maximumPacketSize } } })
      peer.send(publish('a/+', 'x'))
      const { bytes, packet } = await peer.next()
      expect(packet).toMatchObject(disconnect(0x90))
      expect(bytes.length).toBeLessThanOrEqual(maximumPacketSize)
      if (maximumPacketSize < 9) expect(packet.properties).toBeUndefined()
      if (maximumPacketSize === 1_000) expect(packet.properties).toHaveProperty('reasonString')
    }
  })

  it('[v5 MQTT-3.14.2-4] leaves out the user properties that would make it too large', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximum: 0, maximumPacketSize: PACKET_SIZE_MAX } })
    for (const maximumPacketSize of [5, 6, 9, 15, 30, 60]) {
      const fields = { properties: { maximumPacketSize, userProperties: { asked: 'with one' } } }
      const first = await kit.client('c', { fields })
      const second = await kit.client('c', { fields })
      const { bytes, packet } = await first.next()
      expect(packet).toMatchObject(disconnect(0x8e))
      expect(bytes.length).toBeLessThanOrEqual(maximumPacketSize)
      await second.drop()
    }
  })

  it('[v5 MQTT-3.14.4-2] is followed by the end of the connection, though the client keeps its end open', async () => {
    const kit = await openStrict()
    for (const [packets] of MISTAKES) {
      const peer = await kit.client('c')
      peer.send(...packets)
      await peer.closed()
    }
    await kit.servesOthers()
  })
})
