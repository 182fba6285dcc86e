// Random packets of every type and version, as far as mqtt-packet can represent them: see
// mqtt-packet-differences.test.ts for what it cannot.
import fc from 'fast-check'
import { encodeProperties } from '../../src/packet/properties.ts'
import { type Properties, WILL } from '../../src/packet/property-table.ts'
import {
  PACKET_SIZE_MAX,
  PacketType,
  type ProtocolVersion,
  type Qos,
  SESSION_NEVER_EXPIRES,
} from '../../src/packet/protocol.ts'
import type { Packet } from './codec.ts'

type Arb = fc.Arbitrary<Packet>
type Kind = Packet['kind']

const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !value.includes('\0'))
const name = text.map((value) => `n${value}`)
const topic = text.map((value) => `t${value.replaceAll(/[+#]/g, '/')}`)
const u16 = fc.nat(0xffff)
const packetId = fc.integer({ min: 1, max: 0xffff })
const u32 = fc.nat(0xffff_ffff)
const bytes = fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value))
const qos = fc.constantFrom<Qos>(0, 1, 2)
const userProperties = fc.uniqueArray(fc.tuple(name, text), { maxLength: 4, selector: ([key]) => key })

const optional = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> =>
  fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>

/** Without what is empty: no block can say it. */
function compact<T extends Properties>(properties: T): T {
  const kept = { ...properties }
  if (kept.userProperties?.length === 0) delete kept.userProperties
  if (kept.authenticationMethod === undefined) delete kept.authenticationData
  return kept
}

const messageProperties = optional({
  payloadFormatIndicator: fc.constantFrom(0, 1),
  contentType: text,
  responseTopic: topic,
  correlationData: bytes,
  userProperties,
}).map(compact)
const noProperties = fc.constant<Properties>({})
const answerProperties = optional({ reasonString: text, userProperties }).map(compact)

const will = (version: ProtocolVersion) =>
  fc.record({
    topicName: topic,
    payload: bytes,
    qos,
    retain: fc.boolean(),
    properties: (version === 5 ? messageProperties : noProperties).map((value) =>
      encodeProperties(value, WILL),
    ),
    messageExpiryInterval: version === 5 ? fc.option(u32, { nil: undefined }) : fc.constant(undefined),
    delayInterval: version === 5 ? u32 : fc.constant(0),
  })

const connectProperties = {
  sessionExpiryInterval: u32,
  receiveMaximum: fc.integer({ min: 1, max: 0xffff }),
  maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
  topicAliasMaximum: u16,
  requestResponseInformation: fc.boolean(),
  requestProblemInformation: fc.boolean(),
  userProperties,
  authentication: fc.option(fc.tuple(name, bytes), { nil: undefined }),
}
const connectDefaults: typeof connectProperties = {
  sessionExpiryInterval: fc.constant(0),
  receiveMaximum: fc.constant(65_535),
  maximumPacketSize: fc.constant(PACKET_SIZE_MAX),
  topicAliasMaximum: fc.constant(0),
  requestResponseInformation: fc.constant(false),
  requestProblemInformation: fc.constant(true),
  userProperties: fc.constant([]),
  authentication: fc.constant(undefined),
}

const connect = (version: ProtocolVersion): Arb =>
  fc
    .record({
      isBridge: version === 5 ? fc.constant(false) : fc.boolean(),
      clientId: name,
      cleanStart: fc.boolean(),
      keepAlive: u16,
      credentials: fc.option(fc.tuple(text, fc.option(bytes, { nil: undefined })), { nil: undefined }),
      will: fc.option(will(version), { nil: undefined }),
      ...(version === 5 ? connectProperties : connectDefaults),
    })
    .map(({ credentials, authentication, ...rest }) => ({
      kind: 'connect',
      version,
      ...rest,
      sessionExpiryInterval:
        version < 5 && !rest.cleanStart ? SESSION_NEVER_EXPIRES : rest.sessionExpiryInterval,
      userName: credentials?.[0],
      password: credentials?.[1],
      authenticationMethod: authentication?.[0],
      authenticationData: authentication?.[1],
    }))

const connackProperties = optional({
  sessionExpiryInterval: u32,
  receiveMaximum: fc.integer({ min: 1, max: 0xffff }),
  maximumQos: fc.constantFrom(0, 1),
  retainAvailable: fc.boolean(),
  maximumPacketSize: fc.integer({ min: 1, max: 0xffff_ffff }),
  assignedClientIdentifier: text,
  topicAliasMaximum: u16,
  reasonString: text,
  userProperties,
  wildcardSubscriptionAvailable: fc.boolean(),
  subscriptionIdentifierAvailable: fc.boolean(),
  sharedSubscriptionAvailable: fc.boolean(),
  serverKeepAlive: u16,
  responseInformation: text,
  serverReference: text,
  authenticationMethod: text,
  authenticationData: bytes,
}).map(compact)

const connack = (version: ProtocolVersion): Arb =>
  fc
    .record({
      sessionPresent: version === 3 ? fc.constant(false) : fc.boolean(),
      refusal: fc.constantFrom(0x80, 0x87, 0x9f),
      isRefused: version === 5 ? fc.boolean() : fc.constant(false),
      properties: version === 5 ? connackProperties : noProperties,
    })
    .map(({ sessionPresent, refusal, isRefused, properties }) => ({
      kind: 'connack',
      sessionPresent: sessionPresent && !isRefused,
      reasonCode: isRefused ? refusal : 0,
      properties,
    }))

const publish = (version: ProtocolVersion): Arb =>
  fc
    .record({
      topicName: topic,
      payload: fc.oneof(
        bytes,
        fc.nat(20_000).map((length) => Buffer.alloc(length, 0x61)),
      ),
      qos,
      retain: fc.boolean(),
      dup: fc.boolean(),
      packetId,
      topicAlias: version === 5 ? u16 : fc.constant(0),
      messageExpiryInterval: version === 5 ? fc.oneof(fc.constant(-1), u32) : fc.constant(-1),
      properties: version === 5 ? messageProperties : noProperties,
    })
    .map((fields) => ({
      kind: 'publish',
      ...fields,
      dup: fields.dup && fields.qos > 0,
      packetId: fields.qos > 0 ? fields.packetId : 0,
    }))

const ack = (version: ProtocolVersion): Arb =>
  fc
    .record({
      type: fc.constantFrom(PacketType.Puback, PacketType.Pubrec, PacketType.Pubrel, PacketType.Pubcomp),
      packetId,
      ofReceipt: fc.constantFrom(0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99),
      ofRelease: fc.constantFrom(0, 0x92),
    })
    .map(({ type, packetId, ofReceipt, ofRelease }) => {
      const isReceipt = type === PacketType.Puback || type === PacketType.Pubrec
      return { kind: 'ack', type, packetId, reasonCode: version < 5 ? 0 : isReceipt ? ofReceipt : ofRelease }
    })

const flag = (version: ProtocolVersion) => (version === 5 ? fc.boolean() : fc.constant(false))

const subscribe = (version: ProtocolVersion): Arb =>
  fc.record({
    kind: fc.constant('subscribe' as const),
    packetId,
    subscriptionIdentifier: version === 5 ? fc.nat(268_435_455) : fc.constant(0),
    userProperties: version === 5 ? userProperties : fc.constant([]),
    filters: fc.array(
      fc.record({
        topicFilter: name,
        qos,
        noLocal: flag(version),
        retainAsPublished: flag(version),
        retainHandling: version === 5 ? fc.constantFrom<0 | 1 | 2>(0, 1, 2) : fc.constant<0>(0),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  })

const unsubscribe = (version: ProtocolVersion): Arb =>
  fc.record({
    kind: fc.constant('unsubscribe' as const),
    packetId,
    userProperties: version === 5 ? userProperties : fc.constant([]),
    topicFilters: fc.array(name, { minLength: 1, maxLength: 8 }),
  })

const someOf = (...codes: number[]) => fc.array(fc.constantFrom(...codes), { minLength: 1, maxLength: 8 })

const suback = (version: ProtocolVersion): Arb =>
  fc.record({
    kind: fc.constant('suback' as const),
    packetId,
    reasonCodes:
      version === 5
        ? someOf(0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2)
        : someOf(0, 1, 2, 0x80),
    properties: version === 5 ? answerProperties : noProperties,
  })

const unsuback = (version: ProtocolVersion): Arb =>
  fc.record({
    kind: fc.constant('unsuback' as const),
    packetId,
    reasonCodes: version === 5 ? someOf(0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91) : fc.constant([]),
    properties: version === 5 ? answerProperties : noProperties,
  })

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

const disconnect = (version: ProtocolVersion): Arb =>
  fc.record({
    kind: fc.constant('disconnect' as const),
    reasonCode: version === 5 ? fc.constantFrom(0, 0x04, 0x81, 0x8b, 0x8e, 0x9c, 0xa2) : fc.constant(0),
    sessionExpiryInterval: version === 5 ? maybe(u32) : fc.constant(undefined),
    reasonString: version === 5 ? maybe(text) : fc.constant(undefined),
    serverReference: version === 5 ? maybe(text) : fc.constant(undefined),
    userProperties: version === 5 ? userProperties : fc.constant([]),
  })

const auth: Arb = fc.record({
  kind: fc.constant('auth' as const),
  reasonCode: fc.constantFrom(0, 0x18, 0x19),
  authenticationMethod: text,
  authenticationData: maybe(bytes),
  reasonString: maybe(text),
  userProperties,
})

/** One arbitrary for each kind of packet that this version has. */
export function packets(version: ProtocolVersion): [Kind, Arb][] {
  return [
    ['connect', connect(version)],
    ['connack', connack(version)],
    ['publish', publish(version)],
    ['ack', ack(version)],
    ['subscribe', subscribe(version)],
    ['suback', suback(version)],
    ['unsubscribe', unsubscribe(version)],
    ['unsuback', unsuback(version)],
    ['pingreq', fc.constant({ kind: 'pingreq' })],
    ['pingresp', fc.constant({ kind: 'pingresp' })],
    ['disconnect', disconnect(version)],
    ...(version === 5 ? ([['auth', auth]] as [Kind, Arb][]) : []),
  ]
}
