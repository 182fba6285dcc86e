// Writes the fields of one rare packet and puts the fixed header before them once their length is known.
// PUBLISH and the acknowledgements do not come here: they are written straight into the connection's output.
//
//   bytes
//   | room for fixed header | fields ...........| free ...|
//   0                       HEADROOM            ^ length
import { assert } from '../base/assert.ts'
import {
  type ByteTarget,
  REMAINING_LENGTH_MAX,
  variableByteLength,
  writeVariableByteInteger,
} from './protocol.ts'

/** One byte of type and flags, up to four of Remaining Length. */
const HEADROOM = 5
const FIRST_BYTES = 128
/** What the two-byte length before a string or binary field can say. */
const FIELD_BYTES_MAX = 65_535

export class FieldWriter implements ByteTarget {
  bytes = Buffer.allocUnsafe(FIRST_BYTES)
  length = HEADROOM

  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }

  u8(value: number): void {
    this.reserve(1)
    this.length = this.bytes.writeUInt8(value, this.length)
  }

  u16(value: number): void {
    this.reserve(2)
    this.length = this.bytes.writeUInt16BE(value, this.length)
  }

  u32(value: number): void {
    this.reserve(4)
    this.length = this.bytes.writeUInt32BE(value, this.length)
  }

  /** [v5 MQTT-1.5.5-1] In as few bytes as the value needs. */
  variableByteInteger(value: number): void {
    assert(value >= 0 && value <= REMAINING_LENGTH_MAX, 'a Variable Byte Integer is 0 to 268435455')
    this.reserve(4)
    this.length = writeVariableByteInteger(this.bytes, this.length, value)
  }

  utf8String(text: string): void {
    const length = Buffer.byteLength(text)
    assert(length <= FIELD_BYTES_MAX, 'a string field is at most 65535 bytes')
    this.u16(length)
    this.reserve(length)
    this.length += this.bytes.write(text, this.length)
  }

  binary(source: Uint8Array): void {
    assert(source.length <= FIELD_BYTES_MAX, 'a binary field is at most 65535 bytes')
    this.u16(source.length)
    this.raw(source)
  }

  raw(source: Uint8Array): void {
    this.reserve(source.length)
    this.bytes.set(source, this.length)
    this.length += source.length
  }

  append(source: Buffer, start: number, end: number): void {
    this.raw(source.subarray(start, end))
  }

  forward(source: Buffer, start: number, end: number): void {
    this.append(source, start, end)
  }

  /** The fields alone: a view. */
  block(): Buffer {
    return this.bytes.subarray(HEADROOM, this.length)
  }

  /** Fixed header and fields: a view. Write nothing more afterwards. */
  frame(firstByte: number): Buffer {
    const remainingLength = this.length - HEADROOM
    assert(remainingLength <= REMAINING_LENGTH_MAX, 'a packet fits its Remaining Length')
    const start = HEADROOM - 1 - variableByteLength(remainingLength)
    this.bytes[start] = firstByte
    writeVariableByteInteger(this.bytes, start + 1, remainingLength)
    return this.bytes.subarray(start, this.length)
  }
}
