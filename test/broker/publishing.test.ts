// What a client publishes: acknowledgements, repeats, packet ids, our receive maximum.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  disconnect,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Version,
} from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 100 } }

describe.each(STORES)('on the %s store', (store) => {
  it.each<Version>([3, 4, 5])('takes QoS 0, 1 and 2 of level %i and sends them on', async (version) => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', 'a/#', 2, { version })
    const sender = await kit.client('sender', { version })
    await flow(sender)
      .send(publish('a', 'zero'), publish1(1, 'a', 'one'), publish2(2, 'a', 'two'))
      .receive(puback(1), pubrec(2))
      .send(pubrel(2))
      .receive(pubcomp(2))
      .receiveNothing()
    await flow(receiver)
      .receive(publish('a', 'zero'), publish1(1, 'a', 'one'), publish2(2, 'a', 'two'))
      .send(pubrec(2), puback(1))
      .receive(pubrel(2))
      .send(pubcomp(2))
      .receiveNothing()
  })

  it('[v5 MQTT-4.3.3-10] [v3.1.1 MQTT-4.3.3-2] takes a repeated QoS 2 message once, until it is released', async () => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', 'a', 0)
    await flow(await kit.client('sender', { version: 4 }))
      .send(publish2(5, 'a', 'once'))
      .receive(pubrec(5))
      .send(publish2(5, 'a', 'once', { dup: true }), publish2(5, 'a', 'once', { dup: true }))
      .receive(pubrec(5), pubrec(5))
      .send(pubrel(5))
      .receive(pubcomp(5))
      .send(publish2(5, 'a', 'the next under this packet id'))
      .receive(pubrec(5))
    await flow(receiver)
      .receive(publish('a', 'once'), publish('a', 'the next under this packet id'))
      .receiveNothing()
  })

  it('knows a QoS 2 packet id again after a reconnect of the session', async () => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', 'a', 0)
    await flow(await kit.client('sender', { fields: kept }))
      .send(publish2(5, 'a', 'once'))
      .receive(pubrec(5))
      .drop()
    await flow(await kit.client('sender', { fields: kept, sessionPresent: true }))
      .send(publish2(5, 'a', 'once', { dup: true }))
      .receive(pubrec(5))
      .send(pubrel(5))
      .receive(pubcomp(5))
    await flow(receiver).receive(publish('a', 'once')).receiveNothing()
  })

  it('forgets QoS 2 packet ids with the session', async () => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', 'a', 0)
    for (const payload of ['first', 'second']) {
      await flow(await kit.client('sender'))
        .send(publish2(5, 'a', payload))
        .receive(pubrec(5))
        .drop()
    }
    await flow(receiver).receive(publish('a', 'first'), publish('a', 'second'))
  })

  it('sends QoS 1 on as often as it comes, with a packet id and a DUP flag of its own', async () => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', 'a', 1)
    await flow(await kit.client('sender'))
      .send(publish1(9, 'a', 'again', { dup: true }), publish1(9, 'a', 'again', { dup: true }))
      .receive(puback(9), puback(9))
    await flow(receiver).receive(publish1(1, 'a', 'again'), publish1(2, 'a', 'again'))
  })

  it('answers a PUBREL of nothing with PUBCOMP, in 5.0 with 0x92', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('old', { version: 4 }))
      .send(pubrel(3))
      .receive(pubcomp(3))
    await flow(await kit.client('new'))
      .send(pubrel(3))
      .receive(pubcomp(3, 0x92))
  })

  it('answers 0x10 when the only subscription is the publisher’s own, with No Local', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 1, { nl: true }))
      .send(publish1(1, 'a', 'x'))
      .receive(puback(1, 0x10))
  })

  it('answers 0x10 when nobody is subscribed, and 0 when somebody is', async () => {
    const kit = await openBroker({ store })
    const sender = await kit.client('sender')
    await flow(sender)
      .send(publish1(1, 'a', 'x'))
      .receive(puback(1, 0x10))
    await flow(sender)
      .send(publish2(2, 'a', 'x'))
      .receive(pubrec(2, 0x10))
      .send(pubrel(2))
      .receive(pubcomp(2))
    await kit.subscriber('receiver', 'a', 0)
    await flow(sender)
      .send(publish1(1, 'a', 'x'))
      .receive(puback(1))
  })

  it('refuses what is published to $SYS with 0x87, and nobody sees it', async () => {
    const kit = await openBroker({ store })
    const receiver = await kit.subscriber('receiver', '$SYS/#', 2)
    await flow(await kit.client('sender'))
      .send(publish('$SYS/x', '0'), publish1(1, '$SYS/x', '1'), publish2(2, '$SYS/x', '2'))
      .receive(puback(1, 0x87), pubrec(2, 0x87))
      // The exchange is over with the refusal: the packet id is free.
      .send(publish2(2, 'elsewhere', '2'))
      .receive(pubrec(2, 0x10))
    await flow(await kit.client('old', { version: 4 }))
      .send(publish1(1, '$SYS/x', '1'))
      .receive(puback(1))
    await flow(receiver).receiveNothing()
  })
})

describe('our receive maximum', () => {
  it('[v5 MQTT-3.3.4-7] counts what comes again over a new connection, and not what is only released', async () => {
    const kit = await openBroker({ limits: { receiveMaximum: 3 } })
    const sender = await kit.client('sender', { fields: kept })
    const ids = [1, 2, 3]
    await flow(sender)
      .send(...ids.map((id) => publish2(id, 'a', 'x')))
      .receive(...ids.map((id) => pubrec(id, 0x10)))
      .drop()
    await flow(await kit.client('sender', { fields: kept, sessionPresent: true }))
      .send(pubrel(1), pubrel(77), publish2(2, 'a', 'x', { dup: true }), publish2(3, 'a', 'x', { dup: true }))
      .receive(pubcomp(1), pubcomp(77, 0x92), pubrec(2), pubrec(3))
      .send(publish2(3, 'a', 'x', { dup: true }), publish2(4, 'a', 'x'))
      .receive(pubrec(3), pubrec(4, 0x10))
      .send(publish2(5, 'a', 'x'))
      .receive(disconnect(0x93))
      .closed()
  })

  it.each([1, 2])(
    '[v5 MQTT-3.3.4-7] of %i may be filled, and filled again once acknowledged',
    async (receiveMaximum) => {
      const kit = await openBroker({ limits: { receiveMaximum } })
      const talk = flow(await kit.client('sender'))
      const ids = Array.from({ length: receiveMaximum }, (_, i) => i + 1)
      for (let round = 0; round < 3; round++) {
        talk
          .send(...ids.map((id) => publish2(id, 'a', 'x')))
          .receive(...ids.map((id) => pubrec(id, 0x10)))
          .send(...ids.map((id) => pubrel(id)))
          .receive(...ids.map((id) => pubcomp(id)))
          .send(publish1(100, 'a', 'x'))
          .receive(puback(100, 0x10))
      }
      await talk.receiveNothing()
    },
  )

  it.each([1, 2])('[v5 MQTT-3.3.4-7] of %i closes with 0x93 who goes beyond it', async (receiveMaximum) => {
    const kit = await openBroker({ limits: { receiveMaximum } })
    const talk = flow(await kit.client('sender'))
    for (let id = 1; id <= receiveMaximum; id++) talk.send(publish2(id, 'a', 'x')).receive(pubrec(id, 0x10))
    await talk
      .send(publish1(99, 'a', 'x'))
      .receive(disconnect(0x93))
      .closed()
    await kit.servesOthers()
  })

  it('is not made larger by answers to what we never sent', async () => {
    const kit = await openBroker({ limits: { receiveMaximum: 1 } })
    await flow(await kit.client('sender'))
      .send(publish2(1, 'a', 'x'))
      .receive(pubrec(1, 0x10))
      .send(pubrec(77))
      .receive(pubrel(77, 0x92))
      .send(publish2(2, 'a', 'x'))
      .receive(disconnect(0x93))
      .closed()
  })

  it('is given back by a PUBREC that refuses', async () => {
    const kit = await openBroker({ limits: { receiveMaximum: 1 } })
    await flow(await kit.client('sender'))
      .send(publish2(1, '$SYS/x', 'x'))
      .receive(pubrec(1, 0x87))
      .send(publish2(2, 'a', 'x'))
      .receive(pubrec(2, 0x10))
  })

  it('does not count repeats, and does not bind 3.1.1 clients', async () => {
    const kit = await openBroker({ limits: { receiveMaximum: 1 } })
    await flow(await kit.client('new'))
      .send(publish2(1, 'a', 'x'), publish2(1, 'a', 'x', { dup: true }))
      .receive(pubrec(1, 0x10), pubrec(1))
      .receiveNothing()
    await flow(await kit.client('old', { version: 4 }))
      .send(publish2(1, 'a', 'x'), publish2(2, 'a', 'x'), publish1(3, 'a', 'x'))
      .receive(pubrec(1), pubrec(2), puback(3))
      .receiveNothing()
  })
})

it('[v5 MQTT-4.6.0-5] [v5 MQTT-4.6.0-6] keeps the order of each topic and QoS', async () => {
  const kit = await openBroker()
  const receiver = await kit.subscriber('receiver', 'a/#', 2)
  const sender = await kit.client('sender')
  for (let i = 1; i <= 3_000; i++) sender.send(publish1(i, `a/${i % 3}`, String(i)))
  for (let i = 1; i <= 3_000; i++) {
    const { packet } = await receiver.next()
    expect(packet).toEqual(publish1(i, `a/${i % 3}`, String(i)))
    receiver.send(puback(i))
  }
  await flow(receiver).receiveNothing()
})
