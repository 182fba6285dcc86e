// Reason codes: their names, and what is left of them for a 3.x client.
import { expect, it } from 'vitest'
import { connectReturnCode, ReasonCode, reasonName } from '../../src/packet/reason-codes.ts'

it('names every reason code in the words of the specification', () => {
  const letters = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  for (const [key, code] of Object.entries(ReasonCode)) {
    if (code === 0) expect(reasonName(code)).toBe('Success')
    else expect(letters(reasonName(code))).toBe(letters(key))
  }
  expect(reasonName(0x03)).toBe('Unknown reason code 0x03')
})

it('maps reason codes of CONNACK to the return codes 1 to 5 of 3.x', () => {
  expect(connectReturnCode(ReasonCode.Success)).toBe(0)
  expect(connectReturnCode(ReasonCode.UnsupportedProtocolVersion)).toBe(1)
  expect(connectReturnCode(ReasonCode.ClientIdentifierNotValid)).toBe(2)
  expect(connectReturnCode(ReasonCode.ServerUnavailable)).toBe(3)
  expect(connectReturnCode(ReasonCode.ServerBusy)).toBe(3)
  expect(connectReturnCode(ReasonCode.QuotaExceeded)).toBe(3)
  expect(connectReturnCode(ReasonCode.BadUserNameOrPassword)).toBe(4)
  expect(connectReturnCode(ReasonCode.NotAuthorized)).toBe(5)
  expect(connectReturnCode(ReasonCode.Banned)).toBe(5)
})
