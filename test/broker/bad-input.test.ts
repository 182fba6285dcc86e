// Names that mean something to JavaScript, sizes at their limits, and bytes that are no packet.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { connect4, frame, hex, publish5, text, u16, userProperty } from '../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish,
  publish1,
  suback,
  subscribe,
  willOf,
} from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__proto__/constructor']

describe.each(STORES)('on the %s store', (store) => {
  it.each(NAMES)(
    '%s is a client id, a topic, a share name, a will topic and a user property',
    async (name) => {
      const kit = await openBroker({ store })
      const kept = { clean: false, properties: { sessionExpiryInterval: 100 } }
      const fields = { ...kept, will: willOf(name, 'gone', { qos: 1 }) }
      const shareName = name.replace('/', '')
      const watcher = await kit.client('watcher', { version: 4 })
      const filters = [name, `$share/${shareName}/${name}`]
      await flow(watcher)
        .send(subscribe(1, filters, 1))
        .receive(suback(1, 1, 1))
      await flow(await kit.client(name, { fields }))
        .send(subscribe(1, name, 1))
        .receive(suback(1, 1))
        .drop()
      await flow(watcher).receive(publish1(1, name, 'gone'), publish1(2, name, 'gone'))
      const back = await kit.client(name, { fields: kept, sessionPresent: true })
      await flow(back)
        .receive(publish1(1, name, 'gone'))
        .send(puback(1))
      const packet = publish5(name, [userProperty(name, name), userProperty('constructor', '')], 'x')
      await flow(back).send(packet).receiveBytes(packet)
      await kit.publish(name, 'retained', true)
      await flow(await kit.subscriber('late', name, 0)).receive(publish(name, 'retained', { retain: true }))
    },
  )

  it('a topic of 65,535 bytes is a topic', async () => {
    const kit = await openBroker({ store })
    const topic = `${'ä'.repeat(32_767)}!`
    const peer = await kit.subscriber('c', topic, 1, { version: 4 })
    await flow(peer)
      .send(publish1(1, topic, 'x', { retain: true }))
      .receiveUnordered(puback(1), publish1(1, topic, 'x'))
    await flow(await kit.subscriber('late', '+', 0)).receive(publish(topic, 'x', { retain: true }))
  })

  it('a topic of 30,000 levels is refused, as topic, filter and will, unless it is allowed', async () => {
    const topic = 'a/'.repeat(29_999)
    const kit = await openBroker({ store })
    await flow(await kit.client('publishes'))
      .send(publish(topic, 'x'))
      .receive(disconnect(0x90))
      .closed()
    await flow(await kit.client('subscribes'))
      .send(subscribe(1, topic, 0))
      .receive(suback(1, 0x8f))
    await flow(kit.peer())
      .send(connect('c', { will: willOf(topic, 'x') }))
      .receive(connack(0x90))
      .closed()
    await kit.servesOthers()

    // As many as Mosquitto takes.
    const longest = '/'.repeat(200)
    await flow(await kit.subscriber('c', longest, 0))
      .send(publish(longest, 'x'))
      .receive(publish(longest, 'x'))
      .send(subscribe(1, `${longest}/`, 0))
      .receive(suback(1, 0x8f))

    const wide = await openBroker({ store, limits: { topicLevelsMax: 65_536 } })
    const peer = await wide.subscriber('c', topic, 1, { version: 4 })
    await flow(peer)
      .send(publish1(1, topic, 'x', { retain: true }))
      .receiveUnordered(puback(1), publish1(1, topic, 'x'))
    await flow(await wide.subscriber('late', 'a/#', 0)).receive(publish(topic, 'x', { retain: true }))
  })
})

describe('what is no packet', () => {
  const wrong: [title: string, bytes: Buffer, reasonCode: number][] = [
    ['a remaining length of five bytes', hex('30 ff ff ff ff 01'), 0x81],
    ['packet type 0', hex('00 00'), 0x81],
    ['a packet that only servers send', hex('20 03 00 00 00'), 0x82],
    ['QoS 3', frame(0x36, text('a'), u16(1), hex('00')), 0x81],
    ['DUP at QoS 0', frame(0x38, text('a'), hex('00')), 0x81],
    ['packet id 0', frame(0x32, text('a'), u16(0), hex('00')), 0x82],
    ['a topic with a wildcard', publish5('a/+', [], 'x'), 0x90],
    ['ill-formed UTF-8', frame(0x30, hex('0001 ff 00')), 0x81],
    ['a topic longer than its packet', hex('30 05 00ff 61 61 61'), 0x81],
    ['properties longer than their packet', frame(0x30, text('a'), hex('7f')), 0x81],
    ['a property that PUBLISH has not', publish5('a', [hex('11 00000001')], ''), 0x81],
    ['a property twice', publish5('a', [hex('01 00 01 00')], ''), 0x82],
    ['SUBSCRIBE with the wrong flags', hex('80 06 0001 00 0001 61 00'), 0x81],
    ['PINGREQ with a body', hex('c0 01 00'), 0x81],
    ['AUTH of a client without a method', hex('f0 02 18 00'), 0x82],
    ['PUBACK without a packet id', hex('40 01 00'), 0x81],
  ]
  it.each(wrong)(
    '%s is answered with its reason code, and nobody else notices',
    async (_, bytes, reasonCode) => {
      const kit = await openBroker()
      const before = await kit.subscriber('before', 'a', 0)
      await flow(await kit.client('c'))
        .send(bytes)
        .receive(disconnect(reasonCode))
        .closed()
      await kit.servesOthers()
      await flow(before)
        .do(() => kit.publish('a', 'x'))
        .receive(publish('a', 'x'))
        .receiveNothing()
    },
  )

  it('is closed without a word in 3.1.1, and what came before it is done', async () => {
    const kit = await openBroker()
    for (const bytes of [
      hex('30 ff ff ff ff 01'),
      hex('00 00'),
      frame(0x36, text('a'), u16(1)),
      hex('f0 00'),
    ]) {
      const peer = await kit.client('c', { version: 4 })
      await flow(peer)
        .send(publish1(1, 'a', 'x'), bytes)
        .receive(puback(1))
        .closed()
    }
    await kit.servesOthers()
  })

  it('before CONNECT is closed without a word', async () => {
    const kit = await openBroker()
    for (const bytes of [
      hex('00 00'),
      hex('ff ff ff ff ff'),
      hex('10 02 0004'),
      Buffer.from(`GET / HTTP/1.1\r\nHost: ${'x'.repeat(80)}\r\n\r\n`),
    ]) {
      await flow(kit.peer()).send(bytes).closed()
    }
    await kit.servesOthers()
  })
})

it('takes a conversation byte by byte', async () => {
  const kit = await openBroker()
  const peer = kit.peer(4)
  const packets = [
    connect4('c'),
    hex('82 06 0001 0001 61 01'),
    frame(0x32, text('a'), u16(9), Buffer.from('x')),
  ]
  for (const byte of Buffer.concat(packets)) peer.stream.write(Buffer.from([byte]))
  await flow(peer)
    .receive(connack(), suback(1, 1))
    .receiveUnordered(puback(9), publish1(1, 'a', 'x'))
    .receiveNothing()
})

it('takes nothing after DISCONNECT, though it is in the same chunk', async () => {
  const kit = await openBroker()
  const receiver = await kit.subscriber('receiver', 'a', 0)
  await flow(await kit.client('c', { version: 4 }))
    .send(publish('a', 'before'), disconnect(), publish('a', 'after'))
    .closed()
  await flow(receiver).receive(publish('a', 'before')).receiveNothing()
  expect(receiver.isClosed).toBe(false)
})
