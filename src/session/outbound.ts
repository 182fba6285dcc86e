// What a session still has to give its client: an ordered queue of which a window is in memory and the head of it
// in flight. router.ts puts in, handle-puback.ts and its kin confirm; it sends through a Sink, which comes and goes.
//
//   head            next               head + window.length            tail
//   | sent, released, done | waiting, in memory       | waiting, on disk only |
//   '---- in flight ------'
// A queue that is kept (`isDurable`) lives in the store; memory holds it from `head` on while a client is connected,
// and nothing of it otherwise. One that is not kept is all in memory. One loop, `pump`, sends and sends again.
import { assert } from '../base/assert.ts'
import { RingQueue } from '../base/ring-queue.ts'
import type { Message } from '../packet/message.ts'
import { PacketType, type Qos } from '../packet/protocol.ts'
import { PublishFields } from '../packet/publish.ts'
import { ReasonCode } from '../packet/reason-codes.ts'
import { Delivery, DeliveryState } from '../store/delivery.ts'
import type { QueueEnds, Store } from '../store/store.ts'
import { DropReason, type Drops } from './drops.ts'
import { PACKET_IDS, packetIdOf, sequenceOf } from './packet-ids.ts'
import type { Sink } from './sink.ts'

export interface OutboundLimits {
  readonly queueMessagesMax: number
  readonly queueBytesMax: number
  /** Messages of a kept queue that memory holds at most. */
  readonly queueWindow: number
  /** Their bytes, or one message that is larger. */
  readonly queueWindowBytes: number
  readonly inFlightMax: number
  readonly outputBytesMax: number
}

/** What all queues of a broker share. */
export interface OutboundContext {
  readonly store: Store
  readonly limits: OutboundLimits
  readonly drops: Drops
  readonly now: () => number
  /** A part of a queue could not be read; it is tried again with the next message or acknowledgement. */
  readonly onReadError: (error: Error) => void
}

const fields = new PublishFields()

export class Outbound {
  readonly #context: OutboundContext
  /** The store's number of the session; 0: the queue is not kept. */
  readonly #sessionNumber: number
  #head: number
  #next: number
  #tail: number
  #bytes: number
  readonly #window = new RingQueue<Delivery>()
  #windowBytes = 0
  #inFlight = 0
  #sendQuota = 0
  /** Sequences below have been sent over an earlier connection. */
  #sentBefore: number
  /** Sequences below may have been sent before the restart: they go out as repeats, but expire like new ones. */
  readonly #sentBeforeRestart: number
  #sink: Sink | undefined
  #isLoading = false
  /** Grows with each attach and detach: what was being loaded for an earlier connection is not used. */
  #epoch = 0
  /** Batch whose commit will pump. */
  #awaitedBatch = 0
  /** Called when the client has taken so much that more may be put in. */
  onRoom: (() => void) | undefined

  /** `sentBefore` as in SessionRecord. */
  constructor(
    context: OutboundContext,
    sessionNumber: number,
    stored?: QueueEnds,
    sentBefore = Number.POSITIVE_INFINITY,
  ) {
    this.#context = context
    this.#sessionNumber = sessionNumber
    this.#head = stored?.head ?? 0
    this.#next = this.#head
    this.#tail = stored?.tail ?? 0
    this.#bytes = stored?.bytes ?? 0
    const isKnown = sentBefore < Number.POSITIVE_INFINITY
    this.#sentBefore = isKnown ? Math.min(sentBefore, this.#tail) : 0
    // What of it was in flight at the crash is not known: as much as may have been goes out as a repeat.
    this.#sentBeforeRestart = isKnown ? 0 : Math.min(this.#tail, this.#head + context.limits.queueWindow)
  }

  get isDurable(): boolean {
    return this.#sessionNumber !== 0
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
    return this.#tail - this.#head
  }

  /** Messages that have not been sent yet. */
  get waiting(): number {
    return this.#tail - this.#next
  }

  /** The client does not take what it was sent. */
  get isHeldBack(): boolean {
    return this.#sink?.isWritable === false
  }

  /** It could send one more QoS 1 or 2 message right now. */
  get isReady(): boolean {
    return this.#sink?.isWritable === true && this.#next === this.#tail && this.#inFlight < this.#sendQuota
  }

  /** The one way in. Never waits: what can't be kept is dropped and counted. */
  push(
    message: Message,
    qos: Qos,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    share = '',
  ): void {
    if (qos === 0) return this.#sendAtOnce(message, retain, subscriptionIdentifiers)
    if (!this.#hasRoomFor(message)) return this.#context.drops.count(DropReason.QueueFull)
    this.#enqueue(new Delivery(this.#tail++, message, qos, retain, subscriptionIdentifiers, share), message)
  }

  #sendAtOnce(message: Message, retain: boolean, identifiers: readonly number[] | undefined): void {
    const { drops, limits } = this.#context
    const sink = this.#sink
    if (sink === undefined) return drops.count(DropReason.Offline)
    if (sink.backlog > limits.outputBytesMax) return drops.count(DropReason.NotWritable)
    fields.qos = 0
    fields.retain = retain
    fields.dup = false
    fields.packetId = 0
    fields.subscriptionIdentifiers = identifiers
    if (!sink.deliver(message, fields)) drops.count(DropReason.TooLarge)
  }

  #hasRoomFor(message: Message): boolean {
    const { queueMessagesMax, queueBytesMax } = this.#context.limits
    return this.length < queueMessagesMax && this.#bytes + message.length <= queueBytesMax
  }

  #enqueue(delivery: Delivery, message: Message): void {
    // It is the first one that is not in memory, if any before it is not.
    const isWhole = this.#head + this.#window.length === delivery.sequence
    const isInMemory = isWhole && (!this.isDurable || this.#hasWindowRoom)
    this.#bytes += message.length
    message.own()
    if (this.isDurable) this.#context.store.enqueue(this.#sessionNumber, delivery)
    else delivery.batch = message.batch
    if (isInMemory) this.#keepInWindow(delivery)
    this.pump()
  }

  /** All of the queue is in memory. */
  get #isWhole(): boolean {
    return this.#head + this.#window.length === this.#tail
  }

  get #hasWindowRoom(): boolean {
    const { queueWindow, queueWindowBytes } = this.#context.limits
    return (
      this.#sink !== undefined && this.#window.length < queueWindow && this.#windowBytes < queueWindowBytes
    )
  }

  #keepInWindow(delivery: Delivery): void {
    this.#window.push(delivery)
    this.#windowBytes += delivery.message?.length ?? 0
  }

  /** The message is not needed any more. */
  #forgetMessage(delivery: Delivery): void {
    const length = delivery.message?.length ?? 0
    this.#bytes -= length
    this.#windowBytes -= length
    delivery.message = undefined
  }

  /** A client is there: what was in flight goes out again first, in its order. [v5 MQTT-4.4.0-1] [v5 MQTT-4.6.0-1] */
  attach(sink: Sink, receiveMaximum: number): void {
    assert(this.#sink === undefined, 'a session speaks to one connection at a time')
    this.#sink = sink
    this.#sendQuota = Math.min(receiveMaximum, this.#context.limits.inFlightMax) // [v5 MQTT-3.3.4-9]
    this.#epoch++
    this.pump()
  }

  detach(): void {
    this.#sink = undefined
    this.#epoch++
    this.#sentBefore = Math.max(this.#sentBefore, this.#next)
    this.#next = this.#head
    this.#inFlight = 0
    this.#window.clear() // The store has it, or it ends here.
    this.#windowBytes = 0
  }

  /** What memory holds that the client has not received: of a queue that is not kept, all of it. */
  get leftOver(): Delivery[] {
    const deliveries = Array.from({ length: this.#window.length }, (_, i) => this.#window.at(i) as Delivery)
    return deliveries.filter(({ message }) => message !== undefined)
  }

  /** How far beyond the oldest may be sent: of a kept queue no more than a crash leaves in doubt. */
  get #reach(): number {
    return this.isDurable ? Math.min(this.#context.limits.queueWindow, PACKET_IDS - 1) : PACKET_IDS - 1
  }

  /** Sends what may be sent. Called whenever something that held it back may have gone. */
  pump(): void {
    const sink = this.#sink
    if (sink === undefined) return
    const reach = this.#reach
    while (
      this.#next < this.#head + this.#window.length &&
      this.#inFlight < this.#sendQuota &&
      this.#next - this.#head < reach &&
      sink.isWritable
    ) {
      const delivery = this.#window.at(this.#next - this.#head) as Delivery
      if (!this.#transmit(sink, delivery)) break
      this.#next++
      if (delivery.state === DeliveryState.Done) this.#advance()
    }
    this.#load()
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
    if (mayExpire && message.expiresAt < this.#context.now()) {
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
    if (this.isDurable) this.#context.store.release(this.#sessionNumber, delivery)
    delivery.state = DeliveryState.Released
    this.#forgetMessage(delivery)
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
    const sequence = sequenceOf(packetId, this.#head)
    return sequence < this.#next ? this.#window.at(sequence - this.#head) : undefined
  }

  #complete(delivery: Delivery, reason: DropReason | undefined): void {
    this.#finish(delivery, reason)
    this.#inFlight--
    this.#advance()
    this.pump()
    this.#askForMore()
  }

  #askForMore(): void {
    if (this.onRoom !== undefined && this.waiting === 0) this.onRoom()
  }

  #finish(delivery: Delivery, reason: DropReason | undefined): void {
    if (reason !== undefined) this.#context.drops.count(reason)
    delivery.state = DeliveryState.Done
    if (this.isDurable) this.#context.store.dequeue(this.#sessionNumber, delivery)
    this.#forgetMessage(delivery)
  }

  /** Moves `head` behind all that is done. */
  #advance(): void {
    while (this.#head < this.#next && this.#window.at(0)?.state === DeliveryState.Done) {
      this.#window.shift()
      this.#head++
    }
    if (this.#head === this.#tail) this.#bytes = 0 // After a restart it was an estimate.
  }

  /** Fetches more of the queue from the store when half of the window has gone out. */
  #load(): void {
    if (this.#isWhole || this.#isLoading || this.#sink === undefined) return
    const { store, limits, onReadError } = this.#context
    const room = limits.queueWindow - this.#window.length
    const from = this.#head + this.#window.length
    const isHalfFree = room >= limits.queueWindow / 2 && this.#windowBytes <= limits.queueWindowBytes / 2
    // With all of the window in flight, or no room in it, the acknowledgements bring us back here.
    if (room <= 0 || (!isHalfFree && this.#next < from)) return
    const epoch = this.#epoch
    const end = this.#tail
    this.#isLoading = true
    store.readQueue(this.#sessionNumber, from, room).then(
      (deliveries) => {
        this.#isLoading = false
        if (epoch === this.#epoch) this.#loaded(deliveries, end)
        else this.pump()
      },
      (error: Error) => {
        this.#isLoading = false
        onReadError(error)
      },
    )
  }

  /** None: there is nothing else in the store below `end`. */
  #loaded(deliveries: Delivery[], end: number): void {
    for (const delivery of deliveries) {
      this.#skipTo(delivery.sequence)
      this.#keepInWindow(delivery)
    }
    if (deliveries.length === 0) this.#skipTo(end)
    this.pump()
    this.#askForMore()
  }

  /** Sequences that are no longer in the store were done with before. */
  #skipTo(sequence: number): void {
    if (this.#window.length === 0) {
      this.#head = sequence
      this.#next = sequence
      return
    }
    while (this.#head + this.#window.length < sequence) {
      const gone = new Delivery(this.#head + this.#window.length, undefined, 1, false, undefined)
      gone.state = DeliveryState.Done
      this.#window.push(gone)
    }
  }
}
