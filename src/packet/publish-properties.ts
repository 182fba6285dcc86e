// The property block of a PUBLISH, checked where it lies: no object is made, because all but two of its
// properties are passed on as bytes. Called by publish.ts and, for the will, by connect.ts.
import { MqttError, malformed, protocolError } from './mqtt-error.ts'
import { ReasonCode } from './reason-codes.ts'
import { checkUtf8 } from './utf8.ts'

const Id = {
  PayloadFormatIndicator: 0x01,
  MessageExpiryInterval: 0x02,
  ContentType: 0x03,
  ResponseTopic: 0x08,
  CorrelationData: 0x09,
  SubscriptionIdentifier: 0x0b,
  WillDelayInterval: 0x18,
  TopicAlias: 0x23,
  UserProperty: 0x26,
} as const

const PLUS = 0x2b
const HASH = 0x23

export type Direction = 'fromClient' | 'fromServer'

/** What publish.ts must know of a block. */
export interface PublishScan {
  /** 0: none. */
  topicAlias: number
  /** Seconds; -1: none. */
  messageExpiryInterval: number
  /** Neither of the two above: the block may be sent on as it is. */
  passesThrough: boolean
  /** The payload is said to be UTF-8. */
  isText: boolean
}

const scan: PublishScan = { topicAlias: 0, messageExpiryInterval: -1, passesThrough: true, isText: false }

/**
 * Checks the block bytes[start, end) that follows a PUBLISH's property length. Throws MqttError.
 * The result is one object, filled anew by each call: read it at once.
 */
export function scanPublishProperties(
  bytes: Buffer,
  start: number,
  end: number,
  direction: Direction = 'fromClient',
): PublishScan {
  scan.topicAlias = 0
  scan.messageExpiryInterval = -1
  scan.isText = false
  let seen = 0
  for (let at = start; at < end; ) {
    const id = bytes[at++] as number
    at = scanProperty(bytes, at, end, id, direction)
    if (id === Id.UserProperty || id === Id.SubscriptionIdentifier) continue
    const bit = 1 << (id % 31) // one of its own for each id that is left
    if ((seen & bit) !== 0) protocolError('more than once', 'properties')
    seen |= bit
  }
  scan.passesThrough = scan.topicAlias === 0 && scan.messageExpiryInterval < 0
  return scan
}

/** Checks one value and returns the offset behind it. */
function scanProperty(bytes: Buffer, at: number, end: number, id: number, direction: Direction): number {
  switch (id) {
    case Id.PayloadFormatIndicator:
      if ((bytes[need(at, 1, end) - 1] as number) > 1)
        protocolError('neither 0 nor 1', 'payloadFormatIndicator')
      scan.isText = bytes[at] === 1
      return at + 1
    case Id.MessageExpiryInterval:
      scan.messageExpiryInterval = bytes.readUInt32BE(need(at, 4, end) - 4)
      return at + 4
    case Id.TopicAlias:
      scan.topicAlias = u16At(bytes, at, end)
      // [v5 MQTT-3.3.2-8]
      if (scan.topicAlias === 0) throw new MqttError(ReasonCode.TopicAliasInvalid, 'is 0', 'topicAlias')
      return at + 2
    case Id.ContentType:
      return scanText(bytes, at, end, 'contentType')
    case Id.ResponseTopic:
      return scanResponseTopic(bytes, at, end)
    case Id.CorrelationData:
      return fieldEnd(bytes, at, end)
    case Id.UserProperty:
      return scanText(bytes, scanText(bytes, at, end, 'userProperties'), end, 'userProperties')
    case Id.SubscriptionIdentifier:
      // [v5 MQTT-3.3.4-6]
      if (direction === 'fromClient') protocolError('sent by a client', 'subscriptionIdentifier')
      return scanSubscriptionIdentifier(bytes, at, end)
    default:
      return malformed(`not for this packet: ${id}`, 'property')
  }
}

/** The offset `count` bytes on, which must not be behind the end. */
function need(at: number, count: number, end: number): number {
  if (at + count > end) malformed('the block ends within a property', 'properties')
  return at + count
}

function u16At(bytes: Buffer, at: number, end: number): number {
  need(at, 2, end)
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

/** End of a field that begins with its two-byte length. */
function fieldEnd(bytes: Buffer, at: number, end: number): number {
  return need(at, 2 + u16At(bytes, at, end), end)
}

function scanText(bytes: Buffer, at: number, end: number, field: string): number {
  const textEnd = fieldEnd(bytes, at, end)
  checkUtf8(bytes, at + 2, textEnd, field)
  return textEnd
}

/** [v5 MQTT-3.3.2-14] [v5 MQTT-4.7.3-1] Wildcards are ASCII, so that bytes tell. */
function scanResponseTopic(bytes: Buffer, at: number, end: number): number {
  const textEnd = scanText(bytes, at, end, 'responseTopic')
  if (textEnd === at + 2) protocolError('is empty', 'responseTopic')
  for (let i = at + 2; i < textEnd; i++) {
    if (bytes[i] === PLUS || bytes[i] === HASH) protocolError('contains a wildcard', 'responseTopic')
  }
  return textEnd
}

function scanSubscriptionIdentifier(bytes: Buffer, at: number, end: number): number {
  const valueEnd = variableByteIntegerEnd(bytes, at, end)
  const lastByte = bytes[valueEnd - 1] as number
  if (lastByte === 0 && valueEnd > at + 1)
    malformed('more bytes than the value needs', 'subscriptionIdentifier')
  if (lastByte === 0) protocolError('is 0', 'subscriptionIdentifier')
  return valueEnd
}

function variableByteIntegerEnd(bytes: Buffer, at: number, end: number): number {
  for (let i = at; i < at + 4; i++) {
    need(i, 1, end)
    if ((bytes[i] as number) < 0x80) return i + 1
  }
  return malformed('more than four bytes', 'subscriptionIdentifier')
}

/**
 * A copy of the checked block bytes[start, end) without what is not passed on: Topic Alias, Message Expiry Interval
 * and, in a will, Will Delay Interval.
 */
export function passThroughBlock(bytes: Buffer, start: number, end: number): Buffer {
  const block = Buffer.allocUnsafe(end - start)
  let length = 0
  for (let at = start; at < end; ) {
    const next = propertyEnd(bytes, at, end)
    if (isPassedOn(bytes[at] as number)) length += bytes.copy(block, length, at, next)
    at = next
  }
  return block.subarray(0, length)
}

const isPassedOn = (id: number): boolean =>
  id !== Id.MessageExpiryInterval && id !== Id.TopicAlias && id !== Id.WillDelayInterval

/** The offset behind the whole property at `at`. */
function propertyEnd(bytes: Buffer, at: number, end: number): number {
  switch (bytes[at]) {
    case Id.PayloadFormatIndicator:
      return at + 2
    case Id.TopicAlias:
      return at + 3
    case Id.MessageExpiryInterval:
    case Id.WillDelayInterval:
      return at + 5
    case Id.SubscriptionIdentifier:
      return variableByteIntegerEnd(bytes, at + 1, end)
    case Id.UserProperty:
      return fieldEnd(bytes, fieldEnd(bytes, at + 1, end), end)
    default:
      return fieldEnd(bytes, at + 1, end)
  }
}
