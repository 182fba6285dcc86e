// Ways to spoil a conversation: flip, cut, repeat, splice, reorder, lie. Each takes its script and returns it with one
// thing wrong. What is wrong within a packet is wrong in its length too, or the length is put right: only then does
// the mistake get past the frames.
import { vbi } from '../kit/frames.ts'
import { withProperty } from './property-splices.ts'
import type { Random } from './random.ts'
import { type Saying, type Script, type Step, says } from './script.ts'
import { upset } from './upsets.ts'

export type Mutation = (script: Script, random: Random, other: Script) => Script
export type MutationName = keyof typeof MUTATIONS

const CLIENTS = 4
/** Bytes that mean something somewhere: identifiers, flags, wildcards, what UTF-8 can't have. */
const MEANINGFUL = [
  0, 1, 2, 0x0b, 0x11, 0x21, 0x22, 0x23, 0x26, 0x27, 0x2b, 0x2f, 0x7f, 0x80, 0xc0, 0xed, 0xff,
]

const isSaying = (step: Step): step is Saying => step.kind === 'says' && step.bytes.length > 0

/** `change` one packet, most often not the first: without a CONNECT there is little to see. */
function changing(change: (packet: Buffer, random: Random) => Buffer): Mutation {
  return (script, random) => {
    const spoken = script.filter(isSaying)
    if (spoken.length === 0) return script
    const chosen = spoken[random.chance(25) ? 0 : random.below(spoken.length)]
    return script.map((step) =>
      step === chosen ? says(step.client, mended(change(step.bytes, random), random)) : step,
    )
  }
}

/** Most often with a remaining length that is true again. */
function mended(packet: Buffer, random: Random): Buffer {
  const bodyStart = bodyStartOf(packet)
  if (bodyStart === undefined || random.chance(30)) return packet
  const body = packet.subarray(bodyStart)
  return Buffer.concat([packet.subarray(0, 1), vbi(body.length), body])
}

function bodyStartOf(packet: Buffer): number | undefined {
  for (let at = 1; at < 5 && at < packet.length; at++) if ((packet[at] as number) < 0x80) return at + 1
  return undefined
}

const flipBit = changing((packet, random) => {
  const copy = Buffer.from(packet)
  const at = random.below(copy.length)
  copy[at] = (copy[at] as number) ^ (1 << random.below(8))
  return copy
})

const setByte = changing((packet, random) => {
  const copy = Buffer.from(packet)
  copy[random.below(copy.length)] = random.pick(MEANINGFUL)
  return copy
})

const cutEnd = changing((packet, random) => packet.subarray(0, random.below(packet.length)))

const cutMiddle = changing((packet, random) => {
  const start = random.below(packet.length)
  return Buffer.concat([packet.subarray(0, start), packet.subarray(start + 1 + random.below(8))])
})

const cutPacket: Mutation = (script, random) => {
  const at = random.below(script.length)
  return script.filter((_, index) => index !== at)
}

const repeatBytes = changing((packet, random) => {
  const start = random.below(packet.length)
  const end = start + 1 + random.below(packet.length - start)
  return Buffer.concat([packet.subarray(0, end), packet.subarray(start, end), packet.subarray(end)])
})

const repeatPacket: Mutation = (script, random) => {
  const at = random.below(script.length)
  const step = script[at] as Step
  const copies = new Array<Step>(1 + random.below(random.chance(80) ? 4 : 60)).fill(step)
  return [...script.slice(0, at), ...copies, ...script.slice(at)]
}

const insertBytes = changing((packet, random) => {
  const at = random.below(packet.length + 1)
  return Buffer.concat([packet.subarray(0, at), random.bytes(1 + random.below(12)), packet.subarray(at)])
})

/** The beginning of one story, the end of another; its clients may be of another version. */
const spliceStories: Mutation = (script, random, other) => [
  ...script.slice(0, 1 + random.below(script.length)),
  ...other.slice(random.below(other.length)),
]

/** Both stories at once, told by clients of their own as far as there are enough. */
const weave: Mutation = (script, random, other) => {
  const shift = random.below(CLIENTS)
  const left = [...script]
  const right = other.map((step) =>
    'client' in step ? { ...step, client: (step.client + shift) % CLIENTS } : step,
  )
  const woven: Step[] = []
  while (left.length > 0 || right.length > 0) {
    const from = right.length === 0 || (left.length > 0 && random.chance(50)) ? left : right
    woven.push(from.shift() as Step)
  }
  return woven
}

/** The beginning of one packet, the end of another. */
const spliceBytes: Mutation = (script, random, other) => {
  const others = other.filter(isSaying)
  if (others.length === 0) return script
  const { bytes } = random.pick(others)
  const end = bytes.subarray(random.below(bytes.length))
  const change = changing((packet) =>
    Buffer.concat([packet.subarray(0, random.below(packet.length + 1)), end]),
  )
  return change(script, random, other)
}

/** A property, right in itself, in a packet that may have none such, or has it already. */
const spliceProperty: Mutation = (script, random) => {
  const spoken = script.filter(isSaying)
  if (spoken.length === 0) return script
  const chosen = random.pick(spoken)
  return script.map((step) => (step === chosen ? says(step.client, withProperty(step.bytes, random)) : step))
}

const swapPackets: Mutation = (script, random) => {
  const changed = [...script]
  const one = random.below(script.length)
  const other = random.below(script.length)
  changed[one] = script[other] as Step
  changed[other] = script[one] as Step
  return changed
}

const shuffle: Mutation = (script, random) => {
  const start = random.below(script.length)
  const end = start + 2 + random.below(8)
  const drawn = script.slice(start, end)
  const shuffled: Step[] = []
  while (drawn.length > 0) shuffled.push(...drawn.splice(random.below(drawn.length), 1))
  return [...script.slice(0, start), ...shuffled, ...script.slice(end)]
}

const swapBytes = changing((packet, random) => {
  const copy = Buffer.from(packet)
  const [one, other] = [random.below(copy.length), random.below(copy.length)]
  copy[one] = packet[other] as number
  copy[other] = packet[one] as number
  return copy
})

/** The remaining length says more, less, nothing, far too much, or is longer than it may be. */
const lieAboutPacket: Mutation = (script, random, other) => {
  const lie = (packet: Buffer): Buffer => {
    const bodyStart = bodyStartOf(packet) ?? packet.length
    const body = packet.subarray(bodyStart)
    const claimed = random.pick([0, 1, 127, 128, body.length + 1, Math.max(0, body.length - 1), 0xfff_ffff])
    const length = random.chance(10) ? Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f]) : vbi(claimed)
    return Buffer.concat([packet.subarray(0, 1), length, body])
  }
  const spoken = script.filter(isSaying)
  if (spoken.length === 0) return script
  const chosen = random.chance(10) && other.length > 0 ? spoken[0] : random.pick(spoken)
  return script.map((step) => (step === chosen ? says(step.client, lie(step.bytes)) : step))
}

/** A number of two bytes that could be the length of what follows says something else. */
const lieAboutString = changing((packet, random) => {
  const places: number[] = []
  for (let at = 1; at + 2 < packet.length; at++) {
    const length = packet.readUInt16BE(at)
    if (length > 0 && at + 2 + length <= packet.length) places.push(at)
  }
  if (places.length === 0) return packet
  const copy = Buffer.from(packet)
  const at = random.pick(places)
  const length = copy.readUInt16BE(at)
  copy.writeUInt16BE(random.pick([0, 1, length - 1, length + 1, 255, 256, 0x7fff, 0xffff]), at)
  return copy
})

/** A small byte, as the length of a property block would be, or a packet id, or flags. */
const lieAboutBlock = changing((packet, random) => {
  const places = [...packet.keys()].filter((at) => at > 1 && (packet[at] as number) <= packet.length - at)
  if (places.length === 0) return packet
  const at = random.pick(places)
  const length = packet[at] as number
  const claimed = random.pick([0, length + 1, Math.max(0, length - 1), 127])
  // Longer than need be: the same number in one byte more.
  const lie = random.chance(20) ? Buffer.from([length | 0x80, 0]) : vbi(claimed)
  return Buffer.concat([packet.subarray(0, at), lie, packet.subarray(at + 1)])
})

const oneOf =
  (...mutations: Mutation[]): Mutation =>
  (script, random, other) =>
    random.pick(mutations)(script, random, other)

export const MUTATIONS = {
  flip: oneOf(flipBit, flipBit, setByte),
  cut: oneOf(cutEnd, cutMiddle, cutMiddle, cutPacket),
  repeat: oneOf(repeatBytes, repeatPacket, repeatPacket),
  splice: oneOf(spliceStories, weave, weave, spliceBytes, insertBytes, spliceProperty, spliceProperty),
  reorder: oneOf(swapPackets, shuffle, swapBytes),
  lie: oneOf(lieAboutPacket, lieAboutString, lieAboutString, lieAboutBlock),
  upset,
} as const satisfies Record<string, Mutation>
export const MUTATION_NAMES = Object.keys(MUTATIONS) as MutationName[]
