// CONNECT in all versions: what is answered, what is refused, and what was agreed.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  connack,
  connect,
  disconnect,
  pingreq,
  pingresp,
  publish,
  subscribe,
  type Version,
} from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const VERSIONS: readonly Version[] = [3, 4, 5]

describe.each(VERSIONS)('a client that speaks protocol level %i', (version) => {
  it('is accepted, answered its PINGREQ, and let go at its DISCONNECT', async () => {
    const kit = await openBroker()
    await flow(kit.peer(version))
      .send(connect('c'))
      .receive(connack())
      .send(pingreq)
      .receive(pingresp)
      .send(disconnect())
      .closed()
  })

  it('is closed when its first packet is not CONNECT', async () => {
    const kit = await openBroker()
    await flow(kit.peer(version)).send(publish('a', 'x')).closed()
    await kit.servesOthers()
  })

  it('is closed at a second CONNECT', async () => {
    const kit = await openBroker()
    const talk = flow(await kit.client('c', { version })).send(connect('c'))
    await (version === 5 ? talk.receive(disconnect(0x82)).closed() : talk.closed())
    await kit.servesOthers()
  })

  it('is refused with its code when anonymous clients are not allowed', async () => {
    const kit = await openBroker({ allowAnonymous: false })
    await flow(kit.peer(version))
      .send(connect('c'))
      .receive(connack(version === 5 ? 0x87 : 5))
      .closed()
  })

  it('is closed when its CONNECT has not come by the deadline, whole', async () => {
    const kit = await openBroker({ limits: { connectTimeoutMs: 3_000 } })
    const silent = kit.peer(version)
    const slow = kit.peer(version)
    slow.send(Buffer.from([0x10, 0x20, 0x00]))
    await flow(silent)
      .receiveNothing()
      .do(() => kit.clock.advance(2_900))
      .receiveNothing()
      .do(() => kit.clock.advance(300))
      .closed()
    await flow(slow).closed()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.1.2-22] [v3.1.1 MQTT-3.1.2-24] is closed after 1.5 times its keep alive', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c', { version, fields: { keepalive: 10 } })
    const talk = flow(peer)
      .do(() => kit.clock.advance(14_900))
      .send(pingreq)
      .receive(pingresp)
      .do(() => kit.clock.advance(14_900))
      .receiveNothing()
      .do(() => kit.clock.advance(16_000))
    await (version === 5 ? talk.receive(disconnect(0x8d)).closed() : talk.closed())
  })

  it('is not blamed for a leap of the clock, nor for our sleep: its silence is counted anew', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c', { version, fields: { keepalive: 10 } })
    const late = kit.peer(version)
    kit.clock.jump(3_600_000)
    kit.clock.advance(1_000)
    await flow(peer).send(pingreq).receive(pingresp)
    await flow(late).send(connect('late')).receive(connack(0))
    kit.clock.advance(14_900)
    await flow(peer).receiveNothing()
    kit.clock.advance(15_100)
    await flow(peer)
      .receive(...(version === 5 ? [disconnect(0x8d)] : []))
      .closed()
  })

  it('may be silent for ever with a keep alive of 0', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c', { version, fields: { keepalive: 0 } }))
      .do(() => kit.clock.advance(1_000_000_000))
      .receiveNothing()
  })
})

describe.each(STORES)('on the %s store', (store) => {
  it('[v3.1.1 MQTT-3.1.2-6] CleanSession 1 begins with nothing, and leaves nothing', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 1, { version: 4, fields: { clean: false } })).drop()
    await flow(await kit.client('c', { version: 4, fields: { clean: true } })).drop()
    await flow(await kit.client('c', { version: 4, fields: { clean: false } })).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.2.2-2] tells by session present whether there was a session', async () => {
    const kit = await openBroker({ store })
    const fields = { clean: false }
    await flow(await kit.client('c', { version: 4, fields })).drop()
    await flow(await kit.client('c', { version: 4, fields, sessionPresent: true })).drop()
    await flow(await kit.client('c', { version: 4 })).drop()
  })

  it('keeps a session of MQTT 3.1, whose CONNACK has no session present', async () => {
    const kit = await openBroker({ store })
    const fields = { clean: false }
    await flow(await kit.subscriber('c', 'a', 0, { version: 3, fields })).drop()
    const back = await kit.client('c', { version: 3, fields, sessionPresent: false })
    await kit.publish('a', 'still subscribed')
    await flow(back).receive(publish('a', 'still subscribed'))
  })

  it('[v5 MQTT-3.1.2-5] resumes a session when clean start is 0, [v5 MQTT-3.1.2-4] and ends it when 1', async () => {
    const kit = await openBroker({ store })
    const properties = { sessionExpiryInterval: 100 }
    await flow(await kit.subscriber('c', 'a', 0, { fields: { properties } })).drop()
    const again = await kit.client('c', { fields: { clean: false, properties }, sessionPresent: true })
    await kit.publish('a', '1')
    await flow(again).receive(publish('a', '1')).drop()
    const anew = await kit.client('c', { fields: { clean: true, properties }, sessionPresent: false })
    await kit.publish('a', '2')
    await flow(anew).receiveNothing()
  })
})

describe('an empty client id', () => {
  it('[v5 MQTT-3.1.3-6] [v5 MQTT-3.1.3-7] is replaced by a new one of ours, told in CONNACK', async () => {
    const kit = await openBroker()
    const ids: unknown[] = []
    // Clean start 1, then 0, which mqtt-packet refuses to write.
    const cleanStart0 = Buffer.from('100d00044d515454050000000000 00'.replaceAll(' ', ''), 'hex')
    for (const packet of [connect(''), cleanStart0]) {
      const peer = kit.peer(5)
      peer.send(packet)
      const { properties } = (await peer.next()).packet
      ids.push((properties as { assignedClientIdentifier?: string }).assignedClientIdentifier)
    }
    expect(ids).toEqual([expect.stringMatching(/^godwit-.{8}/), expect.stringMatching(/^godwit-.{8}/)])
    expect(ids[0]).not.toBe(ids[1])
  })

  it('[v3.1.1 MQTT-3.1.3-6] is taken from a 3.1.1 client with CleanSession 1', async () => {
    const kit = await openBroker()
    await flow(kit.peer(4)).send(connect('')).receive(connack()).receiveNothing()
  })

  it('[v3.1.1 MQTT-3.1.3-8] is refused with 0x02 from a 3.1.1 client with CleanSession 0', async () => {
    const kit = await openBroker()
    await flow(kit.peer(4))
      .send(Buffer.from('100c00044d5154540400000000 00'.replaceAll(' ', ''), 'hex'))
      .receive(connack(2))
      .closed()
  })

  it('is refused with 0x02 from a 3.1 client', async () => {
    const kit = await openBroker()
    await flow(kit.peer(3))
      .send(Buffer.from('100e00064d51497364700302000000 00'.replaceAll(' ', ''), 'hex'))
      .receive(connack(2))
      .closed()
  })
})

describe('what is agreed in CONNACK', () => {
  it('is the keep alive where it is not the one asked for, and the broker holds to it', async () => {
    const kit = await openBroker({ limits: { keepAliveMax: 20 } })
    await flow(kit.peer())
      .send(connect('c', { keepalive: 600 }))
      .receive(connack(0, false, { serverKeepAlive: 20 }))
      .do(() => kit.clock.advance(29_000))
      .receiveNothing()
      .do(() => kit.clock.advance(31_000))
      .receive(disconnect(0x8d))
      .closed()
  })

  it('is the keep alive also for a client that asked for none', async () => {
    const kit = await openBroker({ limits: { keepAliveMax: 20 } })
    await flow(kit.peer())
      .send(connect('c', { keepalive: 0 }))
      .receive(connack(0, false, { serverKeepAlive: 20 }))
  })

  it('is our receive maximum, packet size, topic aliases and a shorter session expiry', async () => {
    const limits = { receiveMaximum: 7, maximumPacketSize: 2_000, topicAliasMaximum: 3 }
    const kit = await openBroker({ limits: { ...limits, sessionExpiryIntervalMax: 50 } })
    await flow(kit.peer())
      .send(connect('c', { properties: { sessionExpiryInterval: 51 } }))
      .receive(connack(0, false, { ...limits, sessionExpiryInterval: 50 }))
  })
})

describe('a CONNECT that cannot be taken', () => {
  it('[v3.1.1 MQTT-3.1.2-2] of a protocol level we do not speak is answered 0x01', async () => {
    const kit = await openBroker()
    await flow(kit.peer(4))
      .send(Buffer.from('100d00044d515454090200000001 63'.replaceAll(' ', ''), 'hex'))
      .receive(connack(1))
      .closed()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.1.4-1] that is malformed is answered 0x81 in 5.0 and closed before', async () => {
    const kit = await openBroker()
    // The reserved connect flag is set. [v5 MQTT-3.1.2-3]
    await flow(kit.peer(5))
      .send(Buffer.from('100e00044d51545405030000 00 000163'.replaceAll(' ', ''), 'hex'))
      .receive(connack(0x81))
      .closed()
    await flow(kit.peer(4))
      .send(Buffer.from('100d00044d51545404030000 000163'.replaceAll(' ', ''), 'hex'))
      .closed()
    await kit.servesOthers()
  })

  it('with a wildcard in its will topic is answered 0x90 in 5.0 and closed before', async () => {
    const kit = await openBroker()
    const will = { topic: 'a/#', payload: Buffer.from('x'), qos: 0, retain: false }
    await flow(kit.peer(5)).send(connect('c', { will })).receive(connack(0x90)).closed()
    await flow(kit.peer(4)).send(connect('c', { will })).closed()
    await kit.servesOthers()
  })

  it('with an empty will topic is refused, also as the first of all', async () => {
    const kit = await openBroker()
    // Will flag set, client id "c", empty will topic, empty will payload.
    const hex = '1013 00044d515454 05 06 0000 00 000163 00 0000 0000'
    await flow(kit.peer(5))
      .send(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
      .receive(connack(0x90))
      .closed()
  })

  it('[v5 MQTT-4.12.0-1] with an authentication method nobody has is answered 0x8C', async () => {
    const kit = await openBroker()
    await flow(kit.peer(5))
      .send(connect('c', { properties: { authenticationMethod: 'SCRAM' } }))
      .receive(connack(0x8c))
      .closed()
  })

  it('above its size limit is closed before it has arrived', async () => {
    const kit = await openBroker({ limits: { connectBytesMax: 1_000 } })
    await flow(kit.peer(4))
      .send(Buffer.from([0x10, 0xe9, 0x07]))
      .closed()
    await kit.servesOthers()
  })

  it('beyond the number of connections is closed, and the others stay', async () => {
    const kit = await openBroker({ limits: { connectionsMax: 2 } })
    const one = await kit.client('one')
    await kit.client('two')
    await flow(kit.peer()).closed()
    await flow(one).receiveNothing().drop()
    await flow(await kit.client('three')).receiveNothing()
  })

  it('beyond the number of sessions is answered 0x97', async () => {
    const kit = await openBroker({ limits: { sessionsMax: 1 } })
    await kit.client('one')
    await flow(kit.peer()).send(connect('two')).receive(connack(0x97)).closed()
  })
})

it('handles what comes in the same chunk as CONNECT after it, on both stores', async () => {
  for (const store of STORES) {
    const kit = await openBroker({ store })
    await flow(kit.peer(4))
      .send(connect('c', { clean: false }), pingreq, subscribe(9, 'a', 0), pingreq)
      .receive(connack(), pingresp)
      .receiveUnordered({ cmd: 'suback', messageId: 9, granted: [0] }, pingresp)
  }
})
