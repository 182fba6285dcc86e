// Reads MessagePack, in which aedes-persistence-level writes its values. Called by rows.ts.
// Why it is our own, and not a library's: docs/adr/0011-an-aedes-database-is-read-by-its-keys.md.

export type MsgpackValue =
  | null
  | boolean
  | number
  | string
  | Buffer
  | readonly MsgpackValue[]
  | ReadonlyMap<string, MsgpackValue>

/** What MQTT brokers store is flat: a packet, its properties, a list of values. */
const DEPTH_MAX = 8
/** A Uint8Array as msgpack-lite, the writer, has it. */
const EXTENSION_UINT8_ARRAY = 0x12

/** Undefined: it is damaged. Views of `bytes` are returned. */
export function decodeMsgpack(bytes: Buffer): MsgpackValue | undefined {
  try {
    return new MsgpackReader(bytes).value(DEPTH_MAX)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Throws RangeError, as Buffer does, for all that is not there. */
class MsgpackReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  value(depth: number): MsgpackValue {
    const type = this.#uint(1)
    if (type < 0x80) return type
    if (type < 0x90) return this.#map(type & 0x0f, depth)
    if (type < 0xa0) return this.#array(type & 0x0f, depth)
    if (type < 0xc0) return this.#text(type & 0x1f)
    if (type >= 0xe0) return type - 0x100
    return this.#longValue(type, depth)
  }

  #longValue(type: number, depth: number): MsgpackValue {
    if (type === 0xc0) return null
    if (type === 0xc2 || type === 0xc3) return type === 0xc3
    if (type < 0xc4) throw new RangeError('no such type')
    if (type <= 0xc6) return this.#raw(this.#uint(1 << (type - 0xc4)))
    if (type <= 0xc9) return this.#extension(this.#uint(1 << (type - 0xc7)))
    if (type === 0xca) return this.#bytes.readFloatBE(this.#take(4))
    if (type === 0xcb) return this.#bytes.readDoubleBE(this.#take(8))
    if (type <= 0xce) return this.#uint(1 << (type - 0xcc))
    if (type === 0xcf) return Number(this.#bytes.readBigUInt64BE(this.#take(8)))
    if (type <= 0xd2) return this.#int(1 << (type - 0xd0))
    if (type === 0xd3) return Number(this.#bytes.readBigInt64BE(this.#take(8)))
    if (type <= 0xd8) return this.#extension(1 << (type - 0xd4))
    if (type <= 0xdb) return this.#text(this.#uint(1 << (type - 0xd9)))
    if (type <= 0xdd) return this.#array(this.#uint(2 << (type - 0xdc)), depth)
    return this.#map(this.#uint(2 << (type - 0xde)), depth)
  }

  /** The offset of the next `length` bytes, which are passed over. */
  #take(length: number): number {
    const at = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw new RangeError('ends within a value')
    return at
  }

  #raw(length: number): Buffer {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  #uint(size: number): number {
    return this.#bytes.readUIntBE(this.#take(size), size)
  }

  #int(size: number): number {
    return this.#bytes.readIntBE(this.#take(size), size)
  }

  #text(length: number): string {
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  #array(length: number, depth: number): MsgpackValue[] {
    if (depth === 0) throw new RangeError('too deep')
    const values: MsgpackValue[] = []
    for (let i = 0; i < length; i++) values.push(this.value(depth - 1))
    return values
  }

  #map(length: number, depth: number): Map<string, MsgpackValue> {
    if (depth === 0) throw new RangeError('too deep')
    const map = new Map<string, MsgpackValue>()
    for (let i = 0; i < length; i++) map.set(String(this.value(depth - 1)), this.value(depth - 1))
    return map
  }

  /** Null for what no MQTT packet has: times, errors, regular expressions. */
  #extension(length: number): Buffer | null {
    const type = this.#uint(1)
    const bytes = this.#raw(length)
    return type === EXTENSION_UINT8_ARRAY ? bytes : null
  }
}
