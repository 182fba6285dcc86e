// What will go to the disk together: gathered during the turn, fixed by cut(), written by batch-encoder.ts.
// Before it is level-store.ts, which puts in; group-commit.ts decides when it is cut.
//
//   open    puts and deletes meet here: one row a key, the last one counts; a delivery is only remembered
//   cut     deliveries that are done by now are dropped; one body for many gets an id; nothing changes any more,
//           so that a write that failed can be tried again with the very same bytes
import type { Message } from '../packet/message.ts'
import type { Delivery } from './delivery.ts'
import type { CommitListener } from './store.ts'

/** A row to put, or without a value to delete. */
export interface Row {
  readonly key: Buffer
  readonly value: Buffer | undefined
}

/** How many references to one body come and go with this batch. */
export interface BodyChange {
  change: number
  /** Put when the body is not stored yet; undefined: there are only releases. */
  readonly message: Message | undefined
  /** References before this batch; undefined until it is known. */
  before: number | undefined
  /** About, of the message. */
  readonly bytes: number
}

export interface Waiter {
  resolve(): void
  reject(error: Error): void
}

/** `put again`: the row was there before this batch, was deleted, and is put anew. */
export type ReceivedChange = 'put' | 'gone' | 'put again'

/** Rough bytes of a row besides its message, for the bound. */
const ROW_BYTES = 32

export class OpenBatch {
  readonly number: number
  /** Puts and deletes so far, also those that have cancelled each other since. */
  operations = 0
  bytes = 0
  /** sync everysec: the batches before it go down to the disk with it, even if there is nothing in it. */
  isSyncPoint = false
  // Parallel arrays: no object per delivery, and none per acknowledgement.
  readonly queueNumbers: number[] = []
  readonly queued: Delivery[] = []
  /** By cut: what goes with each of `queued`; undefined: released. */
  readonly queuedMessages: (Message | undefined)[] = []
  readonly releasedNumbers: number[] = []
  readonly released: Delivery[] = []
  readonly goneNumbers: number[] = []
  readonly goneSequences: number[] = []
  /** By a name of its own; see level-store.ts. */
  readonly rows = new Map<string, Row>()
  readonly retained = new Map<string, Message | undefined>()
  /** Session number -> packet id -> what becomes of its row. */
  readonly received = new Map<number, Map<number, ReceivedChange>>()
  /** Of the messages that went with them, but for those whose bodies are stored apart. */
  goneBytes = 0
  readonly sweptKeys: Buffer[] = []
  sweptBytes = 0
  readonly bodies = new Map<number, BodyChange>()
  readonly listeners: CommitListener[] = []
  readonly tokens: number[] = []
  readonly waiters: Waiter[] = []
  #lastMessage: Message | undefined

  constructor(number: number) {
    this.number = number
  }

  get isEmpty(): boolean {
    return this.operations === 0 && this.listeners.length === 0 && this.waiters.length === 0
  }

  enqueue(sessionNumber: number, delivery: Delivery, message: Message): void {
    delivery.batch = this.number
    this.queueNumbers.push(sessionNumber)
    this.queued.push(delivery)
    this.operations++
    this.bytes += ROW_BYTES + delivery.share.length
    if (message === this.#lastMessage) return // one of a fan-out: its bytes are counted
    this.#lastMessage = message
    this.bytes += message.length
    message.own()
  }

  /** Of a delivery that is written: its row is to become that of a released one. */
  release(sessionNumber: number, delivery: Delivery): void {
    this.releasedNumbers.push(sessionNumber)
    this.released.push(delivery)
    this.#goes(delivery)
  }

  /** Of a delivery that is written. */
  dequeue(sessionNumber: number, delivery: Delivery): void {
    this.goneNumbers.push(sessionNumber)
    this.goneSequences.push(delivery.sequence)
    this.#goes(delivery)
  }

  #goes({ storedId, message }: Delivery): void {
    if (storedId === 0 && message !== undefined) this.goneBytes += message.length
    this.#count(ROW_BYTES)
  }

  releaseBody(messageId: number, bytes: number): void {
    const body = this.bodies.get(messageId)
    if (body !== undefined) body.change--
    else this.bodies.set(messageId, { change: -1, message: undefined, before: undefined, bytes })
  }

  put(name: string, row: Row): void {
    this.rows.set(name, row)
    this.#count(row.key.length + (row.value?.length ?? 0))
  }

  putRetained(topicName: string, message: Message | undefined): void {
    message?.own()
    this.retained.set(topicName, message)
    this.#count(ROW_BYTES + (message?.length ?? 0))
  }

  putReceived(sessionNumber: number, packetId: number): void {
    const ids = this.#receivedOf(sessionNumber)
    ids.set(packetId, ids.get(packetId) === 'gone' ? 'put again' : 'put')
    this.#count(ROW_BYTES)
  }

  /** An id that came with this batch was not there before: put and delete cancel each other. */
  deleteReceived(sessionNumber: number, packetId: number): void {
    const ids = this.#receivedOf(sessionNumber)
    if (ids.get(packetId) === 'put') ids.delete(packetId)
    else ids.set(packetId, 'gone')
    this.#count(ROW_BYTES)
  }

  /** `bytes` of a queue row, with what it refers to. */
  sweep(key: Buffer, bytes: number): void {
    this.sweptKeys.push(key)
    this.sweptBytes += bytes
    this.#count(key.length)
  }

  /** Fixes what will be written. `nextMessageId` is called for each body that many deliveries share. */
  cut(nextMessageId: () => number): void {
    const messages = this.#keepUndone()
    for (const message of messages) {
      if (message.references > 1 || message.storedId !== 0) this.#refer(message, nextMessageId)
      message.references = 0
    }
    for (let i = 0; i < this.queued.length; i++) {
      const message = this.queuedMessages[i]
      if (message !== undefined) (this.queued[i] as Delivery).storedId = message.storedId
    }
  }

  /** Drops the deliveries that are done, and counts those of each message. Returns the messages. */
  #keepUndone(): Message[] {
    const { queued, queueNumbers, queuedMessages } = this
    const messages: Message[] = []
    let kept = 0
    for (let i = 0; i < queued.length; i++) {
      const delivery = queued[i] as Delivery
      if (delivery.batch !== this.number) continue // done before
      delivery.isWritten = true
      const message = delivery.message
      if (message !== undefined && message.references++ === 0) messages.push(message)
      queued[kept] = delivery
      queueNumbers[kept] = queueNumbers[i] as number
      queuedMessages[kept] = message
      kept++
    }
    queued.length = kept
    queueNumbers.length = kept
    return messages
  }

  #refer(message: Message, nextMessageId: () => number): void {
    const isNew = message.storedId === 0
    if (isNew) message.storedId = nextMessageId()
    const body = this.bodies.get(message.storedId)
    if (body === undefined) {
      const before = isNew ? 0 : undefined
      this.bodies.set(message.storedId, {
        change: message.references,
        message,
        before,
        bytes: message.length,
      })
    } else {
      body.change += message.references
    }
  }

  #receivedOf(sessionNumber: number): Map<number, ReceivedChange> {
    const known = this.received.get(sessionNumber)
    if (known !== undefined) return known
    const ids = new Map<number, ReceivedChange>()
    this.received.set(sessionNumber, ids)
    return ids
  }

  #count(bytes: number): void {
    this.operations++
    this.bytes += bytes
  }
}
