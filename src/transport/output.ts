// What one connection has to say in this turn: packets are encoded into it, and one write takes it to the socket.
// Filled by connection.ts, emptied by the flush at the end of the turn; idle connections have none.
//
//   pieces: [ view | large payload by reference | view | run of forwarded frames ]   in order, finished
//   bytes:  |..in pieces..|..packets not yet in pieces..|...free...|
//                         ^ sealed                      ^ length
//   run:    frames forwarded just as they came, side by side in the chunk they came in: extended, not copied
//
// Measured on 64-byte messages: a run makes forwarding QoS 0 about 3 times cheaper than copying frame by frame,
// and small buffers from a pool cost nothing when a thousand connections get one packet each.
import type { ByteTarget } from '../packet/protocol.ts'

const SMALL_BYTES = 2 * 1024
const LARGE_BYTES = 64 * 1024
/** From here a reference and a longer writev are cheaper than a copy. */
const REFERENCE_BYTES_MIN = 4 * 1024
const SMALL_POOL_MAX = 4_096
const LARGE_POOL_MAX = 64

const smallPool: Buffer[] = []
const largePool: Buffer[] = []
const NOTHING = Buffer.alloc(0)

export class Output implements ByteTarget {
  bytes: Buffer = smallPool.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES)
  length = 0
  #sealed = 0
  #pieces: Buffer[] = []
  #pieceBytes = 0
  #run: Buffer = NOTHING
  #runStart = 0
  #runEnd = 0

  /** Bytes that wait in it. */
  get size(): number {
    return this.#pieceBytes + (this.length - this.#sealed) + (this.#runEnd - this.#runStart)
  }

  reserve(count: number): void {
    if (this.#runEnd > 0) this.#settleRun()
    if (this.length + count > this.bytes.length) this.#makeRoom(count)
  }

  append(source: Buffer, start: number, end: number): void {
    if (end - start < REFERENCE_BYTES_MIN) {
      this.reserve(end - start)
      this.bytes.set(source.subarray(start, end), this.length)
      this.length += end - start
    } else {
      if (this.#runEnd > 0) this.#settleRun()
      this.#seal()
      this.#addPiece(source.subarray(start, end))
    }
  }

  /** Sends source[start, end) as it is; it must stay unchanged until it is written. */
  forward(source: Buffer, start: number, end: number): void {
    if (this.#run === source && this.#runEnd === start) {
      this.#runEnd = end
      return
    }
    if (this.#runEnd > 0) this.#settleRun()
    this.#run = source
    this.#runStart = start
    this.#runEnd = end
  }

  /** Everything, in order, as few buffers as it takes. Call once, then `recycle` or drop it. */
  take(): Buffer[] {
    if (this.#runEnd > 0) this.#settleRun()
    this.#seal()
    return this.#pieces
  }

  /** Only after the socket has copied what `take` gave. */
  recycle(): void {
    if (this.bytes.length === SMALL_BYTES) {
      if (smallPool.length < SMALL_POOL_MAX) smallPool.push(this.bytes)
    } else if (this.bytes.length === LARGE_BYTES && largePool.length < LARGE_POOL_MAX) {
      largePool.push(this.bytes)
    }
  }

  #settleRun(): void {
    const source = this.#run
    const start = this.#runStart
    const end = this.#runEnd
    this.#run = NOTHING
    this.#runStart = 0
    this.#runEnd = 0
    this.append(source, start, end)
  }

  #seal(): void {
    if (this.length === this.#sealed) return
    this.#addPiece(this.bytes.subarray(this.#sealed, this.length))
    this.#sealed = this.length
  }

  #addPiece(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#pieceBytes += piece.length
  }

  #makeRoom(count: number): void {
    const { bytes, length } = this
    if (this.#sealed === 0 && length + count <= LARGE_BYTES) {
      this.bytes = largePool.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES)
      bytes.copy(this.bytes, 0, 0, length)
      if (smallPool.length < SMALL_POOL_MAX) smallPool.push(bytes)
      return
    }
    this.#seal()
    this.bytes = count <= LARGE_BYTES ? takeLarge() : Buffer.allocUnsafeSlow(count)
    this.length = 0
    this.#sealed = 0
  }
}

const takeLarge = (): Buffer => largePool.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES)
