// A broker with limits that are soon reached, a witness, and time that stands still: where one case after the other is
// played. Each begins where the one before it began: aftermath.ts sees to it that nothing is left.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Broker } from '../../src/broker/index.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { Config, ConfigInput } from '../../src/config/schema.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import type { ListenAddress } from '../../src/transport/tcp.ts'
import type { Version } from '../kit/packets.ts'
import type { StoreKind } from '../kit/test-broker.ts'
import { CountingClock } from './counting-clock.ts'
import { type FarEnd, Tcp, Wire } from './far-ends.ts'
import { Ledger, LedgerStore } from './ledger.ts'
import { METHODS } from './methods.ts'
import { timeoutsOn } from './waiting-timeouts.ts'
import { Witness } from './witness.ts'

/** Hostile clients at once. */
export const CLIENTS_MAX = 4
/** Seconds that a session outlives its connection at most. */
export const SESSION_SECONDS_MAX = 3
/** For something that has to happen, where a disk or sockets take their time. What takes longer is a finding. */
const DEADLINE_MS = 20_000
/** Where nothing does: so many turns of the event loop. */
const TURNS_MAX = 1_000
/** Longer than a connection is let be that was told to go. */
export const GRACE_MS = 2_100

const LIMITS = {
  connectionsMax: 1 + CLIENTS_MAX,
  sessionsMax: 1 + CLIENTS_MAX,
  connectTimeoutMs: 1_000,
  connectBytesMax: 100_000,
  controlBytesMax: 5_000,
  maximumPacketSize: 100_000,
  topicLevelsMax: 8,
  receiveMaximum: 64,
  topicAliasMaximum: 4,
  topicAliasMaximumOut: 4,
  inFlightMax: 8,
  subscriptionsPerSessionMax: 6,
  sessionExpiryIntervalMax: SESSION_SECONDS_MAX,
  queueMessagesMax: 80,
  queueBytesMax: 200_000,
  queueWindow: 4,
  queueWindowBytes: 50_000,
  retainedMessagesMax: 80,
  outputBytesMax: 20_000,
  topicCacheEntries: 64,
}

/** Messages that have no room fare differently by topic, and authentication has bounds of its own. */
const INPUT = {
  limits: LIMITS,
  overflow: {
    byTopic: [
      { topicFilter: 'h/1', policy: 'drop-oldest' },
      { topicFilter: 'h/2', policy: 'reject' },
      { topicFilter: 'h/1/2', policy: 'disconnect' },
    ],
  },
  // It goes on for so long when nobody reads it any more.
  system: { intervalSeconds: 1 },
  authentication: { stepsMax: 4, stepsAtOnceMax: 2, timeoutMs: 2_000 },
} as const satisfies ConfigInput

export interface Ground {
  readonly store: StoreKind
  readonly far: 'wire' | 'tcp'
  /** Of the witness. */
  readonly version: Version
}

/** What is wrong with the broker after a case, or with nobody but the case. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

/** The event loop goes round. */
async function loops(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

export class Arena {
  readonly ground: Ground
  readonly clock = new CountingClock()
  readonly ledger: Ledger
  store!: LedgerStore
  broker!: Broker
  witness!: Witness
  /** What the broker logged as a failure of its own, and what nobody caught. */
  readonly failures: string[] = []
  /** The ends of connections on the broker's side, as far as they are in this process. */
  readonly streams: WeakRef<object>[] = []
  readonly #config: Config = resolveConfig(INPUT)
  readonly #path: string | undefined
  readonly #undo: (() => void)[] = []
  #address: ListenAddress | undefined

  private constructor(ground: Ground, path: string | undefined) {
    this.ground = ground
    this.ledger = new Ledger(this.#config.limits)
    this.#path = path
  }

  static async open(ground: Ground): Promise<Arena> {
    const path = ground.store === 'level' ? await mkdtemp(join(tmpdir(), 'godwit-hostile-')) : undefined
    const arena = new Arena(ground, path)
    arena.#undo.push(timeoutsOn(arena.clock))
    arena.#heedProcess()
    try {
      await arena.#open()
    } catch (error) {
      await arena.#undoAll()
      throw error
    }
    return arena
  }

  async close(): Promise<void> {
    try {
      await this.#close()
    } finally {
      await this.#undoAll()
    }
  }

  async #undoAll(): Promise<void> {
    for (const undo of this.#undo) undo()
    if (this.#path !== undefined) await rm(this.#path, { recursive: true, force: true })
  }

  async restart(): Promise<void> {
    await this.#close()
    await this.#open()
  }

  /** A connection that has said nothing yet. */
  dial(): FarEnd {
    return this.#address === undefined ? this.wire() : new Tcp(this.#address)
  }

  wire(): Wire {
    return new Wire((stream) => {
      this.streams.push(new WeakRef(stream))
      this.broker.attach(stream)
    })
  }

  /** What is written is sent, what was sent is read, and what was put is on the disk; also what comes of that. */
  async turn(): Promise<void> {
    const { store, far } = this.ground
    await loops(far === 'tcp' ? 4 : 2)
    if (store === 'memory') return
    for (let round = 0; round < 2; round++) {
      await this.store.settled()
      await loops(2)
    }
  }

  /** Time goes by, for the process's own timeouts too. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    await this.turn()
  }

  async until(isSo: () => boolean, otherwise: () => string): Promise<void> {
    const { store, far } = this.ground
    const isTimeless = store === 'memory' && far === 'wire'
    let deadline = 0
    for (let turns = 0; !isSo(); turns++) {
      if (turns === 10) deadline = Date.now() + DEADLINE_MS
      const isLate = isTimeless ? turns >= TURNS_MAX : turns > 10 && Date.now() > deadline
      if (isLate) throw new Finding(otherwise())
      await this.turn()
      if (this.failures.length > 0) throw new Finding(this.failures.join('\n'))
    }
  }

  async #open(): Promise<void> {
    const { clock } = this
    const inner =
      this.#path === undefined ? new MemoryStore() : new LevelStore({ path: this.#path, sync: 'no', clock })
    this.store = new LedgerStore(inner, this.ledger)
    const log = pino({ level: 'error' }, { write: (line: string) => this.failures.push(line) })
    this.broker = await Broker.open({
      config: this.#config,
      store: this.store,
      clock,
      log,
      authenticationMethods: METHODS,
    })
    if (this.ground.far === 'tcp') {
      const [address] = await this.broker.listen([{ host: '127.0.0.1', port: 0 }])
      this.#address = address
    }
    this.witness = new Witness(this.ground.version, this.wire())
    this.witness.connect()
    await this.until(
      () => this.witness.isSubscribed,
      () => 'the witness could not subscribe',
    )
  }

  async #close(): Promise<void> {
    this.store.letGo()
    let isClosed = false
    const closing = this.broker.close().then(() => {
      isClosed = true
    })
    // Time goes by once, for the peers that don't hang up: sessions that are kept shall still be there afterwards.
    for (let turns = 0; turns < 5 && !isClosed; turns++) await this.turn()
    if (!isClosed) this.clock.advance(GRACE_MS)
    await this.until(
      () => isClosed,
      () => 'the broker does not close',
    )
    await closing
  }

  #heedProcess(): void {
    const heed = (error: unknown): void => {
      this.failures.push(error instanceof Error ? String(error.stack) : String(error))
    }
    process.on('uncaughtException', heed)
    process.on('unhandledRejection', heed)
    this.#undo.push(() => process.off('uncaughtException', heed).off('unhandledRejection', heed))
  }
}
