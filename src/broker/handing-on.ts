// What a session that was not kept leaves behind when it ends, given on a slice a turn: its queue may be long. Those
// that are kept leave it to the store, which tells of it in slices of its own.
import type { Delivery } from '../store/delivery.ts'
import type { Core } from './core.ts'

const SLICE = 500

export function handOn(core: Core, leftOver: readonly Delivery[]): void {
  if (leftOver.length <= SLICE) return core.router.handOn(leftOver, core.now())
  const handingOn = inSlices(core, leftOver).finally(() => core.unfinished.delete(handingOn))
  core.unfinished.add(handingOn)
}

async function inSlices(core: Core, leftOver: readonly Delivery[]): Promise<void> {
  for (let from = 0; from < leftOver.length; from += SLICE) {
    core.router.handOn(leftOver.slice(from, from + SLICE), core.now())
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
