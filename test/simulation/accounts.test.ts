// Every message is delivered or counted, once, also where a broker never has enough room; and a broker that forgets
// to count, or counts twice, is found out.
//
//   GODWIT_SIMULATION_SEED=17   only the run of this seed
import { describe, expect, it, onTestFinished } from 'vitest'
import { DeadLetters } from '../../src/broker/dead-letters.ts'
import { Router } from '../../src/broker/router.ts'
import { DropReason, Drops } from '../../src/session/drops.ts'
import { Outbound } from '../../src/session/outbound.ts'
import { STORES } from '../kit/test-broker.ts'
import { Accounts } from './accounts.ts'
import { replace } from './sabotage.ts'

const { GODWIT_SIMULATION_SEED: seed } = process.env
const SEEDS = seed === undefined ? Array.from({ length: 10 }, (_, each) => each) : [Number(seed)]
const STEPS = 200

describe.each(STORES)('on the %s store', (store) => {
  it.each(SEEDS)('what is owed is received, dropped or waits, seed %i', async (seed) => {
    const accounts = await Accounts.open(seed, store)
    await accounts.run(STEPS, false)
  })
})

it.each(SEEDS)('so it is over restarts, seed %i', async (seed) => {
  const accounts = await Accounts.open(seed, 'level')
  await accounts.run(STEPS, true)
})

const countedTimes = (times: number, reason: DropReason) => () =>
  replace(
    Drops.prototype,
    'count',
    (count) =>
      function (this: Drops, why, message, messages = 1) {
        if (why !== reason) return count.call(this, why, message, messages)
        for (let time = 0; time < times; time++) count.call(this, why, message, messages)
      },
  )

describe('a broker is found out that', () => {
  it.each([
    ['does not count what is too large', countedTimes(0, DropReason.TooLarge)],
    ['does not count what expires', countedTimes(0, DropReason.Expired)],
    ['does not count QoS 0 for who is slow', countedTimes(0, DropReason.NotWritable)],
    ['counts refusals twice', countedTimes(2, DropReason.Refused)],
    ['forgets what ended sessions leave', () => replace(Router.prototype, 'handOn', () => () => {})],
    ['does not count what makes room', () => replace(Outbound.prototype, 'dropped', () => () => {})],
    ['loses QoS 0 on its way', () => replace(Outbound.prototype, 'push', (push) => loseSome(push))],
    ['makes no dead letters', () => replace(DeadLetters.prototype, 'note', () => () => {})],
  ] as const)('%s', async (_, begin) => {
    onTestFinished(begin())
    const run = async (): Promise<void> => {
      for (const each of SEEDS) await (await Accounts.open(each, 'memory')).run(STEPS, false)
    }
    await expect(run()).rejects.toThrow(/^at /)
  })
})

function loseSome(push: Outbound['push']): Outbound['push'] {
  let pushes = 0
  return function (this: Outbound, message, qos, ...others) {
    return (qos === 0 && ++pushes % 50 === 0) || push.call(this, message, qos, ...others)
  }
}
