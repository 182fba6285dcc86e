// The small vocabulary that every packet file shares: packet types, protocol versions, qualities of service.

/** The high four bits of a packet's first byte. */
export const PacketType = {
  Connect: 1,
  Connack: 2,
  Publish: 3,
  Puback: 4,
  Pubrec: 5,
  Pubrel: 6,
  Pubcomp: 7,
  Subscribe: 8,
  Suback: 9,
  Unsubscribe: 10,
  Unsuback: 11,
  Pingreq: 12,
  Pingresp: 13,
  Disconnect: 14,
  Auth: 15,
} as const
export type PacketType = (typeof PacketType)[keyof typeof PacketType]

/** Protocol level as on the wire: 3 is MQTT 3.1, 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
export type ProtocolVersion = 3 | 4 | 5

export type Qos = 0 | 1 | 2

export const lowerQos = (a: Qos, b: Qos): Qos => Math.min(a, b) as Qos

/** The largest value of a four-byte Variable Byte Integer, and so of a Remaining Length. */
export const REMAINING_LENGTH_MAX = 268_435_455
/** Fixed header of the largest packet: one byte of type and flags, four of Remaining Length. */
export const PACKET_SIZE_MAX = REMAINING_LENGTH_MAX + 5
/** A Session Expiry Interval of this many seconds means that the session never expires. */
export const SESSION_NEVER_EXPIRES = 0xffff_ffff

/** Packet type of a first byte. */
export const packetTypeOf = (firstByte: number): number => firstByte >>> 4

/** A whole packet within `bytes`: first byte at `start`, variable header at `bodyStart`, the next packet at `end`. */
export interface Frame {
  readonly bytes: Buffer
  readonly start: number
  readonly bodyStart: number
  readonly end: number
}

/** Where the hot encoders put their bytes. */
export interface ByteTarget {
  bytes: Buffer
  length: number
  /** Makes room for `count` more bytes at `length`; may replace `bytes`. */
  reserve(count: number): void
  /** Adds source[start, end): copied where that is cheaper, else by reference. */
  append(source: Buffer, start: number, end: number): void
  /** Adds source[start, end) as it is; it must stay unchanged until it is written. */
  forward(source: Buffer, start: number, end: number): void
}

/** Bytes that a Variable Byte Integer takes. */
export const variableByteLength = (value: number): number =>
  value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4

/** Writes `value` at `offset` and returns the offset behind it. */
export function writeVariableByteInteger(bytes: Buffer, offset: number, value: number): number {
  while (value > 127) {
    bytes[offset++] = (value & 127) | 128
    value >>>= 7
  }
  bytes[offset++] = value
  return offset
}
