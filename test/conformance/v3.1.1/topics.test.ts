// MQTT 3.1.1, chapter 4.7: wildcards, topics that begin with $, and what a name or a filter may be.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text, u16 } from '../../kit/frames.ts'
import { puback, publish, publish1, suback, subscribe } from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'
import { string } from './connect-frames.ts'

const V4 = { version: 4 } as const

/** Refused, each of them; the client may go on with others. */
async function expectRefused(...filters: string[]): Promise<void> {
  const kit = await openBroker()
  const peer = await kit.client('c', V4)
  for (const filter of filters) {
    await flow(peer)
      .send(subscribe(1, filter, 0))
      .receive(suback(1, 0x80))
  }
  for (const topic of ['a', 'a/b', 'a/b/c', 'ab']) await kit.publish(topic, 'x')
  await flow(peer).receiveNothing()
}

async function expectTaken(...filters: string[]): Promise<void> {
  const kit = await openBroker()
  const peer = await kit.client('c', V4)
  for (const filter of filters) {
    await flow(peer)
      .send(subscribe(1, filter, 0))
      .receive(suback(1, 0))
  }
}

describe('a wildcard', () => {
  it('[v3.1.1 MQTT-4.7.1-1] belongs into topic filters: in a topic name it closes the connection', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0, V4)
    for (const topic of ['a/+', '+', '#', 'a/#', 'a#b', 'a+']) {
      await flow(await kit.client('c', V4))
        .send(frame(0x30, text(topic), Buffer.from('x')))
        .closed()
    }
    await flow(watcher).receiveNothing()
  })

  it('[v3.1.1 MQTT-4.7.1-2] of many levels is the last character, alone or after a /', async () => {
    await expectRefused('a#', 'a/b#', '#/a', 'a/#/b', '##', '#a', 'a/##', 'a/#b', '+#')
    await expectTaken('#', '/#', 'a/#', 'a/b/#', 'a//#')
  })

  it('[v3.1.1 MQTT-4.7.1-3] of one level has a level to itself, whichever', async () => {
    await expectRefused('a+', '+a', 'a/b+', 'a/+b/c', '++', 'a/++', '+#')
    await expectTaken('+', '+/a', 'a/+', 'a/+/b', '+/+/+', '/+', '+/#', 'a/+/#')
  })
})

it('[v3.1.1 MQTT-4.7.2-1] a filter that begins with a wildcard sees no topic name that begins with $', async () => {
  const kit = await openBroker()
  const blind = await kit.client('blind', V4)
  await flow(blind)
    .send(subscribe(1, ['#', '+', '+/x', '+/#', '+/+/#'], 0))
    .receive(suback(1, 0, 0, 0, 0, 0))
  const seeing = await kit.client('seeing', V4)
  await flow(seeing)
    .send(subscribe(1, ['$own/#', '$'], 0))
    .receive(suback(1, 0, 0))
  const names = ['$own/x', '$own', '$']
  const sender = await kit.client('sender', V4)
  await flow(sender)
    .send(...names.map((name) => publish(name, 'x', { retain: true })), publish('own/x', 'x'))
    .receiveNothing()
  await flow(seeing)
    .receive(...names.map((name) => publish(name, 'x')))
    .receiveNothing()
  await flow(blind).receive(publish('own/x', 'x')).receiveNothing()
  // Nor are they among what is retained for it.
  await flow(await kit.subscriber('late', '#', 0, V4)).receiveNothing()
  await flow(await kit.subscriber('late', '$own/+', 0, V4)).receive(publish('$own/x', 'x', { retain: true }))
})

describe('a topic name or topic filter', () => {
  it('[v3.1.1 MQTT-4.7.3-1] has at least one character', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0, V4)
    await flow(await kit.client('c', V4))
      .send(frame(0x30, text(''), Buffer.from('x')))
      .closed()
    await flow(watcher).receiveNothing()
    await expectRefused('')
    await expectTaken('/', ' ', 'a')
  })

  it('[v3.1.1 MQTT-4.7.3-2] has no U+0000', async () => {
    const kit = await openBroker()
    for (const bytes of [hex('00'), hex('61 00 62'), hex('61 2f 00')]) {
      for (const packet of [frame(0x30, string(bytes)), frame(0x82, u16(1), string(bytes), hex('00'))]) {
        await flow(await kit.client('c', V4))
          .send(packet)
          .closed()
      }
    }
    await kit.servesOthers()
  })

  it('[v3.1.1 MQTT-4.7.3-3] may have 65,535 bytes, which is all that its length can say', async () => {
    const kit = await openBroker()
    const longest = `${'é'.repeat(32_767)}!`
    const peer = await kit.subscriber('c', longest, 1, V4)
    await flow(peer)
      .send(publish1(1, longest, 'x'))
      .receiveUnordered(puback(1), publish1(1, longest, 'x'))
    const packet = frame(0x30, hex('ffff'), Buffer.alloc(65_535, 'a'), Buffer.from('x'))
    await flow(peer).send(packet).receiveNothing()
  })

  it('[v3.1.1 MQTT-4.7.3-4] is compared as it is: case, accents, empty levels and spaces count', async () => {
    const kit = await openBroker()
    const names = [
      'Accounts',
      'ACCOUNTS',
      'é',
      'e\u0301',
      '/a',
      'a',
      'a/',
      'a ',
      'a//b',
      'a/b',
      'ﬁ',
      'fi',
      '%41',
    ]
    const sender = await kit.client('sender', V4)
    const peers = await Promise.all(names.map((name, index) => kit.subscriber(`c${index}`, name, 0, V4)))
    await flow(sender)
      .send(...names.map((name) => publish(name, name, { retain: true })))
      .receiveNothing()
    for (const [index, peer] of peers.entries()) {
      const name = names[index] as string
      await flow(peer).receive(publish(name, name)).receiveNothing()
      await flow(await kit.subscriber('late', name, 0, V4))
        .receive(publish(name, name, { retain: true }))
        .receiveNothing()
    }
  })
})
