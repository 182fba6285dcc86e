// Packets as clients of any version write them, put together byte by byte: the words of stories.ts. All that 5.0 lets
// a client say is in them: each property of each packet, now and then.
import { frame, hex, text, u16, userProperty, vbi } from '../kit/frames.ts'
import type { Qos, Version } from '../kit/packets.ts'
import type { Random } from './random.ts'

const NOTHING = Buffer.alloc(0)
const STRINGS = ['h', 'h/answer', 'text/plain', 'ü', '客户', '__proto__', 'x'.repeat(200)]

export const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)])
export const binary = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes])
const property = (id: number, value: Buffer): Buffer => Buffer.concat([Buffer.from([id]), value])

type PropertyMaker = (random: Random) => Buffer
const byteOf = (id: number) => (random: Random) => property(id, Buffer.from([random.below(2)]))
const shortOf = (id: number, most: number) => (random: Random) => property(id, u16(1 + random.below(most)))
const secondsOf = (id: number) => (random: Random) =>
  property(id, u32(random.pick([0, 1, 3, 3, 0xffff_ffff])))
const textOf = (id: number) => (random: Random) => property(id, text(random.pick(STRINGS)))
const binaryOf = (id: number) => (random: Random) => property(id, binary(random.bytes(random.below(20))))
const pair: PropertyMaker = (random) => userProperty(random.pick(STRINGS), random.pick(STRINGS))
const identifier: PropertyMaker = (random) => property(0x0b, vbi(1 + random.below(random.pick([9, 2e5]))))
/** Small ones leave messages out, but never the CONNACK. */
const packetSize: PropertyMaker = (random) =>
  property(0x27, u32(random.chance(30) ? 400 + random.below(200) : 100_000))

const MESSAGE: readonly PropertyMaker[] = [
  byteOf(0x01),
  secondsOf(0x02),
  textOf(0x03),
  () => property(0x08, text('h/answer')),
  binaryOf(0x09),
  pair,
]
const ANSWER: readonly PropertyMaker[] = [textOf(0x1f), pair]

/** What may stand in the properties of each packet from a client, but topic alias and authentication. */
const PROPERTIES = {
  connect: [
    secondsOf(0x11),
    shortOf(0x21, 20),
    packetSize,
    shortOf(0x22, 5),
    byteOf(0x17),
    byteOf(0x19),
    pair,
    pair,
  ],
  will: [...MESSAGE, secondsOf(0x18)],
  publish: MESSAGE,
  ack: ANSWER,
  subscribe: [identifier, pair],
  unsubscribe: [pair, pair],
  disconnect: ANSWER,
  leave: [...ANSWER, secondsOf(0x11)],
  auth: ANSWER,
} as const satisfies Record<string, readonly PropertyMaker[]>

/** A property block with its length; nothing before 5.0. */
function block(kind: keyof typeof PROPERTIES, by: Speaker, more: readonly Buffer[] = []): Buffer {
  const { random, version } = by
  if (version < 5) return NOTHING
  const percent = random.pick([0, 0, 30, 100])
  const chosen = PROPERTIES[kind].filter(() => random.chance(percent)).map((make) => make(random))
  const all = Buffer.concat([...more, ...chosen])
  return Buffer.concat([vbi(all.length), all])
}

/** Who writes. */
export interface Speaker {
  readonly version: Version
  readonly random: Random
}

export interface Will {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
}

export interface ConnectFields {
  readonly cleanStart?: boolean
  readonly keepAlive?: number
  /** Of 5.0, in seconds: instead of a random one. */
  readonly expiry?: number
  readonly will?: Will
  readonly userName?: string
  readonly password?: string
  readonly more?: readonly Buffer[]
  readonly isBridge?: boolean
}

export function connect(by: Speaker, clientId: string, fields: ConnectFields = {}): Buffer {
  const { version } = by
  const { cleanStart = true, keepAlive = 0, will, userName, password, isBridge = false, more = [] } = fields
  const flags =
    (cleanStart ? 0x02 : 0) |
    (will === undefined ? 0 : 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0)) |
    (password === undefined ? 0 : 0x40) |
    (userName === undefined ? 0 : 0x80)
  const level = version | (isBridge && version < 5 ? 0x80 : 0)
  return frame(
    0x10,
    text(version === 3 ? 'MQIsdp' : 'MQTT'),
    Buffer.from([level, flags]),
    u16(keepAlive),
    fields.expiry === undefined ? block('connect', by, more) : onlyExpiry(by, fields.expiry, more),
    text(clientId),
    ...(will === undefined ? [] : [block('will', by), text(will.topic), text(will.payload)]),
    ...(userName === undefined ? [] : [text(userName)]),
    ...(password === undefined ? [] : [text(password)]),
  )
}

function onlyExpiry({ version }: Speaker, seconds: number, more: readonly Buffer[]): Buffer {
  if (version < 5) return NOTHING
  const all = Buffer.concat([property(0x11, u32(seconds)), ...more])
  return Buffer.concat([vbi(all.length), all])
}

export const authentication = (method: string, data: Buffer): readonly Buffer[] => [
  property(0x15, text(method)),
  property(0x16, binary(data)),
]

export interface PublishFields {
  readonly qos?: Qos
  readonly packetId?: number
  readonly retain?: boolean
  readonly dup?: boolean
  /** Of 5.0: sets it, or uses it where the topic is empty. */
  readonly alias?: number
}

export function publish(by: Speaker, topic: string, payload: string, fields: PublishFields = {}): Buffer {
  const { qos = 0, packetId = 1, retain = false, dup = false, alias } = fields
  const aliased = alias === undefined ? [] : [property(0x23, u16(alias))]
  return frame(
    0x30 | (dup && qos > 0 ? 8 : 0) | (qos << 1) | (retain ? 1 : 0),
    text(topic),
    qos === 0 ? NOTHING : u16(packetId),
    block('publish', by, aliased),
    Buffer.from(payload),
  )
}

export interface SubscribeFields {
  readonly qos?: Qos
  readonly noLocal?: boolean
  readonly retainAsPublished?: boolean
  readonly retainHandling?: 0 | 1 | 2
}

export function subscribe(
  by: Speaker,
  packetId: number,
  filters: readonly string[],
  fields: SubscribeFields = {},
): Buffer {
  const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = fields
  const options5 = (retainHandling << 4) | (retainAsPublished ? 8 : 0) | (noLocal ? 4 : 0)
  const options = Buffer.from([qos | (by.version === 5 ? options5 : 0)])
  const parts = filters.flatMap((filter) => [text(filter), options])
  return frame(0x82, u16(packetId), block('subscribe', by), ...parts)
}

export const unsubscribe = (by: Speaker, packetId: number, filters: readonly string[]): Buffer =>
  frame(0xa2, u16(packetId), block('unsubscribe', by), ...filters.map(text))

export const FirstByte = { Puback: 0x40, Pubrec: 0x50, Pubrel: 0x62, Pubcomp: 0x70 } as const
export type FirstByte = (typeof FirstByte)[keyof typeof FirstByte]

export function ack(by: Speaker, firstByte: FirstByte, packetId: number, reasonCode = 0): Buffer {
  const isLong = by.version === 5 && (reasonCode !== 0 || by.random.chance(20))
  if (!isLong) return frame(firstByte, u16(packetId))
  return frame(firstByte, u16(packetId), Buffer.from([reasonCode]), block('ack', by))
}

export const pingreq = hex('c000')

/** One whose session is kept may say for how long. */
export function disconnect(by: Speaker, reasonCode = 0, isKept = false): Buffer {
  if (by.version < 5 || by.random.chance(30)) return hex('e000')
  return frame(0xe0, Buffer.from([reasonCode]), block(isKept ? 'leave' : 'disconnect', by))
}

export const auth = (by: Speaker, reasonCode: number, method: string, data: Buffer): Buffer =>
  frame(0xf0, Buffer.from([reasonCode]), block('auth', by, authentication(method, data)))
