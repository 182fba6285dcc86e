// The bound of the whole process: with more memory resident than this, or more of V8's heap in use, who publishes is
// not read from until there is less, and no session is made. Those who only take messages go on, since they are what
// empties it. Asked by dispatch.ts for each chunk, and by session-registry.ts.
//
//   enough -- resident is above the bound, and garbage is not why --> short: as much as is in use now is too much
//     ^                                                                 |
//     '---- resident is below it, or in use is clearly less than then --'
//
// The second way back is needed because a process seldom gives the system all that it no longer uses: it takes it for
// what comes next. Until it has, publishers are held back when as much is in use as did not fit before.
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Logger } from 'pino'
import type { TimerWheel, WheelTask } from '../base/timer-wheel.ts'

/** A heap of 500 MB must not fill up in between. */
const MEASURE_EVERY_MS = 100
/** Of what the machine has, where nothing is configured. */
const SHARE = 0.8
/** Of the heap that V8 allows: it ends the process at the whole of it, and it counts what it has yet to collect. */
const HEAP_SHARE = 0.8
/** Collections are this long apart, and this many times as long as one takes. */
const COLLECT_EVERY_MS = 1_000
const COLLECT_EVERY_TIMES = 20
/** It is over below this share of the bound: else it would come and go with each garbage collection. */
const ENOUGH = 0.95
const ENOUGH_IN_USE = 0.75
/** Share of the bound that may be in use above what was at the start, however small the bound. */
const ROOM = 1 / 16
const UNKNOWN = Number.POSITIVE_INFINITY
/** It may come and go all the time. */
const TELL_EVERY_MS = 60_000

/** What is used, measured anew by each call. */
export interface MemoryMeter {
  /** Bytes resident, native buffers included. */
  bytes(): number
  /** Bytes of objects and buffers, with the garbage among them. */
  inUse(): number
  /** Part of the heap that V8 allows, from 0 to 1. Queues, sessions and topics are there; payloads are not. */
  heapShare(): number
  /** All of it, about a millisecond for each megabyte in use. */
  collectGarbage(): void
}

let collect: (() => void) | undefined

export const processMemory: MemoryMeter = {
  bytes() {
    try {
      return ofItsOwn(process.memoryUsage.rss())
    } catch {
      return 0 // It is read from a file, and the process has as many open as it may.
    }
  },
  inUse() {
    const { used_heap_size, external_memory } = getHeapStatistics()
    return used_heap_size + external_memory
  },
  heapShare() {
    const { used_heap_size, heap_size_limit } = getHeapStatistics()
    return used_heap_size / heap_size_limit
  },
  collectGarbage() {
    if (collect === undefined) {
      setFlagsFromString('--expose-gc')
      collect = runInNewContext('gc') as () => void
    }
    collect()
  },
}

/** Without the pages of mapped files, which the system takes back when it needs them: only Linux tells. */
function ofItsOwn(resident: number): number {
  if (process.platform !== 'linux') return resident
  const kibibytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
  return kibibytes === undefined ? resident : Number(kibibytes) * 1024
}

export interface MemoryGuardParts {
  /** 0: four fifths of what the machine, or its container, has. */
  readonly bytesMax: number
  readonly meter: MemoryMeter
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
  #collectAt = Number.NEGATIVE_INFINITY
  #inUseAtStart = 0
  /** Bytes in use that fit; not known while less than the bound is resident. */
  #inUseMax = UNKNOWN
  #toldAt = Number.NEGATIVE_INFINITY
  #isTold = false

  constructor(parts: MemoryGuardParts) {
    this.#parts = parts
    this.#bytesMax = parts.bytesMax === 0 ? SHARE * machineBytes() : parts.bytesMax
  }

  /** What was restored is there: what is in use now stays in use, whether it fits or not. */
  begin(): void {
    this.#inUseAtStart = this.#parts.meter.inUse()
    this.#learn()
  }

  /** `now` in milliseconds since the epoch; measures ten times a second at most. */
  isShort(now: number): boolean {
    if (now - this.#measuredAt >= MEASURE_EVERY_MS && !this.#isShort) this.#measure(now)
    return this.#isShort
  }

  expire(now: number): void {
    this.#measure(now)
    if (!this.#isShort) this.#parts.onRoom()
  }

  #measure(now: number): void {
    const { wheel } = this.#parts
    this.#measuredAt = now
    const wasShort = this.#isShort
    this.#isShort = this.#isAbove() && !(this.#collects(now) && !this.#isAbove())
    if (this.#isShort) wheel.schedule(this, now + MEASURE_EVERY_MS)
    if (this.#isShort === wasShort) return
    if (this.#isShort) this.#learn()
    this.#tell(now)
  }

  #isAbove(): boolean {
    const { meter } = this.#parts
    const part = this.#isShort ? ENOUGH : 1
    if (meter.heapShare() > HEAP_SHARE * part) return true
    if (meter.bytes() <= this.#bytesMax * part) {
      this.#inUseMax = UNKNOWN
      return false
    }
    return this.#inUseMax === UNKNOWN || meter.inUse() >= this.#inUseBound
  }

  get #inUseBound(): number {
    const atStart = this.#inUseAtStart
    return this.#isShort ? atStart + (this.#inUseMax - atStart) * ENOUGH_IN_USE : this.#inUseMax
  }

  /** So much does not fit: what is resident above the bound is left out the next time. */
  #learn(): void {
    const { meter } = this.#parts
    const excess = meter.bytes() - this.#bytesMax
    if (excess <= 0) return // It was the heap.
    const inUseMax = Math.min(meter.inUse(), this.#inUseMax) - excess
    this.#inUseMax = Math.max(inUseMax, this.#inUseAtStart + ROOM * this.#bytesMax)
  }

  #tell(now: number): void {
    const { meter, log } = this.#parts
    const facts = { bytes: meter.bytes(), bytesMax: this.#bytesMax, heapShare: meter.heapShare() }
    if (this.#isShort && now - this.#toldAt >= TELL_EVERY_MS) {
      this.#toldAt = now
      this.#isTold = true
      log.warn(facts, 'memory is short: publishers are held back')
    } else if (this.#isTold && !this.#isShort) {
      this.#isTold = false
      log.info(facts, 'memory is there again: publishers are read from')
    }
  }

  /** While nobody publishes V8 may see no reason to. False: it was a moment ago. */
  #collects(now: number): boolean {
    if (now < this.#collectAt) return false
    const startedAt = performance.now()
    this.#parts.meter.collectGarbage()
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
