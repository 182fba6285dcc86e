// Numbers of six bytes, big-endian: session numbers, sequences, the low end of message ids. Under keys.ts and
// the values. Buffer.writeUIntBE checks its arguments anew each time and costs five times as much.

/** `value` is an integer in [0, 2 ** 48). */
export function writeU48(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32)
  bytes[at] = high >>> 8
  bytes[at + 1] = high
  bytes[at + 2] = value >>> 24
  bytes[at + 3] = value >>> 16
  bytes[at + 4] = value >>> 8
  bytes[at + 5] = value
}

/** The six bytes must be there. */
export function readU48(bytes: Buffer, at: number): number {
  return bytes.readUInt16BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 2)
}
