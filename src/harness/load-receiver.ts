// Counts what one client receives, and looks at the stamps: how late, how often, in what order.
import type { PublishPacket } from '../packet/publish.ts'
import type { LoadCounter } from './load-figures.ts'
import { Arrival, SequenceWatch } from './sequence-watch.ts'
import { readStamp, Stamp } from './stamped-publish.ts'

/** More publishers than these are not watched: a receiver of `#` on a foreign broker must not fill the memory. */
const WATCHES_MAX = 100_000

const stamp = new Stamp()

export interface ReceiverParts {
  readonly counter: LoadCounter
  /** Members of a share see gaps. */
  readonly isShare: boolean
  /** Of this process. */
  readonly onArrived: (publisher: number, now: number) => void
}

export class LoadReceiver {
  readonly #parts: ReceiverParts
  readonly #watches = new Map<number, SequenceWatch>()

  constructor(parts: ReceiverParts) {
    this.#parts = parts
  }

  received({ bytes, payloadAt, end }: PublishPacket, now: number): void {
    const { counter, onArrived } = this.#parts
    counter.received++
    counter.receivedBytes += end - payloadAt
    if (!readStamp(bytes, payloadAt, end, stamp)) {
      counter.unstamped++
      return
    }
    counter.latency.record(now - stamp.sentAt)
    const arrival = this.#watchOf(stamp.publisher, stamp.sequence)?.note(stamp.sequence)
    if (arrival === Arrival.Duplicate) counter.duplicates++
    else if (arrival === Arrival.OutOfOrder) counter.outOfOrder++
    onArrived(stamp.publisher, now)
  }

  /** It begins with what comes first: what was lost before shows in the totals. */
  #watchOf(publisher: number, sequence: number): SequenceWatch | undefined {
    const known = this.#watches.get(publisher)
    if (known !== undefined || this.#watches.size >= WATCHES_MAX) return known
    const watch = new SequenceWatch(sequence, this.#parts.isShare)
    this.#watches.set(publisher, watch)
    return watch
  }
}
