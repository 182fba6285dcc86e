// An Outbound with its store, its clock and its bounds, for the tests of it.
import { onTestFinished } from 'vitest'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { type Message, NEVER } from '../../src/packet/message.ts'
import type { Qos } from '../../src/packet/protocol.ts'
import { createMessage } from '../../src/packet/publish.ts'
import { Drops } from '../../src/session/drops.ts'
import { Outbound } from '../../src/session/outbound.ts'
import type { OutboundContext, OutboundLimits } from '../../src/session/outbound-context.ts'
import { QueueTotals } from '../../src/session/queue-totals.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { QueueEnds, SessionRecord, Store } from '../../src/store/store.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

export const LIMITS: OutboundLimits = {
  queueMessagesMax: 1_000_000,
  queueBytesMax: 1_000_000_000,
  queueWindow: 100,
  queueWindowBytes: 1_000_000,
  inFlightMax: 1_000,
  outputBytesMax: 1_000_000,
}

const record: SessionRecord = {
  number: 1,
  clientId: 'c',
  identity: '',
  expiryInterval: 60,
  expiresAt: Number.POSITIVE_INFINITY,
  sentBefore: 0,
}

export class Queue {
  readonly clock = new ManualClock()
  readonly drops = new Drops()
  readonly totals = new QueueTotals({ queuedMessagesMax: 1_000_000, queuedBytesMax: 1_000_000_000 })
  readonly readErrors: Error[] = []
  readonly limits: OutboundLimits
  readonly queueQos0: boolean
  store: Store
  outbound: Outbound

  constructor(store: Store, limits: Partial<OutboundLimits>, isKept: boolean, queueQos0 = false) {
    this.store = store
    this.queueQos0 = queueQos0
    this.limits = { ...LIMITS, ...limits }
    this.outbound = this.make(isKept)
  }

  make(isKept: boolean, stored?: QueueEnds): Outbound {
    return new Outbound(this.context, this.drops, isKept ? record.number : 0, stored)
  }

  get context(): OutboundContext {
    const { store, limits, drops, readErrors } = this
    const onReadError = (error: Error): void => void readErrors.push(error)
    const { totals } = this
    const now = (): number => this.clock.now()
    const others = { unfinished: new Set<Promise<void>>(), onQueueRoom: () => {} }
    return {
      store,
      limits,
      drops,
      totals,
      now,
      onReadError,
      overflow: { queueQos0: this.queueQos0 },
      ...others,
    }
  }

  /** How many of them found no room. */
  push(qos: Qos, ...payloads: (string | number)[]): number {
    const found = (payload: string | number): boolean =>
      this.outbound.push(messageOf(String(payload), qos), qos, false, undefined)
    return payloads.filter((payload) => !found(payload)).length
  }
}

export const messageOf = (payload: string, qos: Qos = 1, expiresAt = NEVER): Message =>
  createMessage({
    topicName: 'a',
    payload: Buffer.from(payload),
    qos,
    retain: false,
    expiresAt,
    properties: Buffer.alloc(0),
  })

/** In memory: kept or not makes no difference to what it promises. */
export const memoryQueue = (limits: Partial<OutboundLimits> = {}, isKept = true, queueQos0 = false): Queue =>
  new Queue(new MemoryStore(), limits, isKept, queueQos0)

export async function levelQueue(limits: Partial<OutboundLimits> = {}): Promise<Queue> {
  const { store } = await openStore(await temporaryFolder())
  store.putSession(record)
  return new Queue(store, limits, true)
}

/** A queue on disk, and a way to close the store and have the queue anew from what is stored. */
export async function restartableQueue(limits: Partial<OutboundLimits>, queueQos0 = false) {
  const path = await temporaryFolder()
  const { store } = await openStore(path)
  store.putSession(record)
  const queue = new Queue(store, limits, true, queueQos0)
  const restart = async (): Promise<void> => {
    await queue.store.close()
    const reopened = await openStore(path)
    queue.store = reopened.store
    queue.outbound = queue.make(true, reopened.ends)
  }
  return { queue, restart }
}

async function openStore(path: string): Promise<{ store: Store; ends: QueueEnds }> {
  const store = new LevelStore({ path, sync: 'no' })
  let ends: QueueEnds = { head: 0, tail: 0, bytes: 0 }
  await store.open({
    session: (_, queue) => {
      ends = queue
    },
    subscription() {},
    retained() {},
    will() {},
  })
  onTestFinished(() => store.close())
  return { store, ends }
}

/** Whatever the queue has asked the store for has come. */
export async function settled(queue: Queue): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await queue.store.flush()
    await queue.store.readQueue(record.number, 0, 1)
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
