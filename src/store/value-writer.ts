// Writes one value after the other into the same memory; LevelDB's batch copies it at once.
// Used by records.ts and message-records.ts. A Buffer of its own would cost more than all the rest of a put.
import { crc32 } from 'node:zlib'
import { copyBytes } from '../packet/frame-slab.ts'
import { writeU48 } from './big-endian.ts'

/** Larger memory is let go after the value that needed it. */
const KEPT_BYTES = 256 * 1024
/** A value up to here gets a view that was made before. */
const VIEWED_BYTES_MAX = 1024

export class ValueWriter {
  readonly #kept = Buffer.allocUnsafeSlow(KEPT_BYTES)
  readonly #views: (Buffer | undefined)[] = []
  #bytes = this.#kept
  #length = 0

  /** Begins the next value; the one before it is overwritten. */
  begin(formatVersion: number): this {
    this.#bytes = this.#kept
    this.#bytes[0] = formatVersion
    this.#length = 1
    return this
  }

  u8(value: number): this {
    const at = this.#claim(1)
    this.#bytes[at] = value
    return this
  }

  u32(value: number): this {
    const at = this.#claim(4)
    this.#bytes.writeUInt32BE(value, at)
    return this
  }

  u48(value: number): this {
    const at = this.#claim(6)
    writeU48(this.#bytes, at, value)
    return this
  }

  f64(value: number): this {
    const at = this.#claim(8)
    this.#bytes.writeDoubleBE(value, at)
    return this
  }

  /** Seven bits a byte, low ones first, below 2 ** 32. */
  varint(value: number): this {
    let rest = value
    while (rest > 127) {
      this.u8((rest & 127) | 128)
      rest >>>= 7
    }
    return this.u8(rest)
  }

  raw(source: Buffer, start: number, length: number): this {
    const at = this.#claim(length)
    copyBytes(source, start, this.#bytes, at, length)
    return this
  }

  /** A text with its length in bytes in front. */
  text(value: string): this {
    const length = Buffer.byteLength(value)
    this.varint(length)
    const at = this.#claim(length)
    this.#bytes.write(value, at)
    return this
  }

  /**
   * The value with its checksum (seal.ts): a view, valid until the next begin. The key is laid behind the value for
   * that, since one call of crc32 costs 0.13 microseconds, whatever there is to read.
   */
  seal(key: Buffer): Buffer {
    const end = this.#length
    this.raw(key, 0, key.length)
    const checksum = crc32(this.#view())
    this.#length = end
    return this.u32(checksum).#view()
  }

  /** The same in memory of its own. */
  sealCopy(key: Buffer): Buffer {
    return Buffer.from(this.seal(key))
  }

  #view(): Buffer {
    const length = this.#length
    if (this.#bytes !== this.#kept || length > VIEWED_BYTES_MAX) return this.#bytes.subarray(0, length)
    this.#views[length] ??= this.#kept.subarray(0, length)
    return this.#views[length]
  }

  #claim(count: number): number {
    const at = this.#length
    this.#length += count
    if (this.#length > this.#bytes.length) this.#grow(at)
    return at
  }

  #grow(used: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#length, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, used)
    this.#bytes = larger
  }
}
