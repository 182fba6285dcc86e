// What well-behaved clients say, packet by packet: the raw material of the fuzz. Each visits many of the handlers.
import { frame, hex, publish5, text, u16, userProperty, vbi } from '../kit/frames.ts'
import {
  connect,
  disconnect,
  encode,
  pingreq,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Sendable,
  subscribe,
  unsubscribe,
  type Version,
  willOf,
} from '../kit/packets.ts'
import type { Random } from './random.ts'

export interface Conversation {
  readonly version: Version
  readonly packets: readonly Buffer[]
}

const CLIENT_IDS = ['h', 'hostile', '__proto__', '客户', 'x'.repeat(300)]
const TOPICS = ['h', 'h/1', 'h/1/2', '/h', 'h/', '$h/1', 'h/ü', `h/${'y'.repeat(200)}`]
const FILTERS = [...TOPICS, 'h/#', '+/1', 'h/+/2', '$share/g/h/#', '$share/g/+/1', '$h/#']

const topicOf = (random: Random): string => random.pick(TOPICS)
const idOf = (random: Random): number => 1 + random.below(random.chance(90) ? 8 : 65_535)
const payloadOf = (random: Random): string => 'p'.repeat(random.below(random.chance(90) ? 40 : 5_000))

function aConnect(random: Random, version: Version): Sendable {
  const expiry = random.pick([0, 1, 20, 0xffff_ffff])
  const properties = {
    sessionExpiryInterval: expiry,
    receiveMaximum: 1 + random.below(20),
    topicAliasMaximum: random.below(5),
    ...(random.chance(20) && { maximumPacketSize: 20 + random.below(200) }),
    userProperties: { a: 'b' },
  }
  const willProperties = { willDelayInterval: random.below(10), messageExpiryInterval: random.below(10) }
  const is5 = version === 5
  const will = willOf(topicOf(random), payloadOf(random), {
    qos: random.below(3),
    retain: random.chance(50),
    ...(is5 && { properties: willProperties }),
  })
  return connect(random.pick(CLIENT_IDS), {
    clean: random.chance(50),
    keepalive: random.below(30),
    ...(random.chance(50) && { will }),
    ...(random.chance(30) && { username: 'name', password: Buffer.from('secret') }),
    ...(is5 && { properties }),
  })
}

function aPublish(random: Random): Sendable {
  const fields = { retain: random.chance(20) }
  const topic = topicOf(random)
  switch (random.below(3)) {
    case 0:
      return publish(topic, payloadOf(random), fields)
    case 1:
      return publish1(idOf(random), topic, payloadOf(random), { ...fields, dup: random.chance(10) })
    default:
      return publish2(idOf(random), topic, payloadOf(random), { ...fields, dup: random.chance(10) })
  }
}

const EXPIRY = hex('02 00000005')
const CONTENT = Buffer.concat([
  hex('03'),
  text('text/plain'),
  hex('08'),
  text('h/answer'),
  hex('09 0002 ff00'),
])

function aPublish5(random: Random): Sendable {
  const alias = Buffer.concat([hex('23'), u16(1 + random.below(64))])
  const properties = [EXPIRY, CONTENT, userProperty('k', 'v'), alias].filter(() => random.chance(50))
  return publish5(topicOf(random), properties, payloadOf(random))
}

function aSubscribe(random: Random, version: Version): Sendable {
  const filters = Array.from({ length: 1 + random.below(4) }, () => random.pick(FILTERS))
  if (version === 5 && random.chance(30)) {
    const property = Buffer.concat([hex('0b'), vbi(1 + random.below(200_000))])
    return frame(0x82, u16(idOf(random)), vbi(property.length), property, text('h/#'), hex('19'))
  }
  return subscribe(idOf(random), filters, random.pick([0, 1, 2] as const))
}

type Maker = (random: Random, version: Version) => Sendable

const MAKERS: readonly Maker[] = [
  aPublish,
  aPublish,
  (random, version) => (version === 5 ? aPublish5(random) : aPublish(random)),
  aSubscribe,
  (random) => unsubscribe(idOf(random), random.pick(FILTERS)),
  (random) => random.pick([puback, pubrec, pubrel, pubcomp])(idOf(random)),
  (random) => random.pick([puback, pubrec, pubrel, pubcomp])(idOf(random)),
  () => pingreq,
]

export function makeConversation(random: Random): Conversation {
  const version = random.pick([3, 4, 5, 5] as const)
  const packets: Sendable[] = [aConnect(random, version), aSubscribe(random, version)]
  const length = 2 + random.below(20)
  for (let i = 0; i < length; i++) packets.push(random.pick(MAKERS)(random, version))
  if (random.chance(40)) packets.push(disconnect(version === 5 && random.chance(30) ? 4 : 0))
  return { version, packets: packets.map((packet) => encode(packet, version)) }
}
