// Cuts the bytes of one connection into packets. Filled by transport/connection.ts with what the socket read;
// the packet it stands at goes to dispatch and to the decoder of its type.
//
//   chunk   |~ end of a frame | frame | frame | beginning ~|        ~ over the edge of a chunk
//   next()   gathered          in place        gathered
//
// Frames whole within a chunk are read where they lie. One that goes over an edge is gathered in memory of its own
// size. Received bytes decide how much memory that takes, not the length that a peer claims: what it is
// gathered in grows by the factor GROWTH, from GATHER_BYTES_MIN to the frame's size.
import { copyBytes } from './frame-slab.ts'
import { MqttError, malformed } from './mqtt-error.ts'
import { PACKET_SIZE_MAX } from './protocol.ts'
import { ReasonCode } from './reason-codes.ts'

const NO_BYTES = Buffer.alloc(0)
const GATHER_BYTES_MIN = 65_536
const GROWTH = 4
/** First byte and up to four of Remaining Length. */
const HEADER_BYTES_MAX = 5

export class FrameSplitter {
  /** Bytes of a whole packet, fixed header included. May be changed between frames. */
  maximumPacketSize: number
  /** The current frame, from the time that next() returns true until it is called again. */
  bytes: Buffer = NO_BYTES
  start = 0
  bodyStart = 0
  end = 0

  #chunk: Buffer = NO_BYTES
  /** Of the chunk, what is read. */
  #offset = 0
  /** The beginning of a frame that goes over an edge; `#gatheredBytes` are there. */
  #gathered: Buffer = NO_BYTES
  #gatheredBytes = 0
  /** Size of that frame; 0 while its header is not whole. */
  #frameBytes = 0

  constructor(maximumPacketSize = PACKET_SIZE_MAX) {
    this.maximumPacketSize = maximumPacketSize
  }

  /** What is being read; frames that went over an edge lie elsewhere. */
  get chunk(): Buffer {
    return this.#chunk
  }

  /** Of a frame that is not whole yet; undefined: nothing of one has come. */
  get firstByte(): number | undefined {
    return this.#gatheredBytes === 0 ? undefined : this.#gathered[0]
  }

  /** Bytes received that were in no frame yet. */
  get bufferedBytes(): number {
    return this.#gatheredBytes + this.#chunk.length - this.#offset
  }

  /** Takes the next chunk, without copying it. Only after next() returned false. */
  push(chunk: Buffer): void {
    this.#chunk = chunk
    this.#offset = 0
  }

  /**
   * Moves to the next frame; false: it needs more bytes. Throws MqttError 0x81 for a Remaining Length of more than
   * four bytes and 0x95 for a packet above the maximum, as soon as its length is known. It throws again if asked again.
   */
  next(): boolean {
    if (this.#gatheredBytes !== 0) return this.#gather()
    const chunk = this.#chunk
    const start = this.#offset
    const size = this.#measure(chunk, start, chunk.length)
    const end = start + size
    if (size === 0 || end > chunk.length) return this.#keepRest(size)
    this.bytes = chunk
    this.start = start
    this.end = end
    this.#offset = end
    return true
  }

  /** The current frame comes once more with the next call of next(). */
  again(): void {
    if (this.bytes === this.#chunk) {
      this.#offset = this.start
      return
    }
    this.#gathered = this.bytes
    this.#gatheredBytes = this.end
    this.#frameBytes = this.end
  }

  /** Size of the frame at bytes[start], 0 while its header is not whole. Sets bodyStart. */
  #measure(bytes: Buffer, start: number, end: number): number {
    if (start + 1 >= end) return 0
    let at = start + 1
    let byte = bytes[at++] as number
    let length = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 21) malformed('more than four bytes', 'remaining length')
      if (at >= end) return 0
      byte = bytes[at++] as number
      length |= (byte & 0x7f) << shift
    }
    const size = at - start + length
    if (size > this.maximumPacketSize)
      throw new MqttError(ReasonCode.PacketTooLarge, 'above the maximum packet size')
    this.bodyStart = at
    return size
  }

  /** Copies the beginning of a frame out of the chunk and lets go of the chunk. */
  #keepRest(size: number): false {
    const chunk = this.#chunk
    const rest = chunk.length - this.#offset
    if (rest > 0) {
      this.#frameBytes = size
      this.#gathered = Buffer.allocUnsafeSlow(size === 0 ? HEADER_BYTES_MAX : capacity(size, rest))
      copyBytes(chunk, this.#offset, this.#gathered, 0, rest)
      this.#gatheredBytes = rest
    }
    return this.#letGo()
  }

  #letGo(): false {
    this.#chunk = NO_BYTES
    this.#offset = 0
    this.bytes = NO_BYTES
    return false
  }

  #gather(): boolean {
    if (!this.#gatherHeader() || !this.#gatherBody()) return this.#letGo()
    const frame = this.#gathered
    this.#measure(frame, 0, frame.length)
    this.bytes = frame
    this.start = 0
    this.end = frame.length
    this.#gathered = NO_BYTES
    this.#gatheredBytes = 0
    this.#frameBytes = 0
    return true
  }

  #gatherHeader(): boolean {
    while (this.#frameBytes === 0) {
      this.#frameBytes = this.#measure(this.#gathered, 0, this.#gatheredBytes)
      if (this.#frameBytes !== 0) break
      if (this.#offset >= this.#chunk.length) return false
      this.#gathered[this.#gatheredBytes++] = this.#chunk[this.#offset++] as number
    }
    return true
  }

  #gatherBody(): boolean {
    const have = this.#gatheredBytes
    const count = Math.min(this.#frameBytes - have, this.#chunk.length - this.#offset)
    if (have + count > this.#gathered.length || this.#frameBytes < this.#gathered.length) {
      const grown = Buffer.allocUnsafeSlow(capacity(this.#frameBytes, have + count))
      copyBytes(this.#gathered, 0, grown, 0, have)
      this.#gathered = grown
    }
    copyBytes(this.#chunk, this.#offset, this.#gathered, have, count)
    this.#offset += count
    this.#gatheredBytes = have + count
    return this.#gatheredBytes === this.#frameBytes
  }
}

/** How much memory for a frame of `frameBytes` of which `received` are there: at the end exactly its size. */
function capacity(frameBytes: number, received: number): number {
  return Math.min(frameBytes, Math.max(GATHER_BYTES_MIN, received * GROWTH))
}
