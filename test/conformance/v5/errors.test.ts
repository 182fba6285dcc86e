// MQTT 5.0, chapter 4.13: malformed packets, protocol errors, and what a reason code of 0x80 or above means for the
// connection.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, publish5, text, u16 } from '../../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  publish,
  publish1,
  type Sendable,
  subscribe,
  willOf,
} from '../../kit/packets.ts'
import { openBroker, type TestBrokerOptions } from '../../kit/test-broker.ts'

type Case = readonly [what: string, packet: Sendable, reasonCode: number]

/** A SUBSCRIBE to "a" with these properties. */
const subscribeWith = (properties: string): Buffer => {
  const block = hex(properties)
  return frame(0x82, u16(1), Buffer.from([block.length]), block, text('a'), hex('00'))
}

const MALFORMED: Case[] = [
  ['a remaining length of five bytes', hex('30 ff ff ff ff 01'), 0x81],
  ['a remaining length longer than needed', hex('c0 80 00'), 0x81],
  ['packet type 0', hex('00 00'), 0x81],
  ['PUBLISH of QoS 3', frame(0x36, text('a'), u16(1), hex('00')), 0x81],
  ['PUBLISH of QoS 0 with DUP', frame(0x38, text('a'), hex('00')), 0x81],
  ['PUBLISH that ends within its topic name', hex('30 04 00 09 61 61'), 0x81],
  ['PUBLISH without a property length', frame(0x30, text('a')), 0x81],
  ['PUBLISH that ends within its properties', frame(0x30, text('a'), hex('05 26 00')), 0x81],
  ['PUBLISH with a property that there is not', publish5('a', [hex('7f 00')], ''), 0x81],
  ['PUBACK that ends within its packet id', hex('40 01 00'), 0x81],
  ['PUBREL with other flags', hex('60 02 00 01'), 0x81],
  ['SUBSCRIBE that ends within its filter', frame(0x82, u16(1), hex('00 0005 61')), 0x81],
  ['SUBSCRIBE with the property of another packet', subscribeWith('01 00'), 0x81],
  ['UNSUBSCRIBE that ends within its filter', frame(0xa2, u16(1), hex('00 0005 61')), 0x81],
  ['PINGREQ with a body', hex('c0 01 00'), 0x81],
  ['DISCONNECT that ends within its properties', hex('e0 03 00 05 11'), 0x81],
]

const PROTOCOL_ERRORS: Case[] = [
  ['a second CONNECT', connect('c'), 0x82],
  ['a packet that only servers send', hex('d0 00'), 0x82],
  ['CONNACK from a client', hex('20 03 00 00 00'), 0x82],
  ['PUBLISH with packet id 0', frame(0x32, text('a'), u16(0), hex('00')), 0x82],
  ['PUBLISH without topic name and alias', publish5('', [], 'x'), 0x82],
  ['PUBLISH with a property twice', publish5('a', [hex('01 00 01 00')], ''), 0x82],
  ['PUBLISH with a wildcard in its response topic', publish5('a', [hex('08 0001 23')], ''), 0x82],
  ['SUBSCRIBE without a filter', frame(0x82, u16(1), hex('00')), 0x82],
  ['SUBSCRIBE with subscription identifier 0', subscribeWith('0b 00'), 0x82],
  ['SUBSCRIBE with two subscription identifiers', subscribeWith('0b 01 0b 02'), 0x82],
  ['SUBSCRIBE with Retain Handling 3', frame(0x82, u16(1), hex('00'), text('a'), hex('30')), 0x82],
  ['SUBSCRIBE with packet id 0', frame(0x82, u16(0), hex('00'), text('a'), hex('00')), 0x82],
  ['UNSUBSCRIBE without a filter', frame(0xa2, u16(1), hex('00')), 0x82],
  ['DISCONNECT that makes a session of none', disconnect(0, { sessionExpiryInterval: 9 }), 0x82],
  ['AUTH of a client without a method', hex('f0 06 18 04 15 0001 61'), 0x82],
]

/** Those that have a reason code of their own. */
const OTHERS: Case[] = [
  ['a topic name with a wildcard', publish('a/#', 'x'), 0x90],
  ['topic alias 0', publish5('a', [hex('23 0000')], 'x'), 0x94],
  ['a topic alias above the maximum', publish5('a', [hex('23 ffff')], 'x'), 0x94],
  ['a packet above the maximum packet size', publish('a', 'x'.repeat(3_000)), 0x95],
]

/** Each ends its connection, after a DISCONNECT with its reason code; another client sees nothing of it. */
async function expectRefused(cases: Case[]): Promise<void> {
  const kit = await openBroker({ limits: { maximumPacketSize: 2_000 } })
  const reader = await kit.subscriber('reader', '#', 0)
  for (const [what, packet, reasonCode] of cases) {
    const peer = await kit.client('c')
    peer.send(packet, publish('after', what))
    expect((await peer.next()).packet, what).toMatchObject(disconnect(reasonCode))
    await flow(peer).closed()
  }
  await flow(reader).receiveNothing()
  await kit.servesOthers()
}

describe('of a client that is connected', () => {
  it('[v5 MQTT-4.13.1-1] a malformed packet ends the connection with 0x81, and nothing behind it counts', async () => {
    await expectRefused(MALFORMED)
  })

  it('[v5 MQTT-4.13.1-1] a protocol error ends the connection with 0x82, and nothing behind it counts', async () => {
    await expectRefused(PROTOCOL_ERRORS)
  })

  it('[v5 MQTT-4.13.1-1] an error with a reason code of its own ends the connection with that', async () => {
    await expectRefused(OTHERS)
  })

  it('[v5 MQTT-4.13.1-1] a packet that is merely refused ends nothing', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(publish1(1, '$SYS/x', 'x'))
      .receive({ cmd: 'puback', messageId: 1, reasonCode: 0x87 })
      .send(subscribe(2, 'a#', 0))
      .receive({ cmd: 'suback', messageId: 2, granted: [0x8f] })
      .receiveNothing()
  })
})

describe('of a client that is not connected yet', () => {
  /** A CONNECT with these flags, no keep alive, and all that follows. */
  const connectOf = (flags: string, ...rest: string[]): Buffer =>
    frame(0x10, text('MQTT'), hex(`05 ${flags} 0000`), ...rest.map(hex))

  const CONNECTS: Case[] = [
    ['the reserved flag', connectOf('03', '00', '0001 63'), 0x81],
    ['will QoS 3', connectOf('1e', '00', '0001 63', '00', '0001 61', '0000'), 0x81],
    ['a will QoS without a will', connectOf('0a', '00', '0001 63'), 0x81],
    ['an end within the client id', connectOf('02', '00', '0009 63'), 0x81],
    ['bytes behind the last field', connectOf('02', '00', '0001 63', '00'), 0x81],
    ['a client id that is not UTF-8', connectOf('02', '00', '0001 ff'), 0x81],
    ['a property of another packet', connectOf('02', '02 0100', '0001 63'), 0x81],
    ['a property twice', connectOf('02', '06 21 0001 21 0001', '0001 63'), 0x82],
    ['receive maximum 0', connectOf('02', '03 21 0000', '0001 63'), 0x82],
    ['maximum packet size 0', connectOf('02', '05 27 00000000', '0001 63'), 0x82],
    ['a wildcard in the will topic', connect('c', { will: willOf('a/+', 'x') }), 0x90],
  ]

  it('[v5 MQTT-4.13.1-1] a malformed packet or protocol error ends the connection, after a CONNACK', async () => {
    const kit = await openBroker()
    for (const [what, packet, reasonCode] of CONNECTS) {
      const peer = kit.peer()
      peer.send(packet)
      expect((await peer.next()).packet, what).toMatchObject(connack(reasonCode))
      await flow(peer).closed()
    }
    await kit.servesOthers()
  })
})

describe('a reason code of 0x80 or above', () => {
  /** Refusals that are no fault of the packet. */
  const REFUSALS: (readonly [TestBrokerOptions, packet: Sendable, reasonCode: number])[] = [
    [{}, connect('c', { properties: { authenticationMethod: 'nobody has this one' } }), 0x8c],
    [{}, connect('c', { will: willOf('$SYS/x', 'x') }), 0x87],
    [{ allowAnonymous: false }, connect('c'), 0x87],
    [{ limits: { sessionsMax: 1 } }, connect('the second'), 0x97],
    [
      { limits: { retainedMessagesMax: 0 } },
      connect('c', { will: willOf('a', 'x', { retain: true }) }),
      0x9a,
    ],
  ]

  it('[v5 MQTT-4.13.2-1] in CONNACK is followed by the end of the connection', async () => {
    for (const [options, packet, reasonCode] of REFUSALS) {
      const kit = await openBroker(options)
      if (options.limits?.sessionsMax === 1) await kit.client('the first')
      const peer = kit.peer()
      peer.send(packet, publish('a', 'x'))
      const { packet: answer } = await peer.next()
      expect(answer).toMatchObject(connack(reasonCode))
      await flow(peer).closed()
    }
  })

  it('[v5 MQTT-4.13.2-1] in DISCONNECT is followed by the end of the connection, whoever sends it', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(publish('a/+', 'x'))
      .receive(disconnect(0x90))
      .closed()
    await flow(await kit.client('c'))
      .send(disconnect(0x80))
      .closed()
    const silent = await kit.client('silent', { fields: { keepalive: 1 } })
    kit.clock.advance(3_000)
    await flow(silent).receive(disconnect(0x8d)).closed()
  })

  it('[v5 MQTT-4.13.2-1] ends the connection too where it is not sent: there is no CONNECT to answer', async () => {
    const kit = await openBroker({ limits: { connectionsMax: 2, connectBytesMax: 40 } })
    const tooLarge = connect('c'.repeat(40))
    for (const packet of [
      publish('a', 'x'),
      hex('f0 02 18 00'),
      hex('10 ff ff ff ff 01'),
      hex('00 00'),
      tooLarge,
    ]) {
      await flow(kit.peer()).send(packet).closed()
    }
    await kit.client('one')
    await kit.client('two')
    await flow(kit.peer()).send(connect('three')).closed()
  })
})
