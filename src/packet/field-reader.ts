// Reads the fields of one packet in order and never past its end. Every packet but PUBLISH and the four
// acknowledgements is decoded through it; those read at fixed offsets for speed.
//
//   bytes[start]                       end
//   | read already | remaining ........|
//                  ^ offset
import { MqttError, malformed, protocolError } from './mqtt-error.ts'
import { ReasonCode } from './reason-codes.ts'
import { decodeUtf8 } from './utf8.ts'

export class FieldReader {
  readonly bytes: Buffer
  readonly end: number
  offset: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes
    this.end = end
    this.offset = start
  }

  get remaining(): number {
    return this.end - this.offset
  }

  u8(field: string): number {
    return this.bytes[this.#take(1, field)] as number
  }

  u16(field: string): number {
    const at = this.#take(2, field)
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number)
  }

  u32(field: string): number {
    return this.bytes.readUInt32BE(this.#take(4, field))
  }

  /** [v5 MQTT-1.5.5-1] A value written in more bytes than it needs is malformed. */
  variableByteInteger(field: string): number {
    let value = 0
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.u8(field)
      value |= (byte & 0x7f) << shift
      if (byte >= 0x80) continue
      if (byte === 0 && shift > 0) malformed('more bytes than the value needs', field)
      return value
    }
    malformed('more than four bytes', field)
  }

  utf8String(field: string): string {
    const length = this.u16(field)
    const at = this.#take(length, field)
    return decodeUtf8(this.bytes, at, at + length, field)
  }

  /** A copy that owns its memory: what is kept must not hold on to the socket's chunk or to a shared pool. */
  binary(field: string): Buffer {
    const length = this.u16(field)
    const at = this.#take(length, field)
    return ownCopy(this.bytes, at, at + length)
  }

  /** [v5 MQTT-2.2.1-3] [v3.1.1 MQTT-2.3.1-1] */
  packetId(): number {
    const packetId = this.u16('packet identifier')
    if (packetId === 0) protocolError('is 0', 'packet identifier')
    return packetId
  }

  /** Steps over `count` bytes and returns where they begin. */
  skip(count: number, field: string): number {
    return this.#take(count, field)
  }

  /** Call after the last field: bytes that no field claims are malformed. */
  finish(): void {
    if (this.offset !== this.end) malformed('bytes after the last field')
  }

  #take(count: number, field: string): number {
    const at = this.offset
    if (at + count > this.end)
      throw new MqttError(ReasonCode.MalformedPacket, 'the packet ends within it', field)
    this.offset = at + count
    return at
  }
}

const EMPTY = Buffer.alloc(0)

/** bytes[start..end) in memory of their own; one shared Buffer for none. */
export function ownCopy(bytes: Buffer, start: number, end: number): Buffer {
  if (start === end) return EMPTY
  const copy = Buffer.allocUnsafeSlow(end - start)
  bytes.copy(copy, 0, start, end)
  return copy
}
