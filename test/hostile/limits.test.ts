// The bounds of what one client, or all of them, may make the broker hold: what is answered at each.
import { describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { flow } from '../kit/flow.ts'
import { frame, hex, text, u16, userProperty, vbi } from '../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish,
  publish1,
  type Said,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../kit/packets.ts'
import { openHostile } from './hostile-broker.ts'

const filters = (count: number): string[] => Array.from({ length: count }, (_, i) => `filter/${i}`)
const times = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value)

describe('subscriptions', () => {
  it.each([3, 4, 5] as const)(
    '10,000 of them in one SUBSCRIBE are all taken, in version %i',
    async (version) => {
      const kit = await openHostile()
      const peer = await kit.client('hostile', { version })
      await flow(peer)
        .send(subscribe(1, filters(10_000), 1))
        .receive(suback(1, ...times(10_000, 1)))
        .do(() => kit.publish('filter/9999', 'x'))
        .receive(publish('filter/9999', 'x'))
        .send(unsubscribe(2, ...filters(10_000)))
        .receive(version === 5 ? unsuback(2, ...times(10_000, 0)) : unsuback(2))
        .do(() => kit.publish('filter/9999', 'x'))
        .receiveNothing()
      await kit.servesOthers()
    },
  )

  it('10,000 of them while retained messages are being given lose none of these', async () => {
    const kit = await openHostile()
    for (let i = 0; i < 1_000; i++) await kit.publish(`retained/${i}`, 'x', true)
    const peer = await kit.client('hostile')
    // The last two wait for their turn behind # when one of them is given up again.
    const all = ['#', ...filters(9_997), 'retained/7', 'retained/8']
    peer.send(subscribe(1, all, 0), unsubscribe(2, ...filters(9_997), 'retained/8'))
    await flow(peer).receive(suback(1, ...times(10_000, 0)))
    const received = new Map<string, number>()
    for (let i = 0; i < 1_002; i++) {
      const { packet } = await peer.next()
      const key = packet.cmd === 'publish' ? String(packet.topic) : packet.cmd
      received.set(key, (received.get(key) ?? 0) + 1)
    }
    expect(received.size).toBe(1_001)
    expect(received.get('unsuback')).toBe(1)
    expect(received.get('retained/7')).toBe(2)
    expect(received.get('retained/8')).toBe(1)
    await flow(peer).receiveNothing()
    await kit.servesOthers()
  })

  it('above subscriptionsPerSessionMax are refused one by one, and may be replaced and given back', async () => {
    const kit = await openHostile({ subscriptionsPerSessionMax: 3 })
    for (const [version, refusal] of [
      [5, ReasonCode.QuotaExceeded],
      [4, 0x80],
      [3, 0x80],
    ] as const) {
      const peer = await kit.client('hostile', { version })
      await flow(peer)
        .send(subscribe(1, ['a', 'b', 'c', 'd', 'a', '$share/name/a'], 1))
        .receive(suback(1, 1, 1, 1, refusal, 1, refusal))
        .send(unsubscribe(2, 'b'))
        .receive(version === 5 ? unsuback(2, 0) : unsuback(2))
        .send(subscribe(3, ['d', 'e'], 1))
        .receive(suback(3, 1, refusal))
        .receiveNothing()
    }
    await kit.servesOthers()
  })
})

describe('a packet above its limit', () => {
  const many = (firstByte: number, field: Buffer): Buffer =>
    frame(firstByte, u16(1), hex('00'), Buffer.concat(times(400, field)))
  const block = Buffer.concat(times(200, userProperty('k', 'v')))
  const rows: [string, Buffer][] = [
    ['SUBSCRIBE', many(0x82, Buffer.concat([text('a'), hex('00')]))],
    ['UNSUBSCRIBE', many(0xa2, text('ab'))],
    ['PUBACK', frame(0x40, u16(1), hex('00'), vbi(block.length), block)],
    ['DISCONNECT', frame(0xe0, hex('00'), vbi(block.length), block)],
  ]
  it.each(rows)('controlBytesMax is refused: %s', async (_, packet) => {
    const kit = await openHostile({ controlBytesMax: 1_000 })
    await flow(await kit.client('hostile'))
      .send(publish1(1, 'a', 'x'.repeat(2_000)), packet)
      .receive(puback(1, ReasonCode.NoMatchingSubscribers), disconnect(ReasonCode.QuotaExceeded))
      .closed()
    await kit.servesOthers()
  })

  it.each([
    [5, [disconnect(ReasonCode.PacketTooLarge)]],
    [4, []],
    [3, []],
  ] as [3 | 4 | 5, Said[]][])(
    'maximumPacketSize is refused before its body, in version %i',
    async (version, answer) => {
      const kit = await openHostile({ maximumPacketSize: 1_000 })
      const peer = await kit.client('hostile', { version })
      await flow(peer)
        .send(frame(0x30, Buffer.concat([text('a'), version === 5 ? hex('00') : hex(''), Buffer.alloc(990)])))
        .receiveNothing()
      await flow(peer)
        .send(hex('30 e6 07'))
        .receive(...answer)
        .closed()
      await kit.servesOthers()
    },
  )
})

describe('the number of', () => {
  it('sessions is limited by sessionsMax, connected or not, and one that ends makes room', async () => {
    const kit = await openHostile({ sessionsMax: 4 })
    const kept = { clean: false, properties: { sessionExpiryInterval: 50 } }
    await flow(await kit.client('kept', { fields: kept })).drop()
    const last = await kit.client('last', { version: 4 })
    await flow(kit.peer()).send(connect('more')).receive(connack(ReasonCode.QuotaExceeded)).closed()
    await flow(kit.peer(4)).send(connect('more')).receive(connack(3)).closed()
    await flow(kit.peer(3)).send(connect('more')).receive(connack(3)).closed()
    // Who has a session already may come back to it, or start it anew.
    await flow(await kit.client('kept', { fields: kept, sessionPresent: true })).drop()
    await flow(await kit.client('kept', { fields: { ...kept, clean: true } })).drop()
    await flow(last).drop()
    await kit.client('more')
    await kit.servesOthers()
  })

  it('connections is limited by connectionsMax, CONNECT or not, and one that ends makes room', async () => {
    const kit = await openHostile({ connectionsMax: 4 })
    const silent = kit.peer()
    const client = await kit.client('client')
    for (let i = 0; i < 10; i++) await flow(kit.peer()).closed()
    await flow(kit.peer()).send(connect('more')).closed()
    await flow(silent).drop()
    await kit.client('more')
    await flow(kit.peer()).closed()
    await flow(client).receiveNothing()
    await kit.servesOthers()
  })
})

describe('topic aliases', () => {
  const alias = (topic: string, id: number): Buffer =>
    frame(0x30, text(topic), hex('03 23'), u16(id), Buffer.from('x'))
  it.each([
    ['0', alias('a', 0), ReasonCode.TopicAliasInvalid],
    ['above the maximum', alias('a', 65), ReasonCode.TopicAliasInvalid],
    ['far above the maximum', alias('a', 65_535), ReasonCode.TopicAliasInvalid],
    ['that was never set', alias('', 64), ReasonCode.ProtocolError],
    ['for a topic with a wildcard', alias('a/#', 1), ReasonCode.TopicNameInvalid],
    ['for a topic of 30,000 levels', alias('a/'.repeat(29_999), 1), ReasonCode.TopicNameInvalid],
  ])('an alias %s ends the connection', async (_, packet, reasonCode) => {
    const kit = await openHostile()
    await flow(await kit.client('hostile'))
      .send(alias('fine', 1), packet, alias('fine', 1))
      .receive(disconnect(reasonCode))
      .closed()
    // What an earlier connection of the client had set is gone.
    await flow(await kit.client('hostile'))
      .send(alias('', 1))
      .receive(disconnect(ReasonCode.ProtocolError))
      .closed()
    await kit.servesOthers()
  })

  it('are set anew as often as one likes, with the longest names', async () => {
    const kit = await openHostile()
    const peer = await kit.subscriber('hostile', 'a', 0)
    const long = (i: number): string => `${i}/${'x'.repeat(65_000)}`
    for (let i = 0; i < 640; i++) await flow(peer).send(alias(long(i), 1 + (i % 64)))
    await flow(peer)
      .send(alias('a', 64), alias('', 64))
      .receive(publish('a', 'x'), publish('a', 'x'))
      .receiveNothing()
    await kit.servesOthers()
  })
})
