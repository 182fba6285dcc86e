// Cuts what a broker wrote into packets, and looks at them as far as anybody can who does not know the conversation.

/** Whole packets, and the beginning of one that is not. */
export function packetsIn(bytes: Buffer): { packets: Buffer[]; rest: Buffer } {
  const packets: Buffer[] = []
  let start = 0
  for (let end = endOf(bytes, start); end > 0; end = endOf(bytes, start)) {
    packets.push(bytes.subarray(start, end))
    start = end
  }
  return { packets, rest: bytes.subarray(start) }
}

/** Of a whole packet: where its remaining length ends. */
export const bodyStartOf = (packet: Buffer): number => 2 + packet.subarray(1).findIndex((byte) => byte < 0x80)

/** 0: not all of it is there. */
function endOf(bytes: Buffer, start: number): number {
  let length = 0
  for (let at = start + 1; at < bytes.length && at < start + 5; at++) {
    const byte = bytes[at] as number
    length += (byte & 127) * 128 ** (at - start - 1)
    if (byte < 128) return at + 1 + length <= bytes.length ? at + 1 + length : 0
  }
  return 0
}

/** Flags of the first byte that go with each packet from a server; PUBLISH has its own. */
const FLAGS = new Map([
  [2, 0],
  [4, 0],
  [5, 0],
  [6, 2],
  [7, 0],
  [9, 0],
  [11, 0],
  [13, 0],
  [14, 0],
  [15, 0],
])

/** Why no client should have to read these from a server, in this order; the empty text: nothing is wrong. */
export function problemOf(packets: readonly Buffer[]): string {
  let isIn = false
  for (const [index, packet] of packets.entries()) {
    const firstByte = packet[0] as number
    const type = firstByte >>> 4
    const isDisconnect = type === 14
    const what = packet.subarray(0, 40).toString('hex')
    if (type === 15 && !isIn) continue
    if (!isIn && type !== 2) return `a packet before CONNACK: ${what}`
    if (isIn && type === 2) return `a second CONNACK: ${what}`
    const isRefusal = type === 2 && packet[bodyStartOf(packet) + 1] !== 0
    if ((isDisconnect || isRefusal) && index < packets.length - 1)
      return `more packets after the last: ${what}`
    if (type === 3 ? (firstByte & 6) === 6 : FLAGS.get(type) !== (firstByte & 15)) return `a packet ${what}`
    isIn = true
  }
  return ''
}

const NAMES = new Map([
  [2, 'CONNACK'],
  [3, 'PUBLISH'],
  [4, 'PUBACK'],
  [5, 'PUBREC'],
  [6, 'PUBREL'],
  [7, 'PUBCOMP'],
  [9, 'SUBACK'],
  [11, 'UNSUBACK'],
  [13, 'PINGRESP'],
  [14, 'DISCONNECT'],
  [15, 'AUTH'],
])

/** The packet in a word or two: its reason code where the connection begins or ends, else its body in hex. */
export function summaryOf(packet: Buffer): string {
  const type = (packet[0] as number) >>> 4
  const start = bodyStartOf(packet)
  const said = type === 2 ? packet.subarray(start + 1, start + 2) : packet.subarray(start)
  const shown = type === 14 ? said.subarray(0, 1) : said.subarray(0, 20)
  return `${NAMES.get(type) ?? type} ${shown.toString('hex')}`.trimEnd()
}
