// The bound of the whole process: with more memory resident than this, who publishes is not read from until there is
// less. Those who only take messages go on, since they are what empties it. Asked by dispatch.ts for each chunk.
//
//   enough -- resident is above the bound, and garbage is not why --> short: what is in use now is what fits
//     ^                                                                 |
//     '---- resident is below it, or in use is clearly less than that --'
//
// The second way back is needed because a process seldom gives back to the system all that it no longer uses: it takes
// it for what comes next. Until it has, publishers are held back when as much is in use as there was then.
import { totalmem } from 'node:os'
import type { Logger } from 'pino'
import type { MemoryFigures, ProcessMemory } from '../base/process-memory.ts'
import type { TimerWheel, WheelTask } from '../base/timer-wheel.ts'

const MEASURE_EVERY_MS = 100
/** Of what the machine has, where nothing is configured. */
const SHARE = 0.8
/** It is over below these shares of the bounds: else it would come and go with each garbage collection. */
const ENOUGH = 0.95
const ENOUGH_IN_USE = 0.75
/** Share of the bound that may be in use above what was at the start, however small the bound. */
const ROOM = 1 / 16
/** Collections are this long apart, and this many times as long as one takes. */
const COLLECT_EVERY_MS = 1_000
const COLLECT_EVERY_TIMES = 20
const TELL_EVERY_MS = 60_000
const UNKNOWN = Number.POSITIVE_INFINITY

export interface MemoryGuardParts {
  /** 0: four fifths of what the machine, or its container, has. */
  readonly bytesMax: number
  readonly memory: ProcessMemory
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
  #inUseAtStart = 0
  /** Bytes in use that fit into the bound; not known while less is resident. */
  #inUseMax = UNKNOWN
  #collectAt = Number.NEGATIVE_INFINITY
  #toldAt = Number.NEGATIVE_INFINITY
  #isTold = false

  constructor(parts: MemoryGuardParts) {
    this.#parts = parts
    this.#bytesMax = parts.bytesMax === 0 ? SHARE * machineBytes() : parts.bytesMax
  }

  /** What was restored is there: what is in use now stays in use. */
  begin(): void {
    this.#inUseAtStart = this.#parts.memory.measure().inUse
  }

  /** `now` in milliseconds since the epoch; measures ten times a second at most. */
  isShort(now: number): boolean {
    if (now - this.#measuredAt >= MEASURE_EVERY_MS && !this.#isShort) this.#look(now)
    return this.#isShort
  }

  expire(now: number): void {
    this.#look(now)
    if (!this.#isShort) this.#parts.onRoom()
  }

  #look(now: number): void {
    const { wheel } = this.#parts
    this.#measuredAt = now
    const wasShort = this.#isShort
    const { resident, inUse } = this.#measure(now)
    this.#isShort = inUse >= this.#inUseBound
    if (this.#isShort) wheel.schedule(this, now + MEASURE_EVERY_MS)
    if (this.#isShort === wasShort) return
    // The next time it is to fit.
    if (this.#isShort) this.#inUseMax = this.#atLeastRoom(this.#inUseMax - (resident - this.#bytesMax))
    this.#tell(now, resident)
  }

  /** Once a minute at most: it may come and go all the time. */
  #tell(now: number, bytes: number): void {
    const { log } = this.#parts
    const facts = { bytes, bytesMax: this.#bytesMax }
    if (this.#isShort && now - this.#toldAt >= TELL_EVERY_MS) {
      this.#toldAt = now
      this.#isTold = true
      log.warn(facts, 'memory is short: publishers are held back')
    } else if (this.#isTold && !this.#isShort) {
      this.#isTold = false
      log.info(facts, 'memory is there again: publishers are read from')
    }
  }

  /** Sets what may be in use. */
  #measure(now: number): MemoryFigures {
    const { memory } = this.#parts
    let figures = memory.measure()
    const isKnown = this.#inUseMax < UNKNOWN
    const mayBeGarbage = this.#isAbove(figures) && (!isKnown || figures.inUse >= this.#inUseBound)
    if (mayBeGarbage && this.#collected(now)) figures = memory.measure()
    if (!this.#isAbove(figures)) this.#inUseMax = UNKNOWN
    else if (!isKnown) this.#inUseMax = this.#atLeastRoom(figures.inUse)
    return figures
  }

  #atLeastRoom(inUse: number): number {
    return Math.max(inUse, this.#inUseAtStart + ROOM * this.#bytesMax)
  }

  #isAbove({ resident }: MemoryFigures): boolean {
    return resident > this.#bytesMax * (this.#isShort ? ENOUGH : 1)
  }

  get #inUseBound(): number {
    const atStart = this.#inUseAtStart
    return this.#isShort ? atStart + (this.#inUseMax - atStart) * ENOUGH_IN_USE : this.#inUseMax
  }

  /** False: it was a moment ago. */
  #collected(now: number): boolean {
    if (now < this.#collectAt) return false
    const startedAt = performance.now()
    this.#parts.memory.collectGarbage()
    const took = performance.now() - startedAt
    this.#collectAt = now + Math.max(COLLECT_EVERY_MS, took * COLLECT_EVERY_TIMES)
    return true
  }
}

/** Where there is no container, constrainedMemory says 0, or more than there is. */
function machineBytes(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}
