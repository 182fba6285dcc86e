// What every Store must do, whatever is under it. Run by memory-store.test.ts and level-store.test.ts.
import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/packet/message.ts'
import { Delivery, DeliveryState } from '../../src/store/delivery.ts'
import type { Store } from '../../src/store/store.ts'
import { deliveryOf, describeDelivery, finish, messageOf, payloadsOf, sessionOf } from './payloads.ts'

export function describeStore(name: string, openStore: () => Promise<Store>): void {
  describe(name, () => {
    it('gives each session a number of its own', async () => {
      const store = await openStore()
      const numbers = Array.from({ length: 2_500 }, () => store.nextSessionNumber())
      expect(new Set(numbers).size).toBe(2_500)
      expect(Math.min(...numbers)).toBeGreaterThan(0)
    })

    it('reads a queue in the order of its sequences, from any of them and up to the limit', async () => {
      const store = await openStore()
      const { number } = sessionOf(store, 'reader')
      for (let sequence = 0; sequence < 300; sequence++) {
        store.enqueue(number, deliveryOf(sequence, `m${sequence}`))
      }
      const whole = await store.readQueue(number, 0, 1_000)
      expect(whole.map((delivery) => delivery.sequence)).toEqual(Array.from({ length: 300 }, (_, i) => i))
      expect(payloadsOf(await store.readQueue(number, 255, 3))).toEqual(['m255', 'm256', 'm257'])
      expect(await store.readQueue(number, 300, 10)).toEqual([])
    })

    it('keeps the queues of sessions apart', async () => {
      const store = await openStore()
      const one = sessionOf(store, 'one').number
      const other = sessionOf(store, 'other').number
      store.enqueue(one, deliveryOf(0, 'for one'))
      store.enqueue(other, deliveryOf(0, 'for the other'))
      expect(payloadsOf(await store.readQueue(one, 0, 10))).toEqual(['for one'])
      expect(payloadsOf(await store.readQueue(other, 0, 10))).toEqual(['for the other'])
    })

    it('leaves out what was dequeued before its commit, and what was dequeued after it', async () => {
      const store = await openStore()
      const { number } = sessionOf(store, 'reader')
      const deliveries = [0, 1, 2, 3].map((sequence) => deliveryOf(sequence, `m${sequence}`))
      for (const delivery of deliveries) store.enqueue(number, delivery)
      const [first, , third] = deliveries
      if (first === undefined || third === undefined) throw new Error('there are four')
      finish(store, number, first)
      await store.flush()
      finish(store, number, third)
      expect(payloadsOf(await store.readQueue(number, 0, 10))).toEqual(['m1', 'm3'])
    })

    it('reads everything of a delivery back', async () => {
      const store = await openStore()
      const { number } = sessionOf(store, 'reader')
      const delivery = deliveryOf(7, messageOf('payload', 'täst/☃', 1_700_000_000_000), 2)
      const before = describeDelivery(delivery)
      store.enqueue(number, delivery)
      expect((await store.readQueue(number, 0, 10)).map(describeDelivery)).toEqual([before])
    })

    it('owns the bytes of what is enqueued from then on', async () => {
      const store = await openStore()
      const message = messageOf('kept')
      const chunk = Buffer.alloc(4_096)
      message.bytes.copy(chunk, 100)
      message.bytes = chunk
      message.start = 100
      store.enqueue(1, deliveryOf(0, message))
      chunk.fill(0)
      expect(payloadsOf(await store.readQueue(1, 0, 1))).toEqual(['kept'])
    })

    it('forgets the queue of a deleted session', async () => {
      const store = await openStore()
      const session = sessionOf(store, 'deleted')
      store.putSession(session)
      store.enqueue(session.number, deliveryOf(0, 'gone'))
      await store.flush()
      store.deleteSession(session)
      // The sweep comes with the commits after the deletion.
      let left = await store.readQueue(session.number, 0, 10)
      for (let i = 0; i < 1_000 && left.length > 0; i++) left = await store.readQueue(session.number, 0, 10)
      expect(left).toEqual([])
    })

    it('tells what a deleted session had not received, in order, with the messages of shared ones', async () => {
      const store = await openStore()
      const session = sessionOf(store, 'deleted')
      const told: Delivery[] = []
      store.onLeftOver = (deliveries) => told.push(...deliveries)
      store.putSession(session)
      const fanOut = messageOf('fan-out')
      const shared = (sequence: number, message: Message) =>
        new Delivery(sequence, message, 1, false, undefined, '$share/g/a/#')
      const deliveries = [shared(0, fanOut), deliveryOf(1, 'alone'), deliveryOf(2, 'released', 2)]
      for (let i = 3; i < 1_200; i++) deliveries.push(shared(i, messageOf(`m${i}`)))
      const other = sessionOf(store, 'other')
      store.enqueue(other.number, deliveryOf(0, fanOut))
      for (const delivery of deliveries) store.enqueue(session.number, delivery)
      const released = deliveries[2] as Delivery
      released.state = DeliveryState.Released
      store.release(session.number, released)
      released.message = undefined
      await store.flush()
      store.deleteSession(session)
      await expect.poll(() => told.length).toBe(1_199)
      expect(told.map((delivery) => delivery.sequence)).toEqual([
        0,
        1,
        ...Array.from({ length: 1_197 }, (_, i) => i + 3),
      ])
      expect(told.map((delivery) => delivery.share === '')).toEqual(
        told.map(({ sequence }) => sequence === 1),
      )
      expect(told[0]?.message?.payload.toString()).toBe('fan-out')
      expect(told.at(-1)?.message?.payload.toString()).toBe('m1199')
    })

    it('tells listeners in the order in which they began to wait', async () => {
      const store = await openStore()
      const heard: number[] = []
      const listener = { committed: (token: number) => heard.push(token) }
      for (let token = 0; token < 5; token++) {
        store.enqueue(1, deliveryOf(token, 'm'))
        store.afterCommit(listener, token)
        if (token === 2) await store.flush()
      }
      await store.flush()
      expect(heard).toEqual([0, 1, 2, 3, 4])
    })

    it('has committed, once flushed, the batch in which a delivery was enqueued', async () => {
      const store = await openStore()
      const delivery = deliveryOf(0, 'm')
      const batch = store.openBatch
      store.enqueue(1, delivery)
      await store.flush()
      expect(store.committedBatch).toBeGreaterThanOrEqual(batch)
      expect(store.committedBatch).toBeGreaterThanOrEqual(delivery.batch)
    })
  })
}
