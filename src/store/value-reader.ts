// Reads one value from the disk, its checksum taken off. Used by records.ts and message-records.ts. It never throws:
// no value, reading past the end, or a format version that it does not know makes it damaged, and every read zero.
import { readU48 } from './big-endian.ts'

const EMPTY = Buffer.alloc(0)

export class ValueReader {
  readonly bytes: Buffer
  isDamaged = false
  #at = 1

  /** Both versions so far have one layout; the later one came with the checksum. */
  constructor(bytes: Buffer | undefined, formatVersion: number) {
    this.bytes = bytes ?? EMPTY
    const version = this.bytes[0] ?? 0
    if (version < 1 || version > formatVersion) this.isDamaged = true
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.#at
  }

  get left(): number {
    return this.bytes.length - this.#at
  }

  u8(): number {
    const at = this.#take(1)
    return at < 0 ? 0 : (this.bytes[at] as number)
  }

  u32(): number {
    const at = this.#take(4)
    return at < 0 ? 0 : this.bytes.readUInt32BE(at)
  }

  u48(): number {
    const at = this.#take(6)
    return at < 0 ? 0 : readU48(this.bytes, at)
  }

  f64(): number {
    const at = this.#take(8)
    const value = at < 0 ? 0 : this.bytes.readDoubleBE(at)
    if (Number.isNaN(value)) this.isDamaged = true
    return value
  }

  varint(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.u8()
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
    this.isDamaged = true
    return 0
  }

  /** A view of the next bytes. */
  raw(length: number): Buffer {
    const at = this.#take(length)
    return at < 0 ? EMPTY : this.bytes.subarray(at, at + length)
  }

  text(): string {
    return this.raw(this.varint()).toString()
  }

  #take(count: number): number {
    const at = this.#at
    if (this.isDamaged || count > this.bytes.length - at) {
      this.isDamaged = true
      return -1
    }
    this.#at += count
    return at
  }
}
