// What a peer must not send, and the reason code it is told. Checked by malformed.test.ts against the whole codec.
import type { ProtocolVersion } from '../../src/packet/protocol.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { frame, hex } from './hex.ts'

export interface MalformedFixture {
  readonly title: string
  readonly version: ProtocolVersion
  readonly bytes: Buffer
  readonly reasonCode: number
}

const MALFORMED = ReasonCode.MalformedPacket
const PROTOCOL = ReasonCode.ProtocolError
const UNSUPPORTED = ReasonCode.UnsupportedProtocolVersion
const ALIAS = ReasonCode.TopicAliasInvalid

type Row = readonly [title: string, bytes: Buffer, reasonCode: number]

const rows = (version: ProtocolVersion, list: readonly Row[]): MalformedFixture[] =>
  list.map(([title, bytes, reasonCode]) => ({
    title: `${title} (version ${version})`,
    version,
    bytes,
    reasonCode,
  }))

/** CONNECT of version 4 and 5 from its flags on. */
const connect4 = (flags: string, ...payload: string[]): Buffer =>
  frame('10', '00 04 "MQTT" 04', flags, '00 3c', ...payload)
const connect5 = (flags: string, ...rest: string[]): Buffer =>
  frame('10', '00 04 "MQTT" 05', flags, '00 3c', ...rest)
const C = '00 01 "c"'

/** Properties with their length before them. */
const block = (...properties: string[]): string => {
  const bytes = hex(...properties)
  return bytes.length.toString(16).padStart(2, '0') + bytes.toString('hex')
}

/** Field contents that are not UTF-8 Encoded Strings, with their two-byte length. */
const badStrings: readonly (readonly [what: string, field: string])[] = [
  ['U+0000', '00 03 "a" 00 "b"'],
  ['a U+0000 and nothing else', '00 01 00'],
  ['a surrogate', '00 03 ed a0 80'],
  ['a surrogate pair', '00 06 ed a0 bd ed b0 a6'],
  ['an overlong slash', '00 02 c0 af'],
  ['an overlong U+0000', '00 02 c0 80'],
  ['an overlong sequence of three bytes', '00 03 e0 80 af'],
  ['a sequence cut by the end', '00 02 "a" c3'],
  ['a stray continuation byte', '00 02 80 "a"'],
  ['a byte that UTF-8 never has', '00 01 ff'],
  ['a code point above U+10FFFF', '00 04 f4 90 80 80'],
]

const fixedHeader: MalformedFixture[] = [
  ...rows(4, [
    ['packet type 0', hex('00 00'), MALFORMED],
    ['AUTH before MQTT 5', hex('f0 00'), MALFORMED],
    ['CONNECT with flags', frame('11', '00 04 "MQTT" 04', '02', '00 3c', C), MALFORMED],
    ['CONNACK with flags', frame('21', '00 00'), MALFORMED],
    ['PUBACK with flags', frame('42', '00 01'), MALFORMED],
    ['PUBREC with flags', frame('51', '00 01'), MALFORMED],
    ['PUBREL without its flag', frame('60', '00 01'), MALFORMED],
    ['PUBREL with DUP', frame('6a', '00 01'), MALFORMED],
    ['PUBCOMP with flags', frame('78', '00 01'), MALFORMED],
    ['SUBSCRIBE without its flag', frame('80', '00 01', '00 01 "a"', '00'), MALFORMED],
    ['SUBSCRIBE with another flag', frame('83', '00 01', '00 01 "a"', '00'), MALFORMED],
    ['SUBACK with flags', frame('92', '00 01', '00'), MALFORMED],
    ['UNSUBSCRIBE without its flag', frame('a0', '00 01', '00 01 "a"'), MALFORMED],
    ['UNSUBACK with flags', frame('b2', '00 01'), MALFORMED],
    ['PINGREQ with flags', hex('c1 00'), MALFORMED],
    ['PINGRESP with flags', hex('d2 00'), MALFORMED],
    ['DISCONNECT with flags', hex('e8 00'), MALFORMED],
    ['a remaining length of five bytes', hex('30 80 80 80 80 01'), MALFORMED],
    ['a remaining length whose fourth byte goes on', hex('c0 ff ff ff ff'), MALFORMED],
  ]),
  ...rows(5, [
    ['packet type 0', hex('0f 00'), MALFORMED],
    ['AUTH with flags', hex('f1 00'), MALFORMED],
  ]),
]

const connect: MalformedFixture[] = [
  ...rows(4, [
    ['CONNECT without a body', frame('10'), MALFORMED],
    ['CONNECT that ends in the protocol name', frame('10', '00 04 "MQ"'), MALFORMED],
    ['CONNECT without a level', frame('10', '00 04 "MQTT"'), MALFORMED],
    ['CONNECT without flags', frame('10', '00 04 "MQTT" 04'), MALFORMED],
    ['CONNECT that ends in keep alive', frame('10', '00 04 "MQTT" 04', '02', '00'), MALFORMED],
    ['CONNECT without client id', frame('10', '00 04 "MQTT" 04', '02', '00 3c'), MALFORMED],
    ['CONNECT of an unknown protocol', frame('10', '00 04 "AMQP" 04', '02', '00 3c', C), UNSUPPORTED],
    ['CONNECT with the name in small letters', frame('10', '00 04 "mqtt" 04', '02', '00 3c', C), UNSUPPORTED],
    ['CONNECT with an empty protocol name', frame('10', '00 00 04', '02', '00 3c', C), UNSUPPORTED],
    ['CONNECT of level 0', frame('10', '00 04 "MQTT" 00', '02', '00 3c', C), UNSUPPORTED],
    ['CONNECT of level 3 with the name of 4', frame('10', '00 04 "MQTT" 03', '02', '00 3c', C), UNSUPPORTED],
    [
      'CONNECT of level 4 with the name of 3',
      frame('10', '00 06 "MQIsdp" 04', '02', '00 3c', C),
      UNSUPPORTED,
    ],
    ['CONNECT of level 6', frame('10', '00 04 "MQTT" 06', '02', '00 3c', C), UNSUPPORTED],
    ['CONNECT of a bridge of level 5', frame('10', '00 04 "MQTT" 85', '02', '00 3c', C), UNSUPPORTED],
    ['CONNECT with the reserved flag', connect4('03', C), MALFORMED],
    ['CONNECT with will QoS 3', connect4('1e', C, '00 01 "w"', '00 00'), MALFORMED],
    ['CONNECT with will QoS 1 and no will', connect4('0a', C), MALFORMED],
    ['CONNECT with will QoS 3 and no will', connect4('1a', C), MALFORMED],
    ['CONNECT with will retain and no will', connect4('22', C), MALFORMED],
    ['CONNECT with a password and no user name', connect4('42', C, '00 01 "p"'), MALFORMED],
    ['CONNECT whose will is missing', connect4('06', C), MALFORMED],
    ['CONNECT whose will payload is missing', connect4('06', C, '00 01 "w"'), MALFORMED],
    ['CONNECT whose will payload is cut', connect4('06', C, '00 01 "w"', '00 05 "abc"'), MALFORMED],
    ['CONNECT whose user name is missing', connect4('82', C), MALFORMED],
    ['CONNECT whose password is missing', connect4('c2', C, '00 01 "u"'), MALFORMED],
    ['CONNECT with bytes behind the client id', connect4('02', C, '00'), MALFORMED],
    ['CONNECT with bytes behind the password', connect4('c2', C, '00 01 "u"', '00 01 "p"', '"x"'), MALFORMED],
    ...badStrings.map(
      ([what, field]): Row => [`CONNECT whose client id has ${what}`, connect4('02', field), MALFORMED],
    ),
    ['CONNECT whose will topic is not UTF-8', connect4('06', C, '00 01 ff', '00 00'), MALFORMED],
    ['CONNECT whose user name is not UTF-8', connect4('82', C, '00 01 ff'), MALFORMED],
    [
      'CONNECT whose protocol name is not UTF-8',
      frame('10', '00 04 ff fe fd fc 04', '02', '00 3c', C),
      MALFORMED,
    ],
  ]),
  ...rows(3, [
    [
      'CONNECT with will QoS 3',
      frame('10', '00 06 "MQIsdp" 03', '1e', '00 3c', C, '00 01 "w"', '00 00'),
      MALFORMED,
    ],
    [
      'CONNECT with a password and no user name',
      frame('10', '00 06 "MQIsdp" 03', '42', '00 3c', C, '00 00'),
      MALFORMED,
    ],
    [
      'CONNECT with half a user name',
      frame('10', '00 06 "MQIsdp" 03', '82', '00 3c', C, '00 05 "u"'),
      MALFORMED,
    ],
  ]),
  ...rows(5, [
    ['CONNECT with the reserved flag', connect5('03', '00', C), MALFORMED],
    ['CONNECT with will QoS 3', connect5('1e', '00', C, '00', '00 01 "w"', '00 00'), MALFORMED],
    ['CONNECT with will QoS 2 and no will', connect5('12', '00', C), MALFORMED],
    ['CONNECT without property length', connect5('02'), MALFORMED],
    ['CONNECT whose properties are cut', connect5('02', '05', '11 00 00'), MALFORMED],
    ['CONNECT whose property goes over its block', connect5('02', '03', '11 00 00 00 0a', C), MALFORMED],
    ['CONNECT with a property length of five bytes', connect5('02', '80 80 80 80 00', C), MALFORMED],
    ['CONNECT with a property length in two bytes for 0', connect5('02', '80 00', C), MALFORMED],
    ['CONNECT with an unknown property', connect5('02', '02', '7f 00', C), MALFORMED],
    ['CONNECT with property 0', connect5('02', '02', '00 00', C), MALFORMED],
    ['CONNECT with a property of PUBLISH', connect5('02', '03', '23 00 01', C), MALFORMED],
    ['CONNECT with a property of the will', connect5('02', '05', '18 00 00 00 01', C), MALFORMED],
    [
      'CONNECT with two session expiry intervals',
      connect5('02', '0a', '11 00 00 00 01', '11 00 00 00 01', C),
      PROTOCOL,
    ],
    ['CONNECT with two receive maximums', connect5('02', '06', '21 00 01', '21 00 01', C), PROTOCOL],
    ['CONNECT with two topic alias maximums of 0', connect5('02', '06', '22 00 00', '22 00 00', C), PROTOCOL],
    [
      'CONNECT with two authentication methods',
      connect5('02', '08', '15 00 01 "m"', '15 00 01 "m"', C),
      PROTOCOL,
    ],
    ['CONNECT with receive maximum 0', connect5('02', '03', '21 00 00', C), PROTOCOL],
    ['CONNECT with maximum packet size 0', connect5('02', '05', '27 00 00 00 00', C), PROTOCOL],
    ['CONNECT with request problem information 2', connect5('02', '02', '17 02', C), PROTOCOL],
    ['CONNECT with request response information 255', connect5('02', '02', '19 ff', C), PROTOCOL],
    ['CONNECT with authentication data alone', connect5('02', '04', '16 00 01 00', C), PROTOCOL],
    ...badStrings.map(
      ([what, field]): Row => [
        `CONNECT with a user property whose name has ${what}`,
        connect5('02', block('26', field, '00 01 "v"'), C),
        MALFORMED,
      ],
    ),
    ['CONNECT with a user property without value', connect5('02', '04', '26 00 01 "k"', C), MALFORMED],
    [
      'CONNECT whose will has two delays',
      connect5('06', '00', C, '0a', '18 00 00 00 01 18 00 00 00 01', '00 01 "w"', '00 00'),
      PROTOCOL,
    ],
    [
      'CONNECT whose will has a topic alias',
      connect5('06', '00', C, '03', '23 00 01', '00 01 "w"', '00 00'),
      MALFORMED,
    ],
    [
      'CONNECT whose will has payload format 2',
      connect5('06', '00', C, '02', '01 02', '00 01 "w"', '00 00'),
      PROTOCOL,
    ],
    [
      'CONNECT whose will answers to a wildcard',
      connect5('06', '00', C, '06', '08 00 03 "a/+"', '00 01 "w"', '00 00'),
      PROTOCOL,
    ],
    [
      'CONNECT whose will answers to nothing',
      connect5('06', '00', C, '03', '08 00 00', '00 01 "w"', '00 00'),
      PROTOCOL,
    ],
    ['CONNECT with bytes behind the client id', connect5('02', '00', C, 'ff'), MALFORMED],
  ]),
]

const publish5 = (...properties: string[]): Buffer =>
  frame('30', '00 01 "a"', block(...properties), '"payload"')

const publish: MalformedFixture[] = [
  ...rows(4, [
    ['PUBLISH with QoS 3', frame('36', '00 01 "a"', '00 01'), MALFORMED],
    ['PUBLISH with DUP and QoS 0', frame('38', '00 01 "a"'), MALFORMED],
    ['PUBLISH without a body', frame('30'), MALFORMED],
    ['PUBLISH with half a topic length', frame('30', '00'), MALFORMED],
    ['PUBLISH whose topic name is cut', frame('30', '00 05 "abc"'), MALFORMED],
    ['PUBLISH without packet id', frame('32', '00 01 "a"'), MALFORMED],
    ['PUBLISH with half a packet id', frame('32', '00 01 "a"', '00'), MALFORMED],
    ['PUBLISH with packet id 0', frame('32', '00 01 "a"', '00 00'), PROTOCOL],
    ['PUBLISH with QoS 2 and packet id 0', frame('34', '00 01 "a"', '00 00'), PROTOCOL],
    ...badStrings.map(
      ([what, field]): Row => [`PUBLISH whose topic name has ${what}`, frame('30', field), MALFORMED],
    ),
  ]),
  ...rows(5, [
    ['PUBLISH without property length', frame('30', '00 01 "a"'), MALFORMED],
    ['PUBLISH whose properties are cut', frame('30', '00 01 "a"', '05', '02 00'), MALFORMED],
    ['PUBLISH with a property length of five bytes', frame('30', '00 01 "a"', 'ff ff ff ff 01'), MALFORMED],
    ['PUBLISH with a property length in two bytes for 0', frame('30', '00 01 "a"', '80 00'), MALFORMED],
    ['PUBLISH with half a property length', frame('30', '00 01 "a"', '80'), MALFORMED],
    ['PUBLISH with payload format 2', publish5('01 02'), PROTOCOL],
    ['PUBLISH with two payload formats', publish5('01 00 01 00'), PROTOCOL],
    ['PUBLISH with two message expiry intervals', publish5('02 00 00 00 01', '02 00 00 00 01'), PROTOCOL],
    ['PUBLISH with half a message expiry interval', publish5('02 00 00'), MALFORMED],
    ['PUBLISH with two content types', publish5('03 00 00', '03 00 00'), PROTOCOL],
    ['PUBLISH whose content type is cut', publish5('03 00 09 "abc"'), MALFORMED],
    ['PUBLISH with two response topics', publish5('08 00 01 "r"', '08 00 01 "r"'), PROTOCOL],
    ['PUBLISH with a response topic of +', publish5('08 00 01 "+"'), PROTOCOL],
    ['PUBLISH with a response topic of a/#', publish5('08 00 03 "a/#"'), PROTOCOL],
    ['PUBLISH with an empty response topic', publish5('08 00 00'), PROTOCOL],
    ['PUBLISH with two correlation data', publish5('09 00 00', '09 00 00'), PROTOCOL],
    ['PUBLISH whose correlation data is cut', publish5('09 00 04 00'), MALFORMED],
    ['PUBLISH with a subscription identifier from a client', publish5('0b 01'), PROTOCOL],
    ['PUBLISH with topic alias 0', publish5('23 00 00'), ALIAS],
    ['PUBLISH with two topic aliases', publish5('23 00 01', '23 00 01'), PROTOCOL],
    ['PUBLISH with half a topic alias', publish5('23 00'), MALFORMED],
    ['PUBLISH with an id and no value', publish5('01'), MALFORMED],
    ['PUBLISH with a property of CONNECT', publish5('21 00 01'), MALFORMED],
    ['PUBLISH with a property of CONNECT twice', publish5('21 00 01', '21 00 01'), MALFORMED],
    ['PUBLISH with a property of the will', publish5('18 00 00 00 01'), MALFORMED],
    ['PUBLISH with a reason string', publish5('1f 00 00'), MALFORMED],
    ['PUBLISH with an unknown property', publish5('2b 00'), MALFORMED],
    ['PUBLISH with property 0', publish5('00'), MALFORMED],
    ['PUBLISH with an identifier of two bytes', publish5('81 00 01'), MALFORMED],
    ['PUBLISH with a user property without value', publish5('26 00 01 "k"'), MALFORMED],
    ...badStrings.map(
      ([what, field]): Row => [`PUBLISH whose content type has ${what}`, publish5('03', field), MALFORMED],
    ),
    ...badStrings.map(
      ([what, field]): Row => [
        `PUBLISH with a user property whose value has ${what}`,
        publish5('26 00 01 "k"', field),
        MALFORMED,
      ],
    ),
  ]),
]

const acks: MalformedFixture[] = ['40', '50', '62', '70'].flatMap((first) => [
  ...rows(4, [
    [`acknowledgement ${first} without packet id`, frame(first), MALFORMED],
    [`acknowledgement ${first} with half a packet id`, frame(first, '01'), MALFORMED],
    [`acknowledgement ${first} with packet id 0`, frame(first, '00 00'), PROTOCOL],
    [`acknowledgement ${first} with a reason code`, frame(first, '00 01', '00'), MALFORMED],
  ]),
  ...rows(5, [
    [`acknowledgement ${first} with packet id 0`, frame(first, '00 00'), PROTOCOL],
    [`acknowledgement ${first} with a reason code not its own`, frame(first, '00 01', '8e'), PROTOCOL],
    [`acknowledgement ${first} with cut properties`, frame(first, '00 01', '00', '05 1f'), MALFORMED],
    [
      `acknowledgement ${first} with a property of CONNECT`,
      frame(first, '00 01', '00', '03 21 00 01'),
      MALFORMED,
    ],
    [
      `acknowledgement ${first} with two reason strings`,
      frame(first, '00 01', '00', '06 1f 00 00 1f 00 00'),
      PROTOCOL,
    ],
    [
      `acknowledgement ${first} with bytes behind its properties`,
      frame(first, '00 01', '00', '00 00'),
      MALFORMED,
    ],
  ]),
])

const subscribe: MalformedFixture[] = [
  ...rows(4, [
    ['SUBSCRIBE without a body', frame('82'), MALFORMED],
    ['SUBSCRIBE with packet id 0', frame('82', '00 00', '00 01 "a"', '00'), PROTOCOL],
    ['SUBSCRIBE without a topic filter', frame('82', '00 01'), PROTOCOL],
    ['SUBSCRIBE whose topic filter is cut', frame('82', '00 01', '00 05 "abc"'), MALFORMED],
    ['SUBSCRIBE without options', frame('82', '00 01', '00 01 "a"'), MALFORMED],
    ['SUBSCRIBE with QoS 3', frame('82', '00 01', '00 01 "a"', '03'), MALFORMED],
    ['SUBSCRIBE with a reserved bit', frame('82', '00 01', '00 01 "a"', '04'), MALFORMED],
    ['SUBSCRIBE with half a second filter', frame('82', '00 01', '00 01 "a"', '00', '00'), MALFORMED],
    ...badStrings.map(
      ([what, field]): Row => [
        `SUBSCRIBE whose topic filter has ${what}`,
        frame('82', '00 01', field, '00'),
        MALFORMED,
      ],
    ),
    ['SUBACK without reason code', frame('90', '00 01'), PROTOCOL],
    ['SUBACK with return code 3', frame('90', '00 01', '03'), PROTOCOL],
    ['UNSUBSCRIBE with packet id 0', frame('a2', '00 00', '00 01 "a"'), PROTOCOL],
    ['UNSUBSCRIBE without a topic filter', frame('a2', '00 01'), PROTOCOL],
    ['UNSUBSCRIBE whose topic filter is cut', frame('a2', '00 01', '00 02 "a"'), MALFORMED],
    ['UNSUBSCRIBE with a byte behind', frame('a2', '00 01', '00 01 "a"', '00'), MALFORMED],
    ['UNSUBSCRIBE whose topic filter is not UTF-8', frame('a2', '00 01', '00 01 ff'), MALFORMED],
    ['UNSUBACK with a payload', frame('b0', '00 01', '00'), MALFORMED],
    ['UNSUBACK with packet id 0', frame('b0', '00 00'), PROTOCOL],
  ]),
  ...rows(5, [
    ['SUBSCRIBE without property length', frame('82', '00 01'), MALFORMED],
    ['SUBSCRIBE without a topic filter', frame('82', '00 01', '00'), PROTOCOL],
    [
      'SUBSCRIBE with subscription identifier 0',
      frame('82', '00 01', '02', '0b 00', '00 01 "a"', '00'),
      PROTOCOL,
    ],
    [
      'SUBSCRIBE with two subscription identifiers',
      frame('82', '00 01', '04', '0b 01 0b 02', '00 01 "a"', '00'),
      PROTOCOL,
    ],
    [
      'SUBSCRIBE with an identifier of five bytes',
      frame('82', '00 01', '06', '0b 80 80 80 80 01', '00 01 "a"', '00'),
      MALFORMED,
    ],
    [
      'SUBSCRIBE with identifier 1 in two bytes',
      frame('82', '00 01', '03', '0b 81 00', '00 01 "a"', '00'),
      MALFORMED,
    ],
    ['SUBSCRIBE with a reason string', frame('82', '00 01', '03', '1f 00 00', '00 01 "a"', '00'), MALFORMED],
    ['SUBSCRIBE with QoS 3', frame('82', '00 01', '00', '00 01 "a"', '03'), PROTOCOL],
    ['SUBSCRIBE with retain handling 3', frame('82', '00 01', '00', '00 01 "a"', '30'), PROTOCOL],
    ['SUBSCRIBE with reserved bit 6', frame('82', '00 01', '00', '00 01 "a"', '40'), MALFORMED],
    ['SUBSCRIBE with reserved bit 7', frame('82', '00 01', '00', '00 01 "a"', '80'), MALFORMED],
    ['SUBACK with an unknown reason code', frame('90', '00 01', '00', '03'), PROTOCOL],
    ['SUBACK without reason code', frame('90', '00 01', '00'), PROTOCOL],
    ['UNSUBSCRIBE without a topic filter', frame('a2', '00 01', '00'), PROTOCOL],
    [
      'UNSUBSCRIBE with a subscription identifier',
      frame('a2', '00 01', '02', '0b 01', '00 01 "a"'),
      MALFORMED,
    ],
    ['UNSUBACK without reason code', frame('b0', '00 01', '00'), PROTOCOL],
    ['UNSUBACK with a granted QoS', frame('b0', '00 01', '00', '01'), PROTOCOL],
  ]),
]

const others: MalformedFixture[] = [
  ...rows(4, [
    ['CONNACK without return code', frame('20', '00'), MALFORMED],
    ['CONNACK with reserved flags', frame('20', '02 00'), MALFORMED],
    ['CONNACK with return code 6', frame('20', '00 06'), PROTOCOL],
    ['CONNACK with properties before MQTT 5', frame('20', '00 00 00'), MALFORMED],
    ['DISCONNECT with a reason code before MQTT 5', frame('e0', '00'), MALFORMED],
  ]),
  ...rows(5, [
    ['CONNACK without property length', frame('20', '00 00'), MALFORMED],
    ['CONNACK with a reason code of SUBACK', frame('20', '00 01', '00'), PROTOCOL],
    ['CONNACK with maximum QoS 2', frame('20', '00 00', '02', '24 02'), PROTOCOL],
    ['CONNACK with retain available 2', frame('20', '00 00', '02', '25 02'), PROTOCOL],
    ['DISCONNECT with an unknown reason code', frame('e0', '01'), PROTOCOL],
    ['DISCONNECT with cut properties', frame('e0', '00', '05 11 00'), MALFORMED],
    ['DISCONNECT with a receive maximum', frame('e0', '00', '03 21 00 01'), MALFORMED],
    [
      'DISCONNECT with two session expiry intervals',
      frame('e0', '00', '0a', '11 00 00 00 00', '11 00 00 00 00'),
      PROTOCOL,
    ],
    ['DISCONNECT with bytes behind its properties', frame('e0', '00', '00', '00'), MALFORMED],
    ['AUTH with a reason code of CONNACK', frame('f0', '87', '04', '15 00 01 "m"'), PROTOCOL],
    ['AUTH without method', frame('f0', '18', '00'), PROTOCOL],
    ['AUTH with data alone', frame('f0', '18', '04', '16 00 01 00'), PROTOCOL],
    ['AUTH without property length', frame('f0', '18'), MALFORMED],
    ['AUTH with two methods', frame('f0', '18', '08', '15 00 01 "m" 15 00 01 "m"'), PROTOCOL],
    ['AUTH with bytes behind its properties', frame('f0', '18', '04', '15 00 01 "m"', '00'), MALFORMED],
  ]),
]

export const malformedFixtures: readonly MalformedFixture[] = [
  ...fixedHeader,
  ...connect,
  ...publish,
  ...acks,
  ...subscribe,
  ...others,
]
