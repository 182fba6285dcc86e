// The parts that the packet handlers work with, made once by broker.ts and passed along with each Link.
import type { EventEmitter } from 'node:events'
import type { Logger } from 'pino'
import type { Authentication } from '../authentication/authentication.ts'
import type { Pace } from '../base/pace.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Config } from '../config/schema.ts'
import type { Drops } from '../session/drops.ts'
import type { OutboundContext } from '../session/outbound.ts'
import type { Store } from '../store/store.ts'
import type { BrokerEvents } from './events.ts'
import type { Gate } from './gate.ts'
import type { Link } from './link.ts'
import type { MemoryGuard } from './memory-guard.ts'
import type { Reading } from './reading.ts'
import type { RetainedMessages } from './retained-messages.ts'
import type { Router } from './router.ts'
import type { SessionRegistry } from './session-registry.ts'
import type { SystemTopics } from './system-topics.ts'
import type { Wills } from './wills.ts'

export interface Core extends OutboundContext {
  readonly limits: Config['limits']
  readonly features: Config['features']
  readonly redirect: Config['redirect']
  readonly overflow: Config['overflow']
  readonly authentication: Authentication
  readonly memory: MemoryGuard
  readonly wheel: TimerWheel
  readonly store: Store
  readonly log: Logger
  readonly drops: Drops
  readonly events: EventEmitter<BrokerEvents>
  /** Tells those who embed the broker, outside of this call: their mistakes are theirs. */
  tell<Name extends keyof BrokerEvents>(name: Name, ...facts: BrokerEvents[Name]): void
  readonly gate: Gate
  readonly sessions: SessionRegistry
  readonly router: Router
  readonly retained: RetainedMessages
  readonly wills: Wills
  readonly system: SystemTopics
  /** Every open connection, CONNECT seen or not. */
  readonly links: Set<Link>
  /** Of packets and what comes of them. */
  readonly pace: Pace
  /** Of what nobody sent a packet for: ends of connections, deadlines. */
  readonly chores: Pace
  readonly reading: Reading
}
