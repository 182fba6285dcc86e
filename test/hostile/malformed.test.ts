// The table of malformed packets against a whole broker: each before a CONNECT and after one, in its own version.
import { describe, expect, it } from 'vitest'
import { PacketType, packetTypeOf } from '../../src/packet/protocol.ts'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { flow } from '../kit/flow.ts'
import { connack, disconnect, puback, publish1, type Said } from '../kit/packets.ts'
import { type MalformedFixture, malformedFixtures } from '../packet/malformed-fixtures.ts'
import { openHostile } from './hostile-broker.ts'

const typeOf = ({ bytes }: MalformedFixture): number => packetTypeOf(bytes[0] as number)
const flagsOf = ({ bytes }: MalformedFixture): number => (bytes[0] as number) & 15
const rows = malformedFixtures.map((row) => [row.title, row] as const)

/** Types that a client may not send once it is connected, whatever is in the packet. */
const OUT_OF_PLACE: ReadonlySet<number> = new Set([
  PacketType.Connect,
  PacketType.Connack,
  PacketType.Suback,
  PacketType.Unsuback,
  PacketType.Pingresp,
])

/** The last packet before the close, if the version has one. */
function answerAfterConnect(row: MalformedFixture): Said[] {
  if (row.version !== 5) return []
  if (!OUT_OF_PLACE.has(typeOf(row))) return [disconnect(row.reasonCode)]
  return [disconnect(flagsOf(row) === 0 ? ReasonCode.ProtocolError : ReasonCode.MalformedPacket)]
}

function answerBeforeConnect(row: MalformedFixture): Said[] {
  if (typeOf(row) !== PacketType.Connect) return []
  if (row.version === 5) return [connack(row.reasonCode)]
  return row.reasonCode === ReasonCode.UnsupportedProtocolVersion ? [connack(1)] : []
}

describe('after CONNECT', () => {
  it.each(rows)('%s ends its connection as the version prescribes, and no other', async (_, row) => {
    const kit = await openHostile()
    const peer = await kit.client('hostile', { version: row.version })
    // What came before it in the same chunk is done, what comes after it is not.
    await flow(peer)
      .send(publish1(1, 'a', 'x'), row.bytes, publish1(2, 'a', 'x'))
      .receive(puback(1, row.version === 5 ? ReasonCode.NoMatchingSubscribers : 0))
      .receive(...answerAfterConnect(row))
      .closed()
    await kit.servesOthers()
  })
})

describe('before CONNECT', () => {
  it.each(rows)('%s is answered by CONNACK if it is one of a known version, and closed', async (_, row) => {
    const kit = await openHostile()
    await flow(kit.peer(row.version))
      .send(row.bytes)
      .receive(...answerBeforeConnect(row))
      .closed()
    await kit.servesOthers()
  })

  it('is a table with CONNECT packets of every version', () => {
    const versions = malformedFixtures.filter((row) => typeOf(row) === PacketType.Connect)
    expect(new Set(versions.map(({ version }) => version))).toEqual(new Set([3, 4, 5]))
  })
})
