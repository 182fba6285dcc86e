// The store of a broker without a data folder: nothing survives and nothing waits. It only holds the queues of
// sessions, so that they need not know the difference. The other one is level-store.ts; one suite tests both.
import { assert } from '../base/assert.ts'
import type { Message } from '../packet/message.ts'
import { type Delivery, DeliveryState } from './delivery.ts'
import type {
  CommitListener,
  Restorer,
  SessionRecord,
  Store,
  SubscriptionRecord,
  WillRecord,
} from './store.ts'

/** Every batch is committed before it is open. */
const ALWAYS_COMMITTED = 1
/** Deliveries of a deleted session that are told of in one turn. */
const SLICE_ROWS = 500

export class MemoryStore implements Store {
  readonly operations = 0
  readonly openBatch = ALWAYS_COMMITTED
  readonly committedBatch = ALWAYS_COMMITTED
  readonly isSaturated = false
  readonly isIdle = true
  onRoom: () => void = () => {}
  onLeftOver: (deliveries: readonly Delivery[], clientId: string) => void = () => {}
  /** They are there all the same. */
  readsLeftOver = false
  onDamage: (description: string) => void = () => {}
  readonly isShortOfRoom = false
  onShort: (isShort: boolean) => void = () => {}
  readonly damage = { count: 0, quarantined: 0, quarantine: undefined }
  onWriteError: (error: Error) => void = () => {}
  /** Session number -> sequence -> delivery, in the order of the sequences. The session bounds its queue. */
  readonly #queues = new Map<number, Map<number, Delivery>>()
  #nextNumber = 1

  async open(_restorer: Restorer): Promise<void> {}
  async close(): Promise<void> {}
  async flush(): Promise<void> {}

  /** Calls the listener before it returns. */
  afterCommit(listener: CommitListener, token: number): void {
    listener.committed(token)
  }

  nextSessionNumber(): number {
    return this.#nextNumber++
  }

  deleteSession(record: SessionRecord): void {
    const queue = this.#queues.get(record.number)
    this.#queues.delete(record.number)
    if (queue === undefined) return
    const received = (delivery: Delivery) => delivery.state === DeliveryState.Released
    const leftOver = [...queue.values()].filter((delivery) => !received(delivery))
    this.#tellLeftOver(leftOver, record.clientId)
  }

  #tellLeftOver(deliveries: Delivery[], clientId: string, from = 0): void {
    const slice = deliveries.slice(from, from + SLICE_ROWS)
    if (slice.length > 0) this.onLeftOver(slice, clientId)
    if (slice.length < SLICE_ROWS) return
    setImmediate(() => this.#tellLeftOver(deliveries, clientId, from + SLICE_ROWS))
  }

  enqueue(sessionNumber: number, delivery: Delivery): void {
    assert(delivery.message !== undefined, 'what is enqueued has its message')
    delivery.message.own()
    const queue = this.#queues.get(sessionNumber)
    if (queue === undefined) this.#queues.set(sessionNumber, new Map([[delivery.sequence, delivery]]))
    else queue.set(delivery.sequence, delivery)
  }

  dequeue(sessionNumber: number, delivery: Delivery): void {
    const queue = this.#queues.get(sessionNumber)
    queue?.delete(delivery.sequence)
    if (queue?.size === 0) this.#queues.delete(sessionNumber)
  }

  /** The very deliveries that were enqueued. */
  async readQueue(sessionNumber: number, from: number, limit: number): Promise<Delivery[]> {
    const found: Delivery[] = []
    for (const [sequence, delivery] of this.#queues.get(sessionNumber) ?? []) {
      if (found.length === limit) break
      if (sequence >= from) found.push(delivery)
    }
    return found
  }

  // What only a restart would ask for.
  release(_sessionNumber: number, _delivery: Delivery): void {}
  putSession(_record: SessionRecord): void {}
  putSubscription(_sessionNumber: number, _record: SubscriptionRecord): void {}
  deleteSubscription(_sessionNumber: number, _topicFilter: string): void {}
  putWill(_clientId: string, _record: WillRecord): void {}
  deleteWill(_clientId: string): void {}
  putRetained(_message: Message): void {}
  deleteRetained(_topicName: string): void {}
  putReceived(_sessionNumber: number, _packetId: number): void {}
  deleteReceived(_sessionNumber: number, _packetId: number): void {}
}
