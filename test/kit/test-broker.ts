// A broker with a clock that stands still, and peers that talk to it over pairs of streams in this process.
//
//   memory   nothing survives           level   a real LevelDB in a folder that goes when the test is over
//
// `restart` closes the broker and opens another one over the same folder.
import { duplexPair } from 'node:stream'
import { type Logger, pino } from 'pino'
import { onTestFinished } from 'vitest'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { Broker, type BrokerParts } from '../../src/broker/index.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { ConfigInput } from '../../src/config/schema.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { flow, turns } from './flow.ts'
import { HeldStore } from './held-store.ts'
import * as packets from './packets.ts'
import { Peer } from './peer.ts'
import { temporaryFolder } from './temporary-folder.ts'

export type StoreKind = 'memory' | 'level'
export const STORES: readonly StoreKind[] = ['memory', 'level']

export interface TestBrokerOptions
  extends ConfigInput,
    Pick<BrokerParts, 'authenticationMethods' | 'authenticators' | 'rules' | 'authorizers' | 'memoryMeter'> {
  readonly store?: StoreKind
  /** Default: silent. */
  readonly logger?: Logger
}

export interface ConnectOptions {
  readonly version?: packets.Version
  /** Of the CONNACK. */
  readonly sessionPresent?: boolean
  /** Of the CONNECT. */
  readonly fields?: Record<string, unknown>
}

export class TestBroker {
  readonly clock = new ManualClock()
  broker!: Broker
  store!: HeldStore
  #options: TestBrokerOptions
  readonly #path: string | undefined
  #peers = 0

  constructor(options: TestBrokerOptions, path: string | undefined) {
    this.#options = options
    this.#path = path
  }

  async open(): Promise<void> {
    const {
      store: _,
      logger,
      authenticationMethods,
      authenticators,
      rules,
      authorizers,
      memoryMeter,
      ...input
    } = this.#options
    const path = this.#path
    const store =
      path === undefined ? new MemoryStore() : new LevelStore({ path, sync: 'always', clock: this.clock })
    this.store = new HeldStore(store)
    // What a broker says of itself would come between what the tests say.
    const config = resolveConfig({ system: { intervalSeconds: 0 }, ...input })
    const log = logger ?? pino({ level: 'silent' })
    const parts = {
      ...(authenticationMethods && { authenticationMethods }),
      ...(authenticators && { authenticators }),
      ...(authorizers && { authorizers }),
      rules,
      ...(memoryMeter && { memoryMeter }),
    }
    this.broker = await Broker.open({ config, store: this.store, clock: this.clock, log, ...parts })
  }

  async close(): Promise<void> {
    this.store.letGo()
    await this.broker.close()
  }

  /** With these options instead of those that it had. */
  async restart(options: TestBrokerOptions = this.#options): Promise<void> {
    await this.close()
    this.#options = options
    await this.open()
  }

  /** A new connection that has said nothing yet. */
  peer(version: packets.Version = 5): Peer {
    const [ours, theirs] = duplexPair({ allowHalfOpen: true })
    this.broker.attach(theirs)
    return new Peer(version, { ours, theirs, settle: () => this.settle() })
  }

  /** A client that is connected. */
  async client(clientId: string, options: ConnectOptions = {}): Promise<Peer> {
    const { version = 5, sessionPresent = false, fields = {} } = options
    const peer = this.peer(version)
    await flow(peer).send(packets.connect(clientId, fields)).receive(packets.connack(0, sessionPresent))
    return peer
  }

  /** A client that has subscribed. */
  async subscriber(
    clientId: string,
    topicFilter: string,
    qos: packets.Qos,
    options: ConnectOptions & packets.SubscribeOptions = {},
  ): Promise<Peer> {
    const peer = await this.client(clientId, options)
    await flow(peer)
      .send(packets.subscribe(1, topicFilter, qos, options))
      .receive(packets.suback(1, qos))
    return peer
  }

  /** Everything under way is where it is going, on the disk too. */
  async settle(): Promise<void> {
    await turns()
    await this.store.settled()
    await turns()
  }

  /** Publishes from inside the process, at QoS 0. */
  async publish(topicName: string, payload: string, retain = false): Promise<void> {
    await this.broker.publish({ topicName, payload, retain })
  }

  /** Whatever a peer did, another one is served. */
  async servesOthers(): Promise<void> {
    const peer = await this.subscriber(`served ${++this.#peers}`, 'served', 1, { version: 4 })
    const { publish1, puback, disconnect } = packets
    await flow(peer)
      .send(publish1(7, 'served', 'yes'))
      .receiveUnordered(puback(7), publish1(1, 'served', 'yes'))
      .send(puback(1), disconnect())
      .closed()
  }

  dropped(reason: string): number {
    return this.drops[reason] ?? 0
  }

  /** All of them, by reason. */
  get drops(): Record<string, number> {
    return Object.fromEntries(this.broker.drops)
  }

  dropsOf(clientId: string): Record<string, number> {
    return Object.fromEntries(this.broker.dropsOf(clientId) ?? [])
  }
}

/** Closed when the test is over. */
export async function openBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const path = options.store === 'level' ? await temporaryFolder() : undefined
  const made = new TestBroker(options, path)
  await made.open()
  onTestFinished(() => made.close())
  return made
}
