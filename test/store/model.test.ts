// A thousand random operations against a plain model, with restarts and kills in between: what is restored, and what
// lies on the disk when all is gone, must be the same. A failing seed is in the title.
import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/packet/message.ts'
import { Delivery, DeliveryState } from '../../src/store/delivery.ts'
import { KeyKind } from '../../src/store/keys.ts'
import type { LevelStore } from '../../src/store/level-store.ts'
import type { SessionRecord, SubscriptionRecord, WillRecord } from '../../src/store/store.ts'
import { type DescribedDelivery, describeDelivery, describeMessage, finish, messageOf } from './payloads.ts'
import { randomOf } from './random.ts'
import { countRows } from './rows.ts'
import { copyOf, openLevelStore, type Stored, temporaryFolder } from './stored.ts'

const STEPS = 1_000

interface ModelSession {
  readonly record: SessionRecord
  readonly subscriptions: Map<string, SubscriptionRecord>
  readonly received: Set<number>
  readonly queue: Map<number, { handle: Delivery; expected: DescribedDelivery }>
  tail: number
}

class Simulation {
  store: LevelStore
  path: string
  readonly #random: ReturnType<typeof randomOf>
  readonly #sessions = new Map<string, ModelSession>()
  readonly #wills = new Map<string, WillRecord>()
  readonly #retained = new Map<string, Message>()
  #texts = 0

  constructor(store: LevelStore, path: string, seed: number) {
    this.store = store
    this.path = path
    this.#random = randomOf(seed)
  }

  async step(): Promise<void> {
    const { below } = this.#random
    const kind = below(100)
    if (kind < 8) this.#connect()
    else if (kind < 10) this.#deleteSession()
    else if (kind < 18) this.#subscribe()
    else if (kind < 24) this.#will()
    else if (kind < 32) this.#retain()
    else if (kind < 44) this.#receive()
    else if (kind < 66) this.#publish()
    else if (kind < 84) this.#finish()
    else if (kind < 90) this.#release()
    else if (kind < 97) await new Promise((resolve) => setImmediate(resolve))
    else if (kind < 99) await this.store.flush()
    else await this.restart(below(2) === 0)
  }

  #session(): ModelSession | undefined {
    return this.#random.oneOf([...this.#sessions.values()])
  }

  #connect(): void {
    const clientId = `client ${this.#random.below(12)}`
    const known = this.#sessions.get(clientId)
    const record = {
      number: known?.record.number ?? this.store.nextSessionNumber(),
      clientId,
      identity: known?.record.identity ?? `${this.#random.below(100)}`,
      expiryInterval: this.#random.below(1_000),
      expiresAt: this.#random.below(1_000),
      sentBefore: this.#random.below(1_000),
    }
    const fresh = { subscriptions: new Map(), received: new Set<number>(), queue: new Map(), tail: 0 }
    this.#sessions.set(clientId, { ...(known ?? fresh), record })
    this.store.putSession(record)
  }

  #deleteSession(): void {
    const session = this.#session()
    if (session === undefined) return
    this.#sessions.delete(session.record.clientId)
    this.store.deleteSession(session.record)
  }

  #subscribe(): void {
    const session = this.#session()
    const topicFilter = `a/${this.#random.below(5)}`
    if (session === undefined) return
    if (this.#random.below(3) === 0) {
      session.subscriptions.delete(topicFilter)
      this.store.deleteSubscription(session.record.number, topicFilter)
      return
    }
    const record: SubscriptionRecord = {
      topicFilter,
      qos: this.#random.below(3) as 0 | 1 | 2,
      noLocal: this.#random.below(2) === 0,
      retainAsPublished: this.#random.below(2) === 0,
      retainHandling: this.#random.below(3) as 0 | 1 | 2,
      subscriptionIdentifier: this.#random.below(1_000),
      owesRetained: false,
    }
    session.subscriptions.set(topicFilter, record)
    this.store.putSubscription(session.record.number, record)
  }

  #will(): void {
    const clientId = `client ${this.#random.below(5)}`
    if (this.#random.below(3) === 0) {
      this.#wills.delete(clientId)
      this.store.deleteWill(clientId)
      return
    }
    const record: WillRecord = {
      topicName: 'w',
      payload: Buffer.from(`${this.#random.below(1_000)}`),
      qos: 1,
      retain: false,
      properties: Buffer.alloc(0),
      messageExpiryInterval: undefined,
      delayInterval: 0,
      dueAt: this.#random.below(1_000),
    }
    this.#wills.set(clientId, record)
    this.store.putWill(clientId, record)
  }

  #message(): Message {
    return messageOf(`text ${this.#texts++}`, `t/${this.#random.below(8)}`)
  }

  #retain(): void {
    const message = this.#message()
    if (this.#random.below(3) === 0) {
      this.#retained.delete(message.topicName)
      this.store.deleteRetained(message.topicName)
      return
    }
    this.#retained.set(message.topicName, message)
    this.store.putRetained(message)
  }

  #receive(): void {
    const session = this.#session()
    const packetId = 1 + this.#random.below(20)
    if (session === undefined) return
    if (session.received.delete(packetId)) this.store.deleteReceived(session.record.number, packetId)
    else {
      session.received.add(packetId)
      this.store.putReceived(session.record.number, packetId)
    }
  }

  /** To some sessions; at times a retained message, which was perhaps stored long ago. */
  #publish(): void {
    const { below, oneOf } = this.#random
    const message = (below(4) === 0 ? oneOf([...this.#retained.values()]) : undefined) ?? this.#message()
    for (const session of this.#sessions.values()) {
      if (below(2) === 0) continue
      const qos = below(2) === 0 ? 1 : 2
      const handle = new Delivery(
        session.tail++,
        message,
        qos,
        below(2) === 0,
        below(2) === 0 ? undefined : [7],
      )
      session.queue.set(handle.sequence, { handle, expected: describeDelivery(handle) })
      this.store.enqueue(session.record.number, handle)
    }
  }

  #finish(): void {
    const session = this.#session()
    const entry = this.#random.oneOf([...(session?.queue.values() ?? [])])
    if (session === undefined || entry === undefined) return
    session.queue.delete(entry.handle.sequence)
    finish(this.store, session.record.number, entry.handle)
  }

  #release(): void {
    const session = this.#session()
    const entry = this.#random.oneOf([...(session?.queue.values() ?? [])])
    if (session === undefined || entry === undefined || entry.handle.qos === 1) return
    if (entry.handle.state === DeliveryState.Released) return
    this.store.release(session.record.number, entry.handle)
    entry.handle.state = DeliveryState.Released
    entry.handle.message = undefined
    entry.expected = { ...entry.expected, state: DeliveryState.Released, message: undefined }
  }

  /** Closed in good order, or as after a kill once everything was told to be down. */
  async restart(isKilled: boolean): Promise<void> {
    if (isKilled) {
      await this.store.flush()
      this.path = await copyOf(this.path)
    }
    await this.store.close()
    const { store, stored, damage } = await openLevelStore(this.path)
    this.store = store
    expect(damage).toEqual([])
    this.#compare(stored)
    for (const { record, queue } of this.#sessions.values()) {
      const read = await store.readQueue(record.number, 0, 1_000_000)
      expect(read.map(describeDelivery)).toEqual([...queue.values()].map(({ expected }) => expected))
      for (const handle of read) (queue.get(handle.sequence) ?? { handle }).handle = handle
    }
  }

  #compare(stored: Stored): void {
    const byNumber = (a: SessionRecord, b: SessionRecord) => a.number - b.number
    const sessions = [...this.#sessions.values()]
    expect(stored.sessions.sort(byNumber)).toEqual(sessions.map(({ record }) => record).sort(byNumber))
    for (const { record, received, queue, subscriptions } of sessions) {
      const sequences = [...queue.keys()]
      const head = sequences[0] ?? 0
      const tail = (sequences.at(-1) ?? -1) + 1
      expect(stored.queues.get(record.number)).toMatchObject({ head, tail })
      const ids = [...received].sort((a, b) => a - b)
      expect(stored.receivedPacketIds.get(record.number)).toEqual(ids)
      const filters = stored.subscriptions.filter(([number]) => number === record.number)
      const expected = [...subscriptions.values()].sort((a, b) => (a.topicFilter < b.topicFilter ? -1 : 1))
      expect(filters.map(([, subscription]) => subscription)).toEqual(expected)
    }
    expect(new Map(stored.wills)).toEqual(this.#wills)
    const retained = [...this.#retained].sort(([a], [b]) => (a < b ? -1 : 1))
    expect(stored.retainedMessages.map(describeMessage)).toEqual(retained.map(([, m]) => describeMessage(m)))
    // The session goes on with what was restored, as a broker does.
    for (const message of stored.retainedMessages) this.#retained.set(message.topicName, message)
  }

  /** Half of the sessions finish their queues, the others are deleted with them. */
  async end(): Promise<void> {
    for (const session of this.#sessions.values()) {
      if (this.#random.below(2) === 0) {
        for (const { handle } of session.queue.values()) finish(this.store, session.record.number, handle)
      }
      this.store.deleteSession(session.record)
    }
    for (const clientId of this.#wills.keys()) this.store.deleteWill(clientId)
    for (const topicName of this.#retained.keys()) this.store.deleteRetained(topicName)
  }
}

describe('a thousand random operations', () => {
  for (let seed = 1; seed <= 8; seed++) {
    it(`leave what the model has, and nothing in the end, with seed ${seed}`, async () => {
      const { store, path } = await openLevelStore(await temporaryFolder())
      const simulation = new Simulation(store, path, seed)
      for (let step = 0; step < STEPS; step++) await simulation.step()
      await simulation.restart(false)
      await simulation.end()
      const rows = async () => {
        const counts = await countRows(await copyOf(simulation.path))
        counts.delete(KeyKind.Meta)
        return counts
      }
      await expect.poll(rows).toEqual(new Map())
    })
  }
})
