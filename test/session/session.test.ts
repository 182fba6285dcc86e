// The small parts of a session: its subscriptions, received packet ids, and packet ids by sequence.
import { describe, expect, it } from 'vitest'
import { Inbound } from '../../src/session/inbound.ts'
import { PACKET_IDS, packetIdOf, sequenceOf } from '../../src/session/packet-ids.ts'
import { Session } from '../../src/session/session.ts'
import { subscriptionOf } from '../../src/session/subscription.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { memoryQueue } from './queue.ts'

/** A store that writes down what was put. */
class WritingStore extends MemoryStore {
  readonly written: string[] = []
  override putReceived(sessionNumber: number, packetId: number): void {
    this.written.push(`put ${sessionNumber} ${packetId}`)
  }
  override deleteReceived(sessionNumber: number, packetId: number): void {
    this.written.push(`delete ${sessionNumber} ${packetId}`)
  }
  override putSession({ expiryInterval, expiresAt }: { expiryInterval: number; expiresAt: number }): void {
    this.written.push(`session ${expiryInterval} ${expiresAt}`)
  }
}

describe('packet ids', () => {
  it('follow the sequence, and the sequence is found again from any head', () => {
    expect([0, 1, PACKET_IDS - 1, PACKET_IDS, 3 * PACKET_IDS + 7].map(packetIdOf)).toEqual([
      1, 2, 65_535, 1, 8,
    ])
    for (const head of [0, 5, PACKET_IDS - 2, PACKET_IDS, 10 * PACKET_IDS + 77, 2 ** 40]) {
      for (const ahead of [0, 1, 1_000, PACKET_IDS - 1]) {
        expect(sequenceOf(packetIdOf(head + ahead), head)).toBe(head + ahead)
      }
    }
  })
})

describe('received packet ids', () => {
  it('are there until they are released, and stored for a session that is kept', () => {
    const store = new WritingStore()
    const inbound = new Inbound(store, 4, [9])
    expect(inbound.has(9)).toBe(true)
    expect(inbound.has(5)).toBe(false)
    inbound.add(5)
    expect(inbound.has(5)).toBe(true)
    expect(inbound.delete(5)).toBe(true)
    expect(inbound.delete(5)).toBe(false)
    expect(store.written).toEqual(['put 4 5', 'delete 4 5'])
  })

  it('are not stored for one that is not', () => {
    const store = new WritingStore()
    const inbound = new Inbound(store, 0)
    inbound.add(5)
    expect(inbound.delete(5)).toBe(true)
    expect(store.written).toEqual([])
  })
})

describe('a session', () => {
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const subscription = (topicFilter: string) =>
    subscriptionOf({ topicFilter, ...options, subscriptionIdentifier: 0, owesRetained: false })
  const sessionWith = (store: WritingStore, number: number): Session => {
    const record = { number, clientId: 'c', identity: '', expiryInterval: 5, expiresAt: 100, sentBefore: 0 }
    return new Session({ ...memoryQueue().context, store }, record)
  }

  it('has one subscription for each filter, shared ones beside plain ones', () => {
    const session = sessionWith(new WritingStore(), 1)
    const first = subscription('a')
    const shared = subscription('$share/g/a')
    expect(session.addSubscription(first)).toBeUndefined()
    expect(session.addSubscription(shared)).toBeUndefined()
    expect(session.addSubscription(subscription('a'))).toBe(first)
    expect(session.subscriptions.size).toBe(2)
    expect(shared).toMatchObject({ shareName: 'g', plainFilter: 'a' })
    expect(session.removeSubscription('a')).toBeDefined()
    expect(session.removeSubscription('a')).toBeUndefined()
    expect([...session.subscriptions.keys()]).toEqual(['$share/g/a'])
  })

  it('stores when a client comes and goes, and nothing when it is not kept', () => {
    const store = new WritingStore()
    const session = sessionWith(store, 1)
    session.connected(6)
    session.disconnected(200)
    const unkept = sessionWith(store, 0)
    unkept.connected(9)
    unkept.disconnected(9)
    expect(store.written).toEqual(['session 6 Infinity', 'session 6 200'])
  })
})
