// What no peer may send: each malformed packet of the table gets its reason code.
import { describe, expect, it } from 'vitest'
import { MqttError } from '../../src/packet/mqtt-error.ts'
import { ReasonCode, reasonName } from '../../src/packet/reason-codes.ts'
import { decode } from './codec.ts'
import { malformedFixtures } from './malformed-fixtures.ts'

describe('a peer that sends what it must not is told why', () => {
  const rows = malformedFixtures.map((row) => [row.title, reasonName(row.reasonCode), row] as const)

  it.each(rows)('%s: %s', (_title, _reason, row) => {
    expect(outcomeOf(() => decode(row.bytes, row.version))).toEqual({ reasonCode: row.reasonCode })
  })

  it('has no two rows with the same title', () => {
    expect(new Set(malformedFixtures.map((row) => row.title)).size).toBe(malformedFixtures.length)
  })
})

describe('MqttError', () => {
  it('names field and reason, and takes no stack', () => {
    const limit = Error.stackTraceLimit
    const error = new MqttError(ReasonCode.ProtocolError, 'is 0', 'receiveMaximum')
    expect(error).toMatchObject({
      name: 'MqttError',
      message: 'receiveMaximum: is 0',
      reasonCode: 0x82,
      why: 'is 0',
      field: 'receiveMaximum',
    })
    expect(error.stack).not.toContain('    at ')
    expect(Error.stackTraceLimit).toBe(limit)
  })
})

function outcomeOf(action: () => unknown): unknown {
  try {
    return { decoded: action() }
  } catch (error) {
    if (!(error instanceof MqttError)) throw error
    return { reasonCode: error.reasonCode }
  }
}
