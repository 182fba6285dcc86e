// Bytes <-> packet, one row each. Used four ways by fixtures.test.ts: decode, encode, one byte at a time, and cut
// at every position. Here: the packets that open, keep and close a connection; fixtures-messages.ts has the rest.
import type { Connect } from '../../src/packet/connect.ts'
import { PACKET_SIZE_MAX, type ProtocolVersion, SESSION_NEVER_EXPIRES } from '../../src/packet/protocol.ts'
import type { Packet } from './codec.ts'
import { messageFixtures } from './fixtures-messages.ts'
import { hex } from './hex.ts'

export interface Fixture {
  readonly title: string
  readonly version: ProtocolVersion
  readonly bytes: Buffer
  readonly packet: Packet
  /** Why our encoder writes it in other bytes. */
  readonly decodeOnly?: string
}

/** What a CONNECT without any option says. */
const plain: Connect = {
  version: 4,
  isBridge: false,
  clientId: 'c',
  cleanStart: true,
  keepAlive: 60,
  sessionExpiryInterval: 0,
  receiveMaximum: 65_535,
  maximumPacketSize: PACKET_SIZE_MAX,
  topicAliasMaximum: 0,
  requestResponseInformation: false,
  requestProblemInformation: true,
  userProperties: [],
  authenticationMethod: undefined,
  authenticationData: undefined,
  userName: undefined,
  password: undefined,
  will: undefined,
}
const noWillProperties = { properties: Buffer.alloc(0), messageExpiryInterval: undefined, delayInterval: 0 }
const noReason = {
  sessionExpiryInterval: undefined,
  reasonString: undefined,
  serverReference: undefined,
  userProperties: [],
}

const connectFixtures: Fixture[] = [
  {
    title: 'CONNECT of 3.1.1 with nothing but a client id',
    version: 4,
    bytes: hex(
      '10 0d', // CONNECT, remaining length 13
      '00 04 "MQTT" 04', // protocol name and level
      '02', // flags: clean session
      '00 3c', // keep alive 60 s
      '00 01 "c"', // client id
    ),
    packet: { kind: 'connect', ...plain },
  },
  {
    title: 'CONNECT of 3.1 that resumes a session',
    version: 3,
    bytes: hex(
      '10 0f', // CONNECT, remaining length 15
      '00 06 "MQIsdp" 03', // protocol name and level of 3.1
      '00', // flags: none
      '00 00', // keep alive: none
      '00 01 "c"', // client id
    ),
    packet: {
      kind: 'connect',
      ...plain,
      version: 3,
      cleanStart: false,
      sessionExpiryInterval: SESSION_NEVER_EXPIRES,
      keepAlive: 0,
    },
  },
  {
    title: 'CONNECT of 3.1 whose user name and password are flagged and missing',
    version: 3,
    bytes: hex(
      '10 0f', // CONNECT, remaining length 15
      '00 06 "MQIsdp" 03', // protocol name and level of 3.1
      'c2', // flags: user name, password, clean session
      '00 3c', // keep alive
      '00 01 "c"', // client id, and there the packet ends
    ),
    packet: { kind: 'connect', ...plain, version: 3 },
    decodeOnly: 'flags of fields that are missing are not written',
  },
  {
    title: 'CONNECT of a Mosquitto bridge',
    version: 4,
    bytes: hex('10 0d', '00 04 "MQTT" 84', '02', '00 3c', '00 01 "c"'),
    packet: { kind: 'connect', ...plain, isBridge: true },
  },
  {
    title: 'CONNECT of a Mosquitto bridge in 3.1',
    version: 3,
    bytes: hex('10 0f', '00 06 "MQIsdp" 83', '02', '00 3c', '00 01 "c"'),
    packet: { kind: 'connect', ...plain, version: 3, isBridge: true },
  },
  {
    title: 'CONNECT of 3.1.1 with will, user name and password',
    version: 4,
    bytes: hex(
      '10 22', // CONNECT, remaining length 34
      '00 04 "MQTT" 04', // protocol
      'f6', // flags: user name, password, will retain, will QoS 2, will, clean session
      '00 3c', // keep alive
      '00 01 "c"', // client id
      '00 03 "w/t"', // will topic
      '00 02 00 ff', // will payload: any bytes
      '00 04 "user"', // user name
      '00 04 de ad be ef', // password: any bytes
    ),
    packet: {
      kind: 'connect',
      ...plain,
      will: { topicName: 'w/t', payload: hex('00 ff'), qos: 2, retain: true, ...noWillProperties },
      userName: 'user',
      password: hex('de ad be ef'),
    },
  },
  {
    title: 'CONNECT of 3.1.1 with an empty client id, an empty will and an empty user name',
    version: 4,
    bytes: hex('10 13', '00 04 "MQTT" 04', '86', '00 3c', '00 00', '00 01 "w"', '00 00', '00 00'),
    packet: {
      kind: 'connect',
      ...plain,
      clientId: '',
      will: { topicName: 'w', payload: Buffer.alloc(0), qos: 0, retain: false, ...noWillProperties },
      userName: '',
    },
  },
  {
    title: 'CONNECT of 5.0 without properties',
    version: 5,
    bytes: hex(
      '10 0e', // CONNECT, remaining length 14
      '00 04 "MQTT" 05', // protocol
      '02', // flags: clean start
      '00 3c', // keep alive
      '00', // property length
      '00 01 "c"', // client id
    ),
    packet: { kind: 'connect', ...plain, version: 5 },
  },
  {
    title: 'CONNECT of 5.0 with every property',
    version: 5,
    bytes: hex(
      '10 45', // CONNECT, remaining length 69
      '00 04 "MQTT" 05', // protocol
      '00', // flags: none
      '00 0a', // keep alive
      '37', // property length 55
      '11 00 00 0e 10', // session expiry interval 3600 s
      '15 00 05 "SCRAM"', // authentication method
      '16 00 02 01 02', // authentication data
      '17 00', // request problem information: no
      '19 01', // request response information: yes
      '21 00 0a', // receive maximum 10
      '22 00 05', // topic alias maximum 5
      '26 00 01 "k" 00 02 "v2"', // user property
      '26 00 01 "a" 00 00', // user property with an empty value
      '26 00 01 "k" 00 02 "v1"', // user property of the same name again
      '27 00 01 00 00', // maximum packet size 65536
      '00 01 "c"', // client id
    ),
    packet: {
      kind: 'connect',
      ...plain,
      version: 5,
      cleanStart: false,
      keepAlive: 10,
      sessionExpiryInterval: 3600,
      authenticationMethod: 'SCRAM',
      authenticationData: hex('01 02'),
      requestProblemInformation: false,
      requestResponseInformation: true,
      receiveMaximum: 10,
      topicAliasMaximum: 5,
      userProperties: [
        ['k', 'v2'],
        ['a', ''],
        ['k', 'v1'],
      ],
      maximumPacketSize: 65_536,
    },
  },
  {
    title: 'CONNECT of 5.0 with a will that has every property',
    version: 5,
    bytes: hex(
      '10 3e', // CONNECT, remaining length 62
      '00 04 "MQTT" 05', // protocol
      '0e', // flags: will QoS 1, will, clean start
      '00 3c', // keep alive
      '00', // property length
      '00 01 "c"', // client id
      '29', // will property length 41
      '02 00 00 00 3c', // message expiry interval 60 s
      '18 00 00 00 05', // will delay interval 5 s
      '01 01', // payload format indicator: UTF-8
      '03 00 04 "text"', // content type
      '08 00 03 "r/t"', // response topic
      '09 00 02 ca fe', // correlation data
      '26 00 04 "name" 00 02 "va"', // user property
      '00 01 "w"', // will topic
      '00 01 "x"', // will payload
    ),
    packet: {
      kind: 'connect',
      ...plain,
      version: 5,
      will: {
        topicName: 'w',
        payload: hex('"x"'),
        qos: 1,
        retain: false,
        properties: hex(
          '01 01',
          '03 00 04 "text"',
          '08 00 03 "r/t"',
          '09 00 02 ca fe',
          '26 00 04 "name" 00 02 "va"',
        ),
        messageExpiryInterval: 60,
        delayInterval: 5,
      },
    },
  },
  {
    title: 'CONNECT of 5.0 with a password and no user name',
    version: 5,
    bytes: hex('10 13', '00 04 "MQTT" 05', '42', '00 3c', '00', '00 01 "c"', '00 03 "key"'),
    packet: { kind: 'connect', ...plain, version: 5, password: hex('"key"') },
  },
  {
    title: 'CONNECT of 5.0 whose properties say the defaults',
    version: 5,
    bytes: hex(
      '10 1d', // CONNECT, remaining length 29
      '00 04 "MQTT" 05',
      '02',
      '00 3c',
      '0f', // property length 15
      '11 00 00 00 00', // session expiry interval 0
      '21 ff ff', // receive maximum 65535
      '22 00 00', // topic alias maximum 0
      '17 01', // request problem information
      '19 00', // request response information
      '00 01 "c"',
    ),
    packet: { kind: 'connect', ...plain, version: 5 },
    decodeOnly: 'defaults are not written',
  },
  {
    title: 'CONNECT whose client id has characters of two, three and four bytes and a byte order mark',
    version: 4,
    bytes: hex(
      '10 18',
      '00 04 "MQTT" 04',
      '02',
      '00 3c',
      '00 0c',
      'ef bb bf',
      'c3 a9',
      'e2 82 ac',
      'f0 9f 90 a6',
    ),
    packet: { kind: 'connect', ...plain, clientId: '\ufeffé€🐦' },
  },
]

const connackFixtures: Fixture[] = [
  {
    title: 'CONNACK of 3.1',
    version: 3,
    bytes: hex('20 02', '00', '00'), // reserved byte, accepted
    packet: { kind: 'connack', sessionPresent: false, reasonCode: 0, properties: {} },
  },
  {
    title: 'CONNACK of 3.1.1 with a session',
    version: 4,
    bytes: hex('20 02', '01', '00'), // session present, accepted
    packet: { kind: 'connack', sessionPresent: true, reasonCode: 0, properties: {} },
  },
  {
    title: 'CONNACK of 3.1.1 that refuses',
    version: 4,
    bytes: hex('20 02', '00', '05'), // not authorized
    packet: { kind: 'connack', sessionPresent: false, reasonCode: 5, properties: {} },
    decodeOnly: 'the encoder takes reason codes of MQTT 5',
  },
  {
    title: 'CONNACK of 5.0 without properties',
    version: 5,
    bytes: hex('20 03', '01', '00', '00'), // session present, success, property length
    packet: { kind: 'connack', sessionPresent: true, reasonCode: 0, properties: {} },
  },
  {
    title: 'CONNACK of 5.0 with every property',
    version: 5,
    bytes: hex(
      '20 51', // CONNACK, remaining length 81
      '00 00', // no session, success
      '4e', // property length 78
      '11 00 00 00 0a', // session expiry interval
      '12 00 04 "auto"', // assigned client identifier
      '13 00 1e', // server keep alive
      '15 00 01 "m"', // authentication method
      '16 00 01 00', // authentication data
      '1a 00 04 "resp"', // response information
      '1c 00 05 "other"', // server reference
      '1f 00 02 "ok"', // reason string
      '21 00 14', // receive maximum
      '22 00 08', // topic alias maximum
      '24 01', // maximum QoS
      '25 00', // retain available
      '26 00 01 "b" 00 01 "1"', // user property
      '26 00 01 "a" 00 01 "2"', // user property
      '27 00 10 00 00', // maximum packet size
      '28 01', // wildcard subscription available
      '29 00', // subscription identifier available
      '2a 01', // shared subscription available
    ),
    packet: {
      kind: 'connack',
      sessionPresent: false,
      reasonCode: 0,
      properties: {
        sessionExpiryInterval: 10,
        assignedClientIdentifier: 'auto',
        serverKeepAlive: 30,
        authenticationMethod: 'm',
        authenticationData: hex('00'),
        responseInformation: 'resp',
        serverReference: 'other',
        reasonString: 'ok',
        receiveMaximum: 20,
        topicAliasMaximum: 8,
        maximumQos: 1,
        retainAvailable: false,
        userProperties: [
          ['b', '1'],
          ['a', '2'],
        ],
        maximumPacketSize: 1_048_576,
        wildcardSubscriptionAvailable: true,
        subscriptionIdentifierAvailable: false,
        sharedSubscriptionAvailable: true,
      },
    },
  },
]

const endFixtures: Fixture[] = [
  { title: 'PINGREQ', version: 4, bytes: hex('c0 00'), packet: { kind: 'pingreq' } },
  { title: 'PINGRESP', version: 4, bytes: hex('d0 00'), packet: { kind: 'pingresp' } },
  {
    title: 'DISCONNECT of 3.1.1',
    version: 4,
    bytes: hex('e0 00'),
    packet: { kind: 'disconnect', reasonCode: 0, ...noReason },
  },
  {
    title: 'DISCONNECT of 5.0 in its shortest form',
    version: 5,
    bytes: hex('e0 00'),
    packet: { kind: 'disconnect', reasonCode: 0, ...noReason },
  },
  {
    title: 'DISCONNECT of 5.0 with a reason code alone',
    version: 5,
    bytes: hex('e0 01', '04'), // with will message
    packet: { kind: 'disconnect', reasonCode: 0x04, ...noReason },
  },
  {
    title: 'DISCONNECT of 5.0 with an empty property block',
    version: 5,
    bytes: hex('e0 02', '8b', '00'),
    packet: { kind: 'disconnect', reasonCode: 0x8b, ...noReason },
    decodeOnly: 'an empty block is not written',
  },
  {
    title: 'DISCONNECT of 5.0 with properties',
    version: 5,
    bytes: hex(
      'e0 1a', // DISCONNECT, remaining length 26
      '9d', // server moved
      '18', // property length 24
      '11 ff ff ff ff', // session expiry interval: never
      '1c 00 03 "b:1"', // server reference
      '1f 00 03 "why"', // reason string
      '26 00 01 "k" 00 01 "v"', // user property
    ),
    packet: {
      kind: 'disconnect',
      reasonCode: 0x9d,
      sessionExpiryInterval: SESSION_NEVER_EXPIRES,
      serverReference: 'b:1',
      reasonString: 'why',
      userProperties: [['k', 'v']],
    },
  },
  {
    title: 'AUTH in its shortest form',
    version: 5,
    bytes: hex('f0 00'),
    packet: {
      kind: 'auth',
      reasonCode: 0,
      authenticationMethod: undefined,
      authenticationData: undefined,
      reasonString: undefined,
      userProperties: [],
    },
  },
  {
    title: 'AUTH that continues',
    version: 5,
    bytes: hex(
      'f0 18', // AUTH, remaining length 24
      '18', // continue authentication
      '16', // property length 22
      '15 00 01 "m"', // authentication method
      '16 00 03 01 02 03', // authentication data
      '1f 00 03 "why"', // reason string
      '26 00 01 "k" 00 00', // user property
    ),
    packet: {
      kind: 'auth',
      reasonCode: 0x18,
      authenticationMethod: 'm',
      authenticationData: hex('01 02 03'),
      reasonString: 'why',
      userProperties: [['k', '']],
    },
  },
]

export const fixtures: readonly Fixture[] = [
  ...connectFixtures,
  ...connackFixtures,
  ...messageFixtures,
  ...endFixtures,
]
