// Commit, then promise: what leaves before the disk has it, and what does not. The news of commits is held back here.
import { describe, expect, it } from 'vitest'
import { flow, turns } from '../kit/flow.ts'
import {
  connack,
  connect,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
  willOf,
} from '../kit/packets.ts'
import { openBroker, type TestBroker } from '../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }

/** A level store with a kept subscriber of "a" that is away, and a sender; from here on the store is held. */
async function begin() {
  const kit = await openBroker({ store: 'level' })
  await flow(await kit.subscriber('away', 'a', 2, { fields: kept })).drop()
  const sender = await kit.client('sender')
  await kit.settle()
  kit.store.hold()
  return { kit, sender, letGo: () => kit.store.letGo() }
}

describe('waits for the commit', () => {
  it('PUBACK and PUBREC, when a kept session gets the message', async () => {
    const { sender, letGo } = await begin()
    await flow(sender)
      .send(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'))
      .receiveNothing()
      .do(letGo)
      .receive(puback(1), pubrec(2))
  })

  it('PUBACK, when the message is retained, and when a retained one is removed', async () => {
    const { kit, sender, letGo } = await begin()
    await flow(sender)
      .send(publish1(1, 'b', 'x', { retain: true }))
      .receiveNothing()
      .do(letGo)
      .receive(puback(1, 0x10))
      .do(() => kit.store.hold())
      .send(publish1(1, 'b', '', { retain: true }))
      .receiveNothing()
      .do(letGo)
      .receive(puback(1, 0x10))
  })

  it('PUBREC and PUBCOMP of a kept session, for its packet ids', async () => {
    const { kit, letGo } = await begin()
    letGo()
    const sender = await kit.client('kept sender', { fields: kept })
    kit.store.hold()
    await flow(sender)
      .send(publish2(2, 'nobody', 'x'))
      .receiveNothing()
      .do(letGo)
      .receive(pubrec(2, 0x10))
      .do(() => kit.store.hold())
      .send(pubrel(2))
      .receiveNothing()
      .do(letGo)
      .receive(pubcomp(2))
  })

  it('PUBREL, so that what the client has received is never sent again', async () => {
    const { kit, letGo } = await begin()
    letGo()
    const peer = await kit.subscriber('kept', 'a', 2, { fields: kept })
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 2 })
    await flow(peer)
      .receive(publish2(1, 'a', 'x'))
      .do(() => kit.store.hold())
      .send(pubrec(1))
      .receiveNothing()
      .do(letGo)
      .receive(pubrel(1))
  })

  it('SUBACK and UNSUBACK of a kept session, and what is retained with it', async () => {
    const { kit, letGo } = await begin()
    letGo()
    await kit.publish('b', 'x', true)
    const peer = await kit.client('kept', { fields: kept })
    await flow(peer)
      .do(() => kit.store.hold())
      .send(subscribe(1, 'b', 1))
      .receiveNothing()
      .do(letGo)
      .receive(suback(1, 1), publish('b', 'x', { retain: true }))
      .do(() => kit.store.hold())
      .send(unsubscribe(2, 'b'))
      .receiveNothing()
      .do(letGo)
      .receive(unsuback(2, 0))
  })

  it('CONNACK of a kept session, new or resumed, and of a client with a will', async () => {
    const { kit, letGo } = await begin()
    const will = willOf('w', 'x')
    for (const [clientId, fields, isPresent] of [
      ['new', kept, false],
      ['away', kept, true],
      ['with a will', { will }, false],
    ] as const) {
      await flow(kit.peer())
        .send(connect(clientId, fields))
        .receiveNothing()
        .do(letGo)
        .receive(connack(0, isPresent))
        .do(() => kit.store.hold())
    }
  })

  it('a QoS 2 delivery, which a crash would repeat, but not a QoS 1 delivery', async () => {
    const { kit, sender, letGo } = await begin()
    letGo()
    const peer = await kit.subscriber('kept', '#', 2, { fields: kept })
    await flow(peer)
      .do(() => kit.store.hold())
      .do(() => sender.send(publish1(1, 'a', '1'), publish2(2, 'a', '2'), publish1(3, 'a', '3')))
      .receive(publish1(1, 'a', '1'))
      .receiveNothing()
      .do(letGo)
      .receive(publish2(2, 'a', '2'), publish1(3, 'a', '3'))
  })

  it('a QoS 2 delivery to a session that is not kept, when the sender’s packet id is', async () => {
    const { kit, letGo } = await begin()
    letGo()
    const sender = await kit.client('kept sender', { fields: kept })
    const peer = await kit.subscriber('not kept', 'b', 2)
    kit.store.hold()
    sender.send(publish2(1, 'b', 'x'))
    await flow(peer)
      .receiveNothing()
      .do(letGo)
      .receive(publish2(1, 'b', 'x'))
    await flow(sender).receive(pubrec(1))
  })

  it('broker.publish', async () => {
    const { kit, letGo } = await begin()
    let isDone = false
    const publishing = kit.broker
      .publish({ topicName: 'a', payload: 'x', qos: 1 })
      .then(() => (isDone = true))
    await kit.settle()
    expect(isDone).toBe(false)
    letGo()
    await publishing
  })
})

describe('leaves at once', () => {
  it('every acknowledgement that nothing durable is concerned with', async () => {
    const { kit } = await begin()
    const receiver = await kit.subscriber('not kept', 'b', 2)
    const sender = await kit.client('another')
    await flow(sender)
      .send(publish1(1, 'b', '1'), publish2(2, 'b', '2'), publish1(3, 'nobody', '3'))
      .receive(puback(1), pubrec(2), puback(3, 0x10))
      .send(pubrel(2))
      .receive(pubcomp(2))
    await flow(receiver)
      .receive(publish1(1, 'b', '1'), publish2(2, 'b', '2'))
      .send(pubrec(2), puback(1))
      .receive(pubrel(2))
      .send(pubcomp(2), unsubscribe(9, 'b'))
      .receive(unsuback(9, 0))
  })
})

it('[v5 MQTT-4.6.0-2] [v5 MQTT-4.6.0-3] answers in the order of the PUBLISHes', async () => {
  const { sender, letGo } = await begin()
  await flow(sender)
    .send(
      publish1(1, 'nobody', 'x'),
      publish1(2, 'a', 'x'),
      publish1(3, 'nobody', 'x'),
      publish2(4, 'nobody', 'x'),
    )
    .receive(puback(1, 0x10))
    .receiveNothing()
    .do(letGo)
    .receive(puback(2), puback(3, 0x10), pubrec(4, 0x10))
    .send(publish1(5, 'nobody', 'x'))
    .receive(puback(5, 0x10))
})

describe('a connection that goes while its answers wait', () => {
  const gone: [title: string, send: (kit: TestBroker) => Promise<void>][] = [
    [
      'after PUBLISH',
      async (kit) => {
        const peer = await kit.client('goes')
        await flow(peer)
          .send(publish1(1, 'a', 'x'), publish2(2, 'a', 'y'))
          .do(turns)
          .drop()
      },
    ],
    [
      'after SUBSCRIBE',
      async (kit) => {
        kit.store.letGo()
        await kit.publish('b', 'x', true)
        const peer = await kit.client('goes', { fields: kept })
        kit.store.hold()
        await flow(peer)
          .send(subscribe(1, 'b', 1))
          .do(turns)
          .drop()
      },
    ],
    [
      'after CONNECT',
      async (kit) => {
        const peer = kit.peer()
        peer.send(connect('goes', kept))
        await turns()
        peer.brokerEnd.destroy()
      },
    ],
  ]
  it.each(gone)('%s hurts nobody', async (_, send) => {
    const { kit, letGo } = await begin()
    await send(kit)
    letGo()
    await kit.settle()
    await kit.servesOthers()
  })
})
