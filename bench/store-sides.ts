// The two stores of bench/store.ts behind one interface: ours, and aedes-persistence-level called as Aedes calls it.
// Both on classic-level, in a folder of their own. What is looked up in memory lies beside our store, within theirs.
import { ClassicLevel } from 'classic-level'
import type { Message } from '../src/packet/message.ts'
import { createMessage } from '../src/packet/publish.ts'
import { Delivery, DeliveryState } from '../src/store/delivery.ts'
import { LevelStore } from '../src/store/level-store.ts'
import type { CommitListener, Restorer, SyncMode } from '../src/store/store.ts'
import { RetainedTrie } from '../src/topic/retained-trie.ts'
import { SubscriptionTrie } from '../src/topic/subscription-trie.ts'
import {
  type AedesPacket,
  type AedesPersistence,
  aedesPersistenceLevel,
} from '../test/aedes/aedes-persistence.ts'

export const PAYLOAD_BYTES = 64
/** Unacknowledged messages while a queue drains. */
const WINDOW = 100

/** Each call but `lookUp` and `scan` ends when its broker would acknowledge; sessions are numbered from 1. */
export interface StoreSide {
  /** One message to the queues of sessions 1 to `sessions`. */
  enqueue(sessions: number, done: () => void): void
  /** All of the queue of session 1 is sent and acknowledged. Resolves with how many there were. */
  drain(): Promise<number>
  subscribe(session: number, topicFilters: readonly string[], done: () => void): void
  /** How many are subscribed to it. */
  lookUp(topicName: string): number | Promise<number>
  retain(topicName: string, done: () => void): void
  /** How many retained messages match it, all of them read. */
  scan(topicFilter: string): number | Promise<number>
  close(): Promise<void>
}

const payload = Buffer.alloc(PAYLOAD_BYTES, 1)
const TOPIC = 'sensors/hall/temperature'
const nothing: Restorer = { session() {}, subscription() {}, retained() {}, will() {} }

export async function openGodwit(path: string, sync: SyncMode): Promise<StoreSide> {
  const store = new LevelStore({ path, sync })
  await store.open(nothing)
  return new GodwitSide(store)
}

class GodwitSide implements StoreSide, CommitListener {
  readonly #store: LevelStore
  readonly #subscriptions = new SubscriptionTrie<number, string>()
  readonly #retained = new RetainedTrie<Message>()
  readonly #waiting: (() => void)[] = []
  #tail = 0

  constructor(store: LevelStore) {
    this.#store = store
  }

  /** In the order of the calls of afterCommit. */
  committed(): void {
    this.#waiting.shift()?.()
  }

  #whenCommitted(done: () => void): void {
    this.#waiting.push(done)
    this.#store.afterCommit(this, 0)
  }

  enqueue(sessions: number, done: () => void): void {
    const message = messageOf(TOPIC, false)
    for (let number = 1; number <= sessions; number++) {
      this.#store.enqueue(number, new Delivery(this.#tail, message, 1, false, undefined))
    }
    this.#tail++
    this.#whenCommitted(done)
  }

  async drain(): Promise<number> {
    let count = 0
    for (let from = 0; from < this.#tail; from += WINDOW) {
      for (const delivery of await this.#store.readQueue(1, from, WINDOW)) {
        delivery.state = DeliveryState.Done
        this.#store.dequeue(1, delivery)
        count++
      }
    }
    await this.#store.flush()
    return count
  }

  subscribe(session: number, topicFilters: readonly string[], done: () => void): void {
    for (const topicFilter of topicFilters) {
      this.#subscriptions.add(topicFilter, session, topicFilter)
      this.#store.putSubscription(session, { ...SUBSCRIPTION, topicFilter })
    }
    this.#whenCommitted(done)
  }

  lookUp(topicName: string): number {
    let found = 0
    const count = () => void found++
    this.#subscriptions.match(topicName, count, count)
    return found
  }

  retain(topicName: string, done: () => void): void {
    const message = messageOf(topicName, true)
    this.#retained.set(topicName, message)
    this.#store.putRetained(message)
    this.#whenCommitted(done)
  }

  scan(topicFilter: string): number {
    const cursor = this.#retained.cursor(topicFilter)
    let found = 0
    while (cursor.step(Number.POSITIVE_INFINITY) !== undefined) found++
    return found
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

const SUBSCRIPTION = {
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  owesRetained: false,
  subscriptionIdentifier: 0,
} as const

function messageOf(topicName: string, retain: boolean): Message {
  const properties = Buffer.alloc(0)
  return createMessage({
    topicName,
    payload,
    qos: 1,
    retain,
    expiresAt: Number.POSITIVE_INFINITY,
    properties,
  })
}

/** What aedes-persistence-level never asks for: each of its writes is fsynced. */
class SyncedLevel extends ClassicLevel {
  override put(key: string, value: string, options?: object): Promise<void> {
    return super.put(key, value, { ...options, sync: true })
  }
}

export async function openAedes(path: string, isSynced: boolean): Promise<StoreSide> {
  const persistence = aedesPersistenceLevel(isSynced ? new SyncedLevel(path) : new ClassicLevel(path))
  await persistence.setup({ id: 'bench' })
  return new AedesSide(persistence)
}

class AedesSide implements StoreSide {
  readonly #persistence: AedesPersistence
  #counter = 0

  constructor(persistence: AedesPersistence) {
    this.#persistence = persistence
  }

  enqueue(sessions: number, done: () => void): void {
    const receivers = Array.from({ length: sessions }, (_, i) => ({ clientId: `${i + 1}` }))
    this.#persistence.outgoingEnqueueCombi(receivers, this.#packetOf(TOPIC, false)).then(done, fail)
  }

  /** As its emptyQueue and its handler of PUBACK. */
  async drain(): Promise<number> {
    const client = { id: '1' }
    let count = 0
    let acknowledged: Promise<unknown>[] = []
    for await (const packet of this.#persistence.outgoingStream(client)) {
      const messageId = (count++ % 65_535) + 1
      await this.#persistence.outgoingUpdate(client, { ...packet, messageId })
      acknowledged.push(this.#persistence.outgoingClearMessageId(client, { messageId }))
      if (acknowledged.length < WINDOW) continue
      await Promise.all(acknowledged)
      acknowledged = []
    }
    await Promise.all(acknowledged)
    return count
  }

  subscribe(session: number, topicFilters: readonly string[], done: () => void): void {
    const subscriptions = topicFilters.map((topic) => ({ topic, qos: 1 }) as const)
    this.#persistence.addSubscriptions({ id: `${session}` }, subscriptions).then(done, fail)
  }

  async lookUp(topicName: string): Promise<number> {
    return (await this.#persistence.subscriptionsByTopic(topicName)).length
  }

  retain(topicName: string, done: () => void): void {
    this.#persistence.storeRetained(this.#packetOf(topicName, true)).then(done, fail)
  }

  async scan(topicFilter: string): Promise<number> {
    let found = 0
    for await (const _ of this.#persistence.createRetainedStream(topicFilter)) found++
    return found
  }

  close(): Promise<void> {
    return this.#persistence.destroy()
  }

  #packetOf(topic: string, retain: boolean): AedesPacket {
    const brokerCounter = ++this.#counter
    return { cmd: 'publish', brokerId: 'bench', brokerCounter, topic, payload, qos: 1, retain, dup: false }
  }
}

function fail(error: unknown): never {
  throw error
}
