// Every first byte there is with nothing behind it, to a broker that waits for CONNECT and to one that has had it.
import { describe, it } from 'vitest'
import { PacketType, packetTypeOf } from '../../src/packet/protocol.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { flow } from '../kit/flow.ts'
import { disconnect, pingresp, publish1, type Said, type Version } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { type HostileBroker, openHostile } from './hostile-broker.ts'

const FIRST_BYTES = Array.from({ length: 256 }, (_, byte) => byte)
const FLAGS: ReadonlyMap<number, number> = new Map([
  [PacketType.Pubrel, 2],
  [PacketType.Subscribe, 2],
  [PacketType.Unsubscribe, 2],
])
const OUT_OF_PLACE: ReadonlySet<number> = new Set([
  PacketType.Connect,
  PacketType.Connack,
  PacketType.Suback,
  PacketType.Unsuback,
  PacketType.Pingresp,
  PacketType.Auth,
])

type Answer = Said[] | 'stays'

function answerOf5(firstByte: number): Answer {
  const type = packetTypeOf(firstByte)
  const isFlagged = type !== PacketType.Publish && (firstByte & 15) !== (FLAGS.get(type) ?? 0)
  if (type === 0 || isFlagged) return [disconnect(ReasonCode.MalformedPacket)]
  if (type === PacketType.Pingreq) return 'stays'
  if (type === PacketType.Disconnect) return []
  return [disconnect(OUT_OF_PLACE.has(type) ? ReasonCode.ProtocolError : ReasonCode.MalformedPacket)]
}

/** MQTT 3.1 does not say what the flags of PINGREQ must be. */
const isPing = (firstByte: number, version: Version): boolean =>
  version === 3 ? packetTypeOf(firstByte) === PacketType.Pingreq : firstByte === PacketType.Pingreq << 4

const answerOf = (firstByte: number, version: Version): Answer => {
  if (version === 5) return answerOf5(firstByte)
  return isPing(firstByte, version) ? 'stays' : []
}

async function sendFirstByte(kit: HostileBroker, firstByte: number, version: Version): Promise<void> {
  const peer = await kit.client(`client ${firstByte}`, { version })
  const bytes = Buffer.from([firstByte, 0])
  const answer = answerOf(firstByte, version)
  if (answer === 'stays') return flow(peer).send(bytes).receive(pingresp).receiveNothing().then()
  await flow(peer)
    .send(bytes, publish1(9, 'a', 'x'))
    .receive(...answer)
    .closed()
}

describe.each([3, 4, 5] as const)('in version %i', (version) => {
  it('each first byte with an empty body has one answer after CONNECT', async () => {
    const kit = await openHostile()
    for (const firstByte of FIRST_BYTES) {
      await sendFirstByte(kit, firstByte, version)
      await kit.servesOthers()
    }
  })
})

it('each first byte with an empty body is closed without a word before CONNECT', async () => {
  const kit = await openHostile()
  for (const firstByte of FIRST_BYTES) {
    await flow(kit.peer())
      .send(Buffer.from([firstByte, 0]))
      .closed()
  }
  await kit.servesOthers()
})

it('each first byte alone is waited upon if it may be that of CONNECT, and closed at the deadline', async () => {
  const kit = await openHostile()
  const peerThatSays = (firstByte: number): Peer => {
    const peer = kit.peer()
    peer.send(Buffer.from([firstByte]))
    return peer
  }
  const isConnect = (firstByte: number): boolean => packetTypeOf(firstByte) === PacketType.Connect
  const others = FIRST_BYTES.filter((firstByte) => !isConnect(firstByte)).map(peerThatSays)
  for (const peer of others) await flow(peer).closed()
  const peers = FIRST_BYTES.filter(isConnect).map(peerThatSays)
  await kit.settle()
  kit.clock.advance(9_999)
  for (const peer of peers) await flow(peer).receiveNothing()
  kit.clock.advance(200)
  for (const peer of peers) await flow(peer).closed()
  await kit.servesOthers()
})
