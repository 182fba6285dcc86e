// What is on its way to a session's client: the head of its backlog, in flight, and what answers it has given.
// router.ts puts in, handle-puback.ts and its kin confirm; it sends through a Sink, which comes and goes.
//
//   head of the backlog       next                       tail
//   | sent, released, done     | waiting                  |
//   '------ in flight --------'
//
// One loop, `pump`, sends and sends again.
import { assert } from '../base/assert.ts'
import { type Message, NEVER } from '../packet/message.ts'
import { PacketType, type Qos } from '../packet/protocol.ts'
import { PublishFields } from '../packet/publish.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { type Delivery, DeliveryState } from '../store/delivery.ts'
import type { QueueEnds } from '../store/store.ts'
import { Backlog, type BacklogContext, type BacklogLimits, type BacklogReader } from './backlog.ts'
import { DropReason, Drops } from './drops.ts'
import { PACKET_IDS, packetIdOf, sequenceOf } from './packet-ids.ts'
import type { Sink } from './sink.ts'

export interface OutboundLimits extends BacklogLimits {
  readonly inFlightMax: number
  readonly outputBytesMax: number
}

/** What all queues of a broker share. */
export interface OutboundContext extends BacklogContext {
  readonly limits: OutboundLimits
  readonly drops: Drops
  readonly now: () => number
}

const fields = new PublishFields()

export class Outbound implements BacklogReader {
  readonly #context: OutboundContext
  readonly #backlog: Backlog
  /** What did not reach this session. */
  readonly drops: Drops
  #next: number
  #inFlight = 0
  #sendQuota = 0
  /** Sequences below have been sent over an earlier connection. */
  #sentBefore: number
  /** Sequences below may have been sent before the restart: they go out as repeats, but expire like new ones. */
  readonly #sentBeforeRestart: number
  #sink: Sink | undefined
  /** Its session is no more, though some who match topics may not know yet. */
  isEnded = false
  /** Batch whose commit will pump. */
  #awaitedBatch = 0
  /** Called when the client has taken so much that more may be put in. */
  onRoom: (() => void) | undefined

  /** `sessionNumber` is the store's, 0 for a queue that is not kept; `sentBefore` as in SessionRecord. */
  constructor(
    context: OutboundContext,
    sessionNumber: number,
    stored?: QueueEnds,
    sentBefore = Number.POSITIVE_INFINITY,
  ) {
    this.#context = context
    this.drops = new Drops(context.drops)
    this.#backlog = new Backlog(context, this, sessionNumber, stored)
    const { head, tail } = this.#backlog
    this.#next = head
    const isKnown = sentBefore < Number.POSITIVE_INFINITY
    this.#sentBefore = isKnown ? Math.min(sentBefore, tail) : 0
    // What of it was in flight at the crash is not known: as much as may have been goes out as a repeat.
    this.#sentBeforeRestart = isKnown ? 0 : Math.min(tail, head + context.limits.queueWindow)
  }

  get isOnline(): boolean {
    return this.#sink !== undefined
  }

  /** Sequences below may have been sent over an earlier connection. */
  get sentBefore(): number {
    return Math.max(this.#sentBefore, this.#sentBeforeRestart)
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Messages not yet acknowledged, in flight or waiting. */
  get length(): number {
    return this.#backlog.length
  }

  /** Sequences that have not been sent yet. */
  get waiting(): number {
    return this.#backlog.tail - this.#next
  }

  /** The client does not take what it was sent. */
  get isHeldBack(): boolean {
    return this.#sink?.isWritable === false
  }

  /** It could send one more QoS 1 or 2 message right now. */
  get isReady(): boolean {
    return this.#sink?.isWritable === true && this.waiting === 0 && this.#inFlight < this.#sendQuota
  }

  /** Whether `push` would keep it. */
  hasRoomFor(message: Message): boolean {
    return this.#backlog.hasRoomFor(message.length)
  }

  /** The one way in. Never waits. False: there is no room, nothing is done. */
  push(
    message: Message,
    qos: Qos,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    share = '',
  ): boolean {
    if (this.isEnded) return true
    if (qos === 0) {
      this.#sendAtOnce(message, retain, subscriptionIdentifiers)
      return true
    }
    if (!this.#backlog.hasRoomFor(message.length + share.length)) return false
    this.pushBeyond(message, qos, retain, subscriptionIdentifiers, share)
    return true
  }

  /** In place of one that was dropped for it. */
  pushBeyond(
    message: Message,
    qos: 1 | 2,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    share: string,
  ): void {
    this.#backlog.push(message, qos, retain, subscriptionIdentifiers, share)
    this.pump()
  }

  /** The oldest messages that have not been sent, counted, until `bytes` more have room. False: they have none. */
  dropOldest(bytes: number): boolean {
    const from = Math.max(this.#next, this.sentBefore)
    return this.#backlog.dropOldest(from, bytes, () => this.drops.count(DropReason.QueueFull))
  }

  /** `onQueueRoom` is called when it has less to give. */
  awaitRoom(): void {
    this.#backlog.isAwaited = true
  }

  #sendAtOnce(message: Message, retain: boolean, identifiers: readonly number[] | undefined): void {
    const sink = this.#sink
    if (sink === undefined) return this.drops.count(DropReason.Offline)
    if (sink.backlog > this.#context.limits.outputBytesMax) return this.drops.count(DropReason.NotWritable)
    fields.qos = 0
    fields.retain = retain
    fields.dup = false
    fields.packetId = 0
    fields.subscriptionIdentifiers = identifiers
    if (!sink.deliver(message, fields)) this.drops.count(DropReason.TooLarge)
  }

  /** A client is there: what was in flight goes out again first, in its order. [v5 MQTT-4.4.0-1] [v5 MQTT-4.6.0-1] */
  attach(sink: Sink, receiveMaximum: number): void {
    assert(this.#sink === undefined, 'a session speaks to one connection at a time')
    this.#sink = sink
    this.#sendQuota = Math.min(receiveMaximum, this.#context.limits.inFlightMax) // [v5 MQTT-3.3.4-9]
    this.#backlog.open()
    this.pump()
  }

  detach(): void {
    this.#sink = undefined
    this.#sentBefore = Math.max(this.#sentBefore, this.#next)
    this.#next = this.#backlog.head
    this.#inFlight = 0
    this.#backlog.close()
  }

  /** For good. What memory held that the client has not received: of a queue that is not kept, all of it. */
  end(): Delivery[] {
    const { leftOver } = this.#backlog
    this.isEnded = true
    this.detach()
    this.#backlog.end()
    return leftOver
  }

  /** How far beyond the oldest may be sent: of a kept queue no more than a crash leaves in doubt. */
  get #reach(): number {
    const { queueWindow } = this.#context.limits
    return this.#backlog.isDurable ? Math.min(queueWindow, PACKET_IDS - 1) : PACKET_IDS - 1
  }

  /** Sends what may be sent. Called whenever something that held it back may have gone. */
  pump(): void {
    const sink = this.#sink
    if (sink === undefined) return
    const backlog = this.#backlog
    const reach = this.#reach
    while (
      this.#next < backlog.windowEnd &&
      this.#inFlight < this.#sendQuota &&
      this.#next - backlog.head < reach &&
      sink.isWritable
    ) {
      const delivery = backlog.at(this.#next) as Delivery
      if (!this.#transmit(sink, delivery)) break
      this.#next++
      if (delivery.state === DeliveryState.Done) backlog.advance(this.#next)
    }
    backlog.load(this.#next)
  }

  /** More is in memory, or what could not be read for an earlier connection may be tried again. */
  loaded(): void {
    this.#next = Math.max(this.#next, this.#backlog.head)
    this.pump()
    this.#askForMore()
  }

  /** False: it must wait for its batch, and all behind it too, to keep the order. */
  #transmit(sink: Sink, delivery: Delivery): boolean {
    const { state, message } = delivery
    if (state === DeliveryState.Done) return true
    const packetId = packetIdOf(delivery.sequence)
    if (state === DeliveryState.Released || message === undefined) {
      sink.acknowledge(PacketType.Pubrel, packetId, ReasonCode.Success)
      this.#inFlight++
      return true
    }
    if (delivery.qos === 2 && delivery.batch > this.#context.store.committedBatch) {
      this.#pumpAfterCommit(delivery.batch)
      return false
    }
    const wasSent = delivery.sequence < this.#sentBefore
    // A receiver may still hold the packet id of a QoS 2 message: it is sent until it is released.
    const mayHaveBeenSent = delivery.sequence < this.#sentBeforeRestart
    const mayExpire = !wasSent && (delivery.qos === 1 || !mayHaveBeenSent)
    // One of interval 0 is for those who can have it at once.
    if (mayExpire && message.expiresAt !== NEVER && message.expiresAt < this.#context.now()) {
      this.#finish(delivery, DropReason.Expired) // [v5 MQTT-3.3.2-5]
      return true
    }
    fields.qos = delivery.qos
    fields.retain = delivery.retain
    fields.dup = wasSent || mayHaveBeenSent // [v5 MQTT-3.3.1-1] [v3.1.1 MQTT-3.3.1-1]
    fields.packetId = packetId
    fields.subscriptionIdentifiers = delivery.subscriptionIdentifiers
    if (sink.deliver(message, fields)) {
      delivery.state = DeliveryState.Sent
      this.#inFlight++
    } else {
      this.#finish(delivery, DropReason.TooLarge) // [v5 MQTT-3.1.2-25]
    }
    return true
  }

  #pumpAfterCommit(batch: number): void {
    if (this.#awaitedBatch >= batch) return
    this.#awaitedBatch = this.#context.store.openBatch
    this.#context.store.afterCommit(this, 0)
  }

  committed(): void {
    this.pump()
    this.#askForMore()
  }

  /** PUBACK, or PUBREC with an error. False: no such packet id is in flight. */
  acknowledged(packetId: number, qos: 1 | 2, isRefused: boolean): boolean {
    const delivery = this.#inFlightBy(packetId)
    if (delivery === undefined || delivery.qos !== qos || delivery.state !== DeliveryState.Sent) return false
    this.#complete(delivery, isRefused ? DropReason.Refused : undefined)
    return true
  }

  /** PUBREC. False: no such packet id is in flight. A repeated one is as good as the first. */
  received(packetId: number): boolean {
    const delivery = this.#inFlightBy(packetId)
    if (delivery === undefined || delivery.qos !== 2) return false
    if (delivery.state === DeliveryState.Released) return true
    if (delivery.state !== DeliveryState.Sent) return false
    this.#backlog.release(delivery)
    return true
  }

  /** PUBCOMP. False: no such packet id is in flight. */
  completed(packetId: number): boolean {
    const delivery = this.#inFlightBy(packetId)
    if (delivery === undefined || delivery.state !== DeliveryState.Released) return false
    this.#complete(delivery, undefined)
    return true
  }

  #inFlightBy(packetId: number): Delivery | undefined {
    const sequence = sequenceOf(packetId, this.#backlog.head)
    return sequence < this.#next ? this.#backlog.at(sequence) : undefined
  }

  #complete(delivery: Delivery, reason: DropReason | undefined): void {
    this.#finish(delivery, reason)
    this.#inFlight--
    this.#backlog.advance(this.#next)
    this.pump()
    this.#askForMore()
  }

  #askForMore(): void {
    if (this.onRoom !== undefined && this.waiting === 0) this.onRoom()
  }

  #finish(delivery: Delivery, reason: DropReason | undefined): void {
    if (reason !== undefined) this.drops.count(reason)
    this.#backlog.finish(delivery)
  }
}
