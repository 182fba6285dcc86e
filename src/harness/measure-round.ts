// One round of a plan, from the first connection to the last message: warming up is left out of what is measured, and
// what is still on its way at the end is waited for before losses are counted.
//
//   connect | warm up | measured ............. | stop, drain | end
//                      a sample each second
import { setTimeout as pause } from 'node:timers/promises'
import { type BrokerFigures, brokerFigures } from './broker-figures.ts'
import { betweenCounts, LatencyHistogram } from './latency-histogram.ts'
import { LoadRun } from './load-run.ts'
import { latencyFigures, type RoundFigures, type Sample } from './run-figures.ts'
import type { RunPlan } from './run-plan.ts'

export interface RoundSettings {
  readonly processes: number
  /** Of the broker, where it is on this machine. */
  readonly brokerProcess: number | undefined
  readonly onProgress: (progress: Progress) => void
}

export interface Progress {
  /** In words. */
  readonly phase: string
  /** 0 to 1. */
  readonly done: number
  readonly connected: number
  readonly sample: Sample | undefined
}

const SAMPLE_MS = 1_000
const PROGRESS_MS = 200
/** CPU time comes in hundredths of a second: of fewer connections it says nothing. */
const CONNECTIONS_MIN = 100
/** After so long without another message nothing more is expected. */
const DRAIN_QUIET_MS = 2_000

interface Moment {
  /** Milliseconds. */
  readonly at: number
  readonly load: Awaited<ReturnType<LoadRun['figures']>>
  readonly broker: BrokerFigures | undefined
}

export async function measureRound(plan: RunPlan, settings: RoundSettings): Promise<RoundFigures> {
  const run = await LoadRun.prepare(plan, settings.processes)
  try {
    return await new Round(run, settings).measure()
  } finally {
    await run.end()
  }
}

class Round {
  readonly #run: LoadRun
  readonly #settings: RoundSettings
  readonly #samples: Sample[] = []
  #connected = 0

  constructor(run: LoadRun, settings: RoundSettings) {
    this.#run = run
    this.#settings = settings
  }

  async measure(): Promise<RoundFigures> {
    const run = this.#run
    const before = await this.#moment()
    await this.#connect()
    const connected = await this.#moment()
    const { warmUpSeconds, seconds } = run.plan
    // Messages that are counted are all measured.
    const warmsUp = warmUpSeconds > 0 && seconds > 0
    if (warmsUp) {
      await run.start()
      await this.#warmUp()
      await run.clearLatencies()
    }
    const from = await this.#moment()
    if (!warmsUp) await run.start()
    const until = await this.#watch(from)
    await run.stop()
    const end = await this.#drain()
    return this.#figures(before, connected, from, until, end)
  }

  async #moment(): Promise<Moment> {
    const { brokerProcess } = this.#settings
    const load = await this.#run.figures()
    return {
      at: performance.now(),
      load,
      broker: brokerProcess === undefined ? undefined : brokerFigures(brokerProcess),
    }
  }

  #tell(phase: Progress['phase'], done: number): void {
    const progress = {
      phase,
      done: Math.min(1, done),
      connected: this.#connected,
      sample: this.#samples.at(-1),
    }
    this.#settings.onProgress(progress)
  }

  async #connect(): Promise<void> {
    const { clientCount } = this.#run
    let isConnecting = true
    const connecting = this.#run.connect().finally(() => {
      isConnecting = false
    })
    while (isConnecting) {
      this.#connected = (await this.#run.figures()).connected
      this.#tell('connecting', this.#connected / Math.max(1, clientCount))
      await Promise.race([connecting, pause(PROGRESS_MS)])
    }
    await connecting
  }

  async #warmUp(): Promise<void> {
    const milliseconds = this.#run.plan.warmUpSeconds * 1000
    const startedAt = performance.now()
    for (let passed = 0; passed < milliseconds; passed = performance.now() - startedAt) {
      this.#tell('warming up', passed / milliseconds)
      await pause(Math.min(PROGRESS_MS, milliseconds - passed))
    }
  }

  /** Until the time is up, or all messages have been sent and acknowledged. */
  async #watch(from: Moment): Promise<Moment> {
    const { seconds, groups } = this.#run.plan
    const wanted = groups.reduce((sum, { count, publish }) => sum + count * (publish?.messages ?? 0), 0)
    for (let last = from; ; ) {
      await pause(seconds > 0 ? Math.min(SAMPLE_MS, seconds * 1000 - (last.at - from.at)) : PROGRESS_MS)
      const now = await this.#moment()
      const passed = (now.at - from.at) / 1000
      const isOver = seconds > 0 ? passed >= seconds : now.load.isDone
      if (isOver || now.at - last.at >= SAMPLE_MS) {
        this.#samples.push(sampleOf(from, last, now))
        last = now
      }
      this.#tell('measuring', seconds > 0 ? passed / seconds : now.load.sent / Math.max(1, wanted))
      if (isOver) return now
    }
  }

  /** What was sent arrives, or does not. */
  async #drain(): Promise<Moment> {
    const { copies } = this.#run.plan
    let last = await this.#moment()
    let quietSince = last.at
    for (;;) {
      const { received, duplicates, sent, isDone } = last.load
      const isComplete = copies === undefined || received - duplicates >= sent * copies
      if ((isComplete && isDone) || last.at - quietSince > DRAIN_QUIET_MS) return last
      this.#tell('draining', 1)
      await pause(PROGRESS_MS / 4)
      const now = await this.#moment()
      if (now.load.received !== received || now.load.acknowledged !== last.load.acknowledged)
        quietSince = now.at
      last = now
    }
  }

  #figures(before: Moment, connected: Moment, from: Moment, until: Moment, end: Moment): RoundFigures {
    const { plan, clientCount } = this.#run
    // Of a load that ends by itself what is still on its way belongs to what was measured.
    const last = plan.seconds > 0 ? until : end
    const seconds = (last.at - from.at) / 1000
    const sent = last.load.sent - from.load.sent
    const received = last.load.received - from.load.received
    const brokerMicroseconds = cpuBetween(from, last)
    const messages = Math.max(received, sent)
    const connections = connected.load.connected
    const connectMicroseconds = cpuBetween(before, connected)
    const expected = plan.copies === undefined ? undefined : end.load.sent * plan.copies
    const lost = expected === undefined ? undefined : expected - (end.load.received - end.load.duplicates)
    return {
      connections,
      connectionsFailed: clientCount - connections,
      connectsPerSecond: connections / ((connected.at - before.at) / 1000),
      connect: latencyFigures(connected.load.connect),
      brokerMicrosecondsPerConnect:
        connectMicroseconds === undefined || connections < CONNECTIONS_MIN
          ? undefined
          : connectMicroseconds / connections,
      seconds,
      sent,
      received,
      sentPerSecond: sent / seconds,
      receivedPerSecond: received / seconds,
      receivedBytesPerSecond: (last.load.receivedBytes - from.load.receivedBytes) / seconds,
      lost: lost === undefined ? undefined : Math.max(0, lost),
      duplicates: end.load.duplicates,
      outOfOrder: end.load.outOfOrder,
      refused: end.load.refused,
      closed: end.load.closed,
      latency: latencyFigures(end.load.latency),
      acknowledgement: latencyFigures(end.load.acknowledgement),
      brokerMicrosecondsPerMessage:
        brokerMicroseconds === undefined || messages === 0 ? undefined : brokerMicroseconds / messages,
      brokerCores: brokerMicroseconds === undefined ? undefined : brokerMicroseconds / 1e6 / seconds,
      brokerMiB: end.broker?.residentMiB,
      generatorCores: (last.load.busiest - from.load.busiest) / 1e6 / seconds,
      samples: this.#samples,
    }
  }
}

function cpuBetween(from: Moment, until: Moment): number | undefined {
  if (from.broker === undefined || until.broker === undefined) return undefined
  return until.broker.cpuMicroseconds - from.broker.cpuMicroseconds
}

function sampleOf(first: Moment, from: Moment, until: Moment): Sample {
  const seconds = (until.at - from.at) / 1000
  const latency = new LatencyHistogram()
  const hasArrivals = until.load.latency.counts.length > 0
  const of = hasArrivals ? 'latency' : 'acknowledgement'
  latency.add(betweenCounts(from.load[of], until.load[of]))
  const cpu = cpuBetween(from, until)
  return {
    at: (until.at - first.at) / 1000,
    sent: (until.load.sent - from.load.sent) / seconds,
    received: (until.load.received - from.load.received) / seconds,
    p50: latency.percentile(50),
    p99: latency.percentile(99),
    brokerCores: cpu === undefined ? undefined : cpu / 1e6 / seconds,
    brokerMiB: until.broker?.residentMiB,
  }
}
