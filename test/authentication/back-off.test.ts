// Guessing is slow, and nobody can use that to keep a user out: failures by address and by name, on a manual clock.
import { describe, expect, it } from 'vitest'
import { Authentication } from '../../src/authentication/authentication.ts'
import type { Admission, Refusal } from '../../src/authentication/authenticator.ts'
import type { AuthenticatingClient } from '../../src/authentication/client.ts'
import type { Outcome } from '../../src/authentication/exchange.ts'
import { networkOf } from '../../src/authentication/network.ts'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { clientOf } from './client-of.ts'

const WRONG = { kind: 'refuse', reasonCode: 0x86, why: 'one: wrong password' }
const TOO_OFTEN = { kind: 'refuse', reasonCode: 0x9f }
const TERMS = { allowAnonymous: false, authenticators: ['one'] }
const ADA = { kind: 'accept', identity: 'ada' }

/** Three failures are free, the longest back-off is 8 s, the longest delay 4 s. `pencil` is right. */
function open(limits = {}) {
  const clock = new ManualClock()
  const asked: string[] = []
  const authenticate = ({ userName = '', password }: AuthenticatingClient): Admission | Refusal => {
    asked.push(userName)
    if (String(password) === 'pencil') return { kind: 'accept', identity: userName || 'token' }
    return { kind: 'refuse', reasonCode: String(password) === 'down' ? 0x88 : 0x86, why: 'wrong password' }
  }
  const method = { name: 'm', begin: (client: AuthenticatingClient) => () => authenticate(client) }
  const settings = { stepsMax: 3, stepsAtOnceMax: 2, timeoutMs: 20_000, failuresFree: 3, backOffMaxMs: 8_000 }
  const authentication = new Authentication({
    methods: [method],
    authenticators: [{ name: 'one', authenticate }],
    settings: { ...settings, ...limits },
    connectTimeoutMs: 10_000,
    wheel: new TimerWheel(clock),
    now: () => clock.now(),
  })
  /** What is answered within the call, and what later. */
  const attempt = (host: string, userName: string | undefined, password: string): Outcome[] => {
    const outcomes: Outcome[] = []
    const client = clientOf({ userName, password, peer: { host } })
    authentication.identify(client, TERMS, (outcome) => outcomes.push(outcome))
    return outcomes
  }
  const fail = (count: number, host: string, userName?: string): void => {
    for (let i = 0; i < count; i++) attempt(host, userName, 'wrong')
  }
  return { clock, asked, attempt, fail, authentication }
}

describe('an address', () => {
  it('is refused without a look after some failures, for twice as long after each further one', () => {
    const { clock, asked, attempt, fail } = open()
    fail(3, '192.0.2.1')
    expect(attempt('192.0.2.1', 'a', 'wrong')).toMatchObject([WRONG])
    for (const seconds of [1, 2, 4, 8, 8, 8]) {
      const before = asked.length
      clock.advance(seconds * 1000 - 1)
      expect(attempt('192.0.2.1', 'b', 'pencil')).toMatchObject([TOO_OFTEN])
      expect(asked).toHaveLength(before)
      clock.advance(1)
      expect(attempt('192.0.2.1', undefined, 'wrong')).toMatchObject([WRONG])
    }
    expect(attempt('192.0.2.2', 'b', 'pencil')).toMatchObject([{ kind: 'accept' }])
  })

  it('is one for all of an IPv6 network, and for all names', () => {
    const { attempt, fail } = open()
    for (const last of ['1', '2', 'ffff', '1:2']) fail(1, `2001:db8:0:7::${last}`, `user ${last}`)
    expect(attempt('2001:db8:0:7:9::', 'b', 'pencil')).toMatchObject([TOO_OFTEN])
    expect(attempt('2001:db8:0:8::1', 'b', 'pencil')).toMatchObject([{ kind: 'accept' }])
  })

  it('is forgiven after a quarter of an hour, and not for one client that comes in', () => {
    const { clock, attempt, fail } = open()
    fail(4, '192.0.2.1', 'a')
    clock.advance(2_000)
    expect(attempt('192.0.2.1', 'mallory', 'pencil')).toMatchObject([{ kind: 'accept' }])
    fail(1, '192.0.2.1', 'b')
    expect(attempt('192.0.2.1', 'c', 'pencil')).toMatchObject([TOO_OFTEN])
    clock.advance(900_001)
    fail(3, '192.0.2.1', 'b')
    expect(attempt('192.0.2.1', 'c', 'pencil')).toMatchObject([{ kind: 'accept' }])
  })

  it('does not stand in the way of those who came in from it before', () => {
    const { attempt, fail } = open()
    expect(attempt('192.0.2.1', 'ada', 'pencil')).toEqual([ADA])
    fail(10, '192.0.2.1', 'mallory')
    expect(attempt('192.0.2.1', 'bob', 'pencil')).toMatchObject([TOO_OFTEN])
    expect(attempt('192.0.2.1', 'ada', 'pencil')).toEqual([ADA])
  })

  it('may try a name that came in from it no more freely than others', () => {
    const { clock, attempt, fail } = open()
    attempt('192.0.2.1', 'ada', 'pencil')
    fail(4, '192.0.2.1', 'ada')
    expect(attempt('192.0.2.1', 'ada', 'pencil')).toMatchObject([TOO_OFTEN])
    clock.advance(1_000)
    expect(attempt('192.0.2.1', 'ada', 'pencil')).toEqual([ADA])
    fail(4, '192.0.2.1', 'ada')
    clock.advance(900_001)
    fail(3, '192.0.2.1', 'ada')
    expect(attempt('192.0.2.1', 'ada', 'pencil')).toEqual([ADA])
  })

  it('that is none, inside the process, is not counted', () => {
    const { attempt, fail } = open()
    fail(20, '')
    expect(attempt('', 'ada', 'pencil')).toEqual([ADA])
  })
})

describe('a name', () => {
  it('that failed from everywhere is looked at later, and let in when its password is right', () => {
    const { clock, asked, attempt, fail } = open()
    for (let i = 0; i < 6; i++) fail(1, `192.0.2.${i}`, 'ada')
    clock.advance(10_000) // Those that were delayed themselves.
    expect(asked).toHaveLength(6)
    const outcomes = attempt('198.51.100.1', 'ada', 'pencil')
    clock.advance(3_900)
    expect(outcomes).toEqual([])
    clock.advance(200)
    expect(outcomes).toEqual([ADA])
    expect(attempt('198.51.100.1', 'bob', 'pencil')).toMatchObject([{ kind: 'accept' }])
  })

  it('is not slow from where it came in', () => {
    const { attempt, fail } = open()
    attempt('198.51.100.1', 'ada', 'pencil')
    for (let i = 0; i < 6; i++) fail(1, `192.0.2.${i}`, 'ada')
    expect(attempt('198.51.100.1', 'ada', 'pencil')).toEqual([ADA])
  })

  it('that is long is one name all the same', () => {
    const { attempt, fail } = open()
    const long = 'n'.repeat(60_000)
    for (let i = 0; i < 4; i++) fail(1, `192.0.2.${i}`, long)
    expect(attempt('198.51.100.1', long, 'pencil')).toEqual([])
    expect(attempt('198.51.100.1', `${long}n`, 'pencil')).toMatchObject([{ kind: 'accept' }])
  })

  it('may be abandoned while it waits', () => {
    const { clock, asked, fail, authentication } = open()
    for (let i = 0; i < 4; i++) fail(1, `192.0.2.${i}`, 'ada')
    const before = asked.length
    const client = clientOf({ userName: 'ada', password: 'pencil', peer: { host: '198.51.100.1' } })
    authentication.identify(client, TERMS, () => expect.unreachable()).abandon()
    clock.advance(30_000)
    expect(asked).toHaveLength(before)
  })
})

it('who says nothing of itself has guessed nothing', () => {
  const { authentication, attempt } = open({ failuresFree: 0 })
  const outcomes: Outcome[] = []
  const silent = clientOf({ peer: { host: '192.0.2.1' } })
  const nobody = { allowAnonymous: false, authenticators: [] }
  for (let i = 0; i < 5; i++) authentication.identify(silent, nobody, (outcome) => outcomes.push(outcome))
  expect(outcomes).toMatchObject(Array(5).fill({ reasonCode: 0x87 }))
  expect(attempt('192.0.2.1', 'ada', 'pencil')).toEqual([ADA])
})

it('what nobody could look at does not count, and nothing does where there is no back-off', () => {
  const down = open()
  for (let i = 0; i < 20; i++) down.attempt('192.0.2.1', 'ada', 'down')
  expect(down.attempt('192.0.2.1', 'ada', 'pencil')).toEqual([ADA])
  const none = open({ backOffMaxMs: 0 })
  none.fail(20, '192.0.2.1', 'ada')
  expect(none.attempt('192.0.2.1', 'ada', 'pencil')).toEqual([ADA])
})

it('those who wait for a place are refused where the ones before them have failed too often', () => {
  const { attempt, authentication } = open({ failuresFree: 0 })
  const outcomes: Outcome[] = []
  const client = clientOf({ password: 'wrong', peer: { host: '192.0.2.1' } })
  authentication.begin('m', client, (outcome) => outcomes.push(outcome)).advance(undefined)
  authentication.begin('m', client, (outcome) => outcomes.push(outcome)).advance(undefined)
  expect(outcomes).toMatchObject([{ reasonCode: 0x86 }, TOO_OFTEN])
  expect(attempt('192.0.2.1', 'ada', 'pencil')).toMatchObject([TOO_OFTEN])
})

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0DB8:0000:0007::', '2001:db8:0:7::/64'],
  ['2001:db8:0:7:1:2:3:4', '2001:db8:0:7::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['1:2:3:4:5:6:7::', '1:2:3:4::/64'],
])('the network of %s is %s', (host, network) => {
  expect(networkOf(host)).toBe(network)
})
