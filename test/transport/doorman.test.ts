// Who is counted as one address, and what is forgotten of those who have gone.
import { expect, it } from 'vitest'
import { resolveConfig } from '../../src/config/resolve.ts'
import { Doorman, networkOf, type Visit } from '../../src/transport/doorman.ts'

const LIMITS = {
  connectionsMax: 1_000_000,
  connectionsPerAddressMax: 2,
  connectsPerSecondMax: 1_000_000,
  connectsPerSecondPerAddressMax: 1,
}
const { plainListener } = resolveConfig()

function doorman(limits = {}) {
  let now = 0
  const made = new Doorman({ ...LIMITS, ...limits }, () => now)
  const visit = (host: string): Visit => {
    const coming = made.enter(plainListener)
    coming.from(host)
    return coming
  }
  return { made, visit, pass: (ms: number) => (now += ms) }
}

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::', 'fe80:0:0:0'],
])('%s is counted as %s', (host, network) => {
  expect(networkOf(host)).toBe(network)
})

it('addresses of one /64 are one', () => {
  const { visit } = doorman()
  expect([1, 2, 3].map((n) => visit(`2001:db8::${n}`).refusal?.closeReason)).toEqual([
    undefined,
    undefined,
    'too-many-connections-of-address',
  ])
  expect(visit('2001:db8:0:1::1').refusal).toBeUndefined()
})

it('who has left makes room, and who comes again and again is too fast', () => {
  const { visit, pass } = doorman()
  for (let i = 0; i < 10; i++) {
    const coming = visit('192.0.2.7')
    expect(coming.refusal).toBeUndefined()
    coming.leave()
  }
  const eleventh = visit('192.0.2.7')
  expect(eleventh.refusal?.closeReason).toBe('connecting-too-fast')
  eleventh.leave()
  pass(1_000)
  expect(visit('192.0.2.7').refusal).toBeUndefined()
})

it('one of a unix socket is counted in all, and by no address', () => {
  const { visit, made } = doorman()
  for (let i = 0; i < 5; i++) expect(visit('').refusal).toBeUndefined()
  expect(made.open).toBe(5)
})

it('a million addresses that have gone are forgotten', () => {
  const { visit, made, pass } = doorman()
  for (let i = 0; i < 1_000_000; i++) {
    visit(`10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`).leave()
    pass(1)
  }
  expect(made.open).toBe(0)
  expect(made.addressesKnown).toBeLessThan(5_000)
})
