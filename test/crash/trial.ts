// The trial: ten publishers send to persistent subscribers, the broker is killed with SIGKILL at a random moment and
// started again on the same folder, everyone comes back as the specification says, and what is missing is counted.
//
//   round: clients with wills join, some leave -> traffic -> kill -9, maybe a power cut -> start, maybe killed again
//            -> the wills' subscriber is back, retained and sessions checked -> publishers send again, and some more
//            -> offline subscribers come back -> all has arrived, wills too, or nothing comes any more
//
// The sessions, and what everyone has seen, go on from round to round.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { SyncMode } from '../../src/store/store.ts'
import { Random } from '../hostile/random.ts'
import { BrokerProcess } from '../integration/broker-process.ts'
import type { DiskKind } from './disk-journal.ts'
import { Newcomers } from './newcomers.ts'
import { type Counted, Population, SILENCE_MS } from './population.ts'
import { PowerCut } from './power-cut.ts'
import { faultsOf, keptUntil, type Mode, type RoundResult } from './round-result.ts'
import type { Subscriber } from './subscriber.ts'
import { WillClients } from './will-clients.ts'

/** The kill comes at a random moment after so many acknowledgements: else there would be nothing to lose. */
const ACKNOWLEDGED_MIN = 200
const KILL_AFTER_MS_MAX = 500
const TRAFFIC_MS_MAX = 60_000
/** Of the time that a power cut may take, and a bit, so that there is something older. */
const OLDER_MS = 300
/** In so many of a hundred rounds, the broker is killed again, so many milliseconds at most after its start. */
const KILLED_AGAIN_PERCENT = 25
const KILLED_AGAIN_MS_MAX = 400
/** Messages of each publisher after the restart: they show that the subscriptions still serve. */
const AFTERWARDS = 25

export interface TrialOptions {
  readonly mode: Mode
  readonly kills: number
  /** What the broker is held to. Default: always. */
  readonly sync?: SyncMode
  /** None: the page cache outlives the broker, as it does with a mere kill. */
  readonly powerCuts?: DiskKind
  readonly seed?: number
  /** Default: the system's for temporary files. The trial makes its own in it. */
  readonly folder?: string
  /** Default: dist/cli.js. */
  readonly program?: string
  /** For the broker's process. */
  readonly env?: Readonly<Record<string, string>>
  /** Losses are expected: the folder is of no interest. */
  readonly keepsNothing?: boolean
  /** Default: SILENCE_MS. Where losses are expected, each round waits for it. */
  readonly silenceMs?: number
  readonly onRound?: (result: RoundResult) => void
}

/** Leaves its folder behind, and says where, when anything was wrong. */
export async function runTrial(options: TrialOptions): Promise<RoundResult[]> {
  const folder = await mkdtemp(join(options.folder ?? tmpdir(), 'godwit-crash-'))
  const { seed = 1, powerCuts } = options
  const powerCut = powerCuts && (await PowerCut.prepare(folder, { disk: powerCuts, seed }))
  let isClean = false
  try {
    const results = await new Trial(options, powerCut?.data ?? join(folder, 'data'), powerCut).run()
    isClean = results.every((result) => faultsOf(result) === 0)
    return results
  } finally {
    if (isClean || options.keepsNothing) await rm(folder, { recursive: true, force: true })
    else process.stderr.write(`the folder is left for inspection: ${folder}\n`)
  }
}

interface Kill {
  readonly killedAt: number
  readonly killedAfterMs: number
  /** What was acknowledged until then must be there. */
  readonly keptUntil: number
  readonly restartedAt: number
  readonly isKilledAgain: boolean
  readonly bytesCut: number
  readonly namesUndone: number
}

/** What a round begins with. */
interface AtStart {
  /** Sequence of each publisher's last message. */
  readonly before: readonly number[]
  readonly counted: Counted
}

class Trial {
  readonly #options: TrialOptions
  readonly #sync: SyncMode
  readonly #data: string
  readonly #powerCut: PowerCut | undefined
  readonly #random: Random
  readonly #population: Population
  readonly #silenceMs: number
  /** Of this process; that of the broker is on the same machine. */
  readonly #delay = monitorEventLoopDelay({ resolution: 10 })
  #broker!: BrokerProcess

  constructor(options: TrialOptions, data: string, powerCut: PowerCut | undefined) {
    this.#options = options
    this.#sync = options.sync ?? 'always'
    this.#data = data
    this.#powerCut = powerCut
    this.#random = new Random(options.seed ?? 1)
    this.#population = new Population(options.mode)
    this.#silenceMs = options.silenceMs ?? SILENCE_MS
  }

  async run(): Promise<RoundResult[]> {
    const results: RoundResult[] = []
    await this.#start()
    this.#delay.enable()
    try {
      for (const each of this.#population.all) await each.connect(this.#broker.port)
      for (let round = 0; round < this.#options.kills; round++) {
        const result = await this.#round(round)
        results.push(result)
        this.#options.onRound?.(result)
      }
      await Promise.all(this.#population.all.map((each) => each.end()))
    } finally {
      this.#delay.disable()
      await this.#broker.end('SIGKILL')
    }
    return results
  }

  async #start(): Promise<void> {
    const { program, env } = this.#options
    this.#broker = await BrokerProcess.start({
      data: this.#data,
      env: { GODWIT_PERSISTENCE__SYNC: this.#sync, ...env, ...this.#powerCut?.environment },
      ...(program !== undefined && { program }),
    })
  }

  async #round(round: number): Promise<RoundResult> {
    const population = this.#population
    const newcomers = new Newcomers(`newcomer-${round}`)
    const wills = new WillClients(`will-${round}`)
    const atStart = { before: population.publishers.map(({ sent }) => sent), counted: population.counted() }
    const { acknowledged: acknowledgedBefore, sent: sentBefore } = population
    await wills.join(this.#broker.port)
    const kill = await this.#trafficUntilKilled(newcomers, wills)
    const acknowledged = population.acknowledged - acknowledgedBefore
    const unacknowledged = population.sent - sentBefore - acknowledged
    const recovered = await this.#recover(newcomers, wills, kill, atStart)
    const { mode } = this.#options
    const { killedAfterMs, isKilledAgain, bytesCut, namesUndone } = kill
    const killed = { killedAfterMs, isKilledAgain, acknowledged, unacknowledged, bytesCut, namesUndone }
    return { mode, sync: this.#sync, ...killed, ...recovered }
  }

  async #trafficUntilKilled(newcomers: Newcomers, wills: WillClients): Promise<Kill> {
    const { publishers, offline, all } = this.#population
    await Promise.all(offline.map((each) => each.end()))
    await wills.leave()
    this.#delay.reset()
    const startedAt = performance.now()
    for (const publisher of publishers) void publisher.publishUntil(Number.POSITIVE_INFINITY)
    const haveCome = newcomers.come(this.#broker.port)
    await this.#whenThereIsSomethingToLose(startedAt)
    await delay(this.#random.below(KILL_AFTER_MS_MAX))
    const killedAt = performance.now()
    await this.#broker.end('SIGKILL')
    const keptUntil = await this.#keptUntil(killedAt)
    await Promise.all([haveCome, ...all.map((each) => each.lost(keptUntil))])
    const restartedAt = performance.now()
    const struck = await this.#strikeAndStart()
    const killedAfterMs = Math.round(killedAt - startedAt)
    return { killedAt, killedAfterMs, keptUntil, restartedAt, ...struck }
  }

  async #keptUntil(at: number): Promise<number> {
    if (this.#powerCut === undefined) return Number.POSITIVE_INFINITY
    const delayMs = (2 * this.#delay.max) / 1e6
    return keptUntil(this.#sync, at, await this.#powerCut.longestSyncMs(), delayMs)
  }

  async #whenThereIsSomethingToLose(startedAt: number): Promise<void> {
    const { acknowledged } = this.#population
    const isThere = async (): Promise<boolean> =>
      this.#population.acknowledged >= acknowledged + ACKNOWLEDGED_MIN &&
      (await this.#keptUntil(performance.now())) > startedAt + OLDER_MS
    while (!(await isThere())) {
      if (performance.now() - startedAt > TRAFFIC_MS_MAX) throw new Error('the broker acknowledges nothing')
      await delay(2)
    }
  }

  /** In some rounds it is killed once more, while it publishes the wills that the first kill made due. */
  async #strikeAndStart(): Promise<Pick<Kill, 'isKilledAgain' | 'bytesCut' | 'namesUndone'>> {
    const first = await this.#powerCut?.strike()
    await this.#start()
    const isKilledAgain = this.#random.chance(KILLED_AGAIN_PERCENT)
    if (isKilledAgain) {
      await delay(this.#random.below(KILLED_AGAIN_MS_MAX))
      await this.#broker.end('SIGKILL')
      await this.#powerCut?.strike()
      await this.#start()
    }
    return { isKilledAgain, bytesCut: first?.bytesCut ?? 0, namesUndone: first?.namesUndone ?? 0 }
  }

  async #recover(newcomers: Newcomers, wills: WillClients, kill: Kill, { before, counted }: AtStart) {
    const population = this.#population
    const { publishers, willTaker } = population
    const others = (subscribers: readonly Subscriber[]) => subscribers.filter((each) => each !== willTaker)
    const { port, startMs } = this.#broker
    // First of all: a will that comes before its delay is over is to be seen in time.
    const arePresent = [await willTaker.connect(port)]
    const retainedLost = await population.retainedLost(port, this.#silenceMs)
    const checked = await newcomers.check(port, kill.keptUntil)
    const returning = [...publishers, ...others(population.online)]
    arePresent.push(...(await Promise.all(returning.map((each) => each.connect(port)))))
    const atRestart = publishers.map(({ sent }) => sent)
    await Promise.all(publishers.map((publisher) => publisher.publishUntil(publisher.sent + AFTERWARDS)))
    for (const subscriber of others(population.offline)) arePresent.push(await subscriber.connect(port))
    await this.#silence(before, wills)
    const { lost, lostAfterwards, forgiven, oldestForgivenAt } = population.missing(before)
    const { due, early, uninvited, ...will } = wills.count(willTaker, kill.restartedAt)
    const after = population.counted()
    return {
      newcomers: checked.checked,
      wills: due,
      lost,
      lostAfterwards,
      twice: after.twice - counted.twice,
      disordered: after.disordered - counted.disordered,
      sessionsLost: checked.sessions + arePresent.filter((isPresent) => !isPresent).length,
      subscriptionsLost: checked.subscriptions + population.deaf(atRestart),
      retainedLost,
      willsLost: will.lost,
      willsWrong: early + uninvited,
      swallowed: after.swallowed - counted.swallowed,
      again: after.again - counted.again,
      forgiven: forgiven + after.twiceForgiven - counted.twiceForgiven,
      forgivenMs: forgiven === 0 ? 0 : Math.max(0, Math.round(kill.killedAt - oldestForgivenAt)),
      startMs: Math.round(startMs),
    }
  }

  /** All has arrived, or nothing comes any more. */
  async #silence(before: readonly number[], wills: WillClients): Promise<void> {
    const population = this.#population
    const since = performance.now()
    const isMissing = (): boolean => {
      const { lost, lostAfterwards } = population.missing(before)
      return lost + lostAfterwards > 0
    }
    while (isMissing() || !wills.haveAllCome(population.willTaker)) {
      if (performance.now() - Math.max(since, population.lastArrivalAt) > this.#silenceMs) return
      await delay(20)
    }
  }
}
