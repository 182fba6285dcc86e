// Messages that the disk has and cannot give: dropped and counted, and the others go on in their order.
import { expect, it } from 'vitest'
import { DropReason } from '../../src/session/drops.ts'
import { lostDelivery } from '../../src/store/delivery.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { HeldStore } from '../kit/held-store.ts'
import { Queue, settled } from './queue.ts'
import { RecordingSink } from './recording-sink.ts'

/** Of its queue every third message cannot be read. */
class DamagedStore extends HeldStore {
  override async readQueue(...range: Parameters<HeldStore['readQueue']>) {
    const deliveries = await super.readQueue(...range)
    return deliveries.map((delivery) =>
      delivery.sequence % 3 === 1 ? lostDelivery(delivery.sequence, true) : delivery,
    )
  }
}

it.each([2, 100])('are passed over and counted, with a window of %i', async (queueWindow) => {
  const queue = new Queue(new DamagedStore(new MemoryStore()), { queueWindow }, true)
  queue.push(2, ...Array.from({ length: 10 }, (_, i) => `m${i}`))
  const sink = new RecordingSink()
  queue.outbound.attach(sink, 65_535)
  for (let acknowledged = 0, rounds = 0; rounds < 30; rounds++) {
    await settled(queue)
    for (; acknowledged < sink.delivered.length; acknowledged++) {
      const { packetId } = sink.delivered[acknowledged] ?? { packetId: 0 }
      expect(queue.outbound.received(packetId)).toBe(true)
      expect(queue.outbound.completed(packetId)).toBe(true)
    }
  }
  expect(sink.payloads).toEqual(['m0', 'm2', 'm3', 'm5', 'm6', 'm8', 'm9'])
  expect(queue.drops.of(DropReason.Damaged)).toBe(3)
  expect([queue.outbound.length, queue.totals.messages, queue.totals.bytes]).toEqual([0, 0, 0])
})
