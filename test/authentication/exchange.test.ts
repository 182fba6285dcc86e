// The bounds of exchanges, whatever their methods do: steps, time, and how many at once.
import { describe, expect, it } from 'vitest'
import { Authentication } from '../../src/authentication/authentication.ts'
import type { Exchange, Outcome } from '../../src/authentication/exchange.ts'
import type {
  AuthenticationAnswer,
  AuthenticationMethod,
  AuthenticationStep,
} from '../../src/authentication/method.ts'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { turns } from '../kit/flow.ts'
import { clientOf } from './client-of.ts'

const CLIENT = clientOf()
const GO_ON: AuthenticationAnswer = { kind: 'continue' }
const ADA: AuthenticationAnswer = { kind: 'accept', identity: 'ada' }

interface Answers {
  readonly promise: Promise<AuthenticationAnswer>
  readonly resolve: (answer: AuthenticationAnswer) => void
}

function pending(): Answers {
  let resolve: Answers['resolve'] = () => {}
  const promise = new Promise<AuthenticationAnswer>((settle) => (resolve = settle))
  return { promise, resolve }
}

function authenticationOf(methods: readonly AuthenticationMethod[], stepsAtOnceMax = 2) {
  const clock = new ManualClock()
  const wheel = new TimerWheel(clock)
  const settings = { stepsMax: 3, stepsAtOnceMax, timeoutMs: 1_000, failuresFree: 10, backOffMaxMs: 1_000 }
  const parts = { methods, authenticators: [], settings, connectTimeoutMs: 1_000 }
  return { clock, wheel, authentication: new Authentication({ ...parts, wheel, now: () => clock.now() }) }
}

/** An authentication with one method, and what comes of its exchanges. */
function open(step: AuthenticationStep, stepsAtOnceMax = 2) {
  const methods = [{ name: 'm', begin: () => step }]
  const { clock, wheel, authentication } = authenticationOf(methods, stepsAtOnceMax)
  const begin = (): { exchange: Exchange; outcomes: Outcome[] } => {
    const outcomes: Outcome[] = []
    return { exchange: authentication.begin('m', CLIENT, (outcome) => outcomes.push(outcome)), outcomes }
  }
  return { clock, wheel, begin }
}

describe('an exchange', () => {
  it('is answered within the call by a method that answers at once', () => {
    const { begin, wheel } = open((data) => (data === undefined ? GO_ON : ADA))
    const { exchange, outcomes } = begin()
    exchange.advance(undefined)
    expect([exchange.isIdle, outcomes]).toEqual([true, [GO_ON]])
    exchange.advance(Buffer.from('x'))
    expect([exchange.isIdle, outcomes]).toEqual([false, [GO_ON, ADA]])
    expect(wheel.length).toBe(0)
  })

  it('is refused at one step more than it may have', () => {
    const { begin, wheel } = open(() => GO_ON)
    const { exchange, outcomes } = begin()
    for (let step = 0; step < 4; step++) exchange.advance(undefined)
    expect(outcomes).toEqual([
      GO_ON,
      GO_ON,
      GO_ON,
      { kind: 'refuse', reasonCode: 0x97, why: 'too many steps' },
    ])
    expect(wheel.length).toBe(0)
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['gives text as data', () => ({ kind: 'continue', data: 'text' })],
    ['gives more data than a packet may have', () => ({ kind: 'continue', data: Buffer.alloc(65_536) })],
    ['refuses with Success', () => ({ kind: 'refuse', why: '', reasonCode: 0 })],
    ['refuses with what is no reason code', () => ({ kind: 'refuse', why: '', reasonCode: 4_000 })],
    ['answers nothing', () => undefined],
    ['answers nothing later', () => Promise.resolve()],
    ['answers something else', () => ({ kind: 'perhaps' })],
    ['accepts nobody', () => ({ kind: 'accept', identity: '' })],
    ['accepts no name', () => ({ kind: 'accept', identity: 7 })],
  ])('fails where its method %s', async (_, step) => {
    const { begin, wheel } = open(step as AuthenticationStep)
    const { exchange, outcomes } = begin()
    exchange.advance(undefined)
    await turns()
    expect(outcomes).toEqual([{ kind: 'fail', error: expect.any(Error) }])
    expect(wheel.length).toBe(0)
  })

  it('fails where its method throws before the first step', () => {
    const method = {
      name: 'm',
      begin: (): never => {
        throw new Error('no')
      },
    }
    const outcomes: Outcome[] = []
    authenticationOf([method])
      .authentication.begin('m', CLIENT, (outcome) => outcomes.push(outcome))
      .advance(undefined)
    expect(outcomes).toMatchObject([{ kind: 'fail' }])
  })

  it('is refused at its deadline, while the client thinks and while the method does', async () => {
    const { begin, clock } = open((data) => (data === undefined ? GO_ON : pending().promise))
    const [thinking, stepping] = [begin(), begin()]
    thinking.exchange.advance(undefined)
    stepping.exchange.advance(Buffer.from('x'))
    clock.advance(999)
    expect([thinking.outcomes, stepping.outcomes]).toEqual([[GO_ON], []])
    clock.advance(101)
    const late = { kind: 'refuse', why: 'not finished in time' }
    expect([thinking.outcomes, stepping.outcomes]).toEqual([[GO_ON, late], [late]])
  })

  it('hears no answer once it has been abandoned, and leaves no deadline', async () => {
    const answer = pending()
    const { begin, clock, wheel } = open(() => answer.promise)
    const [abandoned, quiet] = [begin(), begin()]
    abandoned.exchange.advance(undefined)
    abandoned.exchange.abandon()
    quiet.exchange.abandon()
    answer.resolve(ADA)
    await turns()
    expect(wheel.length).toBe(0)
    clock.advance(2_000)
    expect([abandoned.outcomes, quiet.outcomes]).toEqual([[], []])
  })
})

describe('steps at once', () => {
  it('are no more than allowed: the next begins when one has ended, in order', async () => {
    const asked: Answers[] = []
    const { begin } = open(() => {
      const answer = pending()
      asked.push(answer)
      return answer.promise
    })
    const all = [begin(), begin(), begin(), begin()]
    for (const { exchange } of all) exchange.advance(undefined)
    expect(asked).toHaveLength(2)
    asked[1]?.resolve(ADA)
    await turns()
    expect(asked).toHaveLength(3)
    asked[2]?.resolve(ADA)
    await turns()
    expect(all.map(({ outcomes }) => outcomes.length)).toEqual([0, 1, 1, 0])
    expect(asked).toHaveLength(4)
  })

  it('are not held up by those that were abandoned while they waited', async () => {
    const asked: Answers[] = []
    const { begin } = open(() => {
      const answer = pending()
      asked.push(answer)
      return answer.promise
    }, 1)
    const [first, second, third] = [begin(), begin(), begin()]
    for (const { exchange } of [first, second, third]) exchange.advance(undefined)
    second.exchange.abandon()
    asked[0]?.resolve(ADA)
    await turns()
    asked[1]?.resolve(ADA)
    await turns()
    expect([first, second, third].map(({ outcomes }) => outcomes.length)).toEqual([1, 0, 1])
    expect(asked).toHaveLength(2)
  })

  it('count one that was abandoned until it ends, or until its deadline where it never does', async () => {
    let begun = 0
    const { begin, clock } = open(() => {
      begun++
      return pending().promise
    }, 1)
    const [abandoned, next] = [begin(), begin()]
    abandoned.exchange.advance(undefined)
    abandoned.exchange.abandon()
    clock.advance(600)
    const late = begin()
    late.exchange.advance(undefined)
    next.exchange.abandon()
    expect(begun).toBe(1)
    clock.advance(500)
    expect([begun, abandoned.outcomes, late.outcomes]).toEqual([2, [], []])
  })

  it('may be thousands in a row that are answered at once, behind one that was not', async () => {
    const answer = pending()
    const { begin } = open((data) => (data === undefined ? answer.promise : ADA), 1)
    begin().exchange.advance(undefined)
    const waiting = Array.from({ length: 20_000 }, begin)
    for (const { exchange } of waiting) exchange.advance(Buffer.from('x'))
    expect(waiting.filter(({ outcomes }) => outcomes.length > 0)).toEqual([])
    answer.resolve(ADA)
    await turns()
    expect(waiting.filter(({ outcomes }) => outcomes.length !== 1)).toEqual([])
  })
})

it('two methods of one name are refused', () => {
  const methods = ['m', 'n', 'm'].map((name) => ({ name, begin: () => () => GO_ON }))
  expect(() => authenticationOf(methods)).toThrow('two authentication methods of the name m')
})
