// The broker of these tests: two clients are connected before anything bad comes, and notice nothing of it.
//
//   hostile peers --?--> broker <-- sender --QoS 1--> witness
//
// What is left is asked from outside: timers from the clock, links and sessions by filling the broker up to its limits.
import { pino } from 'pino'
import { expect, onTestFinished } from 'vitest'
import { Broker } from '../../src/broker/index.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { flow } from '../kit/flow.ts'
import { HeldStore } from '../kit/held-store.ts'
import { connack, connect, puback, publish1, type Version } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { type StoreKind, TestBroker } from '../kit/test-broker.ts'
import { CountingClock } from './counting-clock.ts'

type Limits = NonNullable<ConfigInput['limits']>

/** Seconds that a session outlives its connection at most, so that all of them have an end. */
const SESSION_SECONDS_MAX = 60
const HOUR_MS = 3_600_000
const TOPIC = 'from sender to witness'

export class HostileBroker extends TestBroker {
  override readonly clock = new CountingClock()
  /** What the broker logged as a failure of its own. */
  readonly failures: string[] = []
  readonly peers: Peer[] = []
  readonly #limits: Limits
  readonly #path: string | undefined
  #sender!: Peer
  #witness!: Peer
  #sent = 0

  constructor(limits: Limits, path: string | undefined) {
    super({}, undefined)
    this.#limits = { sessionExpiryIntervalMax: SESSION_SECONDS_MAX, ...limits }
    this.#path = path
  }

  override async open(): Promise<void> {
    const { clock } = this
    const path = this.#path
    const store = path === undefined ? new MemoryStore() : new LevelStore({ path, sync: 'no', clock })
    this.store = new HeldStore(store)
    const log = pino({ level: 'info' }, { write: (line: string) => this.#heed(line) })
    this.broker = await Broker.open({
      config: resolveConfig({ limits: this.#limits }),
      store: this.store,
      clock,
      log,
    })
    this.#sent = 0
    this.#sender = await this.client('sender')
    this.#witness = await this.subscriber('witness', TOPIC, 1)
  }

  override peer(version: Version = 5): Peer {
    const peer = super.peer(version)
    this.peers.push(peer)
    return peer
  }

  /** Nobody else noticed anything: the witness gets what the sender sends, and got nothing but that. */
  override async servesOthers(): Promise<void> {
    const id = ++this.#sent
    await flow(this.#sender)
      .send(publish1(id, TOPIC, String(id)))
      .receive(puback(id))
    await flow(this.#witness)
      .receive(publish1(id, TOPIC, String(id)))
      .send(puback(id))
      .receiveNothing()
    expect(this.failures).toEqual([])
  }

  /** The end: all peers have gone and all deadlines have passed. Needs limits that can be reached. */
  async leavesNothing(): Promise<void> {
    const { connectionsMax = 0, sessionsMax = 0 } = this.#limits
    for (const peer of this.peers.splice(0)) peer.brokerEnd.destroy()
    await this.settle()
    this.clock.advance(HOUR_MS)
    await this.settle()
    expect(this.clock.waiting).toBe(0)
    const room = Math.min(connectionsMax, sessionsMax)
    expect(room).toBeGreaterThan(0)
    for (let i = 0; i < room; i++) {
      await flow(this.peer(4))
        .send(connect(`new ${i}`))
        .receive(connack(0))
    }
    const oneMore = flow(this.peer(4)).send(connect('one more'))
    if (connectionsMax === room) await oneMore.closed()
    else await oneMore.receive(connack(3)).closed()
    expect(this.failures).toEqual([])
  }

  #heed(line: string): void {
    const { level } = JSON.parse(line) as { level: number }
    if (level >= 50) this.failures.push(line)
  }
}

/** Closed when the test is over. */
export async function openHostile(limits: Limits = {}, store: StoreKind = 'memory'): Promise<HostileBroker> {
  const kit = new HostileBroker(limits, store === 'level' ? await temporaryFolder() : undefined)
  await kit.open()
  onTestFinished(() => kit.close())
  return kit
}
