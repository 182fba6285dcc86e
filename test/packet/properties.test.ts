// The property block: which properties, where, how often, in which order.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FieldReader } from '../../src/packet/field-reader.ts'
import { MqttError } from '../../src/packet/mqtt-error.ts'
import { decodeProperties, encodeProperties } from '../../src/packet/properties.ts'
import { PROPERTIES, type Properties, type PropertyKind, WILL } from '../../src/packet/property-table.ts'
import { PacketType } from '../../src/packet/protocol.ts'
import { passThroughBlock, scanPublishProperties } from '../../src/packet/publish-properties.ts'
import { propertyBytes } from './codec.ts'
import { hex } from './hex.ts'

const kinds = { Will: WILL, ...PacketType } as const
type KindName = keyof typeof kinds

/** Table 2-4 of the specification once more, written down apart from the code: id, a value, and who may carry it. */
const answers = 'Connack Puback Pubrec Pubrel Pubcomp Suback Unsuback Disconnect Auth'
const table: readonly (readonly [id: string, value: string, carriers: string])[] = [
  ['01', '01', 'Publish Will'],
  ['02', '00 00 00 01', 'Publish Will'],
  ['03', '00 01 "t"', 'Publish Will'],
  ['08', '00 01 "r"', 'Publish Will'],
  ['09', '00 01 00', 'Publish Will'],
  ['0b', '01', 'Publish Subscribe'],
  ['11', '00 00 00 01', 'Connect Connack Disconnect'],
  ['12', '00 01 "c"', 'Connack'],
  ['13', '00 01', 'Connack'],
  ['15', '00 01 "m"', 'Connect Connack Auth'],
  ['17', '01', 'Connect'],
  ['18', '00 00 00 01', 'Will'],
  ['19', '01', 'Connect'],
  ['1a', '00 01 "i"', 'Connack'],
  ['1c', '00 01 "s"', 'Connack Disconnect'],
  ['1f', '00 01 "w"', answers],
  ['21', '00 01', 'Connect Connack'],
  ['22', '00 01', 'Connect Connack'],
  ['23', '00 01', 'Publish'],
  ['24', '01', 'Connack'],
  ['25', '01', 'Connack'],
  ['26', '00 01 "k" 00 01 "v"', `Connect Publish Will Subscribe Unsubscribe ${answers}`],
  ['27', '00 00 00 01', 'Connect Connack'],
  ['28', '01', 'Connack'],
  ['29', '01', 'Connack'],
  ['2a', '01', 'Connack'],
]

/** Decodes the block `fields`; a number is the reason code of its refusal. */
function outcome(kind: PropertyKind, ...fields: string[]): Properties | number {
  const block = hex(...fields)
  const bytes = Buffer.concat([Buffer.from([block.length]), block])
  const reader = new FieldReader(bytes, 0, bytes.length)
  try {
    const properties = decodeProperties(reader, kind)
    reader.finish()
    return properties
  } catch (error) {
    if (error instanceof MqttError) return error.reasonCode
    throw error
  }
}

describe('each property', () => {
  it('has one row, and authentication data makes it 27', () => {
    const ids = [...table.map(([id]) => Number.parseInt(id, 16)), 0x16].sort((a, b) => a - b)
    expect(PROPERTIES.map((row) => row.id)).toEqual(ids)
  })

  it.each(table)(
    '%s (%s) passes in %s, comes back as it was, and is malformed elsewhere',
    (id, value, carriers) => {
      for (const name of Object.keys(kinds) as KindName[]) {
        const result = outcome(kinds[name], id, value)
        if (!carriers.split(' ').includes(name)) {
          expect([name, result]).toEqual([name, 0x81])
          continue
        }
        expect(Object.keys(result)).toHaveLength(1)
        expect(encodeProperties(result as Properties, kinds[name])).toEqual(hex(id, value))
      }
    },
  )

  it.each(table)(
    '%s (%s) twice is a protocol error, but for the two that may repeat',
    (id, value, carriers) => {
      for (const name of carriers.split(' ') as KindName[]) {
        const result = outcome(kinds[name], id, value, id, value)
        if (id === '26' || (id === '0b' && name === 'Publish')) expect(result).toBeTypeOf('object')
        else expect([name, result]).toEqual([name, 0x82])
      }
    },
  )
})

describe('user properties', () => {
  it('keep their order and every name, also those that objects have', () => {
    const name = fc.oneof(
      fc.constantFrom(
        '__proto__',
        'constructor',
        'toString',
        'hasOwnProperty',
        'length',
        '',
        'b',
        'a',
        '1',
        '0',
      ),
      fc.string({ unit: 'grapheme', maxLength: 10 }).filter((text) => !text.includes('\0')),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name), { minLength: 1, maxLength: 20 }), (userProperties) => {
        for (const kind of [PacketType.Publish, PacketType.Connect, WILL] as const) {
          const bytes = propertyBytes({ userProperties }, kind)
          expect(decodeProperties(new FieldReader(bytes, 0, bytes.length), kind)).toEqual({ userProperties })
        }
      }),
    )
  })
})

describe('an empty block', () => {
  it('is one shared object that nobody can write to', () => {
    expect(Object.isFrozen(outcome(PacketType.Connect))).toBe(true)
  })
})

describe('encodeProperties', () => {
  it('refuses what the packet may not carry as a mistake of ours', () => {
    expect(() => encodeProperties({ topicAlias: 1 }, PacketType.Connect)).toThrow(/may carry it/)
  })
})

describe('scanPublishProperties', () => {
  const scan = (fields: string[], direction?: 'fromServer') => {
    const block = hex(...fields)
    return { ...scanPublishProperties(block, 0, block.length, direction) }
  }

  it('lets a block without alias and expiry pass as it is', () => {
    expect(scan(['01 00', '26 00 01 "k" 00 00', '03 00 00'])).toEqual({
      topicAlias: 0,
      messageExpiryInterval: -1,
      passesThrough: true,
      isText: false,
    })
    expect(scan(['01 01']).isText).toBe(true)
  })

  it('reports alias and expiry, and forgets them by the next call', () => {
    expect(scan(['02 80 00 00 00', '23 ff ff'])).toEqual({
      topicAlias: 0xffff,
      messageExpiryInterval: 0x8000_0000,
      passesThrough: false,
      isText: false,
    })
    expect(scan([]).passesThrough).toBe(true)
    expect(scan(['02 00 00 00 00'])).toEqual({
      topicAlias: 0,
      messageExpiryInterval: 0,
      passesThrough: false,
      isText: false,
    })
  })

  it('[v5 MQTT-3.3.4-6] takes subscription identifiers from a server only', () => {
    expect(scan(['0b 01', '0b ff ff ff 7f'], 'fromServer').passesThrough).toBe(true)
    expect(() => scan(['0b 01'])).toThrow(MqttError)
    for (const bad of ['0b 00', '0b 80 00', '0b 80 80 80 80 01', '0b 80']) {
      expect(() => scan([bad], 'fromServer')).toThrow(MqttError)
    }
  })

  it('agrees with decodeProperties on any bytes', () => {
    const byte = fc.oneof(fc.constantFrom(0, 1, 2, 3, 8, 9, 0x23, 0x26, 0x61), fc.nat(255))
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 24 }), (bytes) => {
        const block = Buffer.from(bytes)
        let scanned: number | object
        try {
          scanned = { ...scanPublishProperties(block, 0, block.length, 'fromServer') }
        } catch (error) {
          scanned = (error as MqttError).reasonCode
        }
        const decoded = outcome(PacketType.Publish, block.toString('hex'))
        if (typeof decoded === 'number') expect(scanned).toBe(decoded)
        else {
          expect(scanned).toMatchObject({
            topicAlias: decoded.topicAlias ?? 0,
            messageExpiryInterval: decoded.messageExpiryInterval ?? -1,
          })
        }
      }),
      { numRuns: 20_000 },
    )
  })
})

describe('passThroughBlock', () => {
  it('leaves out topic alias, message expiry interval and will delay interval, and keeps the rest in order', () => {
    const block = hex('26 00 01 "b" 00 00', '02 00 00 00 01', '01 01', '23 00 01', '0b 80 01', '03 00 01 "t"')
    const willBlock = hex('18 00 00 00 09', '26 00 01 "a" 00 00')
    const whole = Buffer.concat([hex('ff ff'), block])
    expect(passThroughBlock(whole, 2, whole.length)).toEqual(
      hex('26 00 01 "b" 00 00', '01 01', '0b 80 01', '03 00 01 "t"'),
    )
    expect(passThroughBlock(willBlock, 0, willBlock.length)).toEqual(hex('26 00 01 "a" 00 00'))
  })

  it('keeps any block without those three', () => {
    const text = fc.string({ maxLength: 5 }).filter((value) => !value.includes('\0'))
    const properties = fc.record(
      {
        payloadFormatIndicator: fc.constantFrom(0, 1),
        contentType: text,
        correlationData: fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
        userProperties: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 }),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(properties, fc.nat(0xffff_ffff), (kept, messageExpiryInterval) => {
        const block = encodeProperties({ ...kept, messageExpiryInterval, topicAlias: 7 }, PacketType.Publish)
        expect(passThroughBlock(block, 0, block.length)).toEqual(encodeProperties(kept, PacketType.Publish))
      }),
    )
  })
})
