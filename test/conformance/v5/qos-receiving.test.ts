// MQTT 5.0, chapter 4.3, the receiver's half: QoS 1 and 2 from a publisher.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { puback, pubcomp, publish, publish1, publish2, pubrec, pubrel } from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker, STORES, type TestBroker } from '../../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const back = (kit: TestBroker): Promise<Peer> => kit.client('c', { fields: kept, sessionPresent: true })

describe.each(STORES)('QoS 1 on the %s store', (store) => {
  it('[v5 MQTT-4.3.2-4] is answered by PUBACK with the packet id of the PUBLISH', async () => {
    const kit = await openBroker({ store })
    await kit.subscriber('keeps', 'a', 1, { fields: kept })
    const peer = await kit.client('c', { fields: kept })
    for (const packetId of [1, 65_535, 256, 7]) {
      await flow(peer)
        .send(publish1(packetId, 'a', 'x'))
        .receive(puback(packetId))
    }
  })

  it('[v5 MQTT-4.3.2-5] is a new message under the same packet id after the PUBACK, whatever DUP says', async () => {
    const kit = await openBroker({ store })
    const reader = await kit.subscriber('reader', 'a', 0)
    const peer = await kit.client('c', { fields: kept })
    for (const dup of [false, false, true, true]) {
      await flow(peer)
        .send(publish1(5, 'a', 'the same', { dup }))
        .receive(puback(5))
      await flow(reader).receive(publish('a', 'the same'))
    }
    await peer.drop()
    await flow(await back(kit))
      .send(publish1(5, 'a', 'the same', { dup: true }))
      .receive(puback(5))
    await flow(reader).receive(publish('a', 'the same')).receiveNothing()
  })
})

describe.each(STORES)('QoS 2 on the %s store', (store) => {
  it('[v5 MQTT-4.3.3-8] is answered by PUBREC with the packet id of the PUBLISH', async () => {
    const kit = await openBroker({ store })
    await kit.subscriber('keeps', 'a', 1, { fields: kept })
    const peer = await kit.client('c', { fields: kept })
    for (const packetId of [1, 65_535, 256, 7]) {
      await flow(peer)
        .send(publish2(packetId, 'a', 'x'))
        .receive(pubrec(packetId))
    }
  })

  it('[v5 MQTT-4.3.3-9] is a new message under the same packet id after a PUBREC with an error', async () => {
    const kit = await openBroker({ store })
    const reader = await kit.subscriber('reader', 'a', 0)
    await flow(await kit.client('c', { fields: kept }))
      .send(publish2(5, '$SYS/a', 'refused'))
      .receive(pubrec(5, 0x87))
      .send(publish2(5, '$SYS/a', 'refused', { dup: true }))
      .receive(pubrec(5, 0x87))
      .send(publish2(5, 'a', 'new'))
      .receive(pubrec(5))
      .send(pubrel(5))
      .receive(pubcomp(5))
      .send(publish2(6, '$SYS/a', 'refused'))
      .receive(pubrec(6, 0x87))
      .drop()
    await flow(await back(kit))
      .send(publish2(6, 'a', 'new, though DUP is set', { dup: true }))
      .receive(pubrec(6))
    await flow(reader).receive(publish('a', 'new'), publish('a', 'new, though DUP is set')).receiveNothing()
  })

  it('[v5 MQTT-4.3.3-10] is answered by PUBREC each time until PUBREL, and delivered once', async () => {
    const kit = await openBroker({ store })
    const reader = await kit.subscriber('reader', 'a', 2)
    await flow(await kit.client('c', { fields: kept }))
      .send(publish2(5, 'a', 'once'))
      .receive(pubrec(5))
      .send(publish2(5, 'a', 'once', { dup: true }), publish2(5, 'a', 'once'))
      .receive(pubrec(5), pubrec(5))
      .drop()
    await flow(await back(kit))
      .send(publish2(5, 'a', 'once', { dup: true }))
      .receive(pubrec(5))
      .send(pubrel(5))
      .receive(pubcomp(5))
    await flow(reader)
      .receive(publish2(1, 'a', 'once'))
      .receiveNothing()
  })

  it('[v5 MQTT-4.3.3-11] has its PUBREL answered by PUBCOMP with the same packet id', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c', { fields: kept })
    const ids = [1, 65_535, 256, 7]
    for (const packetId of ids) {
      await flow(peer)
        .send(publish2(packetId, 'a', 'x'))
        .receive(pubrec(packetId, 0x10))
    }
    await flow(peer)
      .send(...ids.map((packetId) => pubrel(packetId)))
      .receive(...ids.map((packetId) => pubcomp(packetId)))
      .send(pubrel(300))
      .receive(pubcomp(300, 0x92))
      .receiveNothing()
  })

  it('[v5 MQTT-4.3.3-12] is a new message under the same packet id after the PUBCOMP', async () => {
    const kit = await openBroker({ store })
    const reader = await kit.subscriber('reader', 'a', 0)
    const peer = await kit.client('c', { fields: kept })
    for (const dup of [false, false, true]) {
      await flow(peer)
        .send(publish2(5, 'a', 'the same', { dup }))
        .receive(pubrec(5))
        .send(pubrel(5))
        .receive(pubcomp(5))
      await flow(reader).receive(publish('a', 'the same'))
    }
    await peer.drop()
    await flow(await back(kit))
      .send(publish2(5, 'a', 'the same'))
      .receive(pubrec(5))
    await flow(reader).receive(publish('a', 'the same')).receiveNothing()
  })

  it('[v5 MQTT-4.3.3-13] goes on to its end though the message has expired', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('away', 'a', 2, { fields: kept })).drop()
    const expiring = publish2(5, 'a', 'gone', { properties: { messageExpiryInterval: 1 } })
    await flow(await kit.client('c', { fields: kept }))
      .send(expiring)
      .receive(pubrec(5))
      .do(() => kit.clock.advance(60_000))
      .send({ ...expiring, dup: true })
      .receive(pubrec(5))
      .send(pubrel(5))
      .receive(pubcomp(5))
    await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receiveNothing()
  })

  it('[v5 MQTT-4.3.3-13] goes on though the message is expired as it comes', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('away', 'a', 2, { fields: kept })).drop()
    await flow(await kit.client('c', { fields: kept }))
      .send(publish2(5, 'a', 'gone', { properties: { messageExpiryInterval: 0 } }))
      .receive(pubrec(5))
      .do(() => kit.clock.advance(1))
      .send(pubrel(5))
      .receive(pubcomp(5))
    await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receiveNothing()
  })
})

describe('ownership', () => {
  it('[v5 MQTT-4.3.2-4] is on the disk when PUBACK leaves, and not before', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.subscriber('away', 'a', 1, { fields: kept })).drop()
    const peer = await kit.client('c')
    kit.store.hold()
    await flow(peer)
      .send(publish1(5, 'a', 'ours'))
      .receiveNothing()
      .do(() => kit.store.letGo())
      .receive(puback(5))
    await kit.restart()
    await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receive(
      publish1(1, 'a', 'ours'),
    )
  })

  it('[v5 MQTT-4.3.3-8] is on the disk when PUBREC leaves, and not before', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.subscriber('away', 'a', 2, { fields: kept })).drop()
    const peer = await kit.client('c')
    kit.store.hold()
    await flow(peer)
      .send(publish2(5, 'a', 'ours'))
      .receiveNothing()
      .do(() => kit.store.letGo())
      .receive(pubrec(5))
    await kit.restart()
    await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receive(
      publish2(1, 'a', 'ours'),
    )
  })

  it('[v5 MQTT-4.3.3-10] of a QoS 2 message is known over a restart: its repeat is not delivered', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.client('c', { fields: kept }))
      .send(publish2(5, 'a', 'once'))
      .receive(pubrec(5, 0x10))
    await kit.restart()
    const reader = await kit.subscriber('reader', 'a', 0)
    await flow(await back(kit))
      .send(publish2(5, 'a', 'once', { dup: true }))
      .receive(pubrec(5))
      .send(pubrel(5))
      .receive(pubcomp(5))
    await flow(reader).receiveNothing()
  })

  it('[v5 MQTT-4.3.3-12] of a packet id ends with PUBCOMP: after a restart it is a new message', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.client('c', { fields: kept }))
      .send(publish2(5, 'a', 'once'))
      .receive(pubrec(5, 0x10))
      .send(pubrel(5))
      .receive(pubcomp(5))
    await kit.restart()
    const reader = await kit.subscriber('reader', 'a', 0)
    await flow(await back(kit))
      .send(publish2(5, 'a', 'new'))
      .receive(pubrec(5))
    await flow(reader).receive(publish('a', 'new')).receiveNothing()
  })
})
