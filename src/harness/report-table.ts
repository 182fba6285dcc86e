// A round's figures as lines for people: what is not known is left out, what is wrong stands out by its words.
import type { BrokerResult } from './bench-result.ts'
import { isGeneratorBusy, type LatencyFigures, type RoundFigures } from './run-figures.ts'

export interface TableRow {
  readonly name: string
  readonly value: string
}

/** Three digits or so; all of them from a hundred on. */
export const number = (value: number): string => {
  if (value === 0) return '0'
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** Microseconds, in the unit that reads best. */
export function duration(microseconds: number): string {
  if (microseconds >= 1e6) return `${number(microseconds / 1e6)} s`
  return microseconds >= 1000 ? `${number(microseconds / 1000)} ms` : `${Math.round(microseconds)} µs`
}

const latency = ({ p50, p90, p99, p999, max }: LatencyFigures): string =>
  [p50, p90, p99, p999, max].map(duration).join(' / ')

const reasons = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([why, count]) => `${number(count)} × ${why}`)
    .join('; ')

export function tableOf(round: RoundFigures): TableRow[] {
  const rows: (TableRow | undefined)[] = [
    round.connections + round.connectionsFailed > 0
      ? {
          name: 'connections',
          value: `${number(round.connections)} at ${number(round.connectsPerSecond)}/s${round.connectionsFailed > 0 ? `, ${number(round.connectionsFailed)} FAILED` : ''}`,
        }
      : undefined,
    { name: 'connect p50/p90/p99/p99.9/max', value: latency(round.connect) },
    row('broker CPU per connect', round.brokerMicrosecondsPerConnect, duration),
    round.sent > 0
      ? { name: 'sent', value: `${number(round.sent)}, ${number(round.sentPerSecond)}/s` }
      : undefined,
    round.received > 0
      ? {
          name: 'received',
          value: `${number(round.received)}, ${number(round.receivedPerSecond)}/s, ${number(round.receivedBytesPerSecond / 1e6)} MB/s`,
        }
      : undefined,
    round.sent > 0 && round.lost !== undefined
      ? {
          name: 'lost / twice / out of order',
          value: [round.lost, round.duplicates, round.outOfOrder].map(number).join(' / '),
        }
      : undefined,
    round.latency.count > 0
      ? { name: 'latency p50/p90/p99/p99.9/max', value: latency(round.latency) }
      : undefined,
    round.acknowledgement.count > 0
      ? { name: 'acknowledged p50/p90/p99/p99.9/max', value: latency(round.acknowledgement) }
      : undefined,
    row('broker CPU per message', round.brokerMicrosecondsPerMessage, (value) => `${number(value)} µs`),
    row('broker cores', round.brokerCores, number),
    row('broker memory', round.brokerMiB, (value) => `${number(value)} MiB`),
    { name: 'generator cores', value: number(round.generatorCores) },
    reasonsRow('REFUSED', round.refused),
    reasonsRow('CLOSED', round.closed),
    isGeneratorBusy(round)
      ? {
          name: 'WARNING',
          value: 'a generator was busy all the time: it may be what was measured (--processes)',
        }
      : undefined,
  ]
  return rows.filter((each) => each !== undefined)
}

const row = (name: string, value: number | undefined, format: (value: number) => string) =>
  value === undefined || Number.isNaN(value) ? undefined : { name, value: format(value) }

const reasonsRow = (name: string, counts: Readonly<Record<string, number>>) =>
  Object.keys(counts).length === 0 ? undefined : { name, value: reasons(counts) }

interface Column {
  readonly title: string
  readonly of: (round: RoundFigures) => number | undefined
  readonly format: (value: number) => string
}

/** Compared by their medians, each as a fraction of the first broker's. */
const columns: readonly Column[] = [
  {
    title: 'CPU/message',
    of: (round) => round.brokerMicrosecondsPerMessage,
    format: (value) => `${number(value)} µs`,
  },
  { title: 'CPU/connect', of: (round) => round.brokerMicrosecondsPerConnect, format: duration },
  { title: 'received/s', of: (round) => round.receivedPerSecond, format: number },
  { title: 'p50', of: (round) => latencyOf(round).p50, format: duration },
  { title: 'p99', of: (round) => latencyOf(round).p99, format: duration },
  { title: 'memory', of: (round) => round.brokerMiB, format: (value) => `${number(value)} MiB` },
]

/** Until it was received; where nothing was, until it was acknowledged. */
export const latencyOf = ({ latency, acknowledgement }: RoundFigures): LatencyFigures =>
  latency.count > 0 ? latency : acknowledgement

export function comparisonOf(brokers: readonly BrokerResult[]): string {
  const base = brokers[0]?.median
  const lines = [['', ...columns.map(({ title }) => title)]]
  for (const { name, median } of brokers) {
    const cells = columns.map(({ of, format }) => {
      const value = of(median)
      const first = base && of(base)
      if (value === undefined) return '-'
      return first ? `${format(value)} ${(value / first).toFixed(2)}x` : format(value)
    })
    lines.push([name, ...cells])
  }
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((cells) => cells[i]?.length ?? 0))) ?? []
  return lines.map((cells) => cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')).join('\n')
}
