// Keys sort as they are read, values come back as they were, and no bytes on the disk make a decoder throw.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Delivery } from '../../src/store/delivery.ts'
import * as keys from '../../src/store/keys.ts'
import {
  decodeDelivery,
  decodeMessage,
  encodeDelivery,
  encodeMessage,
} from '../../src/store/message-records.ts'
import {
  decodeNumber,
  decodeSession,
  decodeSubscription,
  decodeWill,
  encodeSession,
  encodeWill,
} from '../../src/store/records.ts'
import { unseal } from '../../src/store/seal.ts'
import { ValueWriter } from '../../src/store/value-writer.ts'
import {
  deliveryOf,
  describeDelivery,
  describeMessage,
  messageOf,
  payloadsOf,
  sessionOf,
} from './payloads.ts'
import { withDatabase } from './rows.ts'
import { openLevelStore, temporaryFolder } from './stored.ts'

const u48 = fc.integer({ min: 0, max: 2 ** 48 - 2 })
const to = new ValueWriter()
const key = Buffer.from('a key')

/** As it comes back from the disk. */
const stored = (encoded: ValueWriter): Buffer | undefined => unseal(key, encoded.sealCopy(key))

describe('keys', () => {
  it('of a queue sort by session, then by sequence', () => {
    const place = fc.tuple(u48, u48)
    fc.assert(
      fc.property(place, place, (a, b) => {
        const order = a[0] === b[0] ? Math.sign(a[1] - b[1]) : Math.sign(a[0] - b[0])
        expect(keys.queueKey(...a).compare(keys.queueKey(...b))).toBe(order)
      }),
    )
  })

  it('give back their numbers', () => {
    fc.assert(
      fc.property(u48, u48, fc.integer({ min: 1, max: 65_535 }), (number, sequence, packetId) => {
        const queueKey = keys.queueKey(number, sequence)
        expect([keys.sessionNumberOfKey(queueKey), keys.sequenceOfKey(queueKey)]).toEqual([number, sequence])
        expect(keys.packetIdOfKey(keys.receivedKey(number, packetId))).toBe(packetId)
        const range = keys.sessionRange(keys.KeyKind.Queue, number)
        expect(queueKey.compare(range.gte)).toBeGreaterThan(0)
        expect(queueKey.compare(range.lt)).toBeLessThan(0)
      }),
    )
  })

  it('of messages sort by id up to the largest integer', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const [one, other] = [a, b].map((id) => keys.messageKey(keys.KeyKind.Body, id)) as [Buffer, Buffer]
        expect(one.compare(other)).toBe(Math.sign(a - b))
        expect(keys.messageIdOfKey(one)).toBe(a)
      }),
    )
  })
})

describe('values', () => {
  it('give back any delivery', () => {
    const identifiers = fc.option(
      fc.array(fc.integer({ min: 1, max: 268_435_455 }), { minLength: 1, maxLength: 300 }),
      { nil: undefined },
    )
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 2),
        fc.boolean(),
        identifiers,
        fc.string(),
        (qos, retain, ids, text) => {
          const delivery = new Delivery(3, messageOf(text), qos, retain, ids)
          const value = stored(encodeDelivery(to, delivery, delivery.message, 0))
          const decoded = decodeDelivery(3, value)
          expect(decoded && describeDelivery(decoded)).toEqual(describeDelivery(delivery))
          const reference = stored(encodeDelivery(to, delivery, delivery.message, 2 ** 52 + 1))
          expect(decodeDelivery(3, reference)?.storedId).toBe(2 ** 52 + 1)
        },
      ),
    )
  })

  it('give back messages of any size', () => {
    for (const size of [0, 100, 127, 128, 1_000, 1_023, 1_024, 300_000, 2_000_000, 1]) {
      const message = messageOf('x'.repeat(size), 'a/b', size % 2 === 0 ? 1_700_000_000_000 : undefined)
      message.retainedAt = size % 3 === 0 ? 0 : 4_294_967_295
      const decoded = decodeMessage(stored(encodeMessage(to, message)))
      expect(decoded && describeMessage(decoded)).toEqual(describeMessage(message))
    }
  })

  it('give back who published a retained message', () => {
    for (const userName of [undefined, '', 'ada']) {
      for (const isOutsideRules of [true, false]) {
        const message = messageOf('x')
        message.origin = { clientId: 'c', userName, isOutsideRules }
        const decoded = decodeMessage(stored(encodeMessage(to, message)))
        expect(decoded?.origin).toEqual(message.origin)
        expect(decoded && describeMessage(decoded)).toEqual(describeMessage(message))
      }
    }
  })

  it('give back what the client of a session or a will had brought', () => {
    const filters = fc.array(fc.string({ maxLength: 40 }), { maxLength: 5 })
    const rights = fc.option(fc.record({ publish: filters, subscribe: filters }), { nil: undefined })
    fc.assert(
      fc.property(rights, fc.constantFrom('', 'ada'), (given, identity) => {
        const times = { expiryInterval: 1, expiresAt: 2, sentBefore: 3 }
        const session = { number: 7, clientId: 'c', identity, rights: given, ...times }
        expect(decodeSession('c', stored(encodeSession(to, session)))).toEqual(session)
        const will = {
          ...{
            topicName: 'w',
            payload: Buffer.from('x'),
            qos: 1 as const,
            retain: true,
            properties: Buffer.of(),
          },
          ...{ messageExpiryInterval: 5, delayInterval: 6, dueAt: 7, rights: given },
          ...(identity !== '' && { identity }),
        }
        expect(decodeWill(stored(encodeWill(to, will)))).toEqual(will)
      }),
    )
  })

  it('of any bytes at all are refused or taken, and never throw', () => {
    const anything = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    const versioned = anything.map((bytes) => Buffer.concat([Buffer.from([1]), bytes]))
    fc.assert(
      fc.property(fc.oneof(anything, versioned), (bytes) => {
        decodeMessage(bytes)?.payload.toString()
        decodeDelivery(1, bytes)
        decodeNumber(bytes)
        decodeSession('c', bytes)
        decodeSubscription('a', bytes)
        decodeWill(bytes)
      }),
      { numRuns: 5_000 },
    )
  })

  it('that are cut short or of a later version are refused', () => {
    const delivery = deliveryOf(1, messageOf('payload', 'a/b', 1_700_000_000_000))
    const value = stored(encodeDelivery(to, delivery, delivery.message, 0)) ?? Buffer.alloc(0)
    const header = value.length - (delivery.message?.length ?? 0)
    for (let length = 0; length < header; length++) {
      expect(decodeDelivery(1, value.subarray(0, length))).toBeUndefined()
    }
    const topicLengthAt = header + 2
    value.writeUInt16BE(100, topicLengthAt)
    expect(decodeDelivery(1, value)).toBeUndefined()
    value.writeUInt16BE(3, topicLengthAt)
    expect(decodeDelivery(1, value)).toBeDefined()
    value[0] = 3
    expect(decodeDelivery(1, value)).toBeUndefined()
  })

  it('with any bit flipped, in value or key, are not what was stored', () => {
    const value = encodeMessage(to, messageOf('payload')).sealCopy(key)
    for (const bytes of [value, key]) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flip = 1 << (bit & 7)
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ flip
        expect(decodeMessage(unseal(key, value))).toBeUndefined()
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ flip
      }
    }
    expect(decodeMessage(unseal(key, value))).toBeDefined()
  })
})

describe('a row that cannot be read', () => {
  it('is told and set aside, whatever its kind, and all the others are handed over', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const session = sessionOf(store, 'good')
    store.putSession(session)
    const shared = messageOf('shared')
    for (let sequence = 0; sequence < 5; sequence++) {
      store.enqueue(session.number, deliveryOf(sequence, sequence < 2 ? shared : `m${sequence}`))
    }
    store.putRetained(messageOf('retained'))
    await store.close()
    const kinds = Object.values(keys.KeyKind).filter((kind) => kind !== keys.KeyKind.Meta)
    await withDatabase(path, async (database) => {
      for (const kind of kinds) await database.put(Buffer.from([kind]), Buffer.from([1]))
      for (const kind of kinds) await database.put(Buffer.from([kind, 0xff, 0xff, 0xff]), Buffer.alloc(0))
      await database.put(keys.queueKey(session.number, 3), Buffer.from([1, 255]))
      await database.put(keys.messageKey(keys.KeyKind.Body, shared.storedId), Buffer.from([9]))
    })
    const { store: again, stored, damage } = await openLevelStore(path)
    expect(stored.sessions).toEqual([session])
    expect(stored.queues.get(session.number)).toMatchObject({ head: 2, tail: 5 })
    expect(stored.retainedMessages.map((message) => message.payload.toString())).toEqual(['retained'])
    expect(payloadsOf(await again.readQueue(session.number, 0, 2))).toEqual(['m2', 'm4'])
    expect(damage).toEqual(
      expect.arrayContaining([
        'session of client "" cannot be read',
        'will of client "" cannot be read',
        'retained message of "" cannot be read',
        'subscription of session -1 to "" cannot be read',
        'packet id -1 received by session -1 cannot be read',
        'message -1 in the queue of session -1 cannot be read',
        `message 3 in the queue of session ${session.number} cannot be read`,
        `message body ${shared.storedId} cannot be read`,
        `message 0 in the queue of session ${session.number} has lost its body`,
        `message 1 in the queue of session ${session.number} has lost its body`,
      ]),
    )
    expect(damage).toHaveLength(2 * kinds.length + 4)
    await again.close()
    const { store: third, damage: later } = await openLevelStore(path)
    expect(payloadsOf(await third.readQueue(session.number, 0, 5))).toEqual(['m2', 'm4'])
    expect(later).toEqual([])
  })
})
