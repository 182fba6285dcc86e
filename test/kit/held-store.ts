// A Store in front of another one that can hold back the news of its commits: as if the disk were slow just then.
// What is put goes through at once; who waits for a commit hears of it when it is down and let go.
import type { Message } from '../../src/packet/message.ts'
import type { Delivery } from '../../src/store/delivery.ts'
import type {
  CommitListener,
  Restorer,
  SessionRecord,
  Store,
  StoreDamage,
  SubscriptionRecord,
  WillRecord,
} from '../../src/store/store.ts'

export class HeldStore implements Store {
  readonly #inner: Store
  #isHeld = false
  #isFull = false
  #committedBefore = 0
  readonly #news: (() => void)[] = []
  readonly #reads = new Set<Promise<unknown>>()
  readonly #heldReads: (() => void)[] = []

  constructor(inner: Store) {
    this.#inner = inner
  }

  /** From now on nobody hears of a commit, and no queue is read. */
  hold(): void {
    this.#committedBefore = this.#inner.committedBatch
    this.#isHeld = true
  }

  /** From now on there is no room for more, until makeRoom. */
  fillUp(): void {
    this.#isFull = true
  }

  makeRoom(): void {
    this.#isFull = false
    this.onRoom()
  }

  /** Everybody hears of what is down by now, in order, and of all that follows; reads that were held begin. */
  letGo(): void {
    this.#isHeld = false
    for (const begin of this.#heldReads.splice(0)) begin()
    for (const tell of this.#news.splice(0)) tell()
  }

  get isIdle(): boolean {
    return this.#news.length === 0 && this.#inner.isIdle
  }

  get committedBatch(): number {
    return this.#isHeld ? this.#committedBefore : this.#inner.committedBatch
  }

  afterCommit(listener: CommitListener, token: number): void {
    const tell = (): void => {
      if (this.#isHeld) this.#news.push(tell)
      else listener.committed(token)
    }
    this.#inner.afterCommit({ committed: tell }, token)
  }

  async readQueue(sessionNumber: number, from: number, limit: number): Promise<Delivery[]> {
    if (this.#isHeld) await new Promise<void>((begin) => this.#heldReads.push(begin))
    const read = this.#inner.readQueue(sessionNumber, from, limit)
    this.#reads.add(read)
    try {
      return await read
    } finally {
      this.#reads.delete(read)
    }
  }

  /** All that was put is down, and all that was asked for has been read. */
  async settled(): Promise<void> {
    await this.#inner.flush()
    while (this.#reads.size > 0) await Promise.allSettled(this.#reads)
  }

  // The rest is the other store's.
  open(restorer: Restorer): Promise<void> {
    return this.#inner.open(restorer)
  }
  close(): Promise<void> {
    return this.#inner.close()
  }
  flush(): Promise<void> {
    return this.#inner.flush()
  }
  nextSessionNumber(): number {
    return this.#inner.nextSessionNumber()
  }
  putSession(record: SessionRecord): void {
    this.#inner.putSession(record)
  }
  deleteSession(record: SessionRecord): void {
    this.#inner.deleteSession(record)
  }
  putSubscription(sessionNumber: number, record: SubscriptionRecord): void {
    this.#inner.putSubscription(sessionNumber, record)
  }
  deleteSubscription(sessionNumber: number, topicFilter: string): void {
    this.#inner.deleteSubscription(sessionNumber, topicFilter)
  }
  putWill(clientId: string, record: WillRecord): void {
    this.#inner.putWill(clientId, record)
  }
  deleteWill(clientId: string): void {
    this.#inner.deleteWill(clientId)
  }
  putRetained(message: Message): void {
    this.#inner.putRetained(message)
  }
  deleteRetained(topicName: string): void {
    this.#inner.deleteRetained(topicName)
  }
  putReceived(sessionNumber: number, packetId: number): void {
    this.#inner.putReceived(sessionNumber, packetId)
  }
  deleteReceived(sessionNumber: number, packetId: number): void {
    this.#inner.deleteReceived(sessionNumber, packetId)
  }
  enqueue(sessionNumber: number, delivery: Delivery): void {
    this.#inner.enqueue(sessionNumber, delivery)
  }
  release(sessionNumber: number, delivery: Delivery): void {
    this.#inner.release(sessionNumber, delivery)
  }
  dequeue(sessionNumber: number, delivery: Delivery): void {
    this.#inner.dequeue(sessionNumber, delivery)
  }
  get operations(): number {
    return this.#inner.operations
  }
  get openBatch(): number {
    return this.#inner.openBatch
  }
  get isSaturated(): boolean {
    return this.#isFull || this.#inner.isSaturated
  }
  get onRoom(): () => void {
    return this.#inner.onRoom
  }
  set onRoom(onRoom: () => void) {
    this.#inner.onRoom = onRoom
  }
  get onWriteError(): (error: Error) => void {
    return this.#inner.onWriteError
  }
  set onWriteError(onWriteError: (error: Error) => void) {
    this.#inner.onWriteError = onWriteError
  }
  get onLeftOver(): Store['onLeftOver'] {
    return this.#inner.onLeftOver
  }
  set onLeftOver(onLeftOver: Store['onLeftOver']) {
    this.#inner.onLeftOver = onLeftOver
  }
  get readsLeftOver(): boolean {
    return this.#inner.readsLeftOver
  }
  set readsLeftOver(readsLeftOver: boolean) {
    this.#inner.readsLeftOver = readsLeftOver
  }
  get isShortOfRoom(): boolean {
    return this.#inner.isShortOfRoom
  }
  get onShort(): (isShort: boolean) => void {
    return this.#inner.onShort
  }
  set onShort(onShort: (isShort: boolean) => void) {
    this.#inner.onShort = onShort
  }
  get damage(): StoreDamage {
    return this.#inner.damage
  }
  get onDamage(): (description: string) => void {
    return this.#inner.onDamage
  }
  set onDamage(onDamage: (description: string) => void) {
    this.#inner.onDamage = onDamage
  }
}
