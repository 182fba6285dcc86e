// The broker as those who embed it see it: connections come in, messages go through, it closes in good order.
// Made by server.ts; everything inside is reached through Core.
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { Permit } from '../authorization/permit.ts'
import type { RuleSet } from '../authorization/rule-set.ts'
import { GodwitError } from '../base/errors.ts'
import { FileWatch } from '../base/file-watch.ts'
import type { Config } from '../config/schema.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import type { Qos } from '../packet/protocol.ts'
import { ReasonCode, reasonName } from '../packet/reason-codes.ts'
import { DropReason, Drops } from '../session/drops.ts'
import { subscriptionOf } from '../session/subscription.ts'
import type { StoreDamage } from '../store/store.ts'
import { peerOf } from '../transport/caller.ts'
import { CloseReason } from '../transport/close-reason.ts'
import { Connection, type ConnectionSettings } from '../transport/connection.ts'
import { Doorman } from '../transport/doorman.ts'
import { FlushList } from '../transport/flush-list.ts'
import { HandshakeQueue } from '../transport/handshake-queue.ts'
import { type Arrival, type BoundAddress, OpenListener } from '../transport/listener.ts'
import { MountPoint } from '../transport/mount-point.ts'
import type { ListenAddress } from '../transport/tcp.ts'
import { whenCommitted } from './acknowledge.ts'
import { assembleCore, type BrokerParts, readOn } from './assemble-core.ts'
import type { Core } from './core.ts'
import type { BrokerEvents } from './events.ts'
import type { Gate } from './gate.ts'
import { Link } from './link.ts'
import { LocalSubscriber, type MessageHandler } from './local-subscriber.ts'
import { messageOfRequest, type PublishRequest } from './publish-request.ts'
import { redirectionOf } from './redirect.ts'
import { restorerOf } from './restore.ts'

export interface LocalSubscription {
  readonly topicFilter: string
  unsubscribe(): void
}

export class Broker {
  readonly #core: Core
  readonly #config: Config
  readonly #files: FileWatch
  readonly #settings: ConnectionSettings
  readonly #doorman: Doorman
  readonly #handshakes: HandshakeQueue
  /** Each until its last bytes have left or been given up. */
  readonly #streams = new Set<Duplex>()
  #localSubscribers = 0
  #closing: Promise<void> | undefined

  private constructor(core: Core, { config, files, clock, log }: BrokerParts) {
    this.#core = core
    this.#config = config
    this.#files = files ?? new FileWatch({ clock, log })
    this.#files.onReloaded = () => lookAgain(core)
    const { connectBytesMax, handshakesPerSecondMax } = config.limits
    this.#settings = { flushList: new FlushList(), now: core.now, connectBytesMax }
    this.#doorman = new Doorman(config.limits, core.now)
    this.#handshakes = new HandshakeQueue(handshakesPerSecondMax)
    for (const listener of config.listeners) {
      if (listener.mountPoint !== '') core.mountPoints.set(listener, new MountPoint(listener.mountPoint))
    }
  }

  /** Opens the store and restores what it holds. Rejects with ERR_GODWIT_STORE_*. */
  static async open(parts: BrokerParts): Promise<Broker> {
    const { store, log } = parts
    const core = assembleCore(parts)
    store.onDamage = (what) => log.error({ what }, 'damaged in the store, and set aside')
    store.readsLeftOver = core.deadLetters.wants(DropReason.SessionEnded)
    store.onLeftOver = (deliveries, clientId) =>
      core.router.handOn(deliveries, new Drops(core.drops, clientId), core.now())
    store.onShort = (isShort) => logRoom(log, isShort)
    const restorer = restorerOf(core)
    await store.open(restorer)
    restorer.finish()
    core.memory.begin()
    warnOfDamage(log, store.damage)
    store.onRoom = () => readOn(core)
    store.onWriteError = (error) => logWriteError(log, error)
    return new Broker(core, parts)
  }

  /** Events for what happens to clients: see BrokerEvents. */
  on<Name extends keyof BrokerEvents>(name: Name, listener: (...facts: BrokerEvents[Name]) => void): this {
    this.#core.events.on(name, listener as never)
    return this
  }

  off<Name extends keyof BrokerEvents>(name: Name, listener: (...facts: BrokerEvents[Name]) => void): this {
    this.#core.events.off(name, listener as never)
    return this
  }

  /**
   * Opens every listener of the configuration, or plain ones on the addresses given; all of them, or none: rejects with
   * ERR_GODWIT_LISTEN_* or ERR_GODWIT_TLS_*.
   */
  async listen(addresses?: readonly ListenAddress[]): Promise<BoundAddress[]> {
    const { listeners, plainListener, transport, limits } = this.#config
    const { log, now } = this.#core
    const wanted =
      addresses?.map(({ host, port }) => ({ ...plainListener, name: `mqtt-${port}`, host, port })) ??
      listeners
    const { sharedReads } = transport
    const { connectTimeoutMs } = limits
    const doors = { doorman: this.#doorman, handshakes: this.#handshakes }
    const accept = (stream: Duplex, arrival: Arrival): Connection => this.#attach(stream, arrival)
    const opened: OpenListener[] = []
    try {
      for (const config of wanted) {
        opened.push(
          await OpenListener.open(config, { sharedReads, connectTimeoutMs, log, now, ...doors, accept }),
        )
      }
    } catch (error) {
      await Promise.all(opened.map((listener) => listener.close()))
      throw error
    }
    for (const listener of opened) this.#core.listeners.add(listener)
    return opened.map(({ address }) => address)
  }

  /** Takes any byte stream as a connection of one client. */
  attach(stream: Duplex): void {
    const listener = this.#config.plainListener
    const connection = this.#attach(stream, { peer: peerOf(stream, listener.name), listener })
    // Who comes by a listener was counted at its door.
    const { links, limits } = this.#core
    if (links.size > limits.connectionsMax) connection.close(CloseReason.TooManyConnections)
  }

  #attach(stream: Duplex, arrival: Arrival): Connection {
    const core = this.#core
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    const connection = new Connection(stream, arrival.peer, this.#settings, (made) => {
      const link = new Link(core, made, arrival)
      core.links.add(link)
      return link
    })
    if (this.#closing !== undefined) connection.close(CloseReason.ServerShutdown)
    return connection
  }

  /** As a client's PUBLISH, without a client: resolves when every kept copy is on disk. */
  async publish(request: PublishRequest): Promise<void> {
    const core = this.#core
    this.#assertOpen()
    const { topicName } = request
    checkTopicName(core.gate, topicName)
    const permit = request.as && (await this.#permitToPublish(request, request.as))
    const operations = core.store.operations
    const message = messageOfRequest(request, core.now())
    if (message.retain) message.origin = permit?.originOf(topicName, message.qos)
    const isBlocked = core.router.blockedBy(message, undefined).length > 0
    if (isBlocked) core.drops.count(DropReason.Rejected, message)
    const reasonCode = isBlocked ? ReasonCode.QuotaExceeded : core.router.publish(message, undefined)
    if (reasonCode >= 0x80) refusedToPublish(topicName, reasonCode)
    await new Promise<void>((resolve) => whenCommitted(core.store, operations, resolve))
  }

  async #permitToPublish(
    { topicName, qos = 0, retain = false }: PublishRequest,
    { clientId, identity = '', rights }: NonNullable<PublishRequest['as']>,
  ): Promise<Permit | undefined> {
    const { authorization, gate } = this.#core
    const permit = authorization.permitFor({ clientId, identity, peer: undefined, rights })
    const isAsking = gate.refusePublish(permit, topicName, qos, retain) === undefined
    if (isAsking) await permit?.askAboutPublishing(topicName, qos, retain)
    this.#assertOpen()
    const reasonCode = gate.refusePublish(permit, topicName, qos, retain)
    if (reasonCode !== ReasonCode.Success) refusedToPublish(topicName, ReasonCode.NotAuthorized)
    return permit
  }

  /** As a client's SUBSCRIBE, with a function instead of a client. What is retained comes first. */
  subscribe(topicFilter: string, handler: MessageHandler, qos: Qos = 2): LocalSubscription {
    const core = this.#core
    this.#assertOpen()
    const clientId = `$local/${++this.#localSubscribers}`
    const session = core.sessions.makeLocal(clientId)
    const refusal = core.gate.refuseSubscribe(session, topicFilter)
    if (refusal !== undefined) {
      throw new GodwitError('ERR_GODWIT_SUBSCRIBE_REFUSED', `${topicFilter}: ${refusal.why}`)
    }
    const options = { qos, noLocal: false, retainAsPublished: true, retainHandling: 0 } as const
    const none = { subscriptionIdentifier: 0, owesRetained: false } as const
    const subscription = subscriptionOf({ topicFilter, ...options, ...none })
    session.outbound.attach(new LocalSubscriber(core, session, handler), core.limits.inFlightMax)
    core.system.awaited(subscription.plainFilter)
    session.addSubscription(subscription)
    core.router.subscribe(session, subscription)
    if (subscription.shareName === undefined) core.retained.feed(session, subscription)
    const unsubscribe = (): void => {
      if (!session.outbound.isOnline) return
      core.sessions.end(session)
    }
    return { topicFilter, unsubscribe }
  }

  /** Messages that did not reach a session, by reason, since the start. */
  get drops(): ReadonlyMap<DropReason, number> {
    return this.#core.drops.byReason
  }

  /** The same of the session of one client id; undefined: there is none. */
  dropsOf(clientId: string): ReadonlyMap<DropReason, number> | undefined {
    return this.#core.sessions.byClientId(clientId)?.drops.byReason
  }

  /**
   * Reads its files anew, as is done when they change: certificates, whose faults go to the log, passwords, keys.
   * Rejects with ERR_GODWIT_RELOAD_FAILED for those that stay as they were.
   */
  reload(): Promise<void> {
    for (const listener of this.#core.listeners) listener.reload()
    return this.#files.reload()
  }

  /** Rules of a file that was loaded anew: what clients may not have any more is taken from them. */
  replaceRules(rules: RuleSet): void {
    this.#core.authorization.replaceRules(rules)
  }

  /**
   * Asks authorizers anew what the client of `clientId` may do; default: all clients. Resolves when what they may not
   * have any more is gone.
   */
  reviewRights(clientId?: string): Promise<void> {
    return this.#core.authorization.askAnew(clientId)
  }

  /** Stops accepting, tells every client, commits what is open. Calling it again waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const core = this.#core
    core.authorization.close()
    const listenersClosed = [...core.listeners].map((listener) => listener.close())
    core.listeners.clear()
    // What is acknowledged leaves with its commit, before the farewell.
    // A disk that refuses holds nobody up: closing gives up on it, and says so.
    await Promise.race([core.store.flush(), this.#nextWriteError()])
    const reasonCode = redirectionOf(core.redirect) ?? ReasonCode.ServerShuttingDown
    for (const link of [...core.links]) link.disconnect(reasonCode, CloseReason.ServerShutdown)
    await Promise.all([...listenersClosed, ...[...this.#streams].map(whenClosed)])
    await Promise.race([this.#allFinished(), this.#nextWriteError()])
    core.wheel.close()
    await this.#files.close()
    core.dropLog.expire()
    await core.store.close()
  }

  async #allFinished(): Promise<void> {
    const { unfinished } = this.#core
    while (unfinished.size > 0) await Promise.all(unfinished)
  }

  #nextWriteError(): Promise<void> {
    const { store, log } = this.#core
    return new Promise((resolve) => {
      store.onWriteError = (error) => {
        logWriteError(log, error)
        resolve()
      }
    })
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new GodwitError('ERR_GODWIT_BROKER_CLOSED', 'the broker is closed')
  }
}

/** Who has been admitted by what is no longer in a file has to go. */
function lookAgain({ links }: Core): void {
  for (const link of [...links]) {
    link.attempt(() => {
      if (link.admission?.holds?.() !== false) return
      link.disconnect(ReasonCode.NotAuthorized, CloseReason.AdmissionRevoked)
    })
  }
}

function refusedToPublish(topicName: string, reasonCode: ReasonCode): never {
  throw new GodwitError('ERR_GODWIT_PUBLISH_REFUSED', `${topicName}: ${reasonName(reasonCode)}`)
}

/** Inside the process a bad topic name is an error like any other. */
function checkTopicName(gate: Gate, topicName: string): void {
  try {
    gate.checkTopicName(topicName)
  } catch (cause) {
    const why = cause instanceof MqttError ? cause.why : 'not taken'
    throw new GodwitError('ERR_GODWIT_PUBLISH_REFUSED', `${topicName}: ${why}`, { cause })
  }
}

/** Once, after all that was found: where to look. */
function warnOfDamage(log: Logger, damage: StoreDamage): void {
  if (damage.count === 0) return
  log.warn(damage, `the data folder was damaged; what could be set aside is in ${damage.quarantine}`)
}

const logRoom = (log: Logger, isShort: boolean): void => {
  if (isShort) log.error('the disk is full: publishers are held back, and what is stored can be taken out')
  else log.info('there is room on the disk again: publishers are read from')
}

const logWriteError = (log: Logger, error: Error): void =>
  log.error({ err: error }, 'the store could not write, and tries again')

/** Resolves however it ends. */
const whenClosed = (stream: Duplex): Promise<void> => new Promise((resolve) => stream.once('close', resolve))
