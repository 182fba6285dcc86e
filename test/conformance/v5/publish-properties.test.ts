// Section 3.3.2 of MQTT 5: the topic name of PUBLISH and its properties, refused or passed on unaltered.
// publish-aliases.test.ts has the topic alias.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, publish5, text, u16, userProperty } from '../../kit/frames.ts'
import { puback, publish, publish1, publish2, type Qos, suback, subscribe } from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'
import { block, closesWith, refuses } from './refusals.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const badStrings = ['c0 af', 'ed a0 80', 'ff', '61 00'].map((digits) => {
  const bytes = hex(digits)
  return Buffer.concat([u16(bytes.length), bytes])
})

/** As a PUBLISH to `a` with these properties reaches who is there, who comes later, and who was away. */
async function passesOn(...properties: Buffer[]): Promise<void> {
  const kit = await openBroker({ store: 'level' })
  const rest = [block(...properties), Buffer.from('payload')]
  const zero = await kit.subscriber('QoS 0', 'a', 0)
  const one = await kit.subscriber('QoS 1', '+', 1)
  await flow(await kit.subscriber('away', '#', 1, { fields: kept })).drop()
  await flow(await kit.client('sender'))
    .send(frame(0x33, text('a'), u16(9), ...rest))
    .receive(puback(9))
  await flow(zero).receiveBytes(frame(0x30, text('a'), ...rest))
  await flow(one).receiveBytes(frame(0x32, text('a'), u16(1), ...rest))
  await kit.restart()
  await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receiveBytes(
    frame(0x32, text('a'), u16(1), ...rest),
  )
  const late = await kit.subscriber('late', 'a', 0)
  await flow(late).receiveBytes(frame(0x31, text('a'), ...rest))
}

describe('the topic name', () => {
  it('[v5 MQTT-3.3.2-1] is the first field: a PUBLISH that ends within it is malformed', async () => {
    const kit = await openBroker()
    for (const body of ['', '00', '00 01', '00 05 61 62 00']) await refuses(kit, 0x81, frame(0x30, hex(body)))
  })

  it('[v5 MQTT-3.3.2-1] is well-formed UTF-8, or PUBLISH is malformed, at any QoS', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0)
    for (const bad of badStrings) {
      await closesWith(kit, 0x81, frame(0x30, bad, block()))
      await closesWith(kit, 0x81, frame(0x32, bad, u16(1), block()))
      await closesWith(kit, 0x81, frame(0x34, bad, u16(1), block()))
    }
    await flow(watcher).receiveNothing()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.3.2-1] is the first field, and UTF-8, of what the broker sends', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', '#', 1)
    await kit.broker.publish({ topicName: 'Müll/垃圾/🗑', payload: 'x', qos: 1 })
    const { bytes } = await receiver.next()
    expect(bytes.subarray(2)).toEqual(Buffer.concat([text('Müll/垃圾/🗑'), u16(1), hex('00 78')]))
  })

  it('[v5 MQTT-3.3.2-2] with a wildcard ends the connection, and reaches nobody', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 2)
    for (const topic of ['#', '+', 'a/#', 'a/+/b', 'a+', 'a#b', '/+']) {
      await closesWith(kit, 0x90, frame(0x30, text(topic), block()))
      await closesWith(kit, 0x90, frame(0x33, text(topic), u16(1), block(), Buffer.from('x')))
    }
    await flow(watcher).receiveNothing()
    await flow(await kit.subscriber('late', '#', 0)).receiveNothing()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.3.2-3] of a forwarded PUBLISH matches a filter of the client that gets it', async () => {
    const kit = await openBroker()
    const filters: Record<string, readonly string[]> = {
      a: ['a'],
      'a/+': ['a/b', 'a/'],
      '+/b': ['a/b', '/b'],
      'a/#': ['a', 'a/b', 'a/', 'a/b/c'],
      '/+': ['/b'],
      '+': ['a', 'A'],
    }
    const receivers = []
    for (const filter of Object.keys(filters)) receivers.push(await kit.subscriber(filter, filter, 0))
    for (const topic of ['a', 'a/b', 'a/', '/b', 'a/b/c', 'A', '$a', 'b/c']) await kit.publish(topic, 'x')
    for (const [index, receiver] of receivers.entries()) {
      const topics = Object.values(filters)[index] as readonly string[]
      await flow(receiver)
        .receiveUnordered(...topics.map((topic) => publish(topic, 'x')))
        .receiveNothing()
    }
  })
})

describe('the payload format indicator', () => {
  it('[v5 MQTT-3.3.2-4] is passed on as it came, 0 and 1', async () => {
    await passesOn(hex('01 00'))
    await passesOn(hex('01 01'))
  })

  it('[v5 MQTT-3.3.2-4] is not added where there was none', async () => {
    await passesOn()
  })
})

describe('the message expiry interval', () => {
  const lasting = (messageExpiryInterval: number) => ({ properties: { messageExpiryInterval } })

  it('[v5 MQTT-3.3.2-5] once over has the message dropped for who has not been sent it', async () => {
    const kit = await openBroker()
    await flow(await kit.subscriber('away', 'a', 2, { fields: kept })).drop()
    const sender = await kit.client('sender')
    await flow(sender)
      .send(publish1(1, 'a', 'short', lasting(10)), publish1(2, 'a', 'long', lasting(100)))
      .receive(puback(1), puback(2))
      .send(publish1(3, 'a', 'retained', { ...lasting(10), retain: true }))
      .receive(puback(3))
    kit.clock.advance(11_000)
    await flow(await kit.client('away', { fields: kept, sessionPresent: true }))
      .receive(publish1(2, 'a', 'long', lasting(89)))
      .receiveNothing()
    await flow(await kit.subscriber('late', 'a', 0)).receiveNothing()
  })

  it('[v5 MQTT-3.3.2-5] once over has the message dropped also behind a full receive maximum', async () => {
    const kit = await openBroker()
    const fields = { properties: { receiveMaximum: 1 } }
    const receiver = await kit.subscriber('receiver', 'a', 1, { fields })
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', 'first'), publish1(2, 'a', 'short', lasting(10)), publish1(3, 'a', 'last'))
      .receive(puback(1), puback(2), puback(3))
    await flow(receiver)
      .receive(publish1(1, 'a', 'first'))
      .do(() => kit.clock.advance(11_000))
      .send(puback(1))
      .receive(publish1(3, 'a', 'last'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.2-6] is sent on less the seconds that the message has waited', async () => {
    const kit = await openBroker({ store: 'level' })
    const online = await kit.subscriber('online', 'a', 1)
    await flow(await kit.subscriber('away', 'a', 2, { fields: kept })).drop()
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', 'x', { ...lasting(100), retain: true }))
      .receive(puback(1))
    await flow(online).receive(publish1(1, 'a', 'x', lasting(100)))
    kit.clock.advance(30_000)
    await kit.restart()
    const late = await kit.subscriber('late', 'a', 0)
    await flow(late).receive(publish('a', 'x', { ...lasting(70), retain: true }))
    kit.clock.advance(30_000)
    const back = await kit.client('away', { fields: kept, sessionPresent: true })
    await flow(back).receive(publish1(1, 'a', 'x', lasting(40)))
  })

  it('[v5 MQTT-3.3.2-6] is not added where there was none', async () => {
    const kit = await openBroker()
    await flow(await kit.subscriber('away', 'a', 2, { fields: kept })).drop()
    await flow(await kit.client('sender'))
      .send(publish2(1, 'a', 'x'))
      .receive({ cmd: 'pubrec', messageId: 1 })
    kit.clock.advance(30_000)
    const back = await kit.client('away', { fields: kept, sessionPresent: true })
    await flow(back).receive(publish2(1, 'a', 'x'))
  })
})

describe('the response topic', () => {
  const property = (field: Buffer): Buffer => Buffer.concat([hex('08'), field])

  it('[v5 MQTT-3.3.2-13] is well-formed UTF-8, or PUBLISH is malformed', async () => {
    const kit = await openBroker()
    for (const bad of badStrings) await refuses(kit, 0x81, publish5('a', [property(bad)], 'x'))
  })

  it('[v5 MQTT-3.3.2-14] with a wildcard ends the connection, and the message reaches nobody', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0)
    for (const topic of ['#', 'a/+', '+/a', 'a/#']) {
      await closesWith(kit, 0x82, publish5('a', [property(text(topic))], 'x'))
    }
    await flow(watcher).receiveNothing()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.3.2-15] is passed on as it came', async () => {
    await passesOn(property(text('answers/to client 1/🗑')))
    await passesOn(property(text('$x')))
  })
})

describe('correlation data', () => {
  it('[v5 MQTT-3.3.2-16] are passed on as they came, of any bytes and none', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    await passesOn(Buffer.concat([hex('09'), u16(bytes.length), bytes]))
    await passesOn(hex('09 0000'))
  })
})

describe('user properties', () => {
  it('[v5 MQTT-3.3.2-17] are passed on as they came, empty, long or strange', async () => {
    await passesOn(
      userProperty('', ''),
      userProperty('name', 'v'.repeat(60_000)),
      userProperty('\ufeff\u0001', '__proto__'),
      userProperty('__proto__', 'x'),
    )
  })

  it('[v5 MQTT-3.3.2-18] are passed on in their order, repeated names and pairs too', async () => {
    const names = ['z', 'a', 'z', 'b', 'z', 'a']
    await passesOn(...names.map((name) => userProperty(name, 'v')))
    await passesOn(...names.map((name, index) => userProperty(name, String(9 - index))))
  })

  it('[v5 MQTT-3.3.2-18] keep their order where what lies between them is not passed on', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', 'a', 0)
    const [one, two, three] = [userProperty('z', '1'), userProperty('a', '2'), userProperty('z', '3')]
    await flow(await kit.client('sender')).send(publish5('a', [one, hex('23 0001'), two, three], 'x'))
    await flow(receiver).receiveBytes(publish5('a', [one, two, three], 'x'))
  })
})

describe('the content type', () => {
  const property = (field: Buffer): Buffer => Buffer.concat([hex('03'), field])

  it('[v5 MQTT-3.3.2-19] is well-formed UTF-8, or PUBLISH is malformed', async () => {
    const kit = await openBroker()
    for (const bad of badStrings) await refuses(kit, 0x81, publish5('a', [property(bad)], 'x'))
  })

  it('[v5 MQTT-3.3.2-20] is passed on as it came', async () => {
    await passesOn(property(text('text/plain; charset="utf-8"')))
    await passesOn(property(text('')))
    await passesOn(property(text('#/+')))
  })
})

describe('properties of a message', () => {
  it('[v5 MQTT-3.3.2-17] are passed on to a receiver of any QoS', async () => {
    const kit = await openBroker()
    const rest = [block(userProperty('n', 'v')), Buffer.from('x')]
    const receiver = await kit.client('receiver')
    const sender = await kit.client('sender')
    for (const qos of [0, 1, 2] as Qos[]) {
      await flow(receiver)
        .send(subscribe(1, 'a', qos))
        .receive(suback(1, qos))
      await flow(sender).send(frame(0x30, text('a'), ...rest))
      await flow(receiver).receiveBytes(frame(0x30, text('a'), ...rest))
    }
  })
})
