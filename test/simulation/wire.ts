// A byte stream without a kernel: what the broker writes is here at once, and what the client sends is there at once.
// It has as much of a Duplex as transport/connection.ts asks for, and costs a hundredth of a real pair of streams.
//
//   client -- send --> 'data' at the broker
//   broker -- write --> arrived --> take()          stalled: write says false, nothing is taken until `read`
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'

export class Wire extends EventEmitter {
  writableLength = 0
  /** The broker will write no more. */
  isEnded = false
  isStalled = false
  readonly #moved: () => void
  #arrived: Buffer[] = []
  #unread: Buffer[] = []
  #isPaused = false
  #isClosed = false

  /** `moved` is called whenever the broker does something with it. */
  constructor(moved: () => void) {
    super()
    this.#moved = moved
  }

  get asDuplex(): Duplex {
    return this as unknown as Duplex
  }

  // What the client does.

  send(bytes: Buffer): void {
    if (this.#isPaused) this.#unread.push(bytes)
    else this.emit('data', bytes)
  }

  /** All that has come since, unless the client is not reading. */
  take(): Buffer[] {
    if (this.isStalled) return []
    const taken = this.#arrived
    this.#arrived = []
    return taken
  }

  stall(): void {
    this.isStalled = true
  }

  read(): void {
    this.isStalled = false
    if (this.writableLength === 0) return
    this.writableLength = 0
    this.emit('drain')
  }

  /** The network goes: nothing that is under way arrives. */
  drop(): void {
    this.#arrived = []
    this.emit('end')
    this.#close()
  }

  // What the broker does.

  write(bytes: Buffer): boolean {
    this.#moved()
    this.#arrived.push(bytes)
    if (this.isStalled) this.writableLength += bytes.length
    return !this.isStalled
  }

  cork(): void {}

  uncork(): void {}

  pause(): this {
    this.#isPaused = true
    return this
  }

  resume(): this {
    this.#isPaused = false
    queueMicrotask(() => {
      while (!this.#isPaused && this.#unread.length > 0) this.emit('data', this.#unread.shift())
    })
    return this
  }

  end(): this {
    this.#moved()
    this.isEnded = true
    this.#close()
    return this
  }

  destroy(): this {
    return this.end()
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    queueMicrotask(() => this.emit('close'))
  }
}
