// What one kill of a trial came to: how much there was to lose, what of it was lost, and what of that breaks a promise.
import type { SyncMode } from '../../src/store/store.ts'

export type Mode = 'online' | 'offline'

export interface RoundResult {
  readonly mode: Mode
  readonly sync: SyncMode
  readonly killedAfterMs: number
  /** Killed once more while the wills were being published and nobody was back. */
  readonly isKilledAgain: boolean
  /** Messages and sessions for which the broker had given its word when it was killed. */
  readonly acknowledged: number
  readonly unacknowledged: number
  readonly newcomers: number
  readonly wills: number
  /** Acknowledged before the kill. A message counts once for each subscriber that misses it. */
  readonly lost: number
  /**
   * Acknowledged after the restart. With sync everysec a power cut takes the broker back by up to a second, and with it
   * which packet ids of QoS 2 it and its clients hold: a new message under one of them is taken for a repeat.
   */
  readonly lostAfterwards: number
  readonly twice: number
  readonly disordered: number
  readonly sessionsLost: number
  readonly subscriptionsLost: number
  readonly retainedLost: number
  readonly willsLost: number
  /** Published although their client had said goodbye, or before their delay was over. */
  readonly willsWrong: number
  /** Part of what is lost: sent to a subscriber under a packet id that it still held, for another message. */
  readonly swallowed: number
  /** QoS 1 messages that came more than once, as they may. */
  readonly again: number
  /** sync everysec: lost, or come twice, within the time that a power cut may take. */
  readonly forgiven: number
  /** How long before the cut the oldest of those that were lost had been acknowledged. */
  readonly forgivenMs: number
  readonly bytesCut: number
  readonly namesUndone: number
  readonly startMs: number
}

export const faultsOf = (result: RoundResult): number =>
  result.lost +
  result.lostAfterwards +
  result.twice +
  result.disordered +
  result.sessionsLost +
  result.subscriptionsLost +
  result.retainedLost +
  result.willsLost +
  result.willsWrong

/**
 * What was acknowledged until then must have survived a power cut at `cutAt`, in milliseconds of one clock. everysec
 * promises a second and an fsync; `LATE_MS` is for an event loop that is busy when the second is over, and `delayMs`
 * for a machine that is: so long had processes on it to wait for the CPU.
 */
export function keptUntil(sync: SyncMode, cutAt: number, longestSyncMs: number, delayMs: number): number {
  if (sync === 'always') return Number.POSITIVE_INFINITY
  return cutAt - EVERYSEC_MS - LATE_MS - longestSyncMs - delayMs
}

const EVERYSEC_MS = 1_000
const LATE_MS = 250
