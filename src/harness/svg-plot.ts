// A plot as SVG, by hand: axes with round numbers, a line for each series, nothing to load. Used by report-html.ts.

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface PlotOptions {
  readonly title: string
  readonly xTitle: string
  readonly formatY: (value: number) => string
  readonly formatX?: (value: number) => string
  /** Powers of ten stand side by side. */
  readonly isLogarithmic?: boolean
  /** Where on the x axis something is written; default: round numbers. */
  readonly xTicks?: readonly number[]
}

const WIDTH = 720
const HEIGHT = 280
const LEFT = 78
const RIGHT = 34
const TOP = 34
const BOTTOM = 42
const COLOURS = ['#1769aa', '#d9480f', '#2b8a3e', '#862e9c', '#e67700', '#495057']

export function svgPlot(series: readonly Series[], options: PlotOptions): string {
  const points = series.flatMap((each) => each.points)
  if (points.length === 0) return ''
  const { isLogarithmic = false, xTicks, formatX = String, formatY } = options
  const xs = points.map(([x]) => x)
  const [xMin, xMax] = widened(Math.min(...xs), Math.max(...xs))
  const highest = Math.max(...points.map(([, y]) => y))
  const yTicks = isLogarithmic ? powers(points.map(([, y]) => y)) : roundSteps(0, highest)
  const scale = isLogarithmic
    ? (value: number): number => Math.log10(Math.max(value, 1))
    : (value: number) => value
  const [yMin, yMax] = widened(scale(yTicks[0] ?? 0), scale(yTicks.at(-1) ?? 1))
  const toX = (x: number): number => LEFT + ((x - xMin) / (xMax - xMin)) * (WIDTH - LEFT - RIGHT)
  const toY = (y: number): number =>
    HEIGHT - BOTTOM - ((scale(y) - yMin) / (yMax - yMin)) * (HEIGHT - TOP - BOTTOM)
  const parts = [
    text(LEFT, 18, options.title, 'title'),
    ...yTicks.flatMap((y) => [
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(toY(y))}" y2="${at(toY(y))}"/>`,
      text(LEFT - 8, toY(y) + 4, formatY(y), 'tick end'),
    ]),
    ...(xTicks ?? roundSteps(xMin, xMax))
      .filter((x) => x >= xMin && x <= xMax)
      .map((x) => text(toX(x), HEIGHT - BOTTOM + 18, formatX(x), 'tick middle')),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, options.xTitle, 'tick middle'),
    ...series.map(({ points: line }, i) => lineOf(line, toX, toY, colourOf(i))),
    ...series.map(({ name }, i) => legendOf(name, i)),
  ]
  const head = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(options.title)}">`
  return `${head}${parts.join('')}</svg>`
}

const colourOf = (i: number): string => COLOURS[i % COLOURS.length] as string
const at = (value: number): string => value.toFixed(1)

export const escaped = (plain: string): string =>
  plain.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const text = (x: number, y: number, content: string, kind: string): string =>
  `<text class="${kind}" x="${at(x)}" y="${at(y)}">${escaped(content)}</text>`

function lineOf(
  points: Series['points'],
  toX: (x: number) => number,
  toY: (y: number) => number,
  colour: string,
): string {
  const path = points.map(([x, y]) => `${at(toX(x))},${at(toY(y))}`).join(' ')
  const dots = points.length > 60 ? [] : points.map(([x, y]) => dotOf(toX(x), toY(y), colour))
  return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"/>${dots.join('')}`
}

const dotOf = (x: number, y: number, colour: string): string =>
  `<circle cx="${at(x)}" cy="${at(y)}" r="2.5" fill="${colour}"/>`

function legendOf(name: string, i: number): string {
  const x = LEFT + 260 + i * 110
  return `<rect x="${x}" y="10" width="10" height="10" fill="${colourOf(i)}"/>${text(x + 15, 19, name, 'tick')}`
}

const widened = (min: number, max: number): [number, number] => (max > min ? [min, max] : [min, min + 1])

/** About five round numbers from `min` to beyond `max`. */
function roundSteps(min: number, max: number): number[] {
  const rough = Math.max((max - min) / 5, Number.MIN_VALUE)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power
  const steps: number[] = []
  for (let value = Math.floor(min / step) * step; value < max + step; value += step) steps.push(value)
  return steps
}

/** Powers of ten around the values. */
function powers(values: readonly number[]): number[] {
  const positive = values.filter((value) => value > 0)
  const first = Math.floor(Math.log10(Math.max(1, Math.min(...positive))))
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(1, ...positive))))
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))
}
