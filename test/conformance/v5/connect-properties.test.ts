// Properties of CONNECT in MQTT 5, section 3.1.2.11: how large a packet, which topic aliases, what is told.
// connect.test.ts has the session expiry interval, publish-flow.test.ts the receive maximum.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import {
  connack,
  connect,
  pingreq,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type Said,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'
import { connectWith, firstOf, openScram } from './scram-client.ts'

const kept = (more: object) => ({ clean: false, properties: { sessionExpiryInterval: 100, ...more } })
/** A QoS 0 PUBLISH to `a` of so many bytes has this payload. */
const payloadOf = (packetBytes: number) => 'x'.repeat(packetBytes - 6)

describe('the maximum packet size of the client', () => {
  it('[v5 MQTT-3.1.2-24] may be met, and one byte more is not sent at any QoS', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', '#', 2, { fields: { properties: { maximumPacketSize: 100 } } })
    for (const qos of [0, 1, 2] as const) {
      // Two more bytes of packet id.
      const size = qos === 0 ? 100 : 98
      await kit.broker.publish({ topicName: 'a', payload: payloadOf(size), qos })
      await kit.broker.publish({ topicName: 'a', payload: payloadOf(size + 1), qos })
    }
    await flow(peer)
      .receive(publish('a', payloadOf(100)))
      .receive(publish1(1, 'a', payloadOf(98)), publish2(3, 'a', payloadOf(98)))
      .receiveNothing()
  })

  it('[v5 MQTT-3.1.2-24] counts what the broker adds, such as a subscription identifier', async () => {
    const kit = await openBroker()
    const fields = { properties: { maximumPacketSize: 100 } }
    const peer = await kit.subscriber('c', 'a', 0, { fields, subscriptionIdentifier: 300 })
    await kit.publish('a', payloadOf(97))
    await kit.publish('a', payloadOf(98))
    const properties = { subscriptionIdentifier: 300 }
    await flow(peer)
      .receive(publish('a', payloadOf(97), { properties }))
      .receiveNothing()
  })

  it('[v5 MQTT-3.1.2-24] holds for retained messages', async () => {
    const kit = await openBroker()
    await kit.publish('a', payloadOf(101), true)
    await kit.publish('b', payloadOf(100), true)
    const peer = await kit.subscriber('c', '#', 0, { fields: { properties: { maximumPacketSize: 100 } } })
    await flow(peer)
      .receive(publish('b', payloadOf(100), { retain: true }))
      .receiveNothing()
  })

  it('[v5 MQTT-3.1.2-24] is that of the connection, not of the one before', async () => {
    const kit = await openBroker()
    const small = kept({ maximumPacketSize: 50 })
    await flow(await kit.subscriber('c', 'a', 0, { fields: small })).drop()
    const large = await kit.client('c', { fields: kept({}), sessionPresent: true })
    await kit.publish('a', payloadOf(1_000))
    await flow(large)
      .receive(publish('a', payloadOf(1_000)))
      .drop()
    const again = await kit.client('c', { fields: small, sessionPresent: true })
    await kit.publish('a', payloadOf(1_000))
    await flow(again).receiveNothing()
  })

  it('[v5 MQTT-3.1.2-25] drops what is larger as if it had been sent: the queue goes on', async () => {
    const kit = await openBroker()
    const fields = { properties: { maximumPacketSize: 50, receiveMaximum: 1 } }
    const peer = await kit.subscriber('c', 'a', 2, { fields })
    for (const payload of ['first', payloadOf(100), payloadOf(100), 'last']) {
      await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
    }
    const talk = flow(peer)
      .receive(publish1(1, 'a', 'first'))
      .receiveNothing()
    await talk
      .send(puback(1))
      .receive(publish1(4, 'a', 'last'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.1.2-25] drops what is larger for good: a later connection does not get it', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 1, { fields: kept({ maximumPacketSize: 50 }) })
    await kit.broker.publish({ topicName: 'a', payload: payloadOf(100), qos: 1 })
    await flow(peer).receiveNothing().drop()
    await flow(await kit.client('c', { fields: kept({}), sessionPresent: true })).receiveNothing()
  })

  it('[v5 MQTT-3.1.2-25] takes a message from its publisher though its receivers cannot have it', async () => {
    const kit = await openBroker()
    await kit.subscriber('c', 'a', 1, { fields: { properties: { maximumPacketSize: 50 } } })
    const other = await kit.subscriber('other', 'a', 1)
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', payloadOf(100)))
      .receive(puback(1))
    await flow(other).receive(publish1(1, 'a', payloadOf(100)))
  })
})

describe('the topic alias maximum of the client', () => {
  const aliasesOf = async (topicAliasMaximum: number | undefined): Promise<unknown[]> => {
    const kit = await openBroker({ limits: { topicAliasMaximumOut: 10 } })
    const properties = topicAliasMaximum === undefined ? {} : { topicAliasMaximum }
    const peer = await kit.subscriber('c', '#', 1, { fields: { properties } })
    const topics = ['a', 'b', 'c', 'd', 'e', 'a', 'b', 'c', 'd', 'e']
    for (const topicName of topics) await kit.broker.publish({ topicName, payload: topicName, qos: 1 })
    const aliases: unknown[] = []
    for (const topicName of topics) {
      const { packet } = await peer.next()
      const { topicAlias } = (packet.properties ?? {}) as { topicAlias?: number }
      expect(packet.payload).toBe(topicName)
      // Where it has no alias it has its name.
      if (topicAlias === undefined) expect(packet.topic).toBe(topicName)
      aliases.push(topicAlias)
    }
    return aliases
  }

  it('[v5 MQTT-3.1.2-26] is not exceeded by the aliases that the broker uses', async () => {
    const none = undefined
    expect(await aliasesOf(2)).toEqual([1, 2, none, none, none, 1, 2, none, none, none])
    expect(await aliasesOf(1)).toEqual([1, none, none, none, none, 1, none, none, none, none])
  })

  it('[v5 MQTT-3.1.2-27] of 0, or left out, has the broker use no alias', async () => {
    const none = new Array<undefined>(10).fill(undefined)
    expect(await aliasesOf(0)).toEqual(none)
    expect(await aliasesOf(undefined)).toEqual(none)
  })
})

describe('the request for response information', () => {
  const informationFor = async (properties: object): Promise<unknown> => {
    const kit = await openBroker({ features: { responseInformation: 'answers/%c' } })
    const peer = kit.peer()
    peer.send(connect('c', { properties }))
    const { packet } = await peer.next()
    expect(packet).toMatchObject(connack())
    return (packet.properties as { responseInformation?: string }).responseInformation
  }

  it('[v5 MQTT-3.1.2-28] of 0, or left out, has none told in CONNACK, where it would be told at 1', async () => {
    expect(await informationFor({ requestResponseInformation: true })).toBe('answers/c')
    expect(await informationFor({ requestResponseInformation: false })).toBeUndefined()
    expect(await informationFor({})).toBeUndefined()
  })
})

describe('the request for problem information', () => {
  const failing = [
    publish2(1, 'held', 'x'),
    subscribe(1, 'a', 0),
    unsubscribe(1, 'a'),
    publish1(1, 'a', 'x'),
    subscribe(2, ['b', 'a#'], 0),
    publish1(3, '$SYS/a', 'x'),
    publish2(4, '$SYS/a', 'x'),
    pubrel(5),
    pubrec(6),
    publish('b', 'x', { properties: { userProperties: { n: 'v' } } }),
  ]
  /** The answers to all of that, with their properties. */
  const answersTo = async (properties: object): Promise<Said[]> => {
    const kit = await openBroker()
    const peer = await kit.client('c', { fields: { properties } })
    peer.send(...failing)
    const answers: Said[] = []
    for (let i = 0; i < failing.length; i++) answers.push((await peer.next()).packet)
    return answers
  }

  it('[v5 MQTT-3.1.2-29] of 0 has reasons in words left out of all but CONNACK and DISCONNECT', async () => {
    expect(await answersTo({ requestProblemInformation: false })).toEqual([
      pubrec(1, 0x10),
      suback(1, 0x91),
      unsuback(1, 0x91),
      puback(1, 0x91),
      suback(2, 0, 0x8f),
      puback(3, 0x87),
      pubrec(4, 0x87),
      pubcomp(5, 0x92),
      pubrel(6, 0x92),
      // A message keeps what its publisher put into it.
      publish('b', 'x', { properties: { userProperties: { n: 'v' } } }),
    ])
  })

  it('[v5 MQTT-3.1.2-29] of 1, or left out, has reasons in words told where there are any', async () => {
    for (const properties of [{ requestProblemInformation: true }, {}]) {
      const answers = await answersTo(properties)
      expect(answers[4]).toMatchObject({ cmd: 'suback', properties: { reasonString: expect.any(String) } })
    }
  })
})

describe('an authentication method', () => {
  it('[v5 MQTT-3.1.2-30] has nothing done of what comes before CONNACK, but for AUTH and DISCONNECT', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0)
    const properties = { authenticationMethod: 'none such' }
    await flow(kit.peer())
      .send(connect('c', { properties }), publish('a', 'x', { retain: true }), subscribe(1, 'a', 0))
      .receive(connack(0x8c))
      .closed()
    await flow(watcher).receiveNothing()
    await flow(await kit.subscriber('late', '#', 0)).receiveNothing()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.1.2-30] has the exchange ended with 0x82 by what is neither AUTH nor DISCONNECT', async () => {
    const kit = await openScram()
    const watcher = await kit.subscriber('watcher', '#', 0)
    for (const packet of [publish('a', 'x'), subscribe(1, 'a', 0), pingreq, connect('again')]) {
      const peer = kit.peer()
      peer.send(connectWith(firstOf('ada')))
      expect((await peer.next()).packet).toMatchObject({ cmd: 'auth', reasonCode: 0x18 })
      await flow(peer).send(packet).receive(connack(0x82)).closed()
    }
    await flow(watcher).receiveNothing()
  })
})
