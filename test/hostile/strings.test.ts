// Each string field of each packet: what is no UTF-8 ends the connection, what merely looks odd to JavaScript does not.
import { describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { flow } from '../kit/flow.ts'
import { frame, hex, publish5, text, u16, userProperty, vbi } from '../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish,
  publish1,
  suback,
  subscribe,
  type Version,
  willOf,
} from '../kit/packets.ts'
import { openHostile } from './hostile-broker.ts'
import { badStrings, NAMES } from './strings.ts'

type Row = readonly [what: string, version: Version, packet: (field: Buffer) => Buffer]

const NOTHING = Buffer.alloc(0)
const block = (...properties: Buffer[]): Buffer => {
  const bytes = Buffer.concat(properties)
  return Buffer.concat([vbi(bytes.length), bytes])
}
const property = (id: string, field: Buffer): Buffer => block(hex(id), field)
const ofUserName = (field: Buffer): Buffer => property('26', Buffer.concat([field, text('v')]))
const ofUserValue = (field: Buffer): Buffer => property('26', Buffer.concat([text('k'), field]))

const connect3 = (flags: string, ...fields: Buffer[]): Buffer =>
  frame(0x10, text('MQIsdp'), hex(`03 ${flags} 0000`), ...fields)
const connect4 = (flags: string, ...fields: Buffer[]): Buffer =>
  frame(0x10, text('MQTT'), hex(`04 ${flags} 0000`), ...fields)
const connect5 = (flags: string, properties: Buffer, ...fields: Buffer[]): Buffer =>
  frame(0x10, text('MQTT'), hex(`05 ${flags} 0000`), properties, ...fields)

const NONE = block()
const C = text('c')
const W = text('w')

const inConnect: Row[] = [
  ['the client id', 3, (field) => connect3('02', field)],
  ['the will topic', 3, (field) => connect3('06', C, field, W)],
  ['the user name', 3, (field) => connect3('82', C, field)],
  ['the client id', 4, (field) => connect4('02', field)],
  ['the will topic', 4, (field) => connect4('06', C, field, W)],
  ['the user name', 4, (field) => connect4('82', C, field)],
  ['the client id', 5, (field) => connect5('02', NONE, field)],
  ['the will topic', 5, (field) => connect5('06', NONE, C, NONE, field, W)],
  ['the user name', 5, (field) => connect5('82', NONE, C, field)],
  ['the name of a user property', 5, (field) => connect5('02', ofUserName(field), C)],
  ['the value of a user property', 5, (field) => connect5('02', ofUserValue(field), C)],
  ['the authentication method', 5, (field) => connect5('02', property('15', field), C)],
  ["the will's content type", 5, (field) => connect5('06', NONE, C, property('03', field), W, W)],
  ["the will's response topic", 5, (field) => connect5('06', NONE, C, property('08', field), W, W)],
  ["the name of a will's user property", 5, (field) => connect5('06', NONE, C, ofUserName(field), W, W)],
  ["the value of a will's user property", 5, (field) => connect5('06', NONE, C, ofUserValue(field), W, W)],
]

const acks: Row[] = [0x40, 0x50, 0x62, 0x70].flatMap((firstByte): Row[] => {
  const ack = (properties: Buffer): Buffer => frame(firstByte, u16(1), hex('00'), properties)
  const name = `acknowledgement ${firstByte.toString(16)}`
  return [
    [`the reason string of ${name}`, 5, (field) => ack(property('1f', field))],
    [`the name of a user property of ${name}`, 5, (field) => ack(ofUserName(field))],
    [`the value of a user property of ${name}`, 5, (field) => ack(ofUserValue(field))],
  ]
})

const filterOf = (version: Version, field: Buffer): Buffer =>
  frame(0x82, u16(1), version === 5 ? NONE : NOTHING, field, hex('00'))
const unsubscribeOf = (version: Version, field: Buffer): Buffer =>
  frame(0xa2, u16(1), version === 5 ? NONE : NOTHING, field)

const afterwards: Row[] = [
  ...([3, 4, 5] as const).flatMap((version): Row[] => [
    [
      'the topic name of PUBLISH',
      version,
      (field) => frame(0x30, field, version === 5 ? NONE : NOTHING, Buffer.from('payload')),
    ],
    ['the topic filter of SUBSCRIBE', version, (field) => filterOf(version, field)],
    [
      'the second filter of SUBSCRIBE',
      version,
      (field) => filterOf(version, Buffer.concat([text('a'), hex('00'), field])),
    ],
    ['the topic filter of UNSUBSCRIBE', version, (field) => unsubscribeOf(version, field)],
  ]),
  ['the content type of PUBLISH', 5, (field) => frame(0x30, text('a'), property('03', field))],
  ['the response topic of PUBLISH', 5, (field) => frame(0x30, text('a'), property('08', field))],
  ['the name of a user property of PUBLISH', 5, (field) => frame(0x30, text('a'), ofUserName(field))],
  ['the value of a user property of PUBLISH', 5, (field) => frame(0x30, text('a'), ofUserValue(field))],
  ...acks,
  ['a user property of SUBSCRIBE', 5, (field) => frame(0x82, u16(1), ofUserName(field), C, hex('00'))],
  ['a user property of UNSUBSCRIBE', 5, (field) => frame(0xa2, u16(1), ofUserValue(field), C)],
  ['the reason string of DISCONNECT', 5, (field) => frame(0xe0, hex('00'), property('1f', field))],
  ['a user property of DISCONNECT', 5, (field) => frame(0xe0, hex('00'), ofUserName(field))],
  ['the authentication method of AUTH', 5, (field) => frame(0xf0, hex('18'), property('15', field))],
]

describe('what is not UTF-8, or has U+0000,', () => {
  it.each(inConnect)('in %s of a CONNECT of version %i is refused', async (_, version, packet) => {
    const kit = await openHostile()
    for (const [what, field] of badStrings) {
      const answer = version === 5 ? [connack(ReasonCode.MalformedPacket)] : []
      const step = flow(kit.peer(version))
        .send(packet(field))
        .receive(...answer)
        .closed()
      await expect(step, what).resolves.toBeUndefined()
    }
    await kit.servesOthers()
  })

  it.each(afterwards)('in %s in version %i ends the connection', async (_, version, packet) => {
    const kit = await openHostile()
    for (const [what, field] of badStrings) {
      const answer = version === 5 ? [disconnect(ReasonCode.MalformedPacket)] : []
      const step = flow(await kit.client('hostile', { version }))
        .send(packet(field))
        .receive(...answer)
        .closed()
      await expect(step, what).resolves.toBeUndefined()
    }
    await kit.servesOthers()
  })

  it('is no reason to refuse a payload, a password or correlation data', async () => {
    const kit = await openHostile()
    const bytes = hex('00 ff ed a0 80')
    const field = Buffer.concat([u16(bytes.length), bytes])
    const peer = kit.peer()
    await flow(peer)
      .send(connect5('c2', NONE, C, text('name'), field))
      .receive(connack())
      .send(subscribe(1, 'a', 0))
      .receive(suback(1, 0))
    const packet = frame(0x30, text('a'), property('09', field), bytes)
    await flow(peer).send(packet).receiveBytes(packet)
    await kit.servesOthers()
  })
})

describe('names that every object of JavaScript has', () => {
  it.each(NAMES)('%s is a user name, a client id and a user property of each packet', async (name) => {
    const kit = await openHostile()
    const own = block(userProperty(name, name), userProperty(name, 'again'))
    const peer = kit.peer()
    await flow(peer)
      .send(connect5('c2', own, text(name), text(name), text(name)))
      .receive(connack())
      .send(frame(0x82, u16(1), own, text(name), hex('01')))
      .receive(suback(1, 1))
    const packet = publish5(name, [userProperty(name, name), userProperty(name, 'again')], 'x')
    await flow(peer)
      .send(packet)
      .receiveBytes(packet)
      .send(frame(0xa2, u16(2), own, text(name)))
      .receive({ cmd: 'unsuback', messageId: 2, granted: [0] })
      .send(frame(0xa2, u16(3), own, text('valueOf/never/subscribed')))
      .receive({ cmd: 'unsuback', messageId: 3, granted: [0x11] })
      .send(frame(0xe0, hex('00'), own))
      .closed()
    await kit.servesOthers()
    expect(({} as Record<string, unknown>).again).toBeUndefined()
  })

  it.each(NAMES)(
    '%s is not there before it is made: no session, no retained message, no alias',
    async (name) => {
      const kit = await openHostile()
      const fields = { clean: false, will: willOf(name, 'will') }
      const peer = await kit.client(name, { version: 4, fields })
      await flow(peer)
        .send(subscribe(1, [name, `${name}/#`, `+/${name}`], 1))
        .receive(suback(1, 1, 1, 1))
        .receiveNothing()
      await flow(peer)
        .send(publish1(1, name, 'x'))
        .receiveUnordered(puback(1), publish1(1, name, 'x'))
      await flow(peer)
        .send(publish(`${name}/${name}`, 'y'))
        .receive(publish(`${name}/${name}`, 'y'))
      await flow(await kit.client('hostile'))
        .send(frame(0x30, u16(0), block(hex('23 0001'))))
        .receive(disconnect(ReasonCode.ProtocolError))
        .closed()
      await flow(kit.peer(4))
        .send(connect(name, { clean: true }))
        .receive(connack(0, false))
      await flow(peer).closed()
      await kit.servesOthers()
    },
  )
})
