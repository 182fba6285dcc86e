// The broker of a simulation: on a memory store, or on a LevelDB that it is closed or killed over and started again.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { Broker } from '../../src/broker/index.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import type { Config } from '../../src/config/schema.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { SessionSweeper } from '../../src/store/session-sweeper.ts'
import { turns } from '../kit/flow.ts'
import { HeldStore } from '../kit/held-store.ts'
import type { ModelLimits } from './session-model.ts'
import { Wire } from './wire.ts'

export type StoreKind = 'memory' | 'level'

const log = pino({ level: 'silent' })
const configs = new Map<string, Config>()

function configOf({ inFlightMax, queueWindow }: ModelLimits): Config {
  const key = `${inFlightMax} ${queueWindow}`
  let config = configs.get(key)
  if (config === undefined) {
    config = resolveConfig({ limits: { inFlightMax, queueWindow } })
    configs.set(key, config)
  }
  return config
}

/** Sessions that are being removed from a disk: what they leave behind goes to others when its turn comes. */
const swept: { sweeper: SessionSweeper; sessionNumber: number }[] = []
const { add } = SessionSweeper.prototype
SessionSweeper.prototype.add = function (record): void {
  swept.push({ sweeper: this, sessionNumber: record.number })
  add.call(this, record)
}

async function untilSwept(): Promise<void> {
  for (const { sweeper, sessionNumber } of swept.splice(0)) {
    while (sweeper.owns(sessionNumber)) await turns(1)
  }
}

export class Host {
  clock = new ManualClock()
  readonly #store: StoreKind
  readonly #config: Config
  #broker!: Broker
  #held: HeldStore | undefined
  #folder = ''
  #hasMoved = false

  constructor(store: StoreKind, limits: ModelLimits) {
    this.#store = store
    this.#config = configOf(limits)
  }

  async open(): Promise<void> {
    if (this.#store === 'level') this.#folder = await mkdtemp(join(tmpdir(), 'godwit-simulation-'))
    await this.#start()
  }

  async #start(): Promise<void> {
    const { clock } = this
    this.#held =
      this.#store === 'level'
        ? new HeldStore(new LevelStore({ path: this.#folder, sync: 'no', clock }))
        : undefined
    const store = this.#held ?? new MemoryStore()
    this.#broker = await Broker.open({ config: this.#config, store, clock, log })
  }

  /** A connection that has said nothing yet. */
  connect(): Wire {
    const wire = new Wire(() => {
      this.#hasMoved = true
    })
    this.#broker.attach(wire.asDuplex)
    return wire
  }

  /** Nothing is under way any more. */
  async quiet(): Promise<void> {
    do {
      this.#hasMoved = false
      await this.#held?.settled()
      await untilSwept()
      await this.#held?.settled()
      // One for what is flushed, one for what was read from the queue meanwhile.
      await turns(this.#held === undefined ? 2 : 4)
    } while (this.#hasMoved || this.#held?.isIdle === false)
  }

  get canRestart(): boolean {
    return this.#held !== undefined
  }

  /** Killed: what is on the disk by then is all that there is of it, and it never finds out. */
  async restart(isKilled: boolean): Promise<void> {
    if (isKilled) {
      await this.#held?.flush()
      await this.#held?.close()
      this.clock = new ManualClock(this.clock.now()) // What it was waiting for never comes.
    } else await this.#broker.close()
    swept.length = 0 // What is left of them is found at the next start.
    await this.#start()
  }

  async close(): Promise<void> {
    await this.#broker.close()
    swept.length = 0
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true })
  }
}
