// One client of the load: a connection of transport/, spoken from the other side. It answers what must be answered and
// tells its ClientListener the rest; load-publisher.ts and load-receiver.ts are what makes it send and count.
import type { Duplex } from 'node:stream'
import type { WheelTask } from '../base/timer-wheel.ts'
import { AckPacket, decodeAck } from '../packet/ack.ts'
import { decodeConnack } from '../packet/connack.ts'
import { encodeConnect } from '../packet/connect.ts'
import { decodeDisconnect, encodeDisconnect } from '../packet/disconnect.ts'
import { PINGREQ } from '../packet/pingreq.ts'
import {
  type Frame,
  PACKET_SIZE_MAX,
  PacketType,
  packetTypeOf,
  type Qos,
  SESSION_NEVER_EXPIRES,
} from '../packet/protocol.ts'
import { decodePublish, PublishPacket } from '../packet/publish.ts'
import { ReasonCode, reasonName } from '../packet/reason-codes.ts'
import { decodeSuback } from '../packet/suback.ts'
import { encodeSubscribe } from '../packet/subscribe.ts'
import { peerOf } from '../transport/caller.ts'
import { CloseReason } from '../transport/close-reason.ts'
import { Connection, type ConnectionHandler } from '../transport/connection.ts'
import { dial } from './dial.ts'
import type { LoadContext } from './load-context.ts'
import type { ClientSettings } from './run-plan.ts'

export interface ClientListener {
  /** CONNACK said yes. */
  connected(sessionPresent: boolean): void
  /** It was open and is not any more, or never came to be; `why` for people. */
  closed(why: string): void
  /** `packet` is filled anew for the next one. */
  received(packet: PublishPacket, now: number): void
  /** A QoS 1 or 2 message is done with, or refused with a reason code from 0x80 on. */
  acknowledged(packetId: number, reasonCode: number, now: number): void
  /** The socket takes more. */
  writable(): void
  subscribed(reasonCodes: readonly number[]): void
}

const publish = new PublishPacket()
const ack = new AckPacket()
const SUBSCRIBE_ID = 0xffff

export class LoadClient implements ConnectionHandler, WheelTask {
  readonly clientId: string
  readonly settings: ClientSettings
  readonly listener: ClientListener
  dueAt = 0
  isConnected = false
  readonly #context: LoadContext
  #stream: Duplex | undefined
  #connection: Connection | undefined
  #why = ''

  constructor(context: LoadContext, settings: ClientSettings, listener: ClientListener) {
    this.#context = context
    this.settings = settings
    this.clientId = settings.clientId
    this.listener = listener
  }

  get isWritable(): boolean {
    return this.isConnected && this.#connection?.isWritable === true
  }

  /** What comes of it, the listener hears. */
  connect(): void {
    dial(this.settings, {
      opened: (stream) => this.#opened(stream),
      failed: (error) => this.listener.closed(error.message || (error as NodeJS.ErrnoException).code || ''),
    })
  }

  #opened(stream: Duplex): void {
    const { version, clientId, keepAlive, cleanStart, userName, password } = this.settings
    const settings = { ...this.#context.connectionSettings, connectBytesMax: PACKET_SIZE_MAX }
    const connection = new Connection(stream, peerOf(stream, ''), settings, () => this)
    this.#stream = stream
    this.#connection = connection
    this.#why = ''
    connection.version = version
    connection.send(
      encodeConnect({
        version,
        clientId,
        keepAlive,
        cleanStart,
        sessionExpiryInterval:
          this.settings.sessionExpiryInterval ?? (cleanStart ? 0 : SESSION_NEVER_EXPIRES),
        ...(userName !== '' && { userName }),
        ...(password !== '' && { password: Buffer.from(password) }),
      }),
    )
  }

  subscribe(topicFilters: readonly string[], qos: Qos): void {
    const filters = topicFilters.map((topicFilter) => ({
      topicFilter,
      qos,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0 as const,
    }))
    const subscribe = { packetId: SUBSCRIBE_ID, subscriptionIdentifier: 0, userProperties: [], filters }
    this.#connection?.send(encodeSubscribe(subscribe, this.settings.version))
  }

  send(frame: Buffer): void {
    this.#connection?.send(frame)
  }

  /** Nothing more is read. */
  stopReading(): void {
    this.#connection?.pause()
  }

  readOn(): void {
    this.#connection?.resume()
  }

  /** With a farewell. */
  disconnect(): void {
    if (this.isConnected) this.send(encodeDisconnect({}, this.settings.version))
    this.#why = 'goodbye'
    this.#connection?.close(CloseReason.ClientDisconnected)
  }

  /** Without a word. */
  drop(): void {
    this.#stream?.destroy()
  }

  received(): void {
    const connection = this.#connection as Connection
    const { frames } = connection
    const now = this.#context.microseconds()
    try {
      while (connection.closeReason === undefined && !connection.isPaused && frames.next()) {
        this.#take(connection, frames, now)
      }
    } catch (error) {
      this.#why = `the broker sent what is not MQTT: ${(error as Error).message}`
      connection.close(CloseReason.ProtocolViolation)
    }
  }

  #take(connection: Connection, frame: Frame, now: number): void {
    const { version } = this.settings
    const type = packetTypeOf(frame.bytes[frame.start] as number)
    switch (type) {
      case PacketType.Publish:
        decodePublish(frame, version, publish)
        if (publish.qos === 1) connection.acknowledge(PacketType.Puback, publish.packetId, 0)
        else if (publish.qos === 2) connection.acknowledge(PacketType.Pubrec, publish.packetId, 0)
        return this.listener.received(publish, now)
      case PacketType.Puback:
      case PacketType.Pubcomp:
        decodeAck(frame, version, ack)
        return this.listener.acknowledged(ack.packetId, ack.reasonCode, now)
      case PacketType.Pubrec:
        decodeAck(frame, version, ack)
        if (ack.reasonCode >= 0x80) return this.listener.acknowledged(ack.packetId, ack.reasonCode, now)
        return connection.acknowledge(PacketType.Pubrel, ack.packetId, 0)
      case PacketType.Pubrel:
        decodeAck(frame, version, ack)
        return connection.acknowledge(PacketType.Pubcomp, ack.packetId, 0)
      default:
        return this.#takeRarer(connection, frame, type)
    }
  }

  #takeRarer(connection: Connection, { bytes, bodyStart, end }: Frame, type: number): void {
    const { version } = this.settings
    if (type === PacketType.Connack) {
      const { reasonCode, sessionPresent } = decodeConnack(bytes, bodyStart, end, version)
      if (reasonCode !== ReasonCode.Success) {
        this.#why = `refused: ${version === 5 ? reasonName(reasonCode as ReasonCode) : `return code ${reasonCode}`}`
        return connection.close(CloseReason.Refused)
      }
      this.isConnected = true
      this.#scheduleKeepAlive()
      this.listener.connected(sessionPresent)
    } else if (type === PacketType.Suback) {
      this.listener.subscribed(decodeSuback(bytes, bodyStart, end, version).reasonCodes)
    } else if (type === PacketType.Disconnect) {
      const { reasonCode } = decodeDisconnect(bytes, bodyStart, end, version)
      this.#why = `disconnected by the broker: ${reasonName(reasonCode as ReasonCode)}`
      connection.close(CloseReason.ClientDisconnected)
    }
  }

  drained(): void {
    this.listener.writable()
  }

  closed(_reason: CloseReason, cause: Error | undefined): void {
    this.isConnected = false
    this.#context.wheel.cancel(this)
    this.#connection = undefined
    this.listener.closed(this.#why || cause?.message || 'closed by the broker')
  }

  /** Whatever else it sends, a PINGREQ goes out often enough. */
  expire(): void {
    this.send(PINGREQ)
    this.#scheduleKeepAlive()
  }

  #scheduleKeepAlive(): void {
    const { keepAlive } = this.settings
    if (keepAlive > 0) this.#context.wheel.schedule(this, this.#context.now() + keepAlive * 500)
  }
}
