// The values of aedes-persistence-level, packets as mqtt-packet has them, in the terms of our store.
// Called by session-reader.ts and database.ts; what cannot be taken over is counted with its reason.
import { type Message, NEVER } from '../packet/message.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import { encodeProperties } from '../packet/properties.ts'
import type { Properties, UserProperty } from '../packet/property-table.ts'
import { PacketType, type Qos } from '../packet/protocol.ts'
import { createMessage, type MessageParts } from '../packet/publish.ts'
import { scanPublishProperties } from '../packet/publish-properties.ts'
import type { SubscriptionRecord, WillRecord } from '../store/store.ts'
import { topicFilterProblem } from '../topic/topic-filter.ts'
import { topicNameProblem } from '../topic/topic-name.ts'
import type { LeftOut } from './left-out.ts'
import { decodeMsgpack, type MsgpackValue } from './msgpack.ts'

/** Of limits.topicLevelsMax: the broker's own limit is for what clients send. */
const LEVELS_MAX = 65_536
/** Of a string in a packet. */
const TEXT_BYTES_MAX = 65_535
/**
 * Aedes publishes the wills of a broker that is gone four heartbeats of 60 seconds after its start, to give their
 * clients time to return: so do we.
 */
export const WILL_DELAY_SECONDS = 240

export type Row = ReadonlyMap<string, MsgpackValue>

/** `what` in the plural. */
export function decodeRow(bytes: Buffer, what: string, leftOut: LeftOut): Row | undefined {
  const value = decodeMsgpack(bytes)
  if (value instanceof Map) return value
  return leftOut.count(`${what} that cannot be read`)
}

export function subscriptionOf(row: Row, leftOut: LeftOut): SubscriptionRecord | undefined {
  const topicFilter = row.get('topic')
  const qos = row.get('qos')
  if (typeof topicFilter !== 'string' || topicFilterProblem(topicFilter, LEVELS_MAX) !== undefined) {
    return leftOut.count('subscriptions whose topic filter is not valid')
  }
  if (!isQos(qos)) return leftOut.count('subscriptions that were refused')
  const retainHandling = row.get('rh')
  const identifier = row.get('subscriptionIdentifier')
  return {
    topicFilter,
    qos,
    noLocal: row.get('nl') === true,
    retainAsPublished: row.get('rap') === true,
    retainHandling: retainHandling === 1 || retainHandling === 2 ? retainHandling : 0,
    owesRetained: false,
    subscriptionIdentifier: typeof identifier === 'number' ? identifier : 0,
  }
}

export function messageOf(row: Row, what: string, leftOut: LeftOut): Message | undefined {
  const parts = messagePartsOf(row, what, leftOut)
  return parts && createMessage(parts)
}

/** As of a client that was connected when Aedes ended: it is due a while after the first start. */
export function willOf(row: Row, leftOut: LeftOut): WillRecord | undefined {
  const parts = messagePartsOf(row, 'wills', leftOut)
  if (parts === undefined) return undefined
  const { expiresAt: _, ...message } = parts
  return {
    ...message,
    messageExpiryInterval: numberIn(row.get('properties'), 'messageExpiryInterval'),
    delayInterval: numberIn(row.get('properties'), 'willDelayInterval') ?? WILL_DELAY_SECONDS,
    dueAt: Number.POSITIVE_INFINITY,
  }
}

function messagePartsOf(row: Row, what: string, leftOut: LeftOut): MessageParts | undefined {
  const topicName = row.get('topic')
  if (typeof topicName !== 'string' || topicNameProblem(topicName, LEVELS_MAX) !== undefined) {
    return leftOut.count(`${what} whose topic name is not valid`)
  }
  const payload = payloadOf(row.get('payload'))
  const qos = row.get('qos')
  if (payload === undefined || !isQos(qos)) return leftOut.count(`${what} that are no MQTT messages`)
  const expiry = row.get('messageExpiry')
  return {
    topicName,
    payload,
    qos,
    retain: row.get('retain') === true,
    expiresAt: typeof expiry === 'number' ? expiry : NEVER,
    properties: propertyBlockOf(row.get('properties'), what, leftOut),
  }
}

const isQos = (value: MsgpackValue | undefined): value is Qos => value === 0 || value === 1 || value === 2

/** What is published inside the process of Aedes may be text. */
function payloadOf(value: MsgpackValue | undefined): Buffer | undefined {
  if (typeof value === 'string') return Buffer.from(value)
  return Buffer.isBuffer(value) ? value : undefined
}

function numberIn(properties: MsgpackValue | undefined, name: string): number | undefined {
  const value = properties instanceof Map ? properties.get(name) : undefined
  return typeof value === 'number' ? value : undefined
}

/** Aedes 1 has none; later versions write them where their persistence lets them. */
function propertyBlockOf(stored: MsgpackValue | undefined, what: string, leftOut: LeftOut): Buffer {
  const none = Buffer.alloc(0)
  if (!(stored instanceof Map)) return none
  const properties: Properties = {}
  const contentType = stored.get('contentType')
  const responseTopic = stored.get('responseTopic')
  const correlationData = stored.get('correlationData')
  const userProperties = userPropertiesOf(stored.get('userProperties'))
  if (stored.get('payloadFormatIndicator') === true) properties.payloadFormatIndicator = 1
  if (isText(contentType)) properties.contentType = contentType
  if (isText(responseTopic)) properties.responseTopic = responseTopic
  if (Buffer.isBuffer(correlationData)) properties.correlationData = correlationData
  if (userProperties.length > 0) properties.userProperties = userProperties
  try {
    const block = encodeProperties(properties, PacketType.Publish)
    scanPublishProperties(block, 0, block.length)
    return block
  } catch (error) {
    if (!(error instanceof MqttError)) throw error
    leftOut.count(`properties that are not valid, of ${what}`)
    return none
  }
}

/** A name with more than one value has a list of them. */
function userPropertiesOf(stored: MsgpackValue | undefined): UserProperty[] {
  if (!(stored instanceof Map)) return []
  const pairs = [...stored].flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  )
  return pairs.filter((pair): pair is UserProperty => pair.every(isText))
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && Buffer.byteLength(value) <= TEXT_BYTES_MAX
