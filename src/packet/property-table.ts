// All 27 properties of MQTT 5 (section 2.2.2.2): which bytes they are, where they may stand, how often.
// Read by properties.ts, which decodes and encodes by it.
import { PacketType } from './protocol.ts'
import { ReasonCode } from './reason-codes.ts'

/** Whose properties: those of a packet, or of the will within a CONNECT. */
export const WILL = 0
export type PropertyKind = PacketType | typeof WILL

/** A name and a value; names may repeat, and their order is kept [v5 MQTT-3.1.3-10] [v5 MQTT-3.3.2-18]. */
export type UserProperty = readonly [name: string, value: string]

/** Properties of one packet, by the specification's names. Absent: not in the packet. */
export interface Properties {
  payloadFormatIndicator?: number
  /** Seconds. */
  messageExpiryInterval?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Buffer
  /** In the order of the packet; more than one only in a PUBLISH from a server. */
  subscriptionIdentifiers?: readonly number[]
  /** Seconds. */
  sessionExpiryInterval?: number
  assignedClientIdentifier?: string
  /** Seconds. */
  serverKeepAlive?: number
  authenticationMethod?: string
  authenticationData?: Buffer
  requestProblemInformation?: boolean
  /** Seconds. */
  willDelayInterval?: number
  requestResponseInformation?: boolean
  responseInformation?: string
  serverReference?: string
  reasonString?: string
  receiveMaximum?: number
  topicAliasMaximum?: number
  topicAlias?: number
  maximumQos?: number
  retainAvailable?: boolean
  userProperties?: readonly UserProperty[]
  /** Bytes. */
  maximumPacketSize?: number
  wildcardSubscriptionAvailable?: boolean
  subscriptionIdentifierAvailable?: boolean
  sharedSubscriptionAvailable?: boolean
}

/** How a value is written. Bit is a byte of 0 or 1 that stays a number, Flag one that is a boolean. */
export const PropertyType = {
  Bit: 'bit',
  Flag: 'flag',
  U16: 'u16',
  U32: 'u32',
  VariableByteInteger: 'variableByteInteger',
  Text: 'text',
  Binary: 'binary',
  TextPair: 'textPair',
} as const
export type PropertyType = (typeof PropertyType)[keyof typeof PropertyType]

export interface PropertyRow {
  readonly id: number
  readonly name: keyof Properties
  readonly type: PropertyType
  /** Bit 1 << kind for each kind of packet that may carry it. */
  readonly kinds: number
  /** Likewise, for each that may carry it more than once. */
  readonly repeatableIn: number
  /** Why the value 0 is refused; Success where it is allowed. */
  readonly zero: ReasonCode
}

export const bitOf = (kind: PropertyKind): number => 1 << kind
const inKinds = (...kinds: PropertyKind[]): number =>
  kinds.reduce<number>((mask, kind) => mask | bitOf(kind), 0)

const P = PacketType
const T = PropertyType
const MESSAGE = inKinds(P.Publish, WILL)
const CONNECT = inKinds(P.Connect)
const CONNACK = inKinds(P.Connack)
const BOTH_CONNECT = inKinds(P.Connect, P.Connack)
const EXCHANGE = inKinds(P.Connect, P.Connack, P.Auth)
const ACKS = inKinds(P.Puback, P.Pubrec, P.Pubrel, P.Pubcomp, P.Suback, P.Unsuback)
const ANSWERS = ACKS | inKinds(P.Connack, P.Disconnect, P.Auth)
const ANYWHERE = ANSWERS | MESSAGE | inKinds(P.Connect, P.Subscribe, P.Unsubscribe)

const row = (
  id: number,
  name: keyof Properties,
  type: PropertyType,
  kinds: number,
  more: { repeatableIn?: number; zero?: ReasonCode } = {},
): PropertyRow => ({ id, name, type, kinds, repeatableIn: 0, zero: ReasonCode.Success, ...more })

const refusesZero = { zero: ReasonCode.ProtocolError }

export const PROPERTIES: readonly PropertyRow[] = [
  row(0x01, 'payloadFormatIndicator', T.Bit, MESSAGE),
  row(0x02, 'messageExpiryInterval', T.U32, MESSAGE),
  row(0x03, 'contentType', T.Text, MESSAGE),
  row(0x08, 'responseTopic', T.Text, MESSAGE),
  row(0x09, 'correlationData', T.Binary, MESSAGE),
  row(0x0b, 'subscriptionIdentifiers', T.VariableByteInteger, inKinds(P.Publish, P.Subscribe), {
    repeatableIn: inKinds(P.Publish),
    ...refusesZero,
  }),
  row(0x11, 'sessionExpiryInterval', T.U32, BOTH_CONNECT | inKinds(P.Disconnect)),
  row(0x12, 'assignedClientIdentifier', T.Text, CONNACK),
  row(0x13, 'serverKeepAlive', T.U16, CONNACK),
  row(0x15, 'authenticationMethod', T.Text, EXCHANGE),
  row(0x16, 'authenticationData', T.Binary, EXCHANGE),
  row(0x17, 'requestProblemInformation', T.Flag, CONNECT),
  row(0x18, 'willDelayInterval', T.U32, inKinds(WILL)),
  row(0x19, 'requestResponseInformation', T.Flag, CONNECT),
  row(0x1a, 'responseInformation', T.Text, CONNACK),
  row(0x1c, 'serverReference', T.Text, inKinds(P.Connack, P.Disconnect)),
  row(0x1f, 'reasonString', T.Text, ANSWERS),
  row(0x21, 'receiveMaximum', T.U16, BOTH_CONNECT, refusesZero),
  row(0x22, 'topicAliasMaximum', T.U16, BOTH_CONNECT),
  row(0x23, 'topicAlias', T.U16, inKinds(P.Publish), { zero: ReasonCode.TopicAliasInvalid }), // [v5 MQTT-3.3.2-8]
  row(0x24, 'maximumQos', T.Bit, CONNACK),
  row(0x25, 'retainAvailable', T.Flag, CONNACK),
  row(0x26, 'userProperties', T.TextPair, ANYWHERE, { repeatableIn: ANYWHERE }),
  row(0x27, 'maximumPacketSize', T.U32, BOTH_CONNECT, refusesZero),
  row(0x28, 'wildcardSubscriptionAvailable', T.Flag, CONNACK),
  row(0x29, 'subscriptionIdentifierAvailable', T.Flag, CONNACK),
  row(0x2a, 'sharedSubscriptionAvailable', T.Flag, CONNACK),
]
