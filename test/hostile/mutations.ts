// Ways to spoil a conversation: each takes its packets and returns them with one thing wrong.
import type { Random } from './random.ts'

type Packets = readonly Buffer[]
export type Mutation = (packets: Packets, random: Random, others: Packets) => Packets

/** `change` one packet, most often not the first: without a CONNECT there is little to see. */
function changing(change: (packet: Buffer, random: Random) => Buffer): Mutation {
  return (packets, random) => {
    const index = random.chance(25) ? 0 : random.below(packets.length)
    return packets.map((packet, i) => (i === index ? change(packet, random) : packet))
  }
}

const flipBit = changing((packet, random) => {
  const copy = Buffer.from(packet)
  const at = random.below(copy.length)
  copy[at] = (copy[at] as number) ^ (1 << random.below(8))
  return copy
})

const setByte = changing((packet, random) => {
  const copy = Buffer.from(packet)
  copy[random.below(copy.length)] = random.pick([0, 1, 2, 0x23, 0x2b, 0x2f, 0x7f, 0x80, 0xc0, 0xed, 0xff])
  return copy
})

const cutEnd = changing((packet, random) => packet.subarray(0, random.below(packet.length)))

const cutMiddle = changing((packet, random) => {
  const start = random.below(packet.length)
  return Buffer.concat([packet.subarray(0, start), packet.subarray(start + 1 + random.below(8))])
})

const insertBytes = changing((packet, random) => {
  const at = random.below(packet.length + 1)
  const bytes = Buffer.from(Array.from({ length: 1 + random.below(12) }, () => random.below(256)))
  return Buffer.concat([packet.subarray(0, at), bytes, packet.subarray(at)])
})

const repeatBytes = changing((packet, random) => {
  const start = random.below(packet.length)
  const end = start + 1 + random.below(packet.length - start)
  return Buffer.concat([packet.subarray(0, end), packet.subarray(start, end), packet.subarray(end)])
})

/** The first byte of the remaining length says something else. */
const lieAboutLength = changing((packet, random) => {
  const copy = Buffer.from(packet)
  if (copy.length > 1) copy[1] = random.chance(50) ? random.below(256) : (copy[1] as number) ^ 1
  return copy
})

/** Two bytes somewhere, as the length of a string would be. */
const lieAboutString = changing((packet, random) => {
  const copy = Buffer.from(packet)
  if (copy.length < 4) return copy
  copy.writeUInt16BE(random.pick([0, 1, 2, 255, 256, 65_535]), 2 + random.below(copy.length - 3))
  return copy
})

const repeatPacket: Mutation = (packets, random) => {
  const at = random.below(packets.length)
  const packet = packets[at] as Buffer
  const copies = new Array<Buffer>(1 + random.below(50)).fill(packet)
  return [...packets.slice(0, at), ...copies, ...packets.slice(at)]
}

const dropPacket: Mutation = (packets, random) => {
  const at = random.below(packets.length)
  return packets.filter((_, i) => i !== at)
}

const swapPackets: Mutation = (packets, random) => {
  const changed = [...packets]
  const one = random.below(packets.length)
  const other = random.below(packets.length)
  changed[one] = packets[other] as Buffer
  changed[other] = packets[one] as Buffer
  return changed
}

/** The beginning of one conversation, the end of another; it may be of another version. */
const splice: Mutation = (packets, random, others) => [
  ...packets.slice(0, 1 + random.below(packets.length)),
  ...others.slice(random.below(others.length)),
]

/** The same, within a packet. */
const spliceBytes: Mutation = (packets, random, others) => {
  const at = random.below(packets.length)
  const one = packets[at] as Buffer
  const other = random.pick(others)
  const mixed = Buffer.concat([
    one.subarray(0, random.below(one.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ])
  return [...packets.slice(0, at), mixed, ...packets.slice(at + 1)]
}

export const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  cutEnd,
  cutMiddle,
  insertBytes,
  repeatBytes,
  lieAboutLength,
  lieAboutString,
  repeatPacket,
  dropPacket,
  swapPackets,
  splice,
  spliceBytes,
]

/** `packets` with up to four things wrong. */
export function mutate(packets: Packets, random: Random, others: Packets): Packets {
  let changed = packets
  for (let count = 1 + random.below(4); count > 0 && changed.length > 0; count--) {
    changed = random.pick(MUTATIONS)(changed, random, others)
    // A packet that was cut down to nothing is none.
    changed = changed.filter(({ length }) => length > 0)
  }
  return changed
}
