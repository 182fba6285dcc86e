// The trial: ten publishers send to persistent subscribers, the broker is killed with SIGKILL at a random moment and
// started again on the same folder, everyone comes back as the specification says, and what is missing is counted.
//
//   round: traffic -> kill -9 -> start -> retained, sessions checked -> publishers send again, and some more
//                                      -> offline subscribers come back -> all has arrived, or nothing comes any more
//
// The sessions, and what everyone has seen, go on from round to round.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { BrokerProcess } from '../integration/broker-process.ts'
import { WireClient } from '../integration/wire-client.ts'
import { Newcomers } from './newcomers.ts'
import { Publisher } from './publisher.ts'
import { Subscriber, type SubscriberOptions } from './subscriber.ts'

const PUBLISHERS = 10
/** The kill comes at a random moment after so many acknowledgements: else there would be nothing to lose. */
const ACKNOWLEDGED_MIN = 200
const KILL_AFTER_MS_MAX = 500
const TRAFFIC_MS_MAX = 10_000
/** Messages of each publisher after the restart: they show that the subscriptions still serve. */
const AFTERWARDS = 25
/** Who has not received a thing for so long will not receive it any more. */
const SILENCE_MS = 3_000

export type Mode = 'online' | 'offline'

export interface RoundResult {
  readonly mode: Mode
  readonly killedAfterMs: number
  /** Messages and sessions for which the broker had given its word when it was killed. */
  readonly acknowledged: number
  readonly unacknowledged: number
  readonly newcomers: number
  readonly lost: number
  readonly twice: number
  readonly disordered: number
  readonly sessionsLost: number
  readonly subscriptionsLost: number
  readonly retainedLost: number
  /** QoS 1 messages that came more than once, as they may. */
  readonly again: number
  readonly startMs: number
}

export interface TrialOptions {
  readonly mode: Mode
  readonly rounds: number
  /** Default: dist/cli.js. */
  readonly program?: string
}

export const faultsOf = (result: RoundResult): number =>
  result.lost +
  result.twice +
  result.disordered +
  result.sessionsLost +
  result.subscriptionsLost +
  result.retainedLost

/** Leaves the data folder behind, and says where, when anything was wrong. */
export async function runTrial(options: TrialOptions): Promise<RoundResult[]> {
  const data = await mkdtemp(join(tmpdir(), 'godwit-crash-'))
  const trial = new Trial(options, data)
  const results = await trial.run()
  if (results.every((result) => faultsOf(result) === 0)) await rm(data, { recursive: true, force: true })
  else process.stderr.write(`the data folder is left for inspection: ${data}\n`)
  return results
}

class Trial {
  readonly #options: TrialOptions
  readonly #data: string
  readonly #publishers: readonly Publisher[]
  readonly #subscribers: readonly Subscriber[]

  constructor(options: TrialOptions, data: string) {
    this.#options = options
    this.#data = data
    this.#publishers = Array.from(
      { length: PUBLISHERS },
      (_, i) => new Publisher(String(i), i % 2 === 0 ? 1 : 2, i % 4 < 2 ? 4 : 5),
    )
    this.#subscribers = subscribersOf(this.#publishers).map((each) => new Subscriber(each))
  }

  async run(): Promise<RoundResult[]> {
    const results: RoundResult[] = []
    let broker = await this.#start()
    try {
      for (const each of [...this.#publishers, ...this.#subscribers]) await each.connect(broker.port)
      for (let round = 0; round < this.#options.rounds; round++) {
        const newcomers = new Newcomers(`newcomer-${round}`)
        const before = this.#publishers.map(({ sent }) => sent)
        const killedAfterMs = await this.#trafficUntilKilled(broker, newcomers)
        const acknowledged = this.#acknowledged - sum(before, Number)
        const sent = sum(this.#publishers, (publisher) => publisher.sent) - sum(before, Number)
        broker = await this.#start()
        const recovered = await this.#recover(broker, newcomers, before)
        const { mode } = this.#options
        const unacknowledged = sent - acknowledged
        results.push({ mode, killedAfterMs, acknowledged, unacknowledged, ...recovered })
      }
      await Promise.all([...this.#publishers, ...this.#subscribers].map((each) => each.end()))
    } finally {
      await broker.end('SIGKILL')
    }
    return results
  }

  get #acknowledged(): number {
    return sum(this.#publishers, (publisher) => publisher.acknowledged)
  }

  #start(): Promise<BrokerProcess> {
    const { program } = this.#options
    const env = { GODWIT_PERSISTENCE__SYNC: 'always' }
    return BrokerProcess.start({ data: this.#data, env, ...(program !== undefined && { program }) })
  }

  /** With the mode `online`, one subscriber of everything is offline all the same. */
  #isOffline(subscriber: Subscriber): boolean {
    return this.#options.mode === 'offline' || subscriber.options.name === 'all-offline'
  }

  async #trafficUntilKilled(broker: BrokerProcess, newcomers: Newcomers): Promise<number> {
    await Promise.all(this.#subscribers.filter((each) => this.#isOffline(each)).map((each) => each.end()))
    const startedAt = performance.now()
    const before = this.#acknowledged
    for (const publisher of this.#publishers) void publisher.publishUntil(Number.POSITIVE_INFINITY)
    const haveCome = newcomers.come(broker.port)
    while (this.#acknowledged < before + ACKNOWLEDGED_MIN) {
      if (performance.now() - startedAt > TRAFFIC_MS_MAX) throw new Error('the broker acknowledges nothing')
      await delay(1)
    }
    await delay(Math.random() * KILL_AFTER_MS_MAX)
    const killedAfterMs = Math.round(performance.now() - startedAt)
    await broker.end('SIGKILL')
    await Promise.all([haveCome, ...[...this.#publishers, ...this.#subscribers].map((each) => each.lost())])
    return killedAfterMs
  }

  async #recover(
    broker: BrokerProcess,
    newcomers: Newcomers,
    before: readonly number[],
  ): Promise<Omit<RoundResult, 'mode' | 'killedAfterMs' | 'acknowledged' | 'unacknowledged'>> {
    const { port, startMs } = broker
    const publishers = this.#publishers
    const subscribers = this.#subscribers
    const counted = this.#counted()
    const retainedLost = await this.#retainedLost(port)
    const { checked, sessions, subscriptions } = await newcomers.check(port)
    const returning = [...publishers, ...subscribers.filter((each) => !this.#isOffline(each))]
    const arePresent = await Promise.all(returning.map((each) => each.connect(port)))
    const first = publishers.map(({ sent }) => sent + 1)
    await Promise.all(publishers.map((publisher) => publisher.publishUntil(publisher.sent + AFTERWARDS)))
    const offline = subscribers.filter((each) => this.#isOffline(each))
    for (const subscriber of offline) arePresent.push(await subscriber.connect(port))
    const lost = await this.#lostOnceSilent(before)
    const deaf = subscribers.filter((each) => !this.#hasAnyFrom(each, first)).length
    const after = this.#counted()
    return {
      newcomers: checked,
      lost,
      twice: after.twice - counted.twice,
      disordered: after.disordered - counted.disordered,
      sessionsLost: sessions + arePresent.filter((isPresent) => !isPresent).length,
      subscriptionsLost: subscriptions + deaf,
      retainedLost,
      again: after.again - counted.again,
      startMs: Math.round(startMs),
    }
  }

  #counted(): { twice: number; disordered: number; again: number } {
    return {
      twice: sum(this.#subscribers, (subscriber) => subscriber.twice),
      disordered: sum(this.#subscribers, (subscriber) => subscriber.disordered),
      again: sum(this.#subscribers, (subscriber) => subscriber.again),
    }
  }

  /** Publishers whose last acknowledged retained message, or a later one, is not there. */
  async #retainedLost(port: number): Promise<number> {
    const client = await WireClient.connect(port, { clientId: 'reader', protocolVersion: 4, clean: true })
    const found = new Map<string, number>()
    const haveAll = new Promise<void>((resolve) => {
      client.handle((packet) => {
        if (packet.cmd === 'publish') found.set(packet.topic, Number(packet.payload.toString()))
        if (found.size === PUBLISHERS) resolve()
      })
    })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'kept/+', qos: 0 }] })
    await Promise.race([haveAll, delay(SILENCE_MS, undefined, { ref: false })])
    await client.end()
    return this.#publishers.filter(({ name, retained }) => (found.get(`kept/${name}`) ?? 0) < retained).length
  }

  /** Everything is acknowledged by now. Counts each message once for each subscriber that misses it. */
  async #lostOnceSilent(before: readonly number[]): Promise<number> {
    for (;;) {
      const missing = sum(this.#subscribers, (subscriber) => this.#missing(subscriber, before))
      const lastArrivalAt = Math.max(...this.#subscribers.map((subscriber) => subscriber.lastArrivalAt))
      if (missing === 0 || performance.now() - lastArrivalAt > SILENCE_MS) return missing
      await delay(20)
    }
  }

  #missing(subscriber: Subscriber, before: readonly number[]): number {
    let missing = 0
    this.#publishers.forEach(({ topicName, sent }, i) => {
      if (!subscriber.matches(topicName)) return
      for (let sequence = (before[i] as number) + 1; sequence <= sent; sequence++) {
        if (!Publisher.isRetained(sequence) && !subscriber.has(topicName, sequence)) missing++
      }
    })
    return missing
  }

  #hasAnyFrom(subscriber: Subscriber, first: readonly number[]): boolean {
    return this.#publishers.some(({ topicName, sent }, i) => {
      for (let sequence = first[i] as number; sequence <= sent; sequence++) {
        if (subscriber.has(topicName, sequence)) return true
      }
      return false
    })
  }
}

/** One for each publisher, and three for all: their messages have several recipients, and one body on disk. */
function subscribersOf(publishers: readonly Publisher[]): SubscriberOptions[] {
  const own = publishers.map(({ name, topicName }, i): SubscriberOptions => {
    return { name, topicFilter: topicName, qos: 2, version: i % 2 === 0 ? 5 : 4 }
  })
  return [
    ...own,
    { name: 'all', topicFilter: 'kill/#', qos: 2, version: 5 },
    { name: 'all-qos1', topicFilter: 'kill/#', qos: 1, version: 4 },
    { name: 'all-offline', topicFilter: 'kill/#', qos: 2, version: 4 },
  ]
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0)
}
