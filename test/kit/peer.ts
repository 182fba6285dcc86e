// A client made of one byte stream: sends what it is told to, and keeps what comes until it is asked for.
// Made by test-broker.ts; flow.ts holds the conversation.
import type { Duplex } from 'node:stream'
import { decode, encode, type Said, type Sendable, type Version } from './packets.ts'

/** Not a sleep: how long a test that fails waits for what never comes. */
const PATIENCE_MS = 60_000

/** A packet with the bytes it came in, for what mqtt-packet does not show. */
export interface Received {
  readonly bytes: Buffer
  readonly packet: Said
}

interface Wiring {
  readonly ours: Duplex
  readonly theirs: Duplex
  readonly settle: () => Promise<void>
}

export class Peer {
  readonly version: Version
  /** Our end of the connection, and the broker's. */
  readonly stream: Duplex
  readonly brokerEnd: Duplex
  /** Waits until what is under way in the broker has arrived. */
  readonly settle: () => Promise<void>
  /** The broker has said that it will send no more. */
  isClosed = false
  hasConnack = false
  #unread: Buffer = Buffer.alloc(0)
  readonly #received: Buffer[] = []
  #wake: () => void = () => {}

  constructor(version: Version, wiring: Wiring) {
    const stream = wiring.ours
    this.version = version
    this.stream = stream
    this.brokerEnd = wiring.theirs
    this.settle = wiring.settle
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    stream.on('error', () => this.#closed())
    stream.on('end', () => {
      stream.end()
      this.#closed()
    })
    stream.on('close', () => this.#closed())
  }

  send(...packets: Sendable[]): void {
    this.stream.write(Buffer.concat(packets.map((packet) => encode(packet, this.version))))
  }

  /** Packets that have come and were not asked for. */
  get waiting(): number {
    return this.#received.length
  }

  /** The next packet; waits for it. */
  async next(): Promise<Received> {
    await this.#until(() => this.#received.length > 0 || this.isClosed)
    const bytes = this.#received.shift()
    if (bytes === undefined) throw new Error('the broker closed the connection instead')
    const packet = decode(bytes, this.version)
    if (packet.cmd === 'connack' && packet.code === 0) this.hasConnack = true
    return { bytes, packet }
  }

  async closed(): Promise<void> {
    await this.#until(() => this.isClosed)
  }

  /** The network goes: the broker sees an end without DISCONNECT. */
  async drop(): Promise<void> {
    this.stream.end()
    await this.closed()
  }

  /** Takes nothing more from the broker until `resume`. */
  stall(): void {
    this.stream.pause()
  }

  resume(): void {
    this.stream.resume()
  }

  async #until(isSo: () => boolean): Promise<void> {
    let isLate = false
    const patience = setTimeout(() => {
      isLate = true
      this.#wake()
    }, PATIENCE_MS)
    while (!isSo()) {
      if (isLate) throw new Error(`nothing came, the connection is ${this.#state()}`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    clearTimeout(patience)
  }

  #state(): string {
    return this.isClosed ? 'closed' : `open with ${this.#unread.length} bytes of a packet`
  }

  #take(chunk: Buffer): void {
    let bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
    for (let size = frameSize(bytes); size > 0; size = frameSize(bytes)) {
      this.#received.push(bytes.subarray(0, size))
      bytes = bytes.subarray(size)
    }
    this.#unread = bytes
    this.#wake()
  }

  #closed(): void {
    this.isClosed = true
    this.#wake()
  }
}

/** Of the first packet in `bytes`; 0: not all of it is there. */
function frameSize(bytes: Buffer): number {
  let length = 0
  for (let at = 1; at < bytes.length; at++) {
    const byte = bytes[at] as number
    length += (byte & 127) * 128 ** (at - 1)
    if (byte < 128) return at + 1 + length <= bytes.length ? at + 1 + length : 0
  }
  return 0
}
