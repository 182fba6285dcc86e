// What waits for one session, in order: all of it in the store when it is kept, a window of it in memory.
// outbound.ts puts in, sends from it and tells what is done with; the store has what memory does not.
//
//   head                           end of the window                     tail
//   | in memory, reached by `at`    | on disk only                        |
//     some are done already: they go when all before them are done
//
// A queue that is kept (`isDurable`) lives in the store; memory holds it from `head` on while a client is connected,
// and nothing of it otherwise. One that is not kept is all in memory.
import { RingQueue } from '../base/ring-queue.ts'
import type { Message } from '../packet/message.ts'
import type { Qos } from '../packet/protocol.ts'
import { Delivery, DeliveryState } from '../store/delivery.ts'
import type { QueueEnds, Store } from '../store/store.ts'
import type { QueueTotals } from './queue-totals.ts'

export interface BacklogLimits {
  readonly queueMessagesMax: number
  readonly queueBytesMax: number
  /** Messages of a kept queue that memory holds at most. */
  readonly queueWindow: number
  /** Their bytes, or one message that is larger. */
  readonly queueWindowBytes: number
}

/** What all queues of a broker share. */
export interface BacklogContext {
  readonly store: Store
  readonly limits: BacklogLimits
  readonly totals: QueueTotals
  /** A part of a queue could not be read; it is tried again with the next message or acknowledgement. */
  readonly onReadError: (error: Error) => void
  /** What closing waits for: work on queues that goes on for some turns. */
  readonly unfinished: Set<Promise<void>>
  /** A queue that somebody waits for has room again. */
  readonly onQueueRoom: () => void
}

export interface BacklogReader {
  /** What is before it may have been sent, and is not dropped to make room. */
  readonly unsentFrom: number
  /** More of it is in memory. */
  loaded(): void
  /** To make room. */
  dropped(message: Message | undefined): void
  /** A message could not be read from the disk, and is dropped. */
  lost(): void
}

const EMPTY: QueueEnds = { head: 0, tail: 0, bytes: 0 }

/** Bytes that count against the bounds: a share may be named with 65,535 of them. */
const sizeOf = ({ message, share }: Delivery): number =>
  message === undefined ? 0 : message.length + share.length

export class Backlog {
  readonly #context: BacklogContext
  readonly #reader: BacklogReader
  /** The store's number of the session; 0: the queue is not kept. */
  readonly #sessionNumber: number
  #head: number
  #tail: number
  #length: number
  #bytes: number
  /** Stored before this start: what has gaps on disk is counted as if it had none. */
  #isEstimate: boolean
  /** Messages were lost, and with them how many bytes they had. */
  #hasLost = false
  readonly #window = new RingQueue<Delivery>()
  #windowBytes = 0
  /** A client is there: memory may hold a window. */
  #isOpen = false
  #isLoading = false
  /** Stored messages that are to be dropped: bounded by the window. */
  #dropsOwed = 0
  /** What waited below has been dropped. */
  #droppedTo = 0
  #isAwaited = false
  /** Grows with each open and close: what was being loaded for an earlier connection is not used. */
  #epoch = 0

  constructor(context: BacklogContext, reader: BacklogReader, sessionNumber: number, stored = EMPTY) {
    this.#context = context
    this.#reader = reader
    this.#sessionNumber = sessionNumber
    this.#head = stored.head
    this.#tail = stored.tail
    this.#length = stored.tail - stored.head
    this.#bytes = stored.bytes
    this.#isEstimate = this.#length > 0
    context.totals.add(this.#length, this.#bytes)
  }

  get isDurable(): boolean {
    return this.#sessionNumber !== 0
  }

  get head(): number {
    return this.#head
  }

  get tail(): number {
    return this.#tail
  }

  /** The first sequence that is not in memory. */
  get windowEnd(): number {
    return this.#head + this.#window.length
  }

  /** Messages that are not done with; after a restart an estimate, until it is empty. */
  get length(): number {
    return this.#length
  }

  at(sequence: number): Delivery | undefined {
    return this.#window.at(sequence - this.#head)
  }

  /** `bytes` of a message and the share that it comes through. */
  hasRoomFor(bytes: number): boolean {
    const { limits, totals } = this.#context
    return (
      this.#length < limits.queueMessagesMax &&
      this.#bytes + bytes <= limits.queueBytesMax &&
      totals.hasRoomFor(bytes)
    )
  }

  /** There is none for `bytes`: `onQueueRoom` is called when there may be. */
  awaitRoom(bytes: number): void {
    const { totals } = this.#context
    this.#isAwaited = true
    if (!totals.hasRoomFor(bytes)) totals.isAwaited = true
  }

  #tellRoom(): void {
    const { totals, onQueueRoom } = this.#context
    if (!this.#isAwaited && !totals.isAwaited) return
    this.#isAwaited = false
    totals.isAwaited = false
    onQueueRoom()
  }

  /** Does not look whether there is room. */
  push(
    message: Message,
    qos: Qos,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    share: string,
  ): void {
    const isInMemory = this.windowEnd === this.#tail && (!this.isDurable || this.#hasWindowRoom)
    const delivery = new Delivery(this.#tail++, message, qos, retain, subscriptionIdentifiers, share)
    const bytes = sizeOf(delivery)
    this.#length++
    this.#bytes += bytes
    this.#context.totals.add(1, bytes)
    message.own()
    if (this.isDurable) this.#context.store.enqueue(this.#sessionNumber, delivery)
    else delivery.batch = message.batch
    if (isInMemory) this.#keepInWindow(delivery)
  }

  get #hasWindowRoom(): boolean {
    const { queueWindow, queueWindowBytes } = this.#context.limits
    return this.#isOpen && this.#window.length < queueWindow && this.#windowBytes < queueWindowBytes
  }

  #keepInWindow(delivery: Delivery): void {
    this.#window.push(delivery)
    this.#windowBytes += sizeOf(delivery)
  }

  open(): void {
    this.#isOpen = true
    this.#epoch++
  }

  close(): void {
    this.#isOpen = false
    this.#epoch++
    this.#window.clear() // The store has it, or it ends here.
    this.#windowBytes = 0
  }

  /** Its session has ended: it counts no more, and nothing of it is dropped to make room. */
  end(): void {
    this.#context.totals.add(-this.#length, -this.#bytes)
    this.#length = 0
    this.#bytes = 0
    this.#dropsOwed = 0 // Those that are being read are the store's to remove.
    this.#tellRoom()
  }

  /** What memory holds that the client has not received: of a queue that is not kept, all of it. */
  get leftOver(): Delivery[] {
    const deliveries = Array.from({ length: this.#window.length }, (_, i) => this.#window.at(i) as Delivery)
    return deliveries.filter(({ message }) => message !== undefined)
  }

  /** The client has the message, and the packet id is not free yet. */
  release(delivery: Delivery): void {
    if (this.isDurable) this.#context.store.release(this.#sessionNumber, delivery)
    delivery.state = DeliveryState.Released
    this.#forgetMessage(delivery)
  }

  /** It is received, or dropped. */
  finish(delivery: Delivery): void {
    delivery.state = DeliveryState.Done
    if (this.isDurable) this.#context.store.dequeue(this.#sessionNumber, delivery)
    this.#forgetMessage(delivery)
    if (this.#length > 0) this.#shorten(1)
  }

  #forgetMessage(delivery: Delivery): void {
    const bytes = sizeOf(delivery)
    this.#bytes -= bytes
    this.#context.totals.bytes -= bytes
    if (delivery.sequence < this.windowEnd) this.#windowBytes -= bytes
    delivery.message = undefined
  }

  #shorten(messages: number): void {
    this.#length -= messages
    this.#context.totals.messages -= messages
    this.#tellRoom()
  }

  /**
   * Drops the oldest messages that wait, until there is room for `bytes`. On disk one goes, a moment later, unless too
   * much would be there meanwhile. False: there is no room.
   */
  dropOldest(bytes: number): boolean {
    while (this.#dropOldestInMemory()) if (this.hasRoomFor(bytes)) return true
    const { queueWindow, queueWindowBytes, queueBytesMax } = this.#context.limits
    const isStored = this.windowEnd < this.#tail
    const isTooMuch = this.#bytes + bytes > queueBytesMax + queueWindowBytes
    if (!isStored || isTooMuch || this.#dropsOwed >= queueWindow) return false
    this.#dropsOwed++
    this.#dropStored()
    return true
  }

  /** False: none waits there. */
  #dropOldestInMemory(): boolean {
    const from = Math.max(this.#reader.unsentFrom, this.#droppedTo)
    for (let sequence = from; sequence < this.windowEnd; sequence++) {
      const delivery = this.at(sequence)
      if (delivery?.state !== DeliveryState.Waiting) continue
      this.#droppedTo = sequence + 1
      this.#drop(delivery)
      return true
    }
    return false
  }

  #dropStored(): void {
    if (this.#isLoading) return // It comes after that.
    const { store, limits } = this.#context
    const from = Math.max(this.#reader.unsentFrom, this.windowEnd)
    this.#read(store.readQueue(this.#sessionNumber, from, limits.queueWindow), (deliveries) => {
      for (const stored of deliveries.slice(0, this.#dropsOwed)) {
        this.#dropsOwed--
        this.#drop(stored)
      }
      if (deliveries.length > 0) return
      // What was on disk has come into memory meanwhile, or has been sent.
      while (this.#dropsOwed > 0 && this.#dropOldestInMemory()) this.#dropsOwed--
      this.#dropsOwed = 0
    })
  }

  #drop(delivery: Delivery): void {
    this.#reader.dropped(delivery.message)
    this.finish(delivery)
  }

  /** One at a time: what is read is still there when it has come. */
  #read(reading: Promise<Delivery[]>, take: (deliveries: Delivery[]) => void): void {
    this.#isLoading = true
    const { unfinished } = this.#context
    const taken = reading.then(
      (deliveries) => {
        this.#isLoading = false
        unfinished.delete(taken)
        take(deliveries)
        if (this.#dropsOwed > 0) this.#dropStored()
        this.#reader.loaded()
      },
      (error: Error) => {
        this.#isLoading = false
        unfinished.delete(taken)
        this.#context.onReadError(error)
      },
    )
    unfinished.add(taken)
  }

  /** Moves `head` behind all that is done, up to `end`. */
  advance(end: number): void {
    while (this.#head < end && this.#window.at(0)?.state === DeliveryState.Done) {
      this.#window.shift()
      this.#head++
    }
    if (this.#head === this.#tail) this.#settle()
  }

  /** It is empty: what was an estimate is none any more. */
  #settle(): void {
    if (!this.#isEstimate && !this.#hasLost) return
    this.end()
    this.#isEstimate = false
    this.#hasLost = false
  }

  /** Fetches more of the queue from the store when half of the window has gone out: all before `next`. */
  load(next: number): void {
    const end = this.windowEnd
    if (end === this.#tail || this.#isLoading || !this.#isOpen) return
    const { store, limits } = this.#context
    const room = limits.queueWindow - this.#window.length
    const isHalfFree = room >= limits.queueWindow / 2 && this.#windowBytes <= limits.queueWindowBytes / 2
    // With all of the window in flight, or no room in it, the acknowledgements bring us back here.
    if (room <= 0 || (!isHalfFree && next < end)) return
    const epoch = this.#epoch
    const tail = this.#tail
    this.#read(store.readQueue(this.#sessionNumber, end, room), (deliveries) => {
      if (epoch === this.#epoch) this.#loaded(deliveries, tail)
    })
  }

  /** None: there is nothing else in the store below `tail`. */
  #loaded(deliveries: Delivery[], tail: number): void {
    for (const delivery of deliveries) {
      this.#skipTo(delivery.sequence)
      this.#keepInWindow(delivery)
      if (delivery.state !== DeliveryState.Lost) continue
      this.#hasLost = true
      this.finish(delivery)
      this.#reader.lost()
    }
    if (deliveries.length === 0) this.#skipTo(tail)
  }

  /** Sequences that are no longer in the store were done with before. */
  #skipTo(sequence: number): void {
    if (this.#isEstimate) this.#shorten(Math.min(sequence - this.windowEnd, this.#length))
    if (this.#window.length === 0) {
      this.#head = sequence
      return
    }
    while (this.windowEnd < sequence) {
      const gone = new Delivery(this.windowEnd, undefined, 1, false, undefined)
      gone.state = DeliveryState.Done
      this.#window.push(gone)
    }
  }
}
