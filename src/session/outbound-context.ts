// What the queues of all sessions share, and their bounds. Put together by broker/assemble-core.ts for outbound.ts.
import type { BacklogContext, BacklogLimits } from './backlog.ts'
import type { Drops } from './drops.ts'

export interface OutboundLimits extends BacklogLimits {
  readonly inFlightMax: number
  readonly outputBytesMax: number
}

/** What all queues of a broker share. */
export interface OutboundContext extends BacklogContext {
  readonly limits: OutboundLimits
  readonly drops: Drops
  readonly now: () => number
  readonly overflow: { readonly queueQos0: boolean }
}
