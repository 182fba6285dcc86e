// What a session that was not kept leaves behind when it ends, given on a slice a turn: its queue may be long. Those
// that are kept leave it to the store, which tells of it in slices of its own.
import type { Drops } from '../session/drops.ts'
import type { Delivery } from '../store/delivery.ts'
import type { Core } from './core.ts'

const SLICE = 500

/** `drops` are the session's. */
export function handOn(core: Core, leftOver: readonly Delivery[], drops: Drops): void {
  if (leftOver.length <= SLICE) return core.router.handOn(leftOver, drops, core.now())
  const handingOn = inSlices(core, leftOver, drops).finally(() => core.unfinished.delete(handingOn))
  core.unfinished.add(handingOn)
}

async function inSlices(core: Core, leftOver: readonly Delivery[], drops: Drops): Promise<void> {
  for (let from = 0; from < leftOver.length; from += SLICE) {
    core.router.handOn(leftOver.slice(from, from + SLICE), drops, core.now())
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
