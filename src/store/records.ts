// Values of the small rows: meta, session, subscription, will, reference count. Messages: message-records.ts.
// The first byte of each is its format version. Decoders get values without their checksums (seal.ts), undefined where
// it was wrong, and return undefined for what they cannot read.
import type { Qos } from '../packet/protocol.ts'
import type { Rights } from '../topic/rights.ts'
import type { SessionRecord, SubscriptionRecord, WillRecord } from './store.ts'
import { ValueReader } from './value-reader.ts'
import type { ValueWriter } from './value-writer.ts'

export const RECORD_FORMAT = 2

/** Value of a row whose key says it all. */
export const encodeNothing = (to: ValueWriter): ValueWriter => to.begin(RECORD_FORMAT)

export function encodeNumber(to: ValueWriter, value: number): ValueWriter {
  return to.begin(RECORD_FORMAT).u48(value)
}

export function decodeNumber(bytes: Buffer | undefined): number | undefined {
  const value = new ValueReader(bytes, RECORD_FORMAT)
  const number = value.u48()
  return value.isDamaged ? undefined : number
}

/** The client id is in the key. */
export function encodeSession(to: ValueWriter, record: SessionRecord): ValueWriter {
  to.begin(RECORD_FORMAT).u48(record.number).u32(record.expiryInterval)
  to.f64(record.expiresAt).f64(record.sentBefore).text(record.identity)
  return record.rights === undefined ? to : writeRights(to, record.rights)
}

export function decodeSession(clientId: string, bytes: Buffer | undefined): SessionRecord | undefined {
  const value = new ValueReader(bytes, RECORD_FORMAT)
  const number = value.u48()
  const expiryInterval = value.u32()
  const expiresAt = value.f64()
  const sentBefore = value.f64()
  const identity = value.text()
  const rights = value.left > 0 ? readRights(value) : undefined
  if (value.isDamaged) return undefined
  return { number, clientId, identity, rights, expiryInterval, expiresAt, sentBefore }
}

function writeRights(to: ValueWriter, rights: Rights): ValueWriter {
  for (const topicFilters of [rights.publish, rights.subscribe]) {
    to.varint(topicFilters.length)
    for (const topicFilter of topicFilters) to.text(topicFilter)
  }
  return to
}

const readRights = (value: ValueReader): Rights => ({
  publish: readTexts(value),
  subscribe: readTexts(value),
})

function readTexts(value: ValueReader): string[] {
  const texts: string[] = []
  for (let left = value.varint(); left > 0 && !value.isDamaged; left--) texts.push(value.text())
  return texts
}

const NO_LOCAL = 0x04
const RETAIN_AS_PUBLISHED = 0x08
const RETAIN_HANDLING_SHIFT = 4
const OWES_RETAINED = 0x40

/** Options as in SUBSCRIBE, then the identifier; the topic filter is in the key. */
export function encodeSubscription(to: ValueWriter, record: SubscriptionRecord): ValueWriter {
  const options =
    record.qos |
    (record.noLocal ? NO_LOCAL : 0) |
    (record.retainAsPublished ? RETAIN_AS_PUBLISHED : 0) |
    (record.retainHandling << RETAIN_HANDLING_SHIFT) |
    (record.owesRetained ? OWES_RETAINED : 0)
  return to.begin(RECORD_FORMAT).u8(options).varint(record.subscriptionIdentifier)
}

export function decodeSubscription(
  topicFilter: string,
  bytes: Buffer | undefined,
): SubscriptionRecord | undefined {
  const value = new ValueReader(bytes, RECORD_FORMAT)
  const options = value.u8()
  const subscriptionIdentifier = value.varint()
  const qos = options & 3
  const retainHandling = (options >>> RETAIN_HANDLING_SHIFT) & 3
  if (value.isDamaged || qos === 3 || retainHandling === 3) return undefined
  return {
    topicFilter,
    qos: qos as Qos,
    noLocal: (options & NO_LOCAL) !== 0,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
    owesRetained: (options & OWES_RETAINED) !== 0,
    subscriptionIdentifier,
  }
}

const WILL_RETAIN = 0x04
const WILL_EXPIRES = 0x08
const WILL_IDENTITY = 0x10
const WILL_RIGHTS = 0x20

/** The client id is in the key. */
export function encodeWill(to: ValueWriter, record: WillRecord): ValueWriter {
  const { messageExpiryInterval, payload, properties, identity = '', rights } = record
  let flags: number = record.qos
  if (record.retain) flags |= WILL_RETAIN
  if (messageExpiryInterval !== undefined) flags |= WILL_EXPIRES
  if (identity !== '') flags |= WILL_IDENTITY
  if (rights !== undefined) flags |= WILL_RIGHTS
  to.begin(RECORD_FORMAT).u8(flags)
  to.u32(record.delayInterval).f64(record.dueAt)
  if (messageExpiryInterval !== undefined) to.u32(messageExpiryInterval)
  if (identity !== '') to.text(identity)
  if (rights !== undefined) writeRights(to, rights)
  to.text(record.topicName).varint(properties.length).raw(properties, 0, properties.length)
  return to.raw(payload, 0, payload.length)
}

export function decodeWill(bytes: Buffer | undefined): WillRecord | undefined {
  const value = new ValueReader(bytes, RECORD_FORMAT)
  const flags = value.u8()
  const delayInterval = value.u32()
  const dueAt = value.f64()
  const messageExpiryInterval = (flags & WILL_EXPIRES) === 0 ? undefined : value.u32()
  const identity = (flags & WILL_IDENTITY) === 0 ? undefined : value.text()
  const rights = (flags & WILL_RIGHTS) === 0 ? undefined : readRights(value)
  const topicName = value.text()
  const properties = value.raw(value.varint())
  const payload = value.raw(Math.max(0, value.left))
  const qos = flags & 3
  if (value.isDamaged || qos === 3) return undefined
  const retain = (flags & WILL_RETAIN) !== 0
  return {
    topicName,
    payload,
    qos: qos as Qos,
    retain,
    properties,
    messageExpiryInterval,
    delayInterval,
    identity,
    rights,
    dueAt,
  }
}
