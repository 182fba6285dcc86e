// Rows as Aedes and its later versions write them, in our terms; and what is left out, with its reason.
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { LeftOut } from '../../src/aedes/left-out.ts'
import { decodeRow, messageOf, subscriptionOf, WILL_DELAY_SECONDS, willOf } from '../../src/aedes/values.ts'
import { NEVER } from '../../src/packet/message.ts'
import { encodeProperties } from '../../src/packet/properties.ts'
import { PacketType } from '../../src/packet/protocol.ts'

const fromAedes = createRequire(createRequire(import.meta.url).resolve('aedes-persistence-level'))
const { encode } = fromAedes('msgpack-lite') as { encode(value: unknown): Buffer }

/** What `read` makes of the row, and why it is left out. */
function read<T>(row: object, read: (row: NonNullable<ReturnType<typeof decodeRow>>, leftOut: LeftOut) => T) {
  const leftOut = new LeftOut()
  const decoded = decodeRow(encode(row), 'rows', leftOut)
  return { value: decoded && read(decoded, leftOut), leftOut: [...leftOut.byReason] }
}

const packet = { cmd: 'publish', topic: 'a/b', payload: Buffer.from('x'), qos: 1, retain: false, dup: false }
const readMessage = (row: object) => read(row, (each, leftOut) => messageOf(each, 'messages', leftOut))
const readSubscription = (row: object) => read(row, subscriptionOf)

test('a subscription of Aedes 1 has the defaults of 5.0, one of a later version its own options', () => {
  const plain = { topicFilter: 'a/+', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }
  const ours = { ...plain, owesRetained: false, subscriptionIdentifier: 0 }
  expect(readSubscription({ topic: 'a/+', qos: 1, clientId: 'c' }).value).toEqual(ours)
  const later = { topic: 'a/+', qos: 1, clientId: 'c', nl: true, rap: true, rh: 2, subscriptionIdentifier: 7 }
  const options = { noLocal: true, retainAsPublished: true, retainHandling: 2, subscriptionIdentifier: 7 }
  expect(readSubscription(later).value).toEqual({ ...ours, ...options })
})

test.each([
  [{ topic: 'a#', qos: 1 }, 'subscriptions whose topic filter is not valid'],
  [{ topic: '', qos: 1 }, 'subscriptions whose topic filter is not valid'],
  [{ qos: 1 }, 'subscriptions whose topic filter is not valid'],
  [{ topic: 'a', qos: 128 }, 'subscriptions that were refused'],
])('%j is left out: %s', (row, reason) => {
  expect(readSubscription(row)).toEqual({ value: undefined, leftOut: [[reason, 1]] })
})

test('a message published inside the process of Aedes may have a payload of text', () => {
  const { value } = readMessage({ ...packet, payload: 'ünï', qos: 2, retain: true })
  expect(value).toMatchObject({ topicName: 'a/b', qos: 2, retain: true, expiresAt: NEVER })
  expect(value?.payload.toString()).toBe('ünï')
})

test('a message of a later version keeps its properties and its deadline', () => {
  const properties = {
    payloadFormatIndicator: true,
    contentType: 'text/plain',
    responseTopic: 'answers',
    correlationData: Buffer.from([1, 2]),
    userProperties: { a: ['1', '2'], b: '3' },
    topicAlias: 4,
  }
  const { value, leftOut } = readMessage({ ...packet, properties, messageExpiry: 1_800_000_000_000 })
  expect(leftOut).toEqual([])
  expect(value?.expiresAt).toBe(1_800_000_000_000)
  const { topicAlias: _, ...kept } = properties
  const userProperties = [
    ['a', '1'],
    ['a', '2'],
    ['b', '3'],
  ] as const
  const block = encodeProperties({ ...kept, payloadFormatIndicator: 1, userProperties }, PacketType.Publish)
  expect(value?.properties.toString('hex')).toBe(block.toString('hex'))
})

test('a message whose properties are not valid comes without them', () => {
  const { value, leftOut } = readMessage({ ...packet, properties: { responseTopic: 'a/#' } })
  expect(value?.properties.length).toBe(0)
  expect(leftOut).toEqual([['properties that are not valid, of messages', 1]])
})

test.each([
  [{ ...packet, topic: 'a/+' }, 'messages whose topic name is not valid'],
  [{ ...packet, topic: undefined }, 'messages whose topic name is not valid'],
  [{ ...packet, payload: 21.5 }, 'messages that are no MQTT messages'],
  [{ ...packet, qos: 3 }, 'messages that are no MQTT messages'],
])('message %# is left out: %s', (row, reason) => {
  expect(readMessage(row)).toEqual({ value: undefined, leftOut: [[reason, 1]] })
})

test('a will is that of a client that was connected', () => {
  const row = { topic: 'gone', payload: Buffer.from('x'), qos: 2, retain: true, brokerId: 'b', clientId: 'c' }
  expect(read(row, willOf).value).toEqual({
    topicName: 'gone',
    payload: Buffer.from('x'),
    qos: 2,
    retain: true,
    properties: Buffer.alloc(0),
    messageExpiryInterval: undefined,
    delayInterval: WILL_DELAY_SECONDS,
    dueAt: Number.POSITIVE_INFINITY,
  })
  const properties = { willDelayInterval: 5, messageExpiryInterval: 60 }
  const later = read({ ...row, properties }, willOf).value
  expect(later).toMatchObject({ delayInterval: 5, messageExpiryInterval: 60 })
})

test('a row that is no MessagePack is left out', () => {
  const leftOut = new LeftOut()
  expect(decodeRow(Buffer.from([0xc1]), 'wills', leftOut)).toBeUndefined()
  expect(decodeRow(encode('text'), 'wills', leftOut)).toBeUndefined()
  expect([...leftOut.byReason]).toEqual([['wills that cannot be read', 2]])
})
