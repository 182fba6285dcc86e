// Section 3.3.2.3.4 of MQTT 5: topic aliases, towards the broker and from it.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { hex, publish5 } from '../../kit/frames.ts'
import { connack, connect, disconnect, publish, publish1 } from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'
import { closesWith, refuses } from './refusals.ts'

const withAlias = (topicAlias: number) => ({ properties: { topicAlias } })
const alias = (topic: string, topicAlias: number, payload: string) =>
  publish(topic, payload, withAlias(topicAlias))

describe('a topic alias towards the broker', () => {
  it('[v5 MQTT-3.3.2-7] ends with its connection: the next one has to set it again', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', '#', 0)
    const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
    const first = await kit.client('sender', { fields })
    await flow(first)
      .send(alias('a', 1, 'named'), alias('', 1, 'by alias'))
      .receiveNothing()
    await flow(receiver).receive(publish('a', 'named'), publish('a', 'by alias'))
    // At a take-over as after a farewell: the session goes on, its aliases do not.
    const second = await kit.client('sender', { fields, sessionPresent: true })
    await flow(first).receive(disconnect(0x8e)).closed()
    await flow(second)
      .send(alias('c', 2, 'another alias'), alias('', 1, 'x'))
      .receive(disconnect(0x82))
      .closed()
    await flow(receiver).receive(publish('c', 'another alias'))
    await flow(await kit.client('sender', { fields, sessionPresent: true }))
      .send(alias('b', 1, 'named anew'), alias('', 1, 'by alias'))
      .receiveNothing()
    await flow(receiver).receive(publish('b', 'named anew'), publish('b', 'by alias')).receiveNothing()
  })

  it('[v5 MQTT-3.3.2-7] is of one connection only: another client does not have it', async () => {
    const kit = await openBroker()
    const setter = await kit.client('setter')
    await flow(setter)
      .send(alias('a', 1, 'x'))
      .receiveNothing()
    await refuses(kit, 0x82, alias('', 1, 'x'))
    await refuses(kit, 0x82, alias('b', 2, 'x'), alias('', 1, 'x'))
  })

  it('[v5 MQTT-3.3.2-8] of 0 ends the connection with 0x94, with a topic name or without', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', '#', 0)
    for (const topic of ['a', '']) await closesWith(kit, 0x94, publish5(topic, [hex('23 0000')], 'x'))
    await flow(receiver).receiveNothing()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.3.2-9] above the maximum of CONNACK ends the connection with 0x94', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximum: 10 } })
    const receiver = await kit.subscriber('receiver', '#', 0)
    for (const digits of ['000b', '0100', 'ffff']) {
      await closesWith(kit, 0x94, publish5('a', [hex('23'), hex(digits)], 'x'))
    }
    await closesWith(kit, 0x94, alias('a', 10, 'taken'), alias('', 11, 'x'))
    await flow(receiver).receive(publish('a', 'taken')).receiveNothing()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.3.2-12] may be any from 1 to the maximum of CONNACK, all of them at once', async () => {
    for (const topicAliasMaximum of [1, 64, 300]) {
      const kit = await openBroker({ limits: { topicAliasMaximum } })
      const receiver = await kit.subscriber('receiver', '#', 0)
      const sender = kit.peer()
      await flow(sender)
        .send(connect('c'))
        .receive(connack(0, false, { topicAliasMaximum }))
      for (let each = 1; each <= topicAliasMaximum; each++) sender.send(alias(`topic ${each}`, each, 'named'))
      for (let each = 1; each <= topicAliasMaximum; each++) sender.send(alias('', each, 'by alias'))
      for (const payload of ['named', 'by alias']) {
        for (let each = 1; each <= topicAliasMaximum; each++) {
          expect((await receiver.next()).packet).toEqual(publish(`topic ${each}`, payload))
        }
      }
    }
  })

  it('[v5 MQTT-3.3.2-12] may be given another topic, and has that one from then on', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', '#', 0)
    await flow(await kit.client('sender')).send(
      alias('a', 1, '1'),
      alias('b', 1, '2'),
      alias('', 1, '3'),
      publish('a', '4'),
      alias('', 1, '5'),
    )
    await flow(receiver).receive(
      publish('a', '1'),
      publish('b', '2'),
      publish('b', '3'),
      publish('a', '4'),
      publish('b', '5'),
    )
  })
})

describe('a topic alias from the broker', () => {
  it('[v5 MQTT-3.3.2-7] is not used on a new connection before it has been told there', async () => {
    const kit = await openBroker()
    const fields = { clean: false, properties: { sessionExpiryInterval: 100, topicAliasMaximum: 5 } }
    const first = await kit.subscriber('c', '#', 1, { fields })
    for (const payload of ['1', '2']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
    await flow(first)
      .receive(publish1(1, 'a', '1', withAlias(1)), publish1(2, '', '2', withAlias(1)))
      .drop()
    // What is sent again is no exception.
    await flow(await kit.client('c', { fields, sessionPresent: true })).receive(
      publish1(1, 'a', '1', { ...withAlias(1), dup: true }),
      publish1(2, '', '2', { ...withAlias(1), dup: true }),
    )
    const none = { clean: false, properties: { sessionExpiryInterval: 100 } }
    await flow(await kit.client('c', { fields: none, sessionPresent: true })).receive(
      publish1(1, 'a', '1', { dup: true }),
      publish1(2, 'a', '2', { dup: true }),
    )
  })

  it('[v5 MQTT-3.3.2-11] is never above the maximum of CONNECT, also when that is less than before', async () => {
    const kit = await openBroker({ limits: { topicAliasMaximumOut: 100 } })
    const aliases: number[] = []
    for (const topicAliasMaximum of [3, 1]) {
      const peer = await kit.subscriber('c', '#', 0, { fields: { properties: { topicAliasMaximum } } })
      for (const topicName of ['a', 'b', 'c', 'd', 'a', 'd', 'c', 'b']) {
        await kit.publish(topicName, topicName)
        const { packet } = await peer.next()
        expect(packet.payload).toBe(topicName)
        aliases.push((packet.properties as { topicAlias?: number } | undefined)?.topicAlias ?? 0)
      }
    }
    expect(aliases).toEqual([1, 2, 3, 0, 1, 0, 3, 2, 1, 0, 0, 0, 1, 0, 0, 0])
  })
})
