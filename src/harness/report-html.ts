// A page that stands for itself: the figures, throughput and latency over time, the curve of percentiles, the machine.
// Nothing is fetched, no script runs.
import type { BenchResult, BrokerResult } from './bench-result.ts'
import { comparisonOf, duration, latencyOf, tableOf } from './report-table.ts'
import { escaped, type Series, svgPlot } from './svg-plot.ts'

const STYLE = `
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 780px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
.sub { opacity: .7; margin-top: .2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
td, th { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
td:first-child { opacity: .75; white-space: nowrap; }
svg { width: 100%; height: auto; margin: .6rem 0; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; } svg .title { font-weight: 600; font-size: 13px; }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; } svg .grid { stroke: #8884; }
pre { overflow-x: auto; } details { margin-top: 1rem; }`

export function htmlReport(result: BenchResult): string {
  const { load, at, brokers, machine, plan } = result
  const sections = brokers.flatMap((broker) => [
    `<h2>${escaped(broker.name === broker.url ? broker.url : `${broker.name}, ${broker.url}`)}</h2>`,
    tableHtml(tableOf(broker.median)),
    ...(brokers.length > 1 ? [] : plotsOf(broker)),
  ])
  const compared = brokers.length > 1 ? [...comparisonPlots(brokers), comparisonHtml(brokers)] : []
  const facts = Object.entries(machine).map(([name, value]) => [name, String(value)] as const)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>godwit bench ${escaped(load)}</title><style>${STYLE}</style></head><body>
<h1>godwit bench ${escaped(load)}</h1>
<p class="sub">${escaped(at)} · godwit ${escaped(result.godwit)} · ${roundsText(brokers)}</p>
${compared.join('\n')}
${sections.join('\n')}
<h2>Machine</h2>${tableHtml(facts)}
<details><summary>The load</summary><pre>${escaped(JSON.stringify(plan, null, 2))}</pre></details>
</body></html>`
}

function roundsText(brokers: readonly BrokerResult[]): string {
  const rounds = brokers[0]?.rounds.length ?? 0
  return rounds > 1 ? `median of ${rounds} rounds` : 'one round'
}

const tableHtml = (rows: readonly (readonly string[])[]): string =>
  `<table>${rows.map(rowHtml).join('')}</table>`

const rowHtml = (cells: readonly string[]): string =>
  `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`

const comparisonHtml = (brokers: readonly BrokerResult[]): string => tableHtml(comparisonOf(brokers))

const perSecond = (value: number): string =>
  value >= 1e6 ? `${value / 1e6} M/s` : value >= 1_000 ? `${value / 1_000} k/s` : `${value}/s`

function plotsOf({ median }: BrokerResult): string[] {
  const { samples } = median
  const over = (name: string, of: (sample: (typeof samples)[number]) => number | undefined): Series => ({
    name,
    points: samples.flatMap((sample) => {
      const value = of(sample)
      return value === undefined ? [] : [[sample.at, value] as const]
    }),
  })
  const seconds = { xTitle: 'seconds' }
  return [
    svgPlot([over('sent', (each) => each.sent), over('received', (each) => each.received)], {
      title: 'messages a second',
      formatY: perSecond,
      ...seconds,
    }),
    svgPlot([over('p50', (each) => each.p50), over('p99', (each) => each.p99)], {
      title: 'latency',
      formatY: duration,
      isLogarithmic: true,
      ...seconds,
    }),
    percentilePlot([{ name: 'latency', points: curveOf(median) }]),
    svgPlot([over('cores', (each) => each.brokerCores)], {
      title: 'cores that the broker used',
      formatY: (value) => value.toFixed(2),
      ...seconds,
    }),
  ]
}

const comparisonPlots = (brokers: readonly BrokerResult[]): string[] => [
  svgPlot(
    brokers.map(({ name, median }) => ({
      name,
      points: median.samples.map(({ at, received, sent }) => [at, Math.max(received, sent)] as const),
    })),
    { title: 'messages a second', xTitle: 'seconds', formatY: perSecond },
  ),
  percentilePlot(brokers.map(({ name, median }) => ({ name, points: curveOf(median) }))),
]

/** Percentiles by how rare it is to be above them: 90, 99 and 99.9 are equally far apart. */
function percentilePlot(series: readonly Series[]): string {
  return svgPlot(series, {
    title: 'latency by percentile',
    xTitle: 'percentile',
    formatY: duration,
    formatX: (rarity) => `${Number((100 - 100 / 10 ** rarity).toFixed(4))} %`,
    xTicks: [0, 1, 2, 3, 4, 5],
    isLogarithmic: true,
  })
}

const RARITY_MAX = 5

const curveOf = (median: BrokerResult['median']): Series['points'] =>
  latencyOf(median).curve.map(
    ([percent, value]) => [percent === 100 ? RARITY_MAX : -Math.log10(1 - percent / 100), value] as const,
  )
