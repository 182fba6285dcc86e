// Dropped messages in the log, so that nobody has to look for them: a line for each client and reason, once a second
// at most, with their number. Told by session/drops.ts.
import type { Logger } from 'pino'
import type { TimerWheel, WheelTask } from '../base/timer-wheel.ts'
import { DropReason } from '../session/drops.ts'

const INTERVAL_MS = 1_000
/** Clients with lines of their own in one interval; the others share a line for each reason. */
const CLIENTS_MAX = 20

/** What QoS 0 is: not worth a warning. */
const levelOf = (reason: DropReason): 'debug' | 'warn' => (reason === DropReason.Offline ? 'debug' : 'warn')

export interface DropLogParts {
  readonly wheel: TimerWheel
  readonly now: () => number
  readonly log: Logger
}

export class DropLog implements WheelTask {
  dueAt = 0
  readonly #parts: DropLogParts
  /** By client id; undefined: of those that have no lines of their own. */
  #untold = new Map<string | undefined, Map<DropReason, number>>()

  constructor(parts: DropLogParts) {
    this.#parts = parts
  }

  note(clientId: string, reason: DropReason, messages: number): void {
    const { wheel, now, log } = this.#parts
    if (!log.isLevelEnabled(levelOf(reason))) return
    if (this.#untold.size === 0) wheel.schedule(this, now() + INTERVAL_MS)
    const counts = this.#countsOf(clientId)
    counts.set(reason, (counts.get(reason) ?? 0) + messages)
  }

  #countsOf(clientId: string): Map<DropReason, number> {
    const known = this.#untold.get(clientId)
    if (known !== undefined) return known
    const ofWhom = this.#untold.size < CLIENTS_MAX ? clientId : undefined
    const counts = this.#untold.get(ofWhom) ?? new Map<DropReason, number>()
    this.#untold.set(ofWhom, counts)
    return counts
  }

  /** Also called when the broker closes: nothing is left untold. */
  expire(): void {
    const { log } = this.#parts
    const untold = this.#untold
    this.#untold = new Map()
    for (const [clientId, counts] of untold) {
      const what = clientId === undefined ? 'messages of other clients dropped' : 'messages dropped'
      for (const [reason, messages] of counts) log[levelOf(reason)]({ clientId, reason, messages }, what)
    }
  }
}
