// Makes the parts that the packet handlers work with, each with what it needs of the others. Called once, by broker.ts.
import { EventEmitter } from 'node:events'
import type { Logger } from 'pino'
import { Authentication } from '../authentication/authentication.ts'
import type { AuthenticationMethod } from '../authentication/method.ts'
import type { Clock } from '../base/clock.ts'
import { Pace } from '../base/pace.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { Config } from '../config/schema.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { Drops } from '../session/drops.ts'
import { QueueTotals } from '../session/queue-totals.ts'
import type { Store } from '../store/store.ts'
import { CloseReason } from '../transport/close-reason.ts'
import type { Core } from './core.ts'
import type { BrokerEvents } from './events.ts'
import { Gate } from './gate.ts'
import type { Link } from './link.ts'
import { MemoryGuard } from './memory-guard.ts'
import { Overflow } from './overflow.ts'
import { Reading } from './reading.ts'
import { RetainedMessages } from './retained-messages.ts'
import { Router } from './router.ts'
import { SessionRegistry } from './session-registry.ts'
import { SystemTopics } from './system-topics.ts'
import { Wills } from './wills.ts'

export interface BrokerParts {
  readonly config: Config
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly authenticationMethods?: readonly AuthenticationMethod[]
  /** Bytes of memory resident; default: what the operating system says. */
  readonly measureMemory?: () => number
}

export function assembleCore({ config, store, clock, log, ...others }: BrokerParts): Core {
  const { authenticationMethods = [], measureMemory = () => process.memoryUsage.rss() } = others
  const { limits, features, redirect, overflow } = config
  const now = (): number => clock.now()
  const drops = new Drops()
  const retained = new RetainedMessages({ store, messagesMax: limits.retainedMessagesMax, now })
  const pace = new Pace()
  const chores = new Pace()
  const wheel = new TimerWheel(clock, chores)
  const reading = new Reading(pace)
  // Not while a message is being given out: the end of a connection publishes its will.
  const onTooSlow = (clientId: string): void => {
    const link = core.sessions.linkOf(clientId)
    queueMicrotask(() =>
      link?.disconnect(ReasonCode.QuotaExceeded, CloseReason.QueueFull, 'its queue is full'),
    )
  }
  const cacheEntries = limits.topicCacheEntries
  const router = new Router({
    retained,
    drops,
    pace,
    overflow: new Overflow({ overflow, onTooSlow }),
    cacheEntries,
  })
  const events = new EventEmitter<BrokerEvents>()
  const parts = {
    limits,
    features,
    redirect,
    overflow,
    totals: new QueueTotals(limits),
    onQueueRoom: (): void => queueMicrotask(() => reading.readOn()),
    memory: new MemoryGuard({
      bytesMax: limits.memoryBytesMax,
      measure: measureMemory,
      wheel,
      now,
      log,
      onRoom: () => reading.readOn(),
    }),
    authentication: new Authentication(authenticationMethods, {
      settings: config.authentication,
      wheel,
      now,
    }),
    wheel,
    store,
    log,
    now,
    retained,
    router,
    drops,
    events,
    tell: <Name extends keyof BrokerEvents>(name: Name, ...facts: BrokerEvents[Name]): void =>
      queueMicrotask(() => events.emit(name, ...(facts as never))),
    onReadError: (error: Error): void =>
      log.error({ err: error }, 'a queue could not be read, and will be again'),
    gate: new Gate(config),
    wills: new Wills({ store, wheel, router, chores, now }),
    links: new Set<Link>(),
    unfinished: new Set<Promise<void>>(),
    pace,
    chores,
    reading,
  }
  // These two touch all the others, and need the whole.
  const core = parts as Omit<typeof parts, 'sessions'> & { sessions: SessionRegistry; system: SystemTopics }
  core.sessions = new SessionRegistry(core)
  core.system = new SystemTopics(core, config.system.intervalSeconds)
  return core
}
