// Makes the parts that the packet handlers work with, each with what it needs of the others. Called once, by broker.ts.
import { EventEmitter } from 'node:events'
import type { Logger } from 'pino'
import { Authentication } from '../authentication/authentication.ts'
import type { Authenticator } from '../authentication/authenticator.ts'
import type { AuthenticationMethod } from '../authentication/method.ts'
import { Asking } from '../authorization/asking.ts'
import type { AskedClient, Authorizer } from '../authorization/authorizer.ts'
import { Policy } from '../authorization/policy.ts'
import type { RuleSet } from '../authorization/rule-set.ts'
import type { Clock } from '../base/clock.ts'
import type { FileWatch } from '../base/file-watch.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { Config, ListenerConfig } from '../config/schema.ts'
import type { Message } from '../packet/message.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { Drops } from '../session/drops.ts'
import { QueueTotals } from '../session/queue-totals.ts'
import type { Store } from '../store/store.ts'
import { CloseReason } from '../transport/close-reason.ts'
import type { Connection } from '../transport/connection.ts'
import type { OpenListener } from '../transport/listener.ts'
import type { MountPoint } from '../transport/mount-point.ts'
import { Authorization } from './authorization.ts'
import type { Core } from './core.ts'
import { DeadLetters, type DeadLettersParts } from './dead-letters.ts'
import { DropLog, type DropLogParts } from './drop-log.ts'
import type { BrokerEvents } from './events.ts'
import { Gate } from './gate.ts'
import type { Link } from './link.ts'
import { MemoryGuard, type MemoryMeter, processMemory } from './memory-guard.ts'
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
  /** Of these a listener names those that are asked about a CONNECT without such a method. */
  readonly authenticators?: readonly Authenticator[]
  /** Of a file, in force until others replace them; undefined: there is no such file. */
  readonly rules?: RuleSet | undefined
  /** In the order in which they are asked what rules and claims leave open. */
  readonly authorizers?: readonly Authorizer[]
  /** Those that the other parts were made from; the broker closes them. */
  readonly files?: FileWatch
  /** Default: that of the process. */
  readonly memoryMeter?: MemoryMeter
}

type LostWill = Parameters<Authorization['lostWill']>
interface WholeParts {
  authorization: Authorization
  sessions: SessionRegistry
  system: SystemTopics
}

export function assembleCore(broker: BrokerParts): Core {
  const { config, store, clock, log, memoryMeter: meter = processMemory } = broker
  const { limits, features, redirect, overflow } = config
  const now = (): number => clock.now()
  const onRoom = (): void => readOn(core)
  const isWithheld = (message: Message): boolean => core.authorization.isWithheld(message)
  const onLost = (...will: LostWill): void => core.authorization.lostWill(...will)
  const wheel = new TimerWheel(clock)
  const retained = new RetainedMessages({ store, limits, wheel, now, isWithheld })
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
    onQueueRoom: (): void => queueMicrotask(onRoom),
    memory: new MemoryGuard({ bytesMax: limits.memoryBytesMax, meter, wheel, now, log, onRoom }),
    authentication: authenticationOf(broker, wheel),
    disconnectsRefused: config.authorization.refusedPublish === 'disconnect',
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
    wills: new Wills({ store, wheel, router, now, onLost }),
    links: new Set<Link>(),
    listeners: new Set<OpenListener>(),
    mountPoints: new Map<ListenerConfig, MountPoint>(),
    unfinished: new Set<Promise<void>>(),
    heldBack: new Set<Connection>(),
  }
  // These touch all the others, and need the whole.
  const core = parts as typeof parts & WholeParts
  core.authorization = new Authorization(core, policyOf(broker, core), config.authorization)
  core.sessions = new SessionRegistry(core)
  core.system = new SystemTopics(core, config.system.intervalSeconds)
  return core
}

function authenticationOf(parts: BrokerParts, wheel: TimerWheel): Authentication {
  const { config, clock, authenticationMethods = [], authenticators = [] } = parts
  return new Authentication({
    methods: authenticationMethods,
    authenticators,
    settings: config.authentication,
    connectTimeoutMs: config.limits.connectTimeoutMs,
    wheel,
    now: () => clock.now(),
  })
}

function policyOf({ config, rules, authorizers = [] }: BrokerParts, core: Core): Policy {
  const { wheel, log, now } = core
  const { timeoutMs, answersSeconds, topicsRemembered } = config.authorization
  const onFailure = (error: unknown, { clientId }: AskedClient): void =>
    log.error({ err: error, clientId }, 'an authorizer failed: what it was asked about is refused')
  const others =
    authorizers.length === 0 ? undefined : new Asking({ authorizers, timeoutMs, wheel, now, onFailure })
  return new Policy({ rules, others, now, answersMs: answersSeconds * 1000, cacheEntries: topicsRemembered })
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
