// A socket with a codec, and nothing that outlives it: bytes in, frames to the handler; packets in, bytes out.
// Between transport/tcp.ts and broker/dispatch.ts on the way in; session/outbound.ts sends through it.
//
//   open -> (paused <-> open)* -> closing (what is in the output still leaves) -> closed
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type AckType, encodeAck } from '../packet/ack.ts'
import { FrameSplitter } from '../packet/frame-splitter.ts'
import { type Message, NEVER } from '../packet/message.ts'
import type { ProtocolVersion } from '../packet/protocol.ts'
import { encodePublish, type PublishFields } from '../packet/publish.ts'
import type { CloseReason } from './close-reason.ts'
import type { Endings } from './endings.ts'
import type { FlushList } from './flush-list.ts'
import { Output } from './output.ts'
import { type OutboundAliases, TopicAliases } from './topic-aliases.ts'

/** A peer that has not taken our last bytes this long after the close is cut off. */
const CLOSE_GRACE_MS = 2_000
/** What a turn may pile up before it is written all the same: a packet of 8 bytes with an alias becomes 65 kB. */
const TURN_BYTES_MAX = 1_048_576
const ACK_BYTES = 4

/** What the broker is told of a connection. All calls are synchronous. */
export interface ConnectionHandler {
  /** Whole frames may be waiting in `connection.frames`: take them until `next()` is false or it `isPaused`. */
  received(): void
  /** The socket has taken what it was given: `backlog` is 0 again. */
  drained(): void
  /** Called once. `cause` is there for socket-error. */
  closed(reason: CloseReason, cause: Error | undefined): void
}

export interface ConnectionSettings {
  readonly flushList: FlushList
  readonly endings: Endings
  /** Milliseconds since the epoch, for `lastReceivedAt` and messages that expire. */
  readonly now: () => number
  /** Bytes of the largest packet taken before CONNECT is accepted. */
  readonly connectBytesMax: number
}

export class Connection {
  readonly frames: FrameSplitter
  readonly aliases = new TopicAliases()
  version: ProtocolVersion = 4
  /** The client's Maximum Packet Size, in bytes. */
  maximumPacketSize = Number.POSITIVE_INFINITY
  lastReceivedAt: number
  /** Bytes that wait for a peer which is behind, about; 0 while it keeps up. */
  backlog = 0
  isPaused = false
  isClosed = false
  closeReason: CloseReason | undefined
  readonly remoteAddress: string
  readonly #stream: Duplex
  readonly #settings: ConnectionSettings
  readonly #handler: ConnectionHandler
  /** A socket passes bytes to the kernel; other streams may keep the buffers that they got. */
  readonly #copiesAtOnce: boolean
  #output: Output | undefined
  /** Bytes of the messages in it, about. */
  #turnBytes = 0
  #outboundAliases: OutboundAliases | undefined

  constructor(
    stream: Duplex,
    settings: ConnectionSettings,
    makeHandler: (connection: Connection) => ConnectionHandler,
  ) {
    this.#stream = stream
    this.#settings = settings
    this.#copiesAtOnce = stream instanceof Socket
    this.frames = new FrameSplitter(settings.connectBytesMax)
    this.lastReceivedAt = settings.now()
    this.remoteAddress = describePeer(stream)
    this.#handler = makeHandler(this)
    stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    stream.on('drain', () => this.#drained())
    const { endings } = settings
    stream.on('error', (error) => endings.add(() => this.#closed('socket-error', error)))
    stream.on('end', () => endings.add(() => this.#ended()))
    stream.on('close', () => endings.add(() => this.#closed('client-closed', undefined)))
  }

  get isWritable(): boolean {
    return this.backlog === 0 && !this.isClosed
  }

  /** Adds one PUBLISH. False: it is above the client's Maximum Packet Size. [v5 MQTT-3.1.2-24] */
  deliver(message: Message, fields: PublishFields): boolean {
    if (this.closeReason !== undefined) return true
    this.#grow(message.length)
    if (
      fields.qos === 0 &&
      message.qos === 0 &&
      message.retain === fields.retain &&
      message.isV5 === (this.version === 5) &&
      message.expiresAt === NEVER &&
      fields.subscriptionIdentifiers === undefined &&
      this.#outboundAliases === undefined
    ) {
      if (message.length > this.maximumPacketSize) return false
      this.#outputOfTurn().forward(message.bytes, message.start, message.start + message.length)
      return true
    }
    fields.version = this.version
    fields.maximumPacketSize = this.maximumPacketSize
    fields.messageExpiryInterval =
      message.expiresAt === NEVER
        ? -1
        : Math.max(0, Math.ceil((message.expiresAt - this.#settings.now()) / 1000)) // [v5 MQTT-3.3.2-6]
    if (this.#outboundAliases === undefined) return encodePublish(this.#outputOfTurn(), message, fields)
    return this.#outboundAliases.encode(this.#outputOfTurn(), message, fields)
  }

  acknowledge(type: AckType, packetId: number, reasonCode: number): void {
    if (this.closeReason !== undefined) return
    this.#grow(ACK_BYTES)
    encodeAck(this.#outputOfTurn(), type, packetId, reasonCode, this.version)
  }

  /** Adds a whole encoded packet. False: above the client's Maximum Packet Size, not sent. */
  send(packet: Buffer): boolean {
    if (packet.length > this.maximumPacketSize) return false
    if (this.closeReason !== undefined) return true
    this.#grow(packet.length)
    this.#outputOfTurn().append(packet, 0, packet.length)
    return true
  }

  /** From here on PUBLISH may go out with an alias instead of its topic name. */
  useOutboundAliases(aliases: OutboundAliases): void {
    this.#outboundAliases = aliases
  }

  /** Stops at the next packet boundary; what has arrived stays in `frames`. */
  pause(): void {
    this.isPaused = true
    this.#stream.pause()
  }

  resume(): void {
    if (!this.isPaused || this.closeReason !== undefined) return
    this.isPaused = false
    this.#handler.received()
    if (!this.isPaused && this.closeReason === undefined) this.#stream.resume()
  }

  /** Sends what is in the output, then closes. The first reason given is the one that counts. */
  close(reason: CloseReason): void {
    if (this.closeReason !== undefined) return
    this.closeReason = reason
    this.backlog = 0
    this.flush()
    this.#hangUp()
    this.#stream.resume()
    this.#closed(reason, undefined)
  }

  /** One write for all of the turn. While the peer is behind, what it is sent gathers in one output. */
  flush(): void {
    const output = this.#output
    if (output === undefined || this.backlog > 0) return
    this.#output = undefined
    this.#turnBytes = 0
    if (this.isClosed) return
    const stream = this.#stream
    const hasRoom = output.writeTo(stream, this.#copiesAtOnce)
    this.backlog = hasRoom ? 0 : stream.writableLength
  }

  #grow(bytes: number): void {
    if (this.backlog > 0) this.backlog += bytes
    else this.#turnBytes += bytes
    if (this.#turnBytes > TURN_BYTES_MAX) this.flush()
  }

  #outputOfTurn(): Output {
    if (this.#output === undefined) {
      this.#output = Output.take()
      this.#settings.flushList.add(this)
    }
    return this.#output
  }

  #receive(chunk: Buffer): void {
    if (this.closeReason !== undefined) return
    this.lastReceivedAt = this.#settings.now()
    this.frames.push(chunk)
    if (!this.isPaused) this.#handler.received()
  }

  #drained(): void {
    this.backlog = 0
    this.flush()
    if (this.closeReason === undefined && this.backlog === 0) this.#handler.drained()
  }

  #ended(): void {
    if (this.isClosed) return
    this.#closed('client-closed', undefined)
    this.#hangUp()
  }

  /** A peer that takes nothing keeps what it was sent, and the socket, no longer than the grace. */
  #hangUp(): void {
    this.#stream.end()
    const timer = setTimeout(() => this.#stream.destroy(), CLOSE_GRACE_MS)
    timer.unref()
    this.#stream.once('close', () => clearTimeout(timer))
  }

  #closed(reason: CloseReason, cause: Error | undefined): void {
    if (this.isClosed) return
    this.isClosed = true
    this.closeReason ??= reason
    this.#handler.closed(this.closeReason, cause)
    if (reason === 'socket-error') this.#stream.destroy()
  }
}

function describePeer(stream: Duplex): string {
  if (!(stream instanceof Socket) || stream.remoteAddress === undefined) return 'in-process'
  const host = stream.remoteFamily === 'IPv6' ? `[${stream.remoteAddress}]` : stream.remoteAddress
  return `${host}:${stream.remotePort}`
}
