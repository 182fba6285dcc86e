// RingQueue beside the array that it stands for.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RingQueue } from '../../src/base/ring-queue.ts'

const contents = <T>(queue: RingQueue<T>): (T | undefined)[] =>
  Array.from({ length: queue.length }, (_, index) => queue.at(index))

test('holds what an array would hold, whatever is pushed and shifted', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('push'), count: fc.nat(300) }),
    fc.record({ kind: fc.constant('shift'), count: fc.nat(300) }),
    fc.record({ kind: fc.constant('clear'), count: fc.constant(1) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const queue = new RingQueue<number>()
      let model: number[] = []
      let next = 0
      for (const { kind, count } of steps) {
        if (kind === 'clear') {
          queue.clear()
          model = []
        }
        for (let i = 0; i < count && kind === 'push'; i++) {
          queue.push(next)
          model.push(next++)
        }
        for (let i = 0; i < count && kind === 'shift'; i++) expect(queue.shift()).toBe(model.shift())
        expect(contents(queue)).toEqual(model)
      }
    }),
  )
})

test('answers undefined outside of its ends', () => {
  const queue = new RingQueue<string>()
  expect(queue.shift()).toBeUndefined()
  expect(queue.at(0)).toBeUndefined()
  queue.push('only')
  expect(queue.at(-1)).toBeUndefined()
  expect(queue.at(1)).toBeUndefined()
  expect(queue.at(0)).toBe('only')
})

test('lets go of what was shifted', async () => {
  const queue = new RingQueue<object>()
  queue.push({})
  const shifted = new WeakRef(queue.shift() as object)
  queue.push({})
  // A WeakRef is held until the turn is over.
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  expect(shifted.deref()).toBeUndefined()
})

test('gives its memory back when emptied', () => {
  const queues = Array.from({ length: 100 }, () => new RingQueue<number>())
  const before = heapUsed()
  for (const queue of queues) for (let i = 0; i < 10_000; i++) queue.push(i)
  const full = heapUsed() - before
  for (const queue of queues) while (queue.length > 0) queue.shift()
  const emptied = heapUsed() - before
  expect(full).toBeGreaterThan(100 * 10_000 * 4)
  expect(emptied).toBeLessThan(full / 20)
  expect(queues[0]?.length).toBe(0)
})

test('gives most of its memory back when far below what it held', () => {
  const queue = new RingQueue<number>()
  const before = heapUsed()
  for (let i = 0; i < 1_000_000; i++) queue.push(i)
  const full = heapUsed() - before
  while (queue.length > 1_000) queue.shift()
  expect(heapUsed() - before).toBeLessThan(full / 20)
  expect(queue.at(0)).toBe(999_000)
})

function heapUsed(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
