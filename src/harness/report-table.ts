// A round's figures as lines for people: what is not known is left out, what is wrong stands out by its words.
import type { BrokerResult } from './bench-result.ts'
import { isGeneratorBusy, type LatencyFigures, type RoundFigures } from './run-figures.ts'

/** Three digits or so; all of them from a hundred on. */
export function number(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US')
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

type Row = readonly [name: string, value: string]

/** Name and value; rows that say nothing are left out. */
export function tableOf(round: RoundFigures): Row[] {
  const { sent, received, lost, duplicates, outOfOrder } = round
  return [
    ...rowIf(round.connections + round.connectionsFailed, 'connections', () => connectionsOf(round)),
    ...rowIf(round.connect.count, 'connect p50/p90/p99/p99.9/max', () => latency(round.connect)),
    ...rowIf(round.brokerMicrosecondsPerConnect, 'broker CPU per connect', duration),
    ...rowIf(sent, 'sent', () => `${number(sent)}, ${number(round.sentPerSecond)}/s`),
    ...rowIf(received, 'received', () => receivedOf(round)),
    ...rowIf(lost === undefined ? 0 : sent, 'lost / twice / out of order', () =>
      [lost ?? 0, duplicates, outOfOrder].map(number).join(' / '),
    ),
    ...rowIf(round.latency.count, 'latency p50/p90/p99/p99.9/max', () => latency(round.latency)),
    ...rowIf(round.acknowledgement.count, 'acknowledged p50/p90/p99/p99.9/max', () =>
      latency(round.acknowledgement),
    ),
    ...rowIf(round.brokerMicrosecondsPerMessage, 'broker CPU per message', (value) => `${number(value)} µs`),
    ...rowIf(round.brokerCores, 'broker cores', number),
    ...rowIf(round.brokerMiB, 'broker memory', (value) => `${number(value)} MiB`),
    ...rowIf(round.generatorCores, 'generator cores', number),
    ...rowIf(Object.keys(round.refused).length, 'REFUSED', () => reasons(round.refused)),
    ...rowIf(Object.keys(round.closed).length, 'CLOSED', () => reasons(round.closed)),
    ...rowIf(isGeneratorBusy(round) ? 1 : 0, 'WARNING', () => 'a generator was busy: see --processes'),
  ]
}

const rowIf = (value: number | undefined, name: string, text: (value: number) => string): Row[] =>
  value === undefined || value === 0 ? [] : [[name, text(value)]]

function connectionsOf({ connections, connectionsFailed, connectsPerSecond }: RoundFigures): string {
  const failed = connectionsFailed > 0 ? `, ${number(connectionsFailed)} FAILED` : ''
  return `${number(connections)} at ${number(connectsPerSecond)}/s${failed}`
}

function receivedOf({ received, receivedPerSecond, receivedBytesPerSecond }: RoundFigures): string {
  const megabytes = number(receivedBytesPerSecond / 1e6)
  return `${number(received)}, ${number(receivedPerSecond)}/s, ${megabytes} MB/s`
}

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

/** The first row has the titles. */
export function comparisonOf(brokers: readonly BrokerResult[]): string[][] {
  const base = brokers[0]?.median
  const rows = brokers.map(({ name, median }) => [
    name,
    ...columns.map(({ of, format }) => {
      const value = of(median)
      const first = base && of(base)
      if (value === undefined) return '-'
      return first ? `${format(value)} ${(value / first).toFixed(2)}x` : format(value)
    }),
  ])
  return [['', ...columns.map(({ title }) => title)], ...rows]
}

export function alignedLines(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0))) ?? []
  return rows.map((cells) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
