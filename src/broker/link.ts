// A connection on its way to, with, and after its session: the broker's side of one client.
// connection.ts calls it; dispatch.ts and the handlers work on it.
//
//   connecting -- CONNECT --> admitting -- session and will are on disk, CONNACK --> connected --> closed
//       `-- CONNECT with a method --> authenticating --^
import type { Exchange } from '../authentication/exchange.ts'
import type { AuthenticatingClient } from '../authentication/method.ts'
import type { WheelTask } from '../base/timer-wheel.ts'
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
import { answerFault } from './answer-fault.ts'
import { detachLink } from './connection-end.ts'
import type { Core } from './core.ts'
import { dispatch } from './dispatch.ts'
import { referenceFor } from './redirect.ts'

const REASON_CHARACTERS_MAX = 256

/** Makes a packet; `properties` may hold a reason string. */
type EncodeAnswer = (properties: { reasonString?: string }, version: ProtocolVersion) => Buffer

/** What a CONNECT with an authentication method began. Kept by handle-auth.ts. */
export interface LinkAuthentication {
  readonly method: string
  readonly client: AuthenticatingClient
  /** The one under way. */
  exchange: Exchange | undefined
  /** Goes with CONNACK, whatever it says. */
  told: Properties
}

export class Link implements ConnectionHandler, CommitListener, WheelTask {
  readonly core: Core
  readonly connection: Connection
  phase: 'connecting' | 'authenticating' | 'admitting' | 'connected' | 'closed' = 'connecting'
  session: Session | undefined
  /** Undefined: CONNECT named no authentication method. */
  authentication: LinkAuthentication | undefined
  /** Acknowledgements that wait for their commit: later ones stay behind them. */
  acksWaiting = 0
  /** QoS 1 and 2 messages of the client that we have not finished acknowledging. */
  unacknowledged = 0
  /** 0: no keep alive. One and a half times what the client asked for, in ms. [v5 MQTT-3.1.2-22] */
  keepAliveMs = 0
  /** The client said farewell and its will is gone. [v5 MQTT-3.14.4-3] */
  isWillDiscarded = false
  /** In what was read last: something came that takes room on the disk or in memory. */
  hasTakenRoom = false
  /** Request Problem Information. [v5 MQTT-3.1.2-29] */
  wantsReasons = true
  /** Another broker, in Mosquitto's way: it hears nothing of its own, and sees which messages are retained. */
  isBridge = false
  dueAt = 0

  constructor(core: Core, connection: Connection) {
    this.core = core
    this.connection = connection
    core.wheel.schedule(this, core.now() + core.limits.connectTimeoutMs)
  }

  received(): void {
    dispatch(this)
  }

  drained(): void {
    if (this.session === undefined || this.phase !== 'connected') return
    this.session.outbound.pump()
    this.core.retained.resume(this.session)
    if (!this.core.reading.isWaiting(this.connection)) this.connection.resume()
  }

  closed(reason: CloseReason, cause: Error | undefined): void {
    this.authentication?.exchange?.abandon()
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

  /** The connect deadline first, the keep alive afterwards: looked at when due, nothing is done for each packet. */
  expire(now: number): void {
    if (this.phase === 'closed') return
    if (this.phase !== 'connected') return this.connection.close(CloseReason.ConnectTimeout)
    const dueAt = this.connection.lastReceivedAt + this.keepAliveMs
    if (dueAt > now || this.core.reading.isWaiting(this.connection)) {
      this.core.wheel.schedule(this, Math.max(dueAt, now + 1000))
    } else {
      this.disconnect(ReasonCode.KeepAliveTimeout, CloseReason.KeepAliveTimeout)
    }
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

  /** An acknowledgement whose commit is down. */
  committed(token: number): void {
    this.acksWaiting--
    this.acknowledge((token >>> 24) as AckType, (token >>> 8) & 0xffff, token & 0xff)
  }

  /** Called by acknowledge.ts alone. */
  acknowledge(type: AckType, packetId: number, reasonCode: number): void {
    const isRefusal = type === PacketType.Pubrec && reasonCode >= 0x80
    const isLast = type === PacketType.Puback || type === PacketType.Pubcomp || isRefusal
    if (isLast && this.unacknowledged > 0) this.unacknowledged--
    this.connection.acknowledge(type, packetId, reasonCode)
  }
}
