// What all clients of one generator share: the clock, the deadlines, one flush a turn.
import { systemClock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { ConnectionSettings } from '../transport/connection.ts'
import { FlushList } from '../transport/flush-list.ts'

export class LoadContext {
  readonly wheel = new TimerWheel(systemClock)
  readonly connectionSettings: Omit<ConnectionSettings, 'connectBytesMax'> = {
    flushList: new FlushList(),
    now: () => Date.now(),
  }

  now(): number {
    return Date.now()
  }

  /** Of a clock that never goes back, and that all processes of this machine share. */
  microseconds(): number {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1e6 + nanoseconds / 1e3
  }
}
