// Which pages may open a WebSocket, where nothing is said about it and where it is.
import { describe, expect, it } from 'vitest'
import { isAllowedOrigin } from '../../src/transport/websocket-request.ts'

const listener = (allowAnonymous: boolean, ...origins: string[]) => ({
  allowAnonymous,
  websocket: { path: '', origins, trustedProxies: [], headerBytesMax: 1 },
})

describe('where anybody may come in, a page', () => {
  it.each([
    ['http://broker.example:8080', 'broker.example:8083', false, true],
    ['https://broker.example', 'broker.example', false, true],
    ['https://broker.example.evil.example', 'broker.example', false, false],
    ['https://evil.example', 'broker.example', false, false],
    ['null', 'broker.example', false, false],
    ['http://undefined', undefined, false, false],
    // A name of the page's own that now means this machine: DNS rebinding.
    ['http://evil.example:8083', 'evil.example:8083', true, false],
    ['http://localhost:5173', '127.0.0.1:8083', true, true],
    ['http://[::1]:5173', 'localhost:8083', true, true],
    ['http://127.0.0.1.evil.example', '127.0.0.1:8083', true, false],
  ])(
    'of %s asking for %s (on this machine: %s) may connect: %s',
    (origin, host, isToThisMachine, expected) => {
      expect(isAllowedOrigin({ origin, host }, listener(true), isToThisMachine)).toBe(expected)
      expect(isAllowedOrigin({ origin, host }, listener(false), isToThisMachine)).toBe(true)
      expect(isAllowedOrigin({ origin, host }, listener(true, '*'), isToThisMachine)).toBe(true)
      expect(isAllowedOrigin({ origin, host }, listener(false, 'https://other'), isToThisMachine)).toBe(false)
      expect(isAllowedOrigin({ host }, listener(true, 'https://other'), isToThisMachine)).toBe(true)
    },
  )
})

it('an origin is compared without regard to case', () => {
  const only = listener(true, 'https://App.Example')
  expect(isAllowedOrigin({ origin: 'https://app.example' }, only, false)).toBe(true)
})
