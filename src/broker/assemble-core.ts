// Makes the parts that the packet handlers work with, each with what it needs of the others. Called once, by broker.ts.
import { EventEmitter } from 'node:events'
import type { Logger } from 'pino'
import { Authentication } from '../authentication/authentication.ts'
import type { AuthenticationMethod } from '../authentication/method.ts'
import type { Clock } from '../base/clock.ts'
import { type ProcessMemory, processMemory } from '../base/process-memory.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { Config } from '../config/schema.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { Drops } from '../session/drops.ts'
import { QueueTotals } from '../session/queue-totals.ts'
import type { Store } from '../store/store.ts'
import { CloseReason } from '../transport/close-reason.ts'
import type { Connection } from '../transport/connection.ts'
import type { Core } from './core.ts'
import { DeadLetters, type DeadLettersParts } from './dead-letters.ts'
import { DropLog, type DropLogParts } from './drop-log.ts'
import type { BrokerEvents } from './events.ts'
import { Gate } from './gate.ts'
import type { Link } from './link.ts'
import { MemoryGuard } from './memory-guard.ts'
import { Overflow } from './overflow.ts'
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
  /** Default: that of this process. */
  readonly memory?: ProcessMemory
}

export function assembleCore({ config, store, clock, log, ...others }: BrokerParts): Core {
  const { authenticationMethods = [], memory = processMemory } = others
  const { limits, features, redirect, overflow } = config
  const now = (): number => clock.now()
  const wheel = new TimerWheel(clock)
  const retained = new RetainedMessages({ store, limits, wheel, now })
  const dropping = dropParts(config, {
    wheel,
    now,
    log,
    publish: (letter) => void router.publish(letter, undefined),
  })
  // Not while a message is being given out: the end of a connection publishes its will.
  const onTooSlow = (clientId: string): void => {
    const link = core.sessions.linkOf(clientId)
    queueMicrotask(() =>
      link?.disconnect(ReasonCode.QuotaExceeded, CloseReason.QueueFull, 'its queue is full'),
    )
  }
  const router = new Router({
    retained,
    drops: dropping.drops,
    overflow: new Overflow({ overflow, onTooSlow }),
    cacheEntries: limits.topicCacheEntries,
  })
  const events = new EventEmitter<BrokerEvents>()
  const parts = {
    limits,
    features,
    redirect,
    overflow,
    totals: new QueueTotals(limits),
    onQueueRoom: (): void => queueMicrotask(() => readOn(core)),
    memory: new MemoryGuard({
      bytesMax: limits.memoryBytesMax,
      memory,
      wheel,
      now,
      log,
      onRoom: () => readOn(core),
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
    ...dropping,
    events,
    tell: <Name extends keyof BrokerEvents>(name: Name, ...facts: BrokerEvents[Name]): void =>
      queueMicrotask(() => events.emit(name, ...(facts as never))),
    onReadError: (error: Error): void =>
      log.error({ err: error }, 'a queue could not be read, and will be again'),
    gate: new Gate(config),
    wills: new Wills({ store, wheel, router, now }),
    links: new Set<Link>(),
    unfinished: new Set<Promise<void>>(),
    heldBack: new Set<Connection>(),
  }
  // These two touch all the others, and need the whole.
  const core = parts as Omit<typeof parts, 'sessions'> & { sessions: SessionRegistry; system: SystemTopics }
  core.sessions = new SessionRegistry(core)
  core.system = new SystemTopics(core, config.system.intervalSeconds)
  return core
}

type DropContext = DropLogParts & Pick<DeadLettersParts, 'publish'>

/** What counts dropped messages, and what tells of them. */
function dropParts({ deadLetters: settings, limits: { topicLevelsMax } }: Config, context: DropContext) {
  const drops = new Drops()
  const dropLog = new DropLog(context)
  const deadLetters = new DeadLetters({ settings, topicLevelsMax, ...context })
  drops.onDrop = (clientId, reason, message, messages) => {
    dropLog.note(clientId, reason, messages)
    deadLetters.note(clientId, reason, message, messages)
  }
  return { drops, dropLog, deadLetters }
}

/** There is room again: those that were held back are read from, unless it is room for something else. */
export function readOn(core: Core): void {
  if (core.store.isSaturated || core.memory.isShort(core.now())) return
  const waiting = [...core.heldBack]
  core.heldBack.clear()
  for (const connection of waiting) connection.resume()
}
