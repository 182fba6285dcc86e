// ManualClock, and what systemClock has in common with it.
import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { ManualClock } from '../../src/base/manual-clock.ts'

test('fires what is due in order of time, each at its own time', () => {
  const clock = new ManualClock(1_000)
  const fired: [string, number][] = []
  clock.setTimer(() => fired.push(['late', clock.now()]), 30)
  clock.setTimer(() => fired.push(['early', clock.now()]), 10)
  clock.setTimer(() => fired.push(['early too', clock.now()]), 10)
  clock.setTimer(() => fired.push(['not yet', clock.now()]), 31)
  clock.advance(30)
  expect(fired).toEqual([
    ['early', 1_010],
    ['early too', 1_010],
    ['late', 1_030],
  ])
  expect(clock.now()).toBe(1_030)
})

test('fires timers that are set while it advances', () => {
  const clock = new ManualClock(0)
  const firedAt: number[] = []
  const again = (): void => {
    firedAt.push(clock.now())
    clock.setTimer(again, 10)
  }
  clock.setTimer(again, 10)
  clock.advance(35)
  expect(firedAt).toEqual([10, 20, 30])
})

test('fires no cancelled timer, also when it is cancelled by one that fires at the same moment', () => {
  const clock = new ManualClock(0)
  const fired: string[] = []
  clock.setTimer(() => second.cancel(), 10)
  const second = clock.setTimer(() => fired.push('second'), 10)
  const third = clock.setTimer(() => fired.push('third'), 5)
  third.cancel()
  clock.advance(100)
  expect(fired).toEqual([])
})

test('a jump of the wall clock leaves the delays of timers as they are', () => {
  const clock = new ManualClock(0)
  const firedAt: number[] = []
  clock.setTimer(() => firedAt.push(clock.now()), 10)
  clock.setTimer(() => firedAt.push(clock.now()), 20)
  clock.jump(500)
  clock.advance(10)
  clock.jump(-1_000)
  clock.advance(10)
  expect(firedAt).toEqual([510, -480])
})

test('the system clock tells the time and fires its timers', async () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000)
  const fired: string[] = []
  systemClock.setTimer(() => fired.push('cancelled'), 1).cancel()
  // Its timers do not keep the process running: something else has to.
  const running = setInterval(() => {}, 1_000)
  await new Promise<void>((resolve) => systemClock.setTimer(resolve, 20))
  clearInterval(running)
  expect(fired).toEqual([])
})

test('the system clock waits for delays that setTimeout would fire at once', async () => {
  const fired: string[] = []
  const timer = systemClock.setTimer(() => fired.push('too early'), 2 ** 31)
  const running = setInterval(() => {}, 1_000)
  await new Promise<void>((resolve) => systemClock.setTimer(resolve, 20))
  clearInterval(running)
  timer.cancel()
  expect(fired).toEqual([])
})
