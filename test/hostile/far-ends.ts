// The hostile client's end of a connection. Two kinds:
//
//   Wire   a stream in this process: what is written is in the broker before `write` returns, so a case is quick and
//          the same each time
//   Tcp    a socket on loopback: resets, half-closed connections and chunks as the kernel makes them
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { ListenAddress } from '../../src/transport/tcp.ts'

export interface FarEnd {
  write(bytes: Buffer): void
  /** Says that it will write no more. */
  end(): void
  cut(): void
  reset(): void
  stall(): void
  read(): void
  /** What has come since it was asked the last time. */
  take(): Buffer
  /** The broker has said that it will write no more. */
  readonly isEnded: boolean
  /** There is nothing left of the connection. */
  readonly isGone: boolean
}

const NOTHING = Buffer.alloc(0)

/** Inside out: the broker reads what the client pushes, and what it writes has come at once. */
class BrokerStream extends Duplex {
  received: Buffer[] = []
  isStalled = false
  #goOn: (() => void) | undefined

  constructor() {
    super({ allowHalfOpen: true })
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    const take = (): void => {
      this.received.push(bytes)
      done()
    }
    if (this.isStalled) this.#goOn = take
    else take()
  }

  override _final(done: () => void): void {
    if (this.isStalled) this.#goOn = done
    else done()
  }

  goOn(): void {
    const goOn = this.#goOn
    this.isStalled = false
    this.#goOn = undefined
    goOn?.()
  }
}

export class Wire implements FarEnd {
  readonly #stream = new BrokerStream()
  #hasEnded = false

  constructor(attach: (stream: Duplex) => void) {
    attach(this.#stream)
  }

  write(bytes: Buffer): void {
    if (!this.#hasEnded && !this.#stream.destroyed) this.#stream.push(bytes)
  }

  end(): void {
    if (this.#hasEnded || this.#stream.destroyed) return
    this.#hasEnded = true
    this.#stream.push(null)
  }

  cut(): void {
    this.#stream.destroy()
  }

  reset(): void {
    if (!this.#stream.destroyed) this.#stream.destroy(new Error('read ECONNRESET'))
  }

  stall(): void {
    this.#stream.isStalled = true
  }

  read(): void {
    this.#stream.goOn()
  }

  take(): Buffer {
    const { received } = this.#stream
    if (received.length === 0) return NOTHING
    this.#stream.received = []
    return received.length === 1 ? (received[0] as Buffer) : Buffer.concat(received)
  }

  get isEnded(): boolean {
    return this.#stream.writableEnded || this.#stream.destroyed
  }

  get isGone(): boolean {
    return this.#stream.destroyed
  }
}

export class Tcp implements FarEnd {
  readonly #socket: Socket
  #received: Buffer[] = []
  isEnded = false

  constructor(address: ListenAddress) {
    this.#socket = connect({ ...address, allowHalfOpen: true })
    this.#socket.on('error', () => {})
    this.#socket.on('data', (bytes) => this.#received.push(bytes))
    this.#socket.on('end', () => {
      this.isEnded = true
    })
    this.#socket.on('close', () => {
      this.isEnded = true
    })
  }

  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  end(): void {
    this.#socket.end()
  }

  cut(): void {
    this.#socket.destroy()
  }

  reset(): void {
    this.#socket.resetAndDestroy()
  }

  stall(): void {
    this.#socket.pause()
  }

  read(): void {
    this.#socket.resume()
  }

  take(): Buffer {
    const received = Buffer.concat(this.#received)
    this.#received = []
    return received
  }

  get isGone(): boolean {
    return this.#socket.destroyed
  }
}
