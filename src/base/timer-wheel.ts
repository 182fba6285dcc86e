// Every deadline of the broker on one timer: keep alive, CONNECT, will delay, session expiry.
//
//             tick % 512      one slot = 100 ms, one round = 51.2 s
//   slots  [ | |A C|   |B| | ... ]   a task waits in the slot of its deadline, however many rounds away:
//                 ^ #tick            B may be due in 3 s, C in a year; both are looked at once a round
//   #overdue { D }                   scheduled for a tick that has passed: runs at the next tick
//
//   idle -> (schedule) -> armed -> (timer) -> run what is due, in order of dueAt -> armed | idle
//                                              '-- a hundred thousand at once: over some turns of the event loop
//
// A run looks at the slots since the run before, at most at all of them: a leap of the clock costs one round.
import { assert } from './assert.ts'
import type { Clock, Timer } from './clock.ts'
import { Pace } from './pace.ts'

const SLOTS = 512
const TICK_MS = 100
/** While anything is scheduled the timer fires at least this often, to notice a leap of the wall clock. */
const TICKS_ASLEEP_MAX = 10
/** The end of a session or a will, see pace.ts; what those who hear of it make of it is counted on its own. */
const EXPIRE_UNITS = 8
const EACH_TURN_MIN = 4

export interface WheelTask {
  /** Milliseconds since the epoch; set by `schedule` alone while the task is scheduled. */
  dueAt: number
  /** Up to a tick after dueAt, never before. The task is no longer scheduled then. Must not throw. */
  expire(now: number): void
}

/** What one run found. */
interface Due {
  readonly now: number
  readonly tasks: readonly WheelTask[]
  readonly errors: unknown[]
}

export class TimerWheel {
  readonly #clock: Clock
  readonly #pace: Pace
  readonly #slots: Set<WheelTask>[] = Array.from({ length: SLOTS }, () => new Set<WheelTask>())
  readonly #overdue = new Set<WheelTask>()
  #length = 0
  /** The last tick that has been run. */
  #tick = 0
  #timer: Timer | undefined
  #timerTick = 0
  #isRunning = false
  #isClosed = false
  #isHeld = false

  constructor(clock: Clock, pace = new Pace()) {
    this.#clock = clock
    this.#pace = pace
  }

  /** Number of tasks scheduled. */
  get length(): number {
    return this.#length
  }

  /** Constant time. A task that is scheduled already is moved. */
  schedule(task: WheelTask, dueAt: number): void {
    assert(Number.isFinite(dueAt), 'a deadline that never comes is not scheduled')
    this.cancel(task)
    if (this.#length === 0 && !this.#isRunning) this.#tick = Math.floor(this.#clock.now() / TICK_MS)
    task.dueAt = dueAt
    const tick = tickOf(dueAt)
    if (tick <= this.#tick) this.#overdue.add(task)
    else (this.#slots[slotOf(tick)] as Set<WheelTask>).add(task)
    this.#length++
    this.#armFor(Math.max(tick, this.#tick + 1))
  }

  /** Constant time; without effect on a task that is not scheduled. */
  cancel(task: WheelTask): void {
    if (!this.#remove(task)) return
    this.#length--
    if (this.#length === 0) this.#disarm()
  }

  /** Until letGo nothing runs: what is being put in belongs together. */
  hold(): void {
    this.#isHeld = true
    this.#disarm()
  }

  letGo(): void {
    this.#isHeld = false
    this.#armFor(this.#nextTick())
  }

  /** Nothing scheduled runs any more, nor what is scheduled after. */
  close(): void {
    this.#isClosed = true
    this.#disarm()
  }

  #remove(task: WheelTask): boolean {
    return this.#slots[slotOf(tickOf(task.dueAt))]?.delete(task) === true || this.#overdue.delete(task)
  }

  #run(): void {
    this.#timer = undefined
    this.#isRunning = true
    const now = this.#clock.now()
    this.#runDue({ now, tasks: this.#collectDue(now), errors: [] }, 0)
  }

  #runDue(due: Due, from: number): void {
    const { now, tasks, errors } = due
    let index = from
    // A few each turn, whatever else went on in it.
    while (
      index < tasks.length &&
      !this.#isClosed &&
      !(this.#pace.isSpent && index - from >= EACH_TURN_MIN)
    ) {
      this.#expire(tasks[index++] as WheelTask, now, errors)
      this.#pace.spend(EXPIRE_UNITS)
    }
    if (index < tasks.length && !this.#isClosed) {
      setImmediate(() => this.#runDue(due, index))
      return
    }
    this.#isRunning = false
    this.#armFor(this.#nextTick())
    if (errors.length > 0) throw new AggregateError(errors, 'a task of the timer wheel threw')
  }

  /** Moves on to the tick of `now`. Those due stay scheduled: one that runs before may yet cancel them. */
  #collectDue(now: number): WheelTask[] {
    const nowTick = Math.floor(now / TICK_MS)
    const due = [...this.#overdue].filter((task) => task.dueAt <= now)
    // Where the clock was set back there is nothing to make up for: all that was due until #tick has run.
    const from = Math.max(this.#tick, nowTick - SLOTS)
    for (let tick = from + 1; tick <= nowTick; tick++) {
      for (const task of this.#slots[slotOf(tick)] as Set<WheelTask>) if (task.dueAt <= now) due.push(task)
    }
    this.#tick = nowTick
    return due.sort((a, b) => a.dueAt - b.dueAt)
  }

  #expire(task: WheelTask, now: number, errors: unknown[]): void {
    // One that ran before it may have cancelled it or put it off.
    if (task.dueAt > now || !this.#remove(task)) return
    this.#length--
    try {
      task.expire(now)
    } catch (error) {
      errors.push(error)
    }
  }

  /** The first tick with something in its slot, or the one until which the wheel may sleep. */
  #nextTick(): number {
    if (this.#overdue.size > 0) return this.#tick + 1
    const last = this.#tick + TICKS_ASLEEP_MAX
    for (let tick = this.#tick + 1; tick < last; tick++) {
      if ((this.#slots[slotOf(tick)] as Set<WheelTask>).size > 0) return tick
    }
    return last
  }

  /** Has the timer fire at `tick` or before. */
  #armFor(tick: number): void {
    if (this.#isRunning || this.#isClosed || this.#isHeld || this.#length === 0) return
    const wakeTick = Math.min(tick, this.#tick + TICKS_ASLEEP_MAX)
    if (this.#timer !== undefined && this.#timerTick <= wakeTick) return
    this.#disarm()
    this.#timerTick = wakeTick
    // The minimum matters when the clock was set back and no run has noticed yet.
    const delayMs = Math.min(wakeTick * TICK_MS - this.#clock.now(), TICKS_ASLEEP_MAX * TICK_MS)
    this.#timer = this.#clock.setTimer(() => this.#run(), delayMs)
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}

/** The tick by which the deadline has passed. */
const tickOf = (dueAt: number): number => Math.ceil(dueAt / TICK_MS)

const slotOf = (tick: number): number => tick % SLOTS
