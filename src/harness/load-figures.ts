// What a generator has counted: plain data that adds up, over clients, processes and rounds.
import { type LatencyCounts, LatencyHistogram } from './latency-histogram.ts'

export interface LoadCounts {
  connected: number
  subscribed: number
  sent: number
  /** By PUBACK or PUBCOMP. */
  acknowledged: number
  received: number
  receivedBytes: number
  duplicates: number
  outOfOrder: number
  /** Received without a stamp of ours. */
  unstamped: number
}

/** As it goes from a generator to the run. Reasons are in words, with how often. */
export interface LoadFigures extends LoadCounts {
  /** Connections that failed, were refused or closed. */
  readonly closed: Readonly<Record<string, number>>
  /** Messages and subscriptions that were refused. */
  readonly refused: Readonly<Record<string, number>>
  /** Microseconds from when a message should have been sent until it was received. */
  readonly latency: LatencyCounts
  /** The same until it was acknowledged. */
  readonly acknowledgement: LatencyCounts
  /** From the first byte out to CONNACK. */
  readonly connect: LatencyCounts
  /** Of the generator, user and system. */
  readonly cpuMicroseconds: number
}

const REASONS_MAX = 50

export class LoadCounter implements LoadCounts {
  connected = 0
  subscribed = 0
  sent = 0
  acknowledged = 0
  received = 0
  receivedBytes = 0
  duplicates = 0
  outOfOrder = 0
  unstamped = 0
  readonly latency = new LatencyHistogram()
  readonly acknowledgement = new LatencyHistogram()
  readonly connect = new LatencyHistogram()
  readonly #closed = new Map<string, number>()
  readonly #refused = new Map<string, number>()

  closed(why: string): void {
    countIn(this.#closed, why)
  }

  refused(why: string): void {
    countIn(this.#refused, why)
  }

  /** Latencies begin anew; what is counted goes on. */
  clearLatencies(): void {
    for (const histogram of [this.latency, this.acknowledgement, this.connect]) histogram.clear()
  }

  figures(): LoadFigures {
    const { user, system } = process.cpuUsage()
    return {
      connected: this.connected,
      subscribed: this.subscribed,
      sent: this.sent,
      acknowledged: this.acknowledged,
      received: this.received,
      receivedBytes: this.receivedBytes,
      duplicates: this.duplicates,
      outOfOrder: this.outOfOrder,
      unstamped: this.unstamped,
      closed: Object.fromEntries(this.#closed),
      refused: Object.fromEntries(this.#refused),
      latency: this.latency.toCounts(),
      acknowledgement: this.acknowledgement.toCounts(),
      connect: this.connect.toCounts(),
      cpuMicroseconds: user + system,
    }
  }
}

/** Beyond so many different reasons the rest is one. */
function countIn(counts: Map<string, number>, why: string): void {
  const key = counts.has(why) || counts.size < REASONS_MAX ? why : 'other reasons'
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

export function sumOf(figures: readonly LoadFigures[]): LoadFigures {
  const sum = (of: (each: LoadFigures) => number): number =>
    figures.reduce((total, each) => total + of(each), 0)
  const reasons = (of: (each: LoadFigures) => Readonly<Record<string, number>>): Record<string, number> => {
    const all = new Map<string, number>()
    for (const each of figures) {
      for (const [why, count] of Object.entries(of(each))) all.set(why, (all.get(why) ?? 0) + count)
    }
    return Object.fromEntries(all)
  }
  const merged = (of: (each: LoadFigures) => LatencyCounts): LatencyCounts => {
    const histogram = new LatencyHistogram()
    for (const each of figures) histogram.add(of(each))
    return histogram.toCounts()
  }
  return {
    connected: sum((each) => each.connected),
    subscribed: sum((each) => each.subscribed),
    sent: sum((each) => each.sent),
    acknowledged: sum((each) => each.acknowledged),
    received: sum((each) => each.received),
    receivedBytes: sum((each) => each.receivedBytes),
    duplicates: sum((each) => each.duplicates),
    outOfOrder: sum((each) => each.outOfOrder),
    unstamped: sum((each) => each.unstamped),
    closed: reasons((each) => each.closed),
    refused: reasons((each) => each.refused),
    latency: merged((each) => each.latency),
    acknowledgement: merged((each) => each.acknowledgement),
    connect: merged((each) => each.connect),
    cpuMicroseconds: sum((each) => each.cpuMicroseconds),
  }
}
