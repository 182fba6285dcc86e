// Topic names and topic filters that are too long, too deep, empty, or have wildcards where none may be.
import { describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { flow } from '../kit/flow.ts'
import { frame, hex, text, u16, vbi } from '../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish,
  publish1,
  publish2,
  type Said,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
  type Version,
  willOf,
} from '../kit/packets.ts'
import { openHostile } from './hostile-broker.ts'

const VERSIONS = [3, 4, 5] as const
const DEEP = `${'a/'.repeat(29_999)}a`
const SLASHES = '/'.repeat(65_535)
const LONG = `${'ä'.repeat(32_767)}!`

const only5 = (version: Version, answer: Said): Said[] => (version === 5 ? [answer] : [])
const failure = (version: Version, reasonCode: number): number => (version === 5 ? reasonCode : 0x80)

describe.each(VERSIONS)('in version %i', (version) => {
  const invalidNames: [string, string][] = [
    ['30,000 levels', DEEP],
    ['65,535 slashes', SLASHES],
    ['a +', 'a/+'],
    ['a + in a level', 'a+'],
    ['a #', '#'],
    ['a # at the end', 'a/#'],
  ]
  it.each(invalidNames)('a topic name of %s is refused at every QoS', async (_, topic) => {
    const kit = await openHostile()
    for (const packet of [publish(topic, 'x'), publish1(1, topic, 'x'), publish2(1, topic, 'x')]) {
      for (const retain of [false, true]) {
        await flow(await kit.client('hostile', { version }))
          .send({ ...packet, retain })
          .receive(...only5(version, disconnect(ReasonCode.TopicNameInvalid)))
          .closed()
      }
    }
    await kit.servesOthers()
  })

  it.each(invalidNames)('a will topic of %s is refused, and its session not made', async (_, topic) => {
    const kit = await openHostile()
    const fields = { clean: false, ...(version === 5 && { properties: { sessionExpiryInterval: 100 } }) }
    await flow(kit.peer(version))
      .send(connect('hostile', { ...fields, will: willOf(topic, 'x', { qos: 1 }) }))
      .receive(...only5(version, connack(ReasonCode.TopicNameInvalid)))
      .closed()
    await kit.client('hostile', { version, fields, sessionPresent: false })
    await kit.servesOthers()
  })

  it('a topic name of no characters is refused', async () => {
    const kit = await openHostile()
    await flow(await kit.client('hostile', { version }))
      .send(frame(0x30, u16(0), version === 5 ? hex('00') : hex('')))
      .receive(...only5(version, disconnect(ReasonCode.ProtocolError)))
      .closed()
    const none = version === 5 ? vbi(0) : Buffer.alloc(0)
    const protocol = [text(version === 3 ? 'MQIsdp' : 'MQTT'), Buffer.from([version, 0x06, 0, 0])]
    await flow(kit.peer(version))
      .send(frame(0x10, ...protocol, none, text('hostile'), none, text(''), text('x')))
      .receive(...only5(version, connack(ReasonCode.TopicNameInvalid)))
      .closed()
    await kit.servesOthers()
  })

  it.each([
    ['of 30,000 levels', DEEP],
    ['of 65,535 slashes', SLASHES],
    ['of 30,000 levels of +', `${'+/'.repeat(29_999)}+`],
    ['of 30,000 levels and a #', `${'a/'.repeat(29_999)}#`],
    ['that is shared and has 30,000 levels', `$share/name/${DEEP}`],
    ['with a # in the middle', 'a/#/b'],
    ['with a # in a level', 'a#'],
    ['with a + in a level', 'a+/b'],
    ['of two #', '##'],
    ['of $share', '$share'],
    ['of $share/', '$share/'],
    ['of a share name alone', '$share/name'],
    ['of a share name and an empty filter', '$share/name/'],
    ['of an empty share name', '$share//a'],
    ['of an empty share name and an empty filter', '$share//'],
    ['of a share name that is a +', '$share/+/a'],
    ['of a share name with a +', '$share/a+b/a'],
    ['of a share name that is a #', '$share/#/a'],
    ['that is shared and has a # in the middle', '$share/name/#/a'],
  ])('a topic filter %s is refused, and those beside it taken', async (_, filter) => {
    const kit = await openHostile()
    const peer = await kit.client('hostile', { version })
    await flow(peer)
      .send(subscribe(1, ['a', filter, 'b'], 1))
      .receive(suback(1, 1, failure(version, ReasonCode.TopicFilterInvalid), 1))
      .send(publish('b', 'x'))
      .receive(publish('b', 'x'))
      .send(unsubscribe(2, filter, 'b'))
      .receive(version === 5 ? unsuback(2, ReasonCode.TopicFilterInvalid, 0) : unsuback(2))
      .receiveNothing()
    await kit.servesOthers()
  })

  it('a topic filter of no characters is refused', async () => {
    const kit = await openHostile()
    const peer = await kit.client('hostile', { version })
    const properties = version === 5 ? vbi(0) : Buffer.alloc(0)
    await flow(peer)
      .send(frame(0x82, u16(1), properties, text(''), hex('00')))
      .receive(suback(1, failure(version, ReasonCode.TopicFilterInvalid)))
      .receiveNothing()
    await kit.servesOthers()
  })

  it('a topic of 65,535 bytes is taken as name, filter, will, shared filter and retained', async () => {
    const kit = await openHostile()
    const peer = await kit.subscriber('hostile', LONG, 1, { version })
    await flow(peer)
      .send(publish1(1, LONG, 'x', { retain: true }))
      .receiveUnordered(puback(1), publish1(1, LONG, 'x'))
      .send(puback(1))
      .send(unsubscribe(2, LONG))
      .receive(version === 5 ? unsuback(2, 0) : unsuback(2))
    const shared = `$share/name/${LONG.slice(0, 32_700)}`
    await flow(peer)
      .send(subscribe(3, shared, 0))
      .receive(suback(3, 0))
      .do(() => kit.publish(LONG.slice(0, 32_700), 'y'))
      .receive(publish(LONG.slice(0, 32_700), 'y'))
    const late = await kit.subscriber('late', LONG, 0)
    await flow(late).receive(publish(LONG, 'x', { retain: true }))
    await flow(await kit.client('wills', { version, fields: { will: willOf(LONG, 'gone') } })).drop()
    await flow(late).receive(publish(LONG, 'gone'))
    await kit.servesOthers()
  })

  it('a PUBLISH whose topic name is announced longer than it can be is cut off at once', async () => {
    const kit = await openHostile()
    await flow(await kit.client('hostile', { version }))
      .send(frame(0x30, u16(65_535), Buffer.alloc(65_534, 'a')))
      .receive(...only5(version, disconnect(ReasonCode.MalformedPacket)))
      .closed()
    await kit.servesOthers()
  })
})

it('levels without end cost nothing where they are allowed: matching, retaining and removing', async () => {
  const kit = await openHostile({ topicLevelsMax: 65_536 })
  const peer = await kit.client('deep', { version: 4 })
  const filters = [SLASHES, `${'+/'.repeat(29_999)}+`, DEEP, `$share/name/${DEEP}`, 'a/#']
  await flow(peer)
    .send(subscribe(1, filters, 0))
    .receive(suback(1, 0, 0, 0, 0, 0))
    .send(publish(DEEP, 'x', { retain: true }), publish(SLASHES, 'y', { retain: true }))
  const before = { count: 0 }
  await kit.settle()
  while (peer.waiting > 0) {
    expect((await peer.next()).packet.cmd).toBe('publish')
    before.count++
  }
  // Once as a client, once as a member of the group, and once for the slashes.
  expect(before.count).toBe(3)
  await flow(peer)
    .send(unsubscribe(2, ...filters))
    .receive(unsuback(2))
    .send(publish(DEEP, '', { retain: true }), publish(SLASHES, '', { retain: true }))
    .send(subscribe(3, '#', 0))
    .receive(suback(3, 0))
    .receiveNothing()
  await kit.servesOthers()
})
