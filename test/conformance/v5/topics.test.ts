// MQTT 5.0, chapter 4.7: topic names, topic filters, and which of them match.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, publish5, text, u16 } from '../../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish,
  publish1,
  type Sendable,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
  willOf,
} from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'

/** Which of these topic names reach a subscriber of `filter`. What clients may not publish to, the broker does. */
async function matches(filter: string, topicNames: string[]): Promise<unknown[]> {
  const kit = await openBroker()
  const peer = await kit.subscriber('c', filter, 0)
  const sender = await kit.client('sender')
  for (const topicName of topicNames) {
    if (topicName.startsWith('$SYS/')) await kit.publish(topicName, 'x')
    else await flow(sender).send(publish(topicName, 'x')).receiveNothing()
  }
  await peer.settle()
  const found: unknown[] = []
  while (peer.waiting > 0) found.push((await peer.next()).packet.topic)
  return found
}

async function expectNoFilters(filters: string[]): Promise<void> {
  const kit = await openBroker()
  const peer = await kit.client('c')
  await flow(peer)
    .send(subscribe(1, filters, 0))
    .receive(suback(1, ...filters.map(() => 0x8f)))
  for (const filter of filters) {
    await flow(peer)
      .send(subscribe(2, filter, 2))
      .receive(suback(2, 0x8f))
  }
  for (const topicName of ['a', 'a/b', 'b']) await kit.publish(topicName, 'x')
  await flow(peer).receiveNothing()
}

/** Each of these ends the connection of whoever sends it, and reaches nobody. */
async function expectRefused(packets: Sendable[], reasonCode: number): Promise<void> {
  const kit = await openBroker()
  const reader = await kit.subscriber('reader', '#', 0)
  for (const packet of packets) {
    await flow(await kit.client('c'))
      .send(packet)
      .receive(disconnect(reasonCode))
      .closed()
  }
  await flow(reader).receiveNothing()
  await kit.servesOthers()
}

describe('a topic name', () => {
  it('[v5 MQTT-4.7.0-1] with a wildcard in it is answered 0x90, of every QoS', async () => {
    const names = ['+', '#', 'a/+', 'a/#', '+/a', 'a+', 'a#b']
    const packets = names.flatMap((name) => [publish(name, 'x'), publish1(1, name, 'x', { retain: true })])
    await expectRefused(packets, 0x90)
  })

  it('[v5 MQTT-4.7.0-1] with a wildcard in it is no will topic, and no topic behind an alias', async () => {
    await expectRefused([publish5('a/+', [hex('23 0001')], 'x')], 0x90)
    const kit = await openBroker()
    for (const name of ['a/+', '#']) {
      await flow(kit.peer())
        .send(connect('c', { will: willOf(name, 'x') }))
        .receive(connack(0x90))
        .closed()
    }
  })
})

describe('the multi-level wildcard', () => {
  it('[v5 MQTT-4.7.1-1] is refused with 0x8F unless it is the last character and alone in its level', async () => {
    await expectNoFilters(['a#', 'a/b#', '#/', '#/b', 'a/#/b', '##', 'a/##', '#a', '+#'])
  })

  it('[v5 MQTT-4.7.1-1] stands for all levels below and for the level above itself', async () => {
    const names = ['a', 'a/', 'a/b', 'a/b/c', '/a', 'b/a', 'ab', 'A/b']
    expect(await matches('a/#', names)).toEqual(['a', 'a/', 'a/b', 'a/b/c'])
    expect(await matches('#', names)).toEqual(names)
    expect(await matches('/#', names)).toEqual(['/a'])
    expect(await matches('+/b/#', names)).toEqual(['a/b', 'a/b/c', 'A/b'])
  })
})

describe('the single-level wildcard', () => {
  it('[v5 MQTT-4.7.1-2] is refused with 0x8F unless it is a level of its own', async () => {
    await expectNoFilters(['a+', '+a', 'a/+b', 'a/b+/c', '++', '+/a+', '+a/#'])
  })

  it('[v5 MQTT-4.7.1-2] stands for one level, first, last or in the middle, also an empty one', async () => {
    const names = ['a', 'a/', 'a/b', 'a/b/c', '/a', '/', 'b', '//']
    expect(await matches('+', names)).toEqual(['a', 'b'])
    expect(await matches('a/+', names)).toEqual(['a/', 'a/b'])
    expect(await matches('+/b', names)).toEqual(['a/b'])
    expect(await matches('a/+/c', names)).toEqual(['a/b/c'])
    expect(await matches('+/+', names)).toEqual(['a/', 'a/b', '/a', '/'])
    expect(await matches('/+', names)).toEqual(['/a', '/'])
    expect(await matches('+/+/+', names)).toEqual(['a/b/c', '//'])
    expect(await matches('+/b/#', names)).toEqual(['a/b', 'a/b/c'])
  })
})

describe('a topic name that begins with $', () => {
  it('[v5 MQTT-4.7.2-1] does not match a filter that begins with a wildcard', async () => {
    const names = ['$SYS/a', '$a', '$a/b', '$', 'a/$b', 'b']
    expect(await matches('#', names)).toEqual(['a/$b', 'b'])
    expect(await matches('+', names)).toEqual(['b'])
    expect(await matches('+/#', names)).toEqual(['a/$b', 'b'])
    expect(await matches('+/a', names)).toEqual([])
    expect(await matches('$share/g/#', names)).toEqual(['a/$b', 'b'])
  })

  it('[v5 MQTT-4.7.2-1] matches a filter that begins as it does', async () => {
    const names = ['$SYS/a', '$SYS', '$a/b', 'a']
    expect(await matches('$SYS/#', names)).toEqual(['$SYS/a', '$SYS'])
    expect(await matches('$SYS/+', names)).toEqual(['$SYS/a'])
    expect(await matches('$a/b', names)).toEqual(['$a/b'])
  })

  it('[v5 MQTT-4.7.2-1] is not given as a retained message either', async () => {
    const kit = await openBroker()
    await kit.publish('$a/b', 'hidden', true)
    await kit.publish('a/b', 'shown', true)
    for (const filter of ['#', '+/b', '+/#']) {
      await flow(await kit.subscriber('c', filter, 0))
        .receive(publish('a/b', 'shown', { retain: true }))
        .receiveNothing()
    }
  })
})

describe('names and filters', () => {
  it('[v5 MQTT-4.7.3-1] that are empty are refused: as topic name, will topic, filter and shared filter', async () => {
    await expectRefused([publish5('', [], 'x'), frame(0x32, text(''), u16(1), hex('00'))], 0x82)
    await expectNoFilters(['', '$share/g/'])
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(unsubscribe(1, ''))
      .receive(unsuback(1, 0x8f))
    // Will flag set, client id "c", an empty will topic, an empty will payload.
    await flow(kit.peer())
      .send(hex('10 13 0004 4d515454 05 06 0000 00 0001 63 00 0000 0000'))
      .receive(connack(0x90))
      .closed()
  })

  it('[v5 MQTT-4.7.3-1] are long enough with one character', async () => {
    expect(await matches('a', ['a', '/'])).toEqual(['a'])
    expect(await matches('/', ['a', '/'])).toEqual(['/'])
    expect(await matches(' ', ['a', ' '])).toEqual([' '])
  })

  it('[v5 MQTT-4.7.3-2] with U+0000 in them end the connection with 0x81', async () => {
    await expectRefused(
      [
        publish5('a\0', [], 'x'),
        publish5('\0', [], 'x'),
        frame(0x82, u16(1), hex('00'), text('a/\0/b'), hex('00')),
        frame(0x82, u16(1), hex('00'), text('$share/g\0/a'), hex('00')),
        frame(0xa2, u16(1), hex('00'), text('\0a')),
      ],
      0x81,
    )
  })

  it('[v5 MQTT-4.7.3-3] may have 65,535 bytes, and arrive whole', async () => {
    const kit = await openBroker()
    const longest = [`${'ä'.repeat(32_767)}!`, `${'€'.repeat(21_844)}/z`, 'x'.repeat(65_535)]
    for (const topic of longest) {
      expect(Buffer.byteLength(topic)).toBeGreaterThan(65_530)
      await flow(await kit.subscriber('c', topic, 1))
        .send(publish1(1, topic, 'x'))
        .receiveUnordered(puback(1), publish1(1, topic, 'x'))
    }
  })

  it('[v5 MQTT-4.7.3-3] that are not UTF-8, or longer than their packet, end the connection with 0x81', async () => {
    await expectRefused(
      [
        frame(0x30, hex('0002 c3 28'), hex('00')),
        frame(0x30, hex('0003 ed a0 80'), hex('00')),
        frame(0x30, hex('ffff 61 61')),
        frame(0x82, u16(1), hex('00'), hex('ffff 61 61'), hex('00')),
      ],
      0x81,
    )
  })

  it('[v5 MQTT-4.7.3-4] are compared as they came: no case, no Unicode form, no slash or dot is touched', async () => {
    // Composed and decomposed, with and without a byte order mark, and what looks like a path.
    const names = [
      'é',
      'e\u{301}',
      '\u{feff}é',
      'É',
      'a/b',
      'a//b',
      '/a/b',
      'a/b/',
      'a/./b',
      'a/../b',
      'a%2Fb',
      ' a/b',
    ]
    for (const name of names) expect(await matches(name, names), name).toEqual([name])
  })

  it('[v5 MQTT-4.7.3-4] arrive as they were sent, unassigned and private characters too', async () => {
    const names = ['\u{feff}a', '\u{fffd}', '\u{ffff}', '\u{e000}', '\u{10ffff}', 'a\u{7f}', '\u{202e}a']
    expect(await matches('#', names)).toEqual(names)
  })
})
