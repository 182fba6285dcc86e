// The broker as those who embed it see it: connections come in, messages go through, it closes in good order.
// Made by server.ts; everything inside is reached through Core.
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { GodwitError } from '../base/errors.ts'
import type { Config } from '../config/schema.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import type { Qos } from '../packet/protocol.ts'
import { ReasonCode, reasonName } from '../packet/reason-codes.ts'
import type { DropReason } from '../session/drops.ts'
import { subscriptionOf } from '../session/subscription.ts'
import { CloseReason } from '../transport/close-reason.ts'
import { Connection, type ConnectionSettings } from '../transport/connection.ts'
import { Endings } from '../transport/endings.ts'
import { FlushList } from '../transport/flush-list.ts'
import { type ListenAddress, type Listener, listenTcp } from '../transport/tcp.ts'
import { whenCommitted } from './acknowledge.ts'
import { assembleCore, type BrokerParts } from './assemble-core.ts'
import type { Core } from './core.ts'
import type { BrokerEvents } from './events.ts'
import type { Gate } from './gate.ts'
import { Link } from './link.ts'
import { LocalSubscriber, type MessageHandler } from './local-subscriber.ts'
import { messageOfRequest, type PublishRequest } from './publish-request.ts'
import { redirectionOf } from './redirect.ts'
import { restorerOf } from './restore.ts'

/** What it takes to tell a client farewell, see base/pace.ts. */
const DISCONNECT_UNITS = 50

export interface LocalSubscription {
  readonly topicFilter: string
  unsubscribe(): void
}

export class Broker {
  readonly #core: Core
  readonly #config: Config
  readonly #settings: ConnectionSettings
  #listeners: Listener[] = []
  /** Each until its last bytes have left or been given up. */
  readonly #streams = new Set<Duplex>()
  #localSubscribers = 0
  #closing: Promise<void> | undefined

  private constructor(core: Core, config: Config) {
    this.#core = core
    this.#config = config
    const { connectBytesMax } = config.limits
    const endings = new Endings(core.chores)
    this.#settings = { flushList: new FlushList(), endings, now: core.now, connectBytesMax }
  }

  /** Opens the store and restores what it holds. Rejects with ERR_GODWIT_STORE_*. */
  static async open(parts: BrokerParts): Promise<Broker> {
    const { config, store, log } = parts
    const core = assembleCore(parts)
    store.onDamage = (what) => log.error({ what }, 'damaged in the store, and left out')
    store.onLeftOver = (deliveries) => core.router.handOn(deliveries, core.now())
    const restorer = restorerOf(core)
    core.wheel.hold()
    await store.open(restorer)
    await restorer.finish()
    core.wheel.letGo()
    store.onRoom = () => core.reading.readOn()
    store.onWriteError = (error) => logWriteError(log, error)
    return new Broker(core, config)
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

  /** Opens every listener of the configuration, or none: rejects with ERR_GODWIT_LISTEN_*. */
  async listen(addresses: readonly ListenAddress[] = this.#config.listeners): Promise<ListenAddress[]> {
    const opened: Listener[] = []
    try {
      for (const address of addresses) {
        opened.push(await listenTcp(address, this.#config.transport, (socket) => this.attach(socket)))
      }
    } catch (error) {
      await Promise.all(opened.map((listener) => listener.close()))
      throw error
    }
    this.#listeners.push(...opened)
    return opened.map((listener) => listener.address)
  }

  /** Takes any byte stream as a connection of one client. */
  attach(stream: Duplex): void {
    const core = this.#core
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    const connection = new Connection(stream, this.#settings, (made) => {
      const link = new Link(core, made)
      core.links.add(link)
      return link
    })
    if (this.#closing !== undefined) connection.close(CloseReason.ServerShutdown)
    else if (core.links.size > core.limits.connectionsMax) connection.close(CloseReason.TooManyConnections)
  }

  /** As a client's PUBLISH, without a client: resolves when every kept copy is on disk. */
  async publish(request: PublishRequest): Promise<void> {
    const core = this.#core
    this.#assertOpen()
    checkTopicName(core.gate, request.topicName)
    const operations = core.store.operations
    const message = messageOfRequest(request, core.now())
    const isBlocked = core.router.blockedBy(message, undefined).length > 0
    const reasonCode = isBlocked ? ReasonCode.QuotaExceeded : core.router.publish(message, undefined)
    if (reasonCode >= 0x80) {
      throw new GodwitError('ERR_GODWIT_PUBLISH_REFUSED', `${request.topicName}: ${reasonName(reasonCode)}`)
    }
    await new Promise<void>((resolve) => whenCommitted(core.store, operations, resolve))
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
    return this.#core.sessions.byClientId(clientId)?.outbound.drops.byReason
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
    const listenersClosed = this.#listeners.map((listener) => listener.close())
    this.#listeners = []
    // What is acknowledged leaves with its commit, before the farewell.
    // A disk that refuses holds nobody up: closing gives up on it, and says so.
    await Promise.race([core.store.flush(), this.#nextWriteError()])
    const reasonCode = redirectionOf(core.redirect) ?? ReasonCode.ServerShuttingDown
    const disconnect = (link: Link): void => link.disconnect(reasonCode, CloseReason.ServerShutdown)
    await new Promise<void>((done) =>
      core.chores.inTurns([...core.links].values(), DISCONNECT_UNITS, disconnect, done),
    )
    await Promise.all([...listenersClosed, ...[...this.#streams].map(whenClosed)])
    await Promise.race([this.#allFinished(), this.#nextWriteError()])
    core.wheel.close()
    core.system.close()
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

/** Inside the process a bad topic name is an error like any other. */
function checkTopicName(gate: Gate, topicName: string): void {
  try {
    gate.checkTopicName(topicName)
  } catch (cause) {
    const why = cause instanceof MqttError ? cause.why : 'not taken'
    throw new GodwitError('ERR_GODWIT_PUBLISH_REFUSED', `${topicName}: ${why}`, { cause })
  }
}

const logWriteError = (log: Logger, error: Error): void =>
  log.error({ err: error }, 'the store could not write, and tries again')

/** Resolves however it ends. */
const whenClosed = (stream: Duplex): Promise<void> => new Promise((resolve) => stream.once('close', resolve))
