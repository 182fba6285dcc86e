// The parts that the packet handlers work with, made once by broker.ts and passed along with each Link.
import type { EventEmitter } from 'node:events'
import type { Logger } from 'pino'
import type { Authentication } from '../authentication/authentication.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { Config, ListenerConfig } from '../config/schema.ts'
import type { Drops } from '../session/drops.ts'
import type { OutboundContext } from '../session/outbound-context.ts'
import type { Store } from '../store/store.ts'
import type { Connection } from '../transport/connection.ts'
import type { OpenListener } from '../transport/listener.ts'
import type { MountPoint } from '../transport/mount-point.ts'
import type { Authorization } from './authorization.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { DropLog } from './drop-log.ts'
import type { BrokerEvents } from './events.ts'
import type { Gate } from './gate.ts'
import type { Link } from './link.ts'
import type { MemoryGuard } from './memory-guard.ts'
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
  /** Of a client that publishes where it may not. */
  readonly disconnectsRefused: boolean
  readonly memory: MemoryGuard
  readonly wheel: TimerWheel
  readonly store: Store
  readonly log: Logger
  readonly drops: Drops
  readonly dropLog: DropLog
  readonly deadLetters: DeadLetters
  readonly events: EventEmitter<BrokerEvents>
  /** Tells those who embed the broker, outside of this call: their mistakes are theirs. */
  tell<Name extends keyof BrokerEvents>(name: Name, ...facts: BrokerEvents[Name]): void
  readonly gate: Gate
  readonly authorization: Authorization
  readonly sessions: SessionRegistry
  readonly router: Router
  readonly retained: RetainedMessages
  readonly wills: Wills
  readonly system: SystemTopics
  /** Of the listeners that have one. */
  readonly mountPoints: Map<ListenerConfig, MountPoint>
  /** Every open connection, CONNECT seen or not. */
  readonly links: Set<Link>
  readonly listeners: Set<OpenListener>
  /** Connections that are not read from until the store has room. */
  readonly heldBack: Set<Connection>
}
