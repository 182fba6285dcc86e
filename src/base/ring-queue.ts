// First in, first out, without garbage: what waits in a session, a connection, a batch.
//
//   slots  [ 5 | 6 | . | . | . | 2 | 3 | 4 ]     5 of 8 slots in use; slots are a power of two
//                ^ last              ^ head      at(0) = 2, at(3) = 5: `& (slots - 1)` wraps round
//
//   full -> twice the slots          fewer than one in eight used -> half the slots, down to SLOTS_KEPT
//   emptied with more than SLOTS_KEPT, or cleared -> no slots: an idle queue costs this object alone
//
// The bound on its length is its owner's, who knows what to do at the bound.
import { assert } from './assert.ts'

const SLOTS_MIN = 4
/** A queue that is emptied and filled in turns keeps these: 512 bytes, and no allocation a message. */
const SLOTS_KEPT = 64
const SLOTS_MAX = 2 ** 25

export class RingQueue<T> {
  #slots: (T | undefined)[] | undefined
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(element: T): void {
    if (this.#slots === undefined) this.#resize(SLOTS_MIN)
    else if (this.#length === this.#slots.length) this.#resize(this.#length * 2)
    const slots = this.#slots as (T | undefined)[]
    slots[(this.#head + this.#length) & (slots.length - 1)] = element
    this.#length++
  }

  /** Removes the oldest element; undefined when there is none. */
  shift(): T | undefined {
    const slots = this.#slots
    if (slots === undefined || this.#length === 0) return undefined
    const element = slots[this.#head]
    slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (slots.length - 1)
    this.#length--
    if (slots.length > SLOTS_KEPT && this.#length * 8 < slots.length) this.#shrink(slots.length)
    return element
  }

  /** The element `index` places behind the oldest; undefined outside of the queue. */
  at(index: number): T | undefined {
    const slots = this.#slots
    if (slots === undefined || index < 0 || index >= this.#length) return undefined
    return slots[(this.#head + index) & (slots.length - 1)]
  }

  /** Empties the queue and gives all its memory back. */
  clear(): void {
    this.#slots = undefined
    this.#head = 0
    this.#length = 0
  }

  #shrink(slotCount: number): void {
    if (this.#length === 0) this.clear()
    else this.#resize(slotCount / 2)
  }

  #resize(slotCount: number): void {
    assert(slotCount <= SLOTS_MAX, 'a ring queue is bounded by its owner')
    const slots = new Array<T | undefined>(slotCount)
    for (let i = 0; i < this.#length; i++) slots[i] = this.at(i)
    this.#slots = slots
    this.#head = 0
  }
}
