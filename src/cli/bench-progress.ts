// What is seen while a load runs: a bar on a terminal, a line every few seconds elsewhere. On standard error, so that
// results can be piped.
import { SingleBar } from 'cli-progress'
import type { Progress } from '../harness/measure-round.ts'
import { duration } from '../harness/report-table.ts'

const LINE_MS = 5_000

export interface ProgressDisplay {
  show(title: string, progress: Progress): void
  /** Nothing more is shown until the next `show`. */
  clear(): void
}

export function createProgressDisplay(stream: NodeJS.WriteStream): ProgressDisplay {
  return stream.isTTY ? new Bar(stream) : new Lines(stream)
}

function stateOf({ phase, connected, sample }: Progress): string {
  if (phase === 'connecting') return `${connected} connected`
  if (sample === undefined) return ''
  const rate = Math.round(Math.max(sample.received, sample.sent)).toLocaleString('en-US')
  return `${rate} msg/s  p50 ${duration(sample.p50)}  p99 ${duration(sample.p99)}`
}

class Bar implements ProgressDisplay {
  readonly #bar: SingleBar
  #isStarted = false

  constructor(stream: NodeJS.WriteStream) {
    const format = '{title} {bar} {phase}  {state}'
    this.#bar = new SingleBar({
      stream,
      format,
      barsize: 24,
      clearOnComplete: true,
      hideCursor: true,
      barCompleteChar: '█',
      barIncompleteChar: '░',
    })
  }

  show(title: string, progress: Progress): void {
    const payload = { title, phase: progress.phase, state: stateOf(progress) }
    if (!this.#isStarted) this.#bar.start(1_000, 0, payload)
    this.#isStarted = true
    this.#bar.update(Math.round(progress.done * 1_000), payload)
  }

  clear(): void {
    this.#bar.stop()
    this.#isStarted = false
  }
}

class Lines implements ProgressDisplay {
  readonly #stream: NodeJS.WritableStream
  #lastAt = Number.NEGATIVE_INFINITY

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream
  }

  show(title: string, progress: Progress): void {
    const now = performance.now()
    if (now - this.#lastAt < LINE_MS) return
    this.#lastAt = now
    const percent = Math.round(progress.done * 100)
    this.#stream.write(`${title}: ${progress.phase} ${percent} % ${stateOf(progress)}\n`)
  }

  clear(): void {}
}
