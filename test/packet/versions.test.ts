// What a packet becomes in a version that cannot say it, and what only some versions forbid.
import { describe, expect, it } from 'vitest'
import { decodeAuth } from '../../src/packet/auth.ts'
import { encodeConnack } from '../../src/packet/connack.ts'
import { connectVersion } from '../../src/packet/connect.ts'
import { encodeDisconnect } from '../../src/packet/disconnect.ts'
import { checkFixedHeaderFlags, checkRemainingLength } from '../../src/packet/fixed-header.ts'
import { MqttError } from '../../src/packet/mqtt-error.ts'
import type { ProtocolVersion } from '../../src/packet/protocol.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { encodeSuback } from '../../src/packet/suback.ts'
import { encodeUnsuback } from '../../src/packet/unsuback.ts'
import { decode, onlyFrame } from './codec.ts'
import { frame, hex } from './hex.ts'

describe('an answer to a 3.x client', () => {
  it('has return codes instead of reason codes, and no properties', () => {
    const refusal = {
      sessionPresent: true,
      reasonCode: ReasonCode.BadUserNameOrPassword,
      properties: { reasonString: 'x' },
    }
    expect(encodeConnack(refusal, 4)).toEqual(hex('20 02 00 04'))
    expect(encodeSuback({ packetId: 1, reasonCodes: [0, 1, 2, 0x87, 0x8f] }, 4)).toEqual(
      hex('90 07 00 01 00 01 02 80 80'),
    )
    expect(encodeUnsuback({ packetId: 1, reasonCodes: [0x11] }, 3)).toEqual(hex('b0 02 00 01'))
    expect(encodeDisconnect({ reasonCode: ReasonCode.ServerShuttingDown, reasonString: 'x' }, 4)).toEqual(
      hex('e0 00'),
    )
  })

  it('has no session present in 3.1, and never beside a refusal', () => {
    expect(encodeConnack({ sessionPresent: true, reasonCode: 0 }, 3)).toEqual(hex('20 02 00 00'))
    expect(encodeConnack({ sessionPresent: true, reasonCode: 0x87 }, 5)).toEqual(hex('20 03 00 87 00'))
  })
})

describe('connectVersion', () => {
  const versionOf = (...fields: string[]): ProtocolVersion | 0 => {
    const body = hex(...fields)
    return connectVersion(body, 0, body.length)
  }

  it('knows the version of a CONNECT whatever follows', () => {
    expect(versionOf('00 06 "MQIsdp" 03', 'ff')).toBe(3)
    expect(versionOf('00 04 "MQTT" 04')).toBe(4)
    expect(versionOf('00 04 "MQTT" 05', 'ff')).toBe(5)
    expect(versionOf('00 04 "MQTT" 84')).toBe(4)
  })

  it('is 0 for any other bytes, and for any beginning of a CONNECT', () => {
    expect(versionOf('00 04 "MQTT" 06')).toBe(0)
    expect(versionOf('00 06 "MQIsdp" 04')).toBe(0)
    const body = hex('00 04 "MQTT" 05')
    for (let end = 0; end < body.length; end++) expect(connectVersion(body, 0, end)).toBe(0)
  })
})

describe('MQTT 3.1', () => {
  it('may set DUP where later versions reserve the flags', () => {
    for (const firstByte of [0x8a, 0xaa, 0x6a]) {
      expect(() => checkFixedHeaderFlags(firstByte, 3)).not.toThrow()
      expect(() => checkFixedHeaderFlags(firstByte, 4)).toThrow(MqttError)
    }
  })

  it('may set connect flags that it calls unused', () => {
    const bytes = frame('10', '00 06 "MQIsdp" 03', '2b', '00 3c', '00 01 "c"')
    expect(decode(bytes, 3)).toMatchObject({ cleanStart: true, will: undefined })
  })
})

describe('AUTH', () => {
  it('is no packet before MQTT 5', () => {
    const bytes = hex('f0 00')
    expect(() => decodeAuth(bytes, 2, 2, 4)).toThrow(MqttError)
    expect(() => decodeAuth(bytes, 2, 2, 5)).not.toThrow()
  })
})

describe('[v5 MQTT-1.5.5-1]', () => {
  it('refuses a remaining length in more bytes than it needs', () => {
    expect(() => checkRemainingLength(onlyFrame(hex('c0 00')))).not.toThrow()
    expect(() => checkRemainingLength(onlyFrame(frame('30', `"${'x'.repeat(128)}"`)))).not.toThrow()
    expect(() => checkRemainingLength(onlyFrame(hex('c0 80 00')))).toThrow(MqttError)
    expect(() => checkRemainingLength(onlyFrame(hex('30 83 80 00 00 01 "a"')))).toThrow(MqttError)
  })
})

describe('what is kept of a CONNECT', () => {
  it('owns its memory', () => {
    const bytes = frame(
      '10',
      '00 04 "MQTT" 05',
      'c6',
      '00 3c',
      '00',
      '00 01 "c"',
      '05 03 00 02 "ab"',
      '00 01 "w"',
      '00 02 "xy"',
      '00 01 "u"',
      '00 03 "key"',
    )
    const connect = decode(bytes, 5)
    if (connect.kind !== 'connect' || connect.will === undefined) throw new Error('no will')
    for (const kept of [connect.will.payload, connect.will.properties, connect.password as Buffer]) {
      expect(kept.buffer.byteLength).toBe(kept.length)
    }
    bytes.fill(0)
    expect(connect.will.payload).toEqual(hex('"xy"'))
    expect(connect.will.properties).toEqual(hex('03 00 02 "ab"'))
    expect(connect.password).toEqual(hex('"key"'))
  })
})
