// What one packet asks for may be much: fifty thousand filters in a SUBSCRIBE are half a second. It is worked through
// over some turns then, and its connection is not read from meanwhile. Used by handle-subscribe.ts and its counterpart.
import type { Link } from './link.ts'

/** A subscription, see base/pace.ts. */
const ITEM_UNITS = 8

/** Calls `each` for all of `items`, then `done`, now if there are few; neither once the client has gone. */
export function workThrough<T>(
  link: Link,
  items: readonly T[],
  each: (item: T) => void,
  done: () => void,
): void {
  const { core, connection } = link
  const ifConnected = (work: () => void): void => {
    if (link.phase === 'connected') link.attempt(work)
  }
  let isDone = false
  core.pace.inTurns(
    items.values(),
    ITEM_UNITS,
    (item) => ifConnected(() => each(item)),
    () => {
      isDone = true
      ifConnected(done)
      core.reading.release(connection)
    },
  )
  if (!isDone) core.reading.keepBusy(connection)
}
