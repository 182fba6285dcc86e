// Bytes <-> packet: publishing, acknowledging, subscribing. Part of the table in fixtures.ts.
import { PacketType } from '../../src/packet/protocol.ts'
import type { Publish } from './codec.ts'
import type { Fixture } from './fixtures.ts'
import { hex } from './hex.ts'

const plain: Publish = {
  topicName: 'a/b',
  payload: hex('"hi"'),
  qos: 0,
  retain: false,
  dup: false,
  packetId: 0,
  topicAlias: 0,
  messageExpiryInterval: -1,
  properties: {},
}

const publishFixtures: Fixture[] = [
  {
    title: 'PUBLISH of 3.1.1 with QoS 0',
    version: 4,
    bytes: hex(
      '30 07', // PUBLISH, remaining length 7
      '00 03 "a/b"', // topic name
      '"hi"', // payload
    ),
    packet: { kind: 'publish', ...plain },
  },
  {
    title: 'PUBLISH of 3.1 with QoS 1, DUP and RETAIN',
    version: 3,
    bytes: hex(
      '3b 09', // PUBLISH, flags: dup, QoS 1, retain
      '00 03 "a/b"', // topic name
      'ff ff', // packet id 65535
      '"hi"', // payload
    ),
    packet: { kind: 'publish', ...plain, qos: 1, retain: true, dup: true, packetId: 65_535 },
  },
  {
    title: 'PUBLISH with an empty payload',
    version: 4,
    bytes: hex('31 05', '00 03 "a/b"'),
    packet: { kind: 'publish', ...plain, retain: true, payload: Buffer.alloc(0) },
  },
  {
    title: 'PUBLISH whose remaining length takes two bytes',
    version: 4,
    bytes: hex('30 85 01', '00 03 "a/b"', `"${'x'.repeat(128)}"`),
    packet: { kind: 'publish', ...plain, payload: Buffer.from('x'.repeat(128)) },
  },
  {
    title: 'PUBLISH of 5.0 without properties',
    version: 5,
    bytes: hex(
      '34 0a', // PUBLISH, QoS 2
      '00 03 "a/b"', // topic name
      '00 07', // packet id
      '00', // property length
      '"hi"', // payload
    ),
    packet: { kind: 'publish', ...plain, qos: 2, packetId: 7 },
  },
  {
    title: 'PUBLISH of 5.0 with every property a client may send',
    version: 5,
    bytes: hex(
      '32 3c', // PUBLISH, QoS 1, remaining length 60
      '00 03 "a/b"', // topic name
      '01 00', // packet id 256
      '32', // property length 50
      '02 00 00 00 1e', // message expiry interval 30 s
      '23 00 03', // topic alias 3
      '01 01', // payload format indicator
      '03 00 0a "text/plain"', // content type
      '08 00 03 "r/t"', // response topic
      '09 00 02 ca fe', // correlation data
      '26 00 01 "z" 00 01 "1"', // user property
      '26 00 01 "a" 00 03', // user property, its value of three bytes:
      'e2 82 ac', // the euro sign
      '"hi"', // payload
    ),
    packet: {
      kind: 'publish',
      ...plain,
      qos: 1,
      packetId: 256,
      topicAlias: 3,
      messageExpiryInterval: 30,
      properties: {
        payloadFormatIndicator: 1,
        contentType: 'text/plain',
        responseTopic: 'r/t',
        correlationData: hex('ca fe'),
        userProperties: [
          ['z', '1'],
          ['a', '€'],
        ],
      },
    },
  },
  {
    title: 'PUBLISH of 5.0 named by its alias alone',
    version: 5,
    bytes: hex('30 08', '00 00', '03', '23 00 01', '"hi"'),
    packet: { kind: 'publish', ...plain, topicName: '', topicAlias: 1 },
  },
  {
    title: 'PUBLISH with a message expiry interval of 0',
    version: 5,
    bytes: hex('30 0d', '00 03 "a/b"', '05', '02 00 00 00 00', '"hi"'),
    packet: { kind: 'publish', ...plain, messageExpiryInterval: 0 },
  },
  {
    title: 'PUBLISH with the longest message expiry interval, behind other properties',
    version: 5,
    bytes: hex('30 0f', '00 03 "a/b"', '07', '01 00', '02 ff ff ff ff', '"hi"'),
    packet: {
      kind: 'publish',
      ...plain,
      messageExpiryInterval: 0xffff_ffff,
      properties: { payloadFormatIndicator: 0 },
    },
    decodeOnly: 'what we add is written first',
  },
]

const ackTypes = [
  ['PUBACK', PacketType.Puback, '40', '10'],
  ['PUBREC', PacketType.Pubrec, '50', '97'],
  ['PUBREL', PacketType.Pubrel, '62', '92'],
  ['PUBCOMP', PacketType.Pubcomp, '70', '92'],
] as const

const ackFixtures: Fixture[] = ackTypes.flatMap(([name, type, firstByte, reason]): Fixture[] => [
  {
    title: `${name} of 3.1.1`,
    version: 4,
    bytes: hex(firstByte, '02', '00 01'), // packet id 1
    packet: { kind: 'ack', type, packetId: 1, reasonCode: 0 },
  },
  {
    title: `${name} of 5.0 without reason code`,
    version: 5,
    bytes: hex(firstByte, '02', 'ff ff'), // packet id 65535
    packet: { kind: 'ack', type, packetId: 65_535, reasonCode: 0 },
  },
  {
    title: `${name} of 5.0 with reason code`,
    version: 5,
    bytes: hex(firstByte, '03', '12 34', reason),
    packet: { kind: 'ack', type, packetId: 0x1234, reasonCode: Number.parseInt(reason, 16) },
  },
  {
    title: `${name} of 5.0 with reason code and properties`,
    version: 5,
    bytes: hex(
      firstByte,
      '11', // remaining length 17
      '00 02', // packet id
      '00', // success
      '0d', // property length 13
      '1f 00 03 "why"', // reason string
      '26 00 01 "k" 00 01 "v"', // user property
    ),
    packet: { kind: 'ack', type, packetId: 2, reasonCode: 0 },
    decodeOnly: 'the broker sends no properties in acknowledgements',
  },
])

const subscribeFixtures: Fixture[] = [
  {
    title: 'SUBSCRIBE of 3.1.1 with two topic filters',
    version: 4,
    bytes: hex(
      '82 0e', // SUBSCRIBE, remaining length 14
      '00 0a', // packet id
      '00 03 "a/b"', // topic filter
      '01', // QoS 1
      '00 03 "c/#"', // topic filter
      '02', // QoS 2
    ),
    packet: {
      kind: 'subscribe',
      packetId: 10,
      subscriptionIdentifier: 0,
      userProperties: [],
      filters: [
        { topicFilter: 'a/b', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
        { topicFilter: 'c/#', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      ],
    },
  },
  {
    title: 'SUBSCRIBE of 5.0 with identifier, user property and all options',
    version: 5,
    bytes: hex(
      '82 19', // SUBSCRIBE, remaining length 25
      'ff ff', // packet id
      '0c', // property length 12
      '0b ff ff ff 7f', // subscription identifier 268435455
      '26 00 01 "k" 00 01 "v"', // user property
      '00 01 "+"', // topic filter
      '2e', // QoS 2, no local, retain as published, retain handling 2
      '00 03 "a/b"', // topic filter
      '10', // QoS 0, retain handling 1
    ),
    packet: {
      kind: 'subscribe',
      packetId: 65_535,
      subscriptionIdentifier: 268_435_455,
      userProperties: [['k', 'v']],
      filters: [
        { topicFilter: '+', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        { topicFilter: 'a/b', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 1 },
      ],
    },
  },
  {
    title: 'SUBACK of 3.1.1',
    version: 4,
    bytes: hex('90 04', '00 0a', '01', '80'), // packet id, QoS 1, failure
    packet: { kind: 'suback', packetId: 10, reasonCodes: [1, 0x80], properties: {} },
  },
  {
    title: 'SUBACK of 5.0',
    version: 5,
    bytes: hex(
      '90 0b', // SUBACK, remaining length 11
      '00 0a', // packet id
      '05', // property length
      '1f 00 02 "no"', // reason string
      '02 87 9e', // QoS 2, not authorized, shared subscriptions not supported
    ),
    packet: {
      kind: 'suback',
      packetId: 10,
      reasonCodes: [2, 0x87, 0x9e],
      properties: { reasonString: 'no' },
    },
  },
  {
    title: 'UNSUBSCRIBE of 3.1.1',
    version: 4,
    bytes: hex('a2 0a', '00 0b', '00 03 "a/b"', '00 01 "#"'), // packet id, two topic filters
    packet: { kind: 'unsubscribe', packetId: 11, userProperties: [], topicFilters: ['a/b', '#'] },
  },
  {
    title: 'UNSUBSCRIBE of 5.0 with a user property',
    version: 5,
    bytes: hex('a2 0d', '00 0b', '07', '26 00 01 "k" 00 01 "v"', '00 01 "a"'),
    packet: { kind: 'unsubscribe', packetId: 11, userProperties: [['k', 'v']], topicFilters: ['a'] },
  },
  {
    title: 'UNSUBACK of 3.1.1',
    version: 4,
    bytes: hex('b0 02', '00 0b'),
    packet: { kind: 'unsuback', packetId: 11, reasonCodes: [], properties: {} },
  },
  {
    title: 'UNSUBACK of 5.0',
    version: 5,
    bytes: hex('b0 05', '00 0b', '00', '00 11'), // packet id, property length, success, no subscription existed
    packet: { kind: 'unsuback', packetId: 11, reasonCodes: [0, 0x11], properties: {} },
  },
]

export const messageFixtures: readonly Fixture[] = [...publishFixtures, ...ackFixtures, ...subscribeFixtures]
