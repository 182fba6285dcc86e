// The store without a disk: the common suite, and that nobody ever waits for it.
import { expect, it } from 'vitest'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { deliveryOf, messageOf } from './payloads.ts'
import { describeStore } from './store-suite.ts'

describeStore('MemoryStore', async () => new MemoryStore())

it('calls a listener at once', () => {
  const heard: number[] = []
  new MemoryStore().afterCommit({ committed: (token) => heard.push(token) }, 3)
  expect(heard).toEqual([3])
})

it('never lets an acknowledgement wait', () => {
  const store = new MemoryStore()
  const delivery = deliveryOf(0, 'm', 2)
  store.enqueue(1, delivery)
  store.putRetained(messageOf('m'))
  store.putReceived(1, 1)
  expect(store.operations).toBe(0)
  expect(store.committedBatch).toBeGreaterThanOrEqual(store.openBatch)
  expect(store.committedBatch).toBeGreaterThanOrEqual(delivery.batch)
})
