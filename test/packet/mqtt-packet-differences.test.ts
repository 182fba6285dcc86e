// Why every packet is decoded by our own code: what mqtt-packet 9 lets pass and the specification forbids, or what it
// loses on the way. Each row holds both ends: we refuse or keep it, and mqtt-packet really lets it pass.
import mqttPacket, { type Packet as TheirPacket } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { FieldWriter } from '../../src/packet/field-writer.ts'
import { MqttError } from '../../src/packet/mqtt-error.ts'
import { writeProperties } from '../../src/packet/properties.ts'
import { PacketType, type ProtocolVersion } from '../../src/packet/protocol.ts'
import { decode } from './codec.ts'
import { frame, hex } from './hex.ts'

/** What mqtt-packet makes of the bytes: its packets, and its errors. */
function theirs(bytes: Buffer, version: ProtocolVersion): { packets: TheirPacket[]; errors: string[] } {
  const packets: TheirPacket[] = []
  const errors: string[] = []
  const parser = mqttPacket.parser({ protocolVersion: version })
  parser.on('packet', (packet) => packets.push(packet))
  parser.on('error', (error: Error) => errors.push(error.message))
  parser.parse(bytes)
  return { packets, errors }
}

function reasonOf(bytes: Buffer, version: ProtocolVersion): number | undefined {
  try {
    decode(bytes, version)
    return undefined
  } catch (error) {
    if (error instanceof MqttError) return error.reasonCode
    throw error
  }
}

const C = '00 01 "c"'
const connect5 = (flags: string, ...rest: string[]): Buffer =>
  frame('10', '00 04 "MQTT" 05', flags, '00 3c', ...rest)
const connect4 = (flags: string, ...rest: string[]): Buffer =>
  frame('10', '00 04 "MQTT" 04', flags, '00 3c', ...rest)

const forbidden: readonly (readonly [
  title: string,
  version: ProtocolVersion,
  bytes: Buffer,
  reasonCode: number,
])[] = [
  // Flags
  ['[v5 MQTT-3.1.2-12] will QoS 3', 5, connect5('1e', '00', C, '00', '00 01 "w"', '00 00'), 0x81],
  ['[v3.1.1 MQTT-3.1.2-14] will QoS 3', 4, connect4('1e', C, '00 01 "w"', '00 00'), 0x81],
  ['[v3.1.1 MQTT-3.1.2-22] a password without a user name', 4, connect4('42', C, '00 01 "p"'), 0x81],
  ['[v5 MQTT-3.3.1-2] DUP with QoS 0', 5, frame('38', '00 01 "a"', '00'), 0x81],
  ['CONNACK return code 6', 4, frame('20', '00 06'), 0x82],
  // Packet ids
  ['[v5 MQTT-2.2.1-3] SUBSCRIBE with packet id 0', 5, frame('82', '00 00', '00', '00 01 "a"', '00'), 0x82],
  ['[v3.1.1 MQTT-2.3.1-1] SUBSCRIBE with packet id 0', 4, frame('82', '00 00', '00 01 "a"', '00'), 0x82],
  ['[v3.1.1 MQTT-2.3.1-1] UNSUBSCRIBE with packet id 0', 4, frame('a2', '00 00', '00 01 "a"'), 0x82],
  ['[v3.1.1 MQTT-2.3.1-1] PUBLISH with packet id 0', 4, frame('32', '00 01 "a"', '00 00'), 0x82],
  ['a PUBACK with packet id 0', 4, frame('40', '00 00'), 0x82],
  // Missing payloads and fields
  ['[v5 MQTT-3.8.3-2] SUBSCRIBE without a topic filter', 5, frame('82', '00 01', '00'), 0x82],
  ['[v3.1.1 MQTT-3.8.3-3] SUBSCRIBE without a topic filter', 4, frame('82', '00 01'), 0x82],
  ['[v5 MQTT-3.10.3-2] UNSUBSCRIBE without a topic filter', 5, frame('a2', '00 01', '00'), 0x82],
  ['[v3.1.1 MQTT-3.10.3-2] UNSUBSCRIBE without a topic filter', 4, frame('a2', '00 01'), 0x82],
  ['SUBACK without a reason code', 5, frame('90', '00 01', '00'), 0x82],
  ['AUTH without a method', 5, frame('f0', '18', '00'), 0x82],
  ['PUBLISH without its property length', 5, frame('30', '00 01 "a"'), 0x81],
  ['PUBLISH without its packet id', 4, frame('32', '00 01 "a"'), 0x81],
  ['PUBACK with half a packet id', 4, frame('40', '01'), 0x81],
  // Ill-formed UTF-8
  ['[v5 MQTT-1.5.4-1] a client id that is not UTF-8', 5, connect5('02', '00', '00 02 c3 28'), 0x81],
  ['[v3.1.1 MQTT-1.5.3-1] a client id with a surrogate', 4, connect4('02', '00 03 ed a0 80'), 0x81],
  ['[v3.1.1 MQTT-1.5.3-2] a client id with U+0000', 4, connect4('02', '00 03 "a" 00 "b"'), 0x81],
  ['[v5 MQTT-1.5.4-1] a topic name that is overlong', 5, frame('30', '00 02 c0 af', '00'), 0x81],
  ['[v5 MQTT-1.5.4-2] a topic filter with U+0000', 5, frame('82', '00 01', '00', '00 01 00', '00'), 0x81],
  [
    '[v5 MQTT-1.5.4-1] a user property that is not UTF-8',
    5,
    connect5('02', '07', '26 00 01 ff 00 01 "v"', C),
    0x81,
  ],
  // Trailing bytes
  ['bytes behind the CONNECT', 4, connect4('02', C, '"surplus"'), 0x81],
  ['bytes behind the properties of a PUBACK', 5, frame('40', '00 01', '00', '00', 'ff'), 0x81],
  ['a body in a DISCONNECT before MQTT 5', 4, frame('e0', '00'), 0x81],
  ['a body in a PUBACK before MQTT 5', 4, frame('40', '00 01', '00'), 0x81],
  // Repeated properties
  ['receive maximum twice', 5, connect5('02', '06', '21 00 01 21 00 02', C), 0x82],
  ['session expiry interval twice', 5, connect5('02', '0a', '11 00 00 00 01 11 00 00 00 02', C), 0x82],
  ['topic alias maximum 0 and then 5', 5, connect5('02', '06', '22 00 00 22 00 05', C), 0x82],
  ['topic alias twice', 5, frame('30', '00 01 "a"', '06', '23 00 01 23 00 02'), 0x82],
  [
    'subscription identifier twice in a SUBSCRIBE',
    5,
    frame('82', '00 01', '04', '0b 01 0b 02', '00 01 "a" 00'),
    0x82,
  ],
  // Misplaced properties
  ['a topic alias in CONNECT', 5, connect5('02', '03', '23 00 01', C), 0x81],
  ['a server keep alive in PUBLISH', 5, frame('30', '00 01 "a"', '03', '13 00 01'), 0x81],
  ['a will delay interval outside of a will', 5, connect5('02', '05', '18 00 00 00 01', C), 0x81],
  ['a receive maximum in SUBSCRIBE', 5, frame('82', '00 01', '03', '21 00 01', '00 01 "a" 00'), 0x81],
  [
    '[v5 MQTT-3.3.4-6] a subscription identifier from a client',
    5,
    frame('30', '00 01 "a"', '02', '0b 01'),
    0x82,
  ],
  // Values that the specification excludes
  ['receive maximum 0', 5, connect5('02', '03', '21 00 00', C), 0x82],
  ['maximum packet size 0', 5, connect5('02', '05', '27 00 00 00 00', C), 0x82],
  ['request problem information 7', 5, connect5('02', '02', '17 07', C), 0x82],
  ['authentication data without a method', 5, connect5('02', '04', '16 00 01 00', C), 0x82],
  ['[v5 MQTT-3.3.2-8] topic alias 0', 5, frame('30', '00 01 "a"', '03', '23 00 00'), 0x94],
  ['subscription identifier 0', 5, frame('82', '00 01', '02', '0b 00', '00 01 "a" 00'), 0x82],
  [
    '[v5 MQTT-3.3.2-14] a response topic with a wildcard',
    5,
    frame('30', '00 01 "a"', '06', '08 00 03 "a/#"'),
    0x82,
  ],
  // Lengths
  ['[v5 MQTT-1.5.5-1] a property length in two bytes for 0', 5, connect5('02', '80 00', C), 0x81],
  ['a property that goes over its block', 5, connect5('02', '03', '11 00 00 00 0a', C), 0x81],
]

describe('mqtt-packet lets pass, and we refuse,', () => {
  it.each(forbidden)('%s (version %d)', (_title, version, bytes, reasonCode) => {
    expect(reasonOf(bytes, version)).toBe(reasonCode)
    const { packets, errors } = theirs(bytes, version)
    expect(errors).toEqual([])
    expect(packets).toHaveLength(1)
  })
})

describe('mqtt-packet loses, and we keep,', () => {
  const userPropertiesOf = (packet: TheirPacket | undefined): unknown =>
    (packet as { properties?: { userProperties?: unknown } } | undefined)?.properties?.userProperties

  it('the order of user properties with different names', () => {
    const bytes = connect5(
      '02',
      '15',
      '26 00 01 "b" 00 01 "1"',
      '26 00 01 "a" 00 01 "2"',
      '26 00 01 "b" 00 01 "3"',
      C,
    )
    expect(decode(bytes, 5)).toMatchObject({
      userProperties: [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ],
    })
    const kept = userPropertiesOf(theirs(bytes, 5).packets[0]) as Record<string, unknown>
    expect(Object.entries(kept)).toEqual([
      ['b', ['1', '3']],
      ['a', '2'],
    ])
  })

  it('the order of user properties whose names are numbers', () => {
    const bytes = connect5('02', '0e', '26 00 01 "2" 00 01 "x"', '26 00 01 "1" 00 01 "y"', C)
    expect(decode(bytes, 5)).toMatchObject({
      userProperties: [
        ['2', 'x'],
        ['1', 'y'],
      ],
    })
    expect(Object.keys(userPropertiesOf(theirs(bytes, 5).packets[0]) as object)).toEqual(['1', '2'])
  })

  it('an empty value among user properties of one name', () => {
    const bytes = connect5('02', '0d', '26 00 01 "k" 00 00', '26 00 01 "k" 00 01 "v"', C)
    expect(decode(bytes, 5)).toMatchObject({
      userProperties: [
        ['k', ''],
        ['k', 'v'],
      ],
    })
    expect({ ...(userPropertiesOf(theirs(bytes, 5).packets[0]) as object) }).toEqual({ k: 'v' })
  })

  it('a user property named __proto__ that is written from an ordinary object', () => {
    const writer = new FieldWriter()
    const userProperties = [['__proto__', 'v']] as const
    writeProperties(writer, { userProperties }, PacketType.Connect)
    expect(writer.block().includes('__proto__')).toBe(true)
    const properties: { userProperties: Record<string, string> } = { userProperties: {} }
    for (const [name, value] of userProperties) properties.userProperties[name] = value
    const bytes = mqttPacket.generate({ cmd: 'connect', clientId: 'c', protocolVersion: 5, properties })
    expect(bytes.includes('__proto__')).toBe(false)
  })

  it('the first of two values of a property that is 0', () => {
    const bytes = connect5('02', '06', '22 00 00 22 00 05', C)
    expect(theirs(bytes, 5).packets[0]).toMatchObject({ properties: { topicAliasMaximum: 5 } })
    expect(reasonOf(bytes, 5)).toBe(0x82)
  })

  it('a password without a user name, which MQTT 5 allows, when it writes', () => {
    const bytes = connect5('42', '00', C, '00 01 "p"')
    expect(decode(bytes, 5)).toMatchObject({ userName: undefined, password: hex('"p"') })
    const packet = { cmd: 'connect', clientId: 'c', protocolVersion: 5, password: hex('"p"') } as const
    expect(() => mqttPacket.generate(packet)).toThrow('Username is required')
  })
})

describe('mqtt-packet reads beyond the end of a packet, and we do not:', () => {
  const pingreq = hex('c0 00')

  it('a DISCONNECT of MQTT 5 in its shortest form, once another packet follows', () => {
    const bytes = hex('e0 00')
    expect(decode(bytes, 5)).toMatchObject({ kind: 'disconnect', reasonCode: 0 })
    expect(theirs(bytes, 5).packets).toMatchObject([{ cmd: 'disconnect', reasonCode: 0 }])
    expect(theirs(Buffer.concat([bytes, pingreq]), 5).errors[0]).toBe('Invalid disconnect reason code')
  })

  it('a PUBLISH without its packet id takes the next packet for it', () => {
    const bytes = frame('32', '00 01 "a"')
    expect(reasonOf(bytes, 4)).toBe(0x81)
    expect(theirs(Buffer.concat([bytes, pingreq]), 4).packets[0]).toMatchObject({ messageId: 0xc000 })
  })
})

describe('mqtt-packet refuses, and we take, what the specification allows:', () => {
  it('an AUTH in its shortest form', () => {
    expect(decode(hex('f0 00'), 5)).toMatchObject({ kind: 'auth', reasonCode: 0 })
    expect(theirs(hex('f0 00'), 5).errors).toEqual(['Invalid auth reason code'])
  })
})
