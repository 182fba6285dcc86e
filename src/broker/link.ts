// A connection on its way to, with, and after its session: the broker's side of one client.
// connection.ts calls it; dispatch.ts and the handlers work on it.
//
//   connecting -- CONNECT --> authenticating -- it is known who it is --> admitting
//   admitting -- session and will are on disk, CONNACK --> connected --> closed
import type { Admission } from '../authentication/authenticator.ts'
import type { AuthenticatingClient } from '../authentication/client.ts'
import type { Exchange } from '../authentication/exchange.ts'
import type { WheelTask } from '../base/timer-wheel.ts'
import type { ListenerConfig } from '../config/schema.ts'
import type { AckType } from '../packet/ack.ts'
import { encodeDisconnect } from '../packet/disconnect.ts'
import { MqttError } from '../packet/mqtt-error.ts'
import type { Properties } from '../packet/property-table.ts'
import { PacketType, type ProtocolVersion } from '../packet/protocol.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import type { Session } from '../session/session.ts'
import type { CommitListener } from '../store/store.ts'
import { CloseReason } from '../transport/close-reason.ts'
import type { Connection, ConnectionHandler } from '../transport/connection.ts'
import type { DoorRefusal } from '../transport/doorman.ts'
import type { Arrival } from '../transport/listener.ts'
import type { MountPoint } from '../transport/mount-point.ts'
import { answerFault } from './answer-fault.ts'
import { detachLink } from './connection-end.ts'
import type { Core } from './core.ts'
import { dispatch } from './dispatch.ts'
import { referenceFor } from './redirect.ts'

const REASON_CHARACTERS_MAX = 256
/** A deadline that is looked at so late was passed in our sleep, or the clock was set. */
const ASLEEP_MS = 2_000
const NEVER = Number.POSITIVE_INFINITY

/** Makes a packet; `properties` may hold a reason string. */
type EncodeAnswer = (properties: { reasonString?: string }, version: ProtocolVersion) => Buffer

/** What a CONNECT with an authentication method began. Kept by handle-auth.ts. */
export interface LinkAuthentication {
  readonly method: string
  client: AuthenticatingClient
  /** Goes with CONNACK, whatever it says. */
  told: Properties
}

export class Link implements ConnectionHandler, CommitListener, WheelTask {
  readonly core: Core
  readonly connection: Connection
  /** Its terms hold for this client. */
  readonly listener: ListenerConfig
  /** Asked for each PUBLISH. */
  readonly maximumQos: number
  /** Undefined: topics are here as the client knows them. */
  readonly mountPoint: MountPoint | undefined
  /** Why it may not stay: it is told so in answer to its CONNECT. */
  readonly refusal: DoorRefusal | undefined
  phase: 'connecting' | 'authenticating' | 'admitting' | 'connected' | 'closed' = 'connecting'
  session: Session | undefined
  /** Undefined: CONNECT named no authentication method. */
  authentication: LinkAuthentication | undefined
  /** The authentication under way, with or without a method. */
  exchange: Exchange | undefined
  /** What its authentication has come to; undefined before CONNACK. */
  admission: Admission | undefined
  /** Acknowledgements that wait for their commit: later ones stay behind them. */
  acksWaiting = 0
  /** QoS 1 and 2 messages of the client that we have not finished acknowledging. */
  unacknowledged = 0
  /** 0: no keep alive. One and a half times what the client asked for, in ms. [v5 MQTT-3.1.2-22] */
  keepAliveMs = 0
  /** The client said farewell and its will is gone. [v5 MQTT-3.14.4-3] */
  isWillDiscarded = false
  /** Since dispatch looked last: something came that takes room on the disk and in memory. */
  hasTakenRoom = false
  /** The same: something that goes to the disk and leaves memory as it was. */
  hasWritten = false
  /** Request Problem Information. [v5 MQTT-3.1.2-29] */
  wantsReasons = true
  /** Another broker, in Mosquitto's way: it hears nothing of its own, and sees which messages are retained. */
  isBridge = false
  dueAt = 0

  constructor(
    core: Core,
    connection: Connection,
    { listener, refusal }: Pick<Arrival, 'listener' | 'refusal'>,
  ) {
    this.core = core
    this.connection = connection
    this.listener = listener
    this.maximumQos = listener.maximumQos
    this.mountPoint = core.mountPoints.get(listener)
    this.refusal = refusal
    core.wheel.schedule(this, core.now() + core.limits.connectTimeoutMs)
  }

  received(): void {
    dispatch(this)
  }

  drained(): void {
    if (this.session === undefined || this.phase !== 'connected') return
    this.session.outbound.pump()
    this.core.retained.resume(this.session)
    if (!this.core.heldBack.has(this.connection)) this.connection.resume()
  }

  closed(reason: CloseReason, cause: Error | undefined): void {
    this.exchange?.abandon()
    detachLink(this, reason, cause)
  }

  /** Does what is not called by dispatch.ts, and answers its fault. */
  attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      answerFault(this, error)
    }
  }

  /** The connect deadline first, the others afterwards: looked at when due, nothing is done for each packet. */
  expire(now: number): void {
    if (this.phase === 'closed') return
    if (this.phase === 'connected' && (this.admission?.expiresAt ?? NEVER) <= now) {
      return this.disconnect(ReasonCode.MaximumConnectTime, CloseReason.AdmissionExpired)
    }
    if (now - this.dueAt > ASLEEP_MS) return this.#beginAnew(now)
    if (this.phase !== 'connected') return this.connection.close(CloseReason.ConnectTimeout)
    const isSilent = this.keepAliveMs > 0 && this.connection.lastReceivedAt + this.keepAliveMs <= now
    if (isSilent && !this.core.heldBack.has(this.connection)) {
      return this.disconnect(ReasonCode.KeepAliveTimeout, CloseReason.KeepAliveTimeout)
    }
    this.watchDeadlines(now)
  }

  /** From CONNACK on. Who is held back cannot show that it is there, and is looked at again soon. */
  watchDeadlines(now: number): void {
    const { keepAliveMs, connection } = this
    const silentAt = keepAliveMs > 0 ? Math.max(connection.lastReceivedAt + keepAliveMs, now + 1000) : NEVER
    const dueAt = Math.min(silentAt, this.admission?.expiresAt ?? NEVER)
    if (dueAt < NEVER) this.core.wheel.schedule(this, dueAt)
    else this.core.wheel.cancel(this)
  }

  /** What has come in the meantime is yet to be read: who is silent from now on is gone. */
  #beginAnew(now: number): void {
    const { core, connection, phase } = this
    connection.lastReceivedAt = now
    if (phase === 'connected') this.watchDeadlines(now)
    else core.wheel.schedule(this, now + core.limits.connectTimeoutMs)
  }

  /** Tells a 5.0 client why, then closes; the versions before it have no such packet. */
  disconnect(reasonCode: ReasonCode, reason: CloseReason, why = ''): void {
    if (this.phase === 'connected' && this.connection.version === 5) {
      const reference = referenceFor(reasonCode, this.core.redirect)
      this.tell((properties) => encodeDisconnect({ reasonCode, ...properties, ...reference }, 5), why)
    }
    this.connection.close(reason)
  }

  /** What the client waits for; one that can't take it is disconnected. Throws MqttError before CONNACK. */
  answer(encode: EncodeAnswer, why = ''): void {
    if (this.tell(encode, why)) return
    const tooLarge = 'the answer is larger than the maximum packet size'
    if (this.phase === 'authenticating') throw new MqttError(ReasonCode.PacketTooLarge, tooLarge)
    this.disconnect(ReasonCode.PacketTooLarge, CloseReason.AnswerTooLarge, tooLarge)
  }

  /** With the reason in words, if they may be told and fit. False: also without it too large. [v5 MQTT-3.1.2-29] */
  tell(encode: EncodeAnswer, why: string): boolean {
    const { connection, wantsReasons } = this
    const { version } = connection
    const isToldWhy = why !== '' && wantsReasons && version === 5
    const reasonString = why.slice(0, REASON_CHARACTERS_MAX)
    if (isToldWhy && connection.send(encode({ reasonString }, version))) return true
    return connection.send(encode({}, version))
  }

  /** Nothing more is read until there is room: the client waits in front of its own socket. */
  holdBack(): void {
    this.core.heldBack.add(this.connection)
    this.connection.pause()
  }

  /** An acknowledgement whose commit is down. */
  committed(token: number): void {
    this.acksWaiting--
    this.acknowledge((token >>> 24) as AckType, (token >>> 8) & 0xffff, token & 0xff)
  }

  /** Called by acknowledge.ts alone. */
  acknowledge(type: AckType, packetId: number, reasonCode: number): void {
    const isRefusal = type === PacketType.Pubrec && reasonCode >= 0x80
    if (type === PacketType.Puback || isRefusal) this.unacknowledged--
    this.connection.acknowledge(type, packetId, reasonCode)
  }
}
