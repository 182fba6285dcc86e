// The bound of the whole process: with more memory resident than this, who publishes is not read from until there is
// less. Those who only take messages go on, since they are what empties it. Asked by dispatch.ts for each chunk.
import { totalmem } from 'node:os'
import type { Logger } from 'pino'
import type { TimerWheel, WheelTask } from '../base/timer-wheel.ts'

const MEASURE_EVERY_MS = 1_000
/** Of what the machine has, where nothing is configured. */
const SHARE = 0.8
/** It is over below this share of the bound: else it would come and go with each garbage collection. */
const ENOUGH = 0.95

export interface MemoryGuardParts {
  /** 0: four fifths of what the machine, or its container, has. */
  readonly bytesMax: number
  /** Bytes resident, native buffers included. */
  readonly measure: () => number
  readonly wheel: TimerWheel
  readonly now: () => number
  readonly log: Logger
  readonly onRoom: () => void
}

export class MemoryGuard implements WheelTask {
  dueAt = 0
  readonly #parts: MemoryGuardParts
  readonly #bytesMax: number
  #isShort = false
  #measuredAt = Number.NEGATIVE_INFINITY

  constructor(parts: MemoryGuardParts) {
    this.#parts = parts
    this.#bytesMax = parts.bytesMax === 0 ? SHARE * machineBytes() : parts.bytesMax
  }

  /** `now` in milliseconds since the epoch; measures once a second. */
  isShort(now: number): boolean {
    if (now - this.#measuredAt >= MEASURE_EVERY_MS && !this.#isShort) this.#measure(now)
    return this.#isShort
  }

  expire(now: number): void {
    this.#measure(now)
    if (!this.#isShort) this.#parts.onRoom()
  }

  #measure(now: number): void {
    const { measure, wheel, log } = this.#parts
    this.#measuredAt = now
    const bytes = measure()
    const wasShort = this.#isShort
    this.#isShort = bytes > this.#bytesMax * (wasShort ? ENOUGH : 1)
    if (this.#isShort) wheel.schedule(this, now + MEASURE_EVERY_MS)
    if (this.#isShort === wasShort) return
    const facts = { bytes, bytesMax: this.#bytesMax }
    if (this.#isShort) log.warn(facts, 'memory is short: publishers are held back')
    else log.info(facts, 'memory is there again: publishers are read from')
  }
}

/** Where there is no container, constrainedMemory says 0, or more than there is. */
function machineBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}
