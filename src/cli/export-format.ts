// The lines of an export, to and from the rows of a store. docs/export-format.md describes them for others.
// Written by export-command.ts, read by import-command.ts; the schema is what a line has to be.
import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { FieldReader } from '../packet/field-reader.ts'
import { FieldWriter } from '../packet/field-writer.ts'
import { type Message, NEVER, type Origin } from '../packet/message.ts'
import { decodeProperties, encodeProperties } from '../packet/properties.ts'
import type { Properties } from '../packet/property-table.ts'
import { PacketType, type Qos } from '../packet/protocol.ts'
import { createMessage } from '../packet/publish.ts'
import { Delivery, DeliveryState } from '../store/delivery.ts'
import type { StoreImporter } from '../store/importer.ts'
import type { StoredRow } from '../store/rows.ts'
import type { Rights } from '../topic/rights.ts'

export const EXPORT_VERSION = 1
export const firstLineSchema = z.strictObject({
  godwit: z.literal('export'),
  version: z.int(),
  exportedAt: z.string(),
})

const U48 = 2 ** 48 - 2
const number = z.int().min(1).max(U48)
const qos = z.int().min(0).max(2)
const seconds = z.int().min(0).max(0xffff_ffff)
/** Milliseconds since the epoch; null: never, or not yet. */
const time = z.number().nullable()
const text = z.string().refine((value) => Buffer.byteLength(value) <= 65_535, 'longer than 65,535 bytes')

const payload = { payload: z.string().optional(), payloadBase64: z.base64().optional() }
const properties = z
  .strictObject({
    payloadFormatIndicator: z.int().min(0).max(1),
    contentType: text,
    responseTopic: text,
    correlationData: z.base64(),
    userProperties: z.array(z.tuple([text, text])),
  })
  .partial()
  .optional()
const topicFilters = z.array(text.min(1))
const rights = z.strictObject({ publish: topicFilters, subscribe: topicFilters }).optional()
const publisher = z
  .strictObject({ clientId: text, userName: text.optional(), outsideRules: z.literal(true).optional() })
  .optional()
const message = z.strictObject({
  topic: text.min(1),
  qos,
  retain: z.boolean(),
  expiresAt: time,
  publisher,
  properties,
  ...payload,
})

const lineSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('session'),
    number,
    clientId: text,
    identity: z.string(),
    rights,
    expiryInterval: seconds,
    expiresAt: time,
    sentBefore: z.int().min(0).nullable(),
  }),
  z.strictObject({
    type: z.literal('subscription'),
    session: number,
    topicFilter: text.min(1),
    qos,
    noLocal: z.boolean(),
    retainAsPublished: z.boolean(),
    retainHandling: z.int().min(0).max(2),
    owesRetained: z.boolean(),
    subscriptionIdentifier: z.int().min(0).max(268_435_455),
  }),
  z.strictObject({ type: z.literal('received'), session: number, packetId: z.int().min(1).max(65_535) }),
  z.strictObject({ type: z.literal('body'), id: z.int().min(1), message }),
  z.strictObject({
    type: z.literal('queued'),
    session: number,
    sequence: z.int().min(0).max(U48),
    qos,
    retain: z.boolean(),
    subscriptionIdentifiers: z.array(z.int().min(1).max(268_435_455)).optional(),
    share: z.string().optional(),
    message: message.optional(),
    body: z.strictObject({ id: z.int().min(1), bytes: z.int().min(1) }).optional(),
    released: z.literal(true).optional(),
  }),
  z.strictObject({ type: z.literal('retained'), message, retainedAt: z.int().min(0).optional() }),
  z.strictObject({
    type: z.literal('will'),
    clientId: text,
    identity: z.string().optional(),
    rights,
    topic: text.min(1),
    qos,
    retain: z.boolean(),
    delayInterval: seconds,
    dueAt: time,
    messageExpiryInterval: seconds.optional(),
    properties,
    ...payload,
  }),
])
export type ExportLine = z.output<typeof lineSchema>
type MessageOfLine = z.output<typeof message>
type RightsOfLine = z.output<typeof rights>
interface PayloadOfLine {
  readonly payload?: string | undefined
  readonly payloadBase64?: string | undefined
}
type PropertiesOfLine = z.output<typeof properties>

/** Undefined: the row is the store's own business. */
export function lineOf(row: StoredRow): ExportLine | undefined {
  switch (row.kind) {
    case 'session': {
      const { number, clientId, identity, rights, expiryInterval, expiresAt, sentBefore } = row.record
      const times = { expiresAt: finite(expiresAt), sentBefore: finite(sentBefore) }
      return { type: 'session', number, clientId, identity, ...rightsLine(rights), expiryInterval, ...times }
    }
    case 'subscription':
      return { type: 'subscription', session: row.sessionNumber, ...row.record }
    case 'received':
      return { type: 'received', session: row.sessionNumber, packetId: row.packetId }
    case 'body':
      return { type: 'body', id: row.id, message: messageLine(row.message) }
    case 'queued':
      return queuedLine(row.sessionNumber, row.delivery, row.bodyLength)
    case 'retained':
      return {
        type: 'retained',
        message: messageLine(row.message),
        ...(row.message.retainedAt > 0 && { retainedAt: row.message.retainedAt * 1000 }),
      }
    case 'will': {
      const { topicName, payload, qos, retain, delayInterval, dueAt, messageExpiryInterval, properties } =
        row.record
      const { identity, rights } = row.record
      return {
        type: 'will',
        clientId: row.clientId,
        ...(identity !== undefined && { identity }),
        ...rightsLine(rights),
        topic: topicName,
        qos,
        retain,
        delayInterval,
        dueAt: finite(dueAt),
        ...(messageExpiryInterval !== undefined && { messageExpiryInterval }),
        ...propertiesLine(properties),
        ...payloadLine(payload),
      }
    }
    default:
      return undefined
  }
}

function queuedLine(session: number, delivery: Delivery, bodyLength: number): ExportLine {
  const { sequence, qos, retain, subscriptionIdentifiers, share, storedId, message, state } = delivery
  return {
    type: 'queued',
    session,
    sequence,
    qos,
    retain,
    ...(subscriptionIdentifiers && { subscriptionIdentifiers: [...subscriptionIdentifiers] }),
    ...(share !== '' && { share }),
    ...(state === DeliveryState.Released && { released: true as const }),
    ...(storedId !== 0 && { body: { id: storedId, bytes: bodyLength } }),
    ...(message && { message: messageLine(message) }),
  }
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

function rightsLine(rights: Rights | undefined): { rights?: NonNullable<RightsOfLine> } {
  if (rights === undefined) return {}
  return { rights: { publish: [...rights.publish], subscribe: [...rights.subscribe] } }
}

function messageLine(message: Message): MessageOfLine {
  const { topicName, qos, retain, expiresAt, origin, properties, payload } = message
  return {
    ...{ topic: topicName, qos, retain, expiresAt: finite(expiresAt) },
    ...(origin && { publisher: publisherLine(origin) }),
    ...propertiesLine(properties),
    ...payloadLine(payload),
  }
}

const publisherLine = ({ clientId, userName, isOutsideRules }: Origin) => ({
  clientId,
  ...(userName !== undefined && { userName }),
  ...(isOutsideRules && { outsideRules: true as const }),
})

const payloadLine = (bytes: Buffer): PayloadOfLine =>
  isUtf8(bytes) ? { payload: bytes.toString() } : { payloadBase64: bytes.toString('base64') }

/** Of a block without its length. */
function propertiesLine(block: Buffer): { properties?: NonNullable<PropertiesOfLine> } {
  if (block.length === 0) return {}
  const writer = new FieldWriter()
  writer.variableByteInteger(block.length)
  writer.raw(block)
  const bytes = writer.block()
  const { correlationData, userProperties, ...others } = decodeProperties(
    new FieldReader(bytes, 0, bytes.length),
    PacketType.Publish,
  )
  return {
    properties: {
      ...(others as NonNullable<PropertiesOfLine>),
      ...(correlationData && { correlationData: correlationData.toString('base64') }),
      ...(userProperties && { userProperties: userProperties.map(([name, value]) => [name, value]) }),
    },
  }
}

/** Throws ZodError, or what keeps the line from being a row. */
export const parseLine = (json: unknown): ExportLine => lineSchema.parse(json)

/** Puts it in; the session of a line must be known. */
export async function putLine(importer: StoreImporter, line: ExportLine): Promise<void> {
  switch (line.type) {
    case 'session': {
      const { type, expiresAt, sentBefore, ...record } = line
      const times = { expiresAt: expiresAt ?? NEVER, sentBefore: sentBefore ?? Number.POSITIVE_INFINITY }
      return importer.putSession({ ...record, ...times })
    }
    case 'subscription': {
      const { type, session, qos, retainHandling, ...record } = line
      const options = { qos: qos as Qos, retainHandling: retainHandling as 0 | 1 | 2 }
      return importer.putSubscription(session, { ...record, ...options })
    }
    case 'received':
      return importer.putReceived(line.session, line.packetId)
    case 'body':
      return importer.putBodyAs(line.id, messageOf(line.message))
    case 'queued':
      return putQueued(importer, line)
    case 'retained':
      return importer.putRetained(retainedOf(line))
    case 'will':
      return importer.putWill(line.clientId, {
        topicName: line.topic,
        payload: payloadOf(line),
        qos: line.qos as Qos,
        retain: line.retain,
        properties: blockOf(line.properties),
        messageExpiryInterval: line.messageExpiryInterval,
        delayInterval: line.delayInterval,
        identity: line.identity,
        rights: line.rights,
        dueAt: line.dueAt ?? Number.POSITIVE_INFINITY,
      })
  }
}

function putQueued(importer: StoreImporter, line: Extract<ExportLine, { type: 'queued' }>): Promise<void> {
  const { session, sequence, qos, retain, subscriptionIdentifiers, share, body, released } = line
  const content = line.message && messageOf(line.message)
  if ([content, body, released].filter((each) => each !== undefined).length !== 1) {
    throw new Error('it takes one of message, body and released')
  }
  const delivery = new Delivery(sequence, content, qos as Qos, retain, subscriptionIdentifiers, share)
  if (body === undefined) return importer.enqueue(session, delivery)
  return importer.enqueueReference(session, delivery, body.id, body.bytes)
}

function retainedOf({ message, retainedAt = 0 }: Extract<ExportLine, { type: 'retained' }>): Message {
  const retained = messageOf(message)
  retained.retainedAt = Math.floor(retainedAt / 1000)
  return retained
}

function messageOf(line: MessageOfLine): Message {
  const { publisher } = line
  const made = createMessage({
    topicName: line.topic,
    payload: payloadOf(line),
    qos: line.qos as Qos,
    retain: line.retain,
    expiresAt: line.expiresAt ?? NEVER,
    properties: blockOf(line.properties),
  })
  made.origin = publisher && {
    clientId: publisher.clientId,
    userName: publisher.userName,
    isOutsideRules: publisher.outsideRules === true,
  }
  return made
}

function payloadOf({ payload, payloadBase64 }: PayloadOfLine): Buffer {
  if ((payload === undefined) === (payloadBase64 === undefined)) throw new Error('it takes one payload')
  return payload !== undefined ? Buffer.from(payload) : Buffer.from(payloadBase64 ?? '', 'base64')
}

function blockOf(line: PropertiesOfLine): Buffer {
  if (line === undefined) return Buffer.alloc(0)
  const { correlationData, ...others } = line
  const properties = {
    ...others,
    ...(correlationData !== undefined && { correlationData: Buffer.from(correlationData, 'base64') }),
  }
  return encodeProperties(properties as Properties, PacketType.Publish)
}
