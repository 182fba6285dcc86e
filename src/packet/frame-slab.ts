// Small frames that outlive their turn share slabs: one Buffer object for hundreds of messages.
//
//   slab   | frame | frame | frame |........free........|
//                                  ^ used
// A slab is garbage once the last message in it is. It is small, so that one message that stays for
// long holds no more than one. A Buffer of its own costs about 120 ns and 100 bytes a message more.

/** Up to here a byte loop beats the call into TypedArray.set. */
const LOOP_BYTES_MAX = 128

export class FrameSlab {
  bytes: Buffer = Buffer.alloc(0)
  readonly #slabBytes: number
  #used = 0

  constructor(slabBytes: number) {
    this.#slabBytes = slabBytes
  }

  /** Copies `length` bytes of `source` from `start` into `this.bytes` and returns their offset there. */
  keep(source: Buffer, start: number, length: number): number {
    if (this.#used + length > this.bytes.length) {
      this.bytes = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, length))
      this.#used = 0
    }
    const offset = this.#used
    copyBytes(source, start, this.bytes, offset, length)
    this.#used += length
    return offset
  }
}

/** Copies `length` bytes between buffers that do not overlap. */
export function copyBytes(
  source: Uint8Array,
  sourceStart: number,
  target: Uint8Array,
  targetStart: number,
  length: number,
): void {
  if (length <= LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i++) target[targetStart + i] = source[sourceStart + i] as number
  } else {
    target.set(source.subarray(sourceStart, sourceStart + length), targetStart)
  }
}
