// What CONNACK rules out, and how it is refused: the options under `features` and `redirect`; and reasons in words,
// told to those who want them and can take them.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { frame, publish5, text, vbi } from '../kit/frames.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish,
  publish1,
  publish2,
  pubrec,
  type Said,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
  willOf,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker } from '../kit/test-broker.ts'

async function connackOf(peer: Peer, fields = {}): Promise<Said> {
  await flow(peer).send(connect('c', fields))
  return (await peer.next()).packet
}

describe('features.maximumQos', () => {
  it('is told in CONNACK, and not where there is no limit', async () => {
    const kit = await openBroker({ features: { maximumQos: 1 } })
    expect((await connackOf(kit.peer())).properties).toMatchObject({ maximumQoS: 1 })
    const other = await openBroker()
    expect((await connackOf(other.peer())).properties).not.toHaveProperty('maximumQoS')
  })

  it('disconnects who publishes above it with 0x9B, in 3.1.1 without a word', async () => {
    const kit = await openBroker({ features: { maximumQos: 0 } })
    await flow(await kit.client('five'))
      .send(publish1(1, 'a', 'x'))
      .receive(disconnect(0x9b))
      .closed()
    await flow(await kit.client('four', { version: 4 }))
      .send(publish2(1, 'a', 'x'))
      .closed()
    await flow(await kit.client('c'))
      .send(publish('a', 'x'))
      .receiveNothing()
  })

  it('refuses a will above it with 0x9B', async () => {
    const kit = await openBroker({ features: { maximumQos: 1 } })
    await flow(kit.peer())
      .send(connect('c', { will: willOf('a', 'x', { qos: 2 }) }))
      .receive(connack(0x9b))
      .closed()
  })

  it('is what subscriptions are granted at most', async () => {
    const kit = await openBroker({ features: { maximumQos: 1 } })
    for (const version of [4, 5] as const) {
      await flow(await kit.client('c', { version }))
        .send(subscribe(1, ['a', 'b'], 2))
        .receive(suback(1, 1, 1))
    }
  })
})

describe.each([
  ['wildcardSubscriptions', 'wildcardSubscriptionAvailable', '$share/g/a/+', 0xa2],
  ['sharedSubscriptions', 'sharedSubscriptionAvailable', '$share/g/a', 0x9e],
] as const)('features.%s', (option, property, topicFilter, reasonCode) => {
  it('is told in CONNACK, and a filter that needs it is refused, the others taken', async () => {
    const kit = await openBroker({ features: { [option]: false } })
    expect((await connackOf(kit.peer())).properties).toMatchObject({ [property]: false })
    await flow(await kit.client('five'))
      .send(subscribe(1, ['a', topicFilter], 1))
      .receive(suback(1, 1, reasonCode))
    await flow(await kit.client('four', { version: 4 }))
      .send(subscribe(1, ['a', topicFilter], 1))
      .receive(suback(1, 1, 0x80))
  })
})

describe('features.subscriptionIdentifiers', () => {
  it('is told in CONNACK, and a SUBSCRIBE with one is refused', async () => {
    const kit = await openBroker({ features: { subscriptionIdentifiers: false } })
    const told = await connackOf(kit.peer())
    expect(told.properties).toMatchObject({ subscriptionIdentifiersAvailable: false })
    await flow(await kit.client('five'))
      .send(subscribe(1, 'a', 1, { subscriptionIdentifier: 7 }))
      .receive(suback(1, 0xa1))
      .send(subscribe(2, 'a', 1))
      .receive(suback(2, 1))
  })
})

describe('features.payloadFormatCheck', () => {
  const isText = Buffer.from([0x01, 1])
  const publish1Of = (payload: Buffer) => frame(0x32, text('a'), Buffer.from([0, 9]), vbi(2), isText, payload)

  it('refuses what says that it is UTF-8 and is not with 0x99', async () => {
    const kit = await openBroker({ features: { payloadFormatCheck: true } })
    await flow(await kit.client('c'))
      .send(publish1Of(Buffer.from('tür')))
      .receive(puback(9, 0x10))
      .send(publish1Of(Buffer.from([0xff])))
      .receive(disconnect(0x99))
      .closed()
    const will = willOf('a', 'x', {
      payload: Buffer.from([0xff]),
      properties: { payloadFormatIndicator: true },
    })
    await flow(kit.peer()).send(connect('c', { will })).receive(connack(0x99)).closed()
  })

  it('is off unless asked for: the payload is the application’s', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(publish1Of(Buffer.from([0xff])))
      .receive(puback(9, 0x10))
  })
})

describe('response information', () => {
  const ask = { properties: { requestResponseInformation: true } }
  const toldTo = async (kit: Awaited<ReturnType<typeof openBroker>>, clientId: string, fields = {}) => {
    const peer = kit.peer()
    await flow(peer).send(connect(clientId, fields))
    return ((await peer.next()).packet.properties as Record<string, unknown>).responseInformation
  }

  it('is told to a client that asks, with its client id', async () => {
    const kit = await openBroker()
    expect(await toldTo(kit, 'c$&', ask)).toBe('response/c$&')
    expect(await toldTo(kit, 'c')).toBeUndefined()
    for (const clientId of ['a/b', 'a+', '#']) expect(await toldTo(kit, clientId, ask)).toBeUndefined()
  })

  it('is what the configuration says, or nothing', async () => {
    const kit = await openBroker({ features: { responseInformation: 'answers' } })
    expect(await toldTo(kit, 'a/b', ask)).toBe('answers')
    const silent = await openBroker({ features: { responseInformation: '' } })
    expect(await toldTo(silent, 'c', ask)).toBeUndefined()
  })
})

describe('a packet id that a QoS 2 message still has', () => {
  it('is refused with 0x91 in 5.0, and nothing is done', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(publish2(7, 'a', 'x'), subscribe(7, ['a', 'b'], 1), unsubscribe(7, 'a'), publish1(7, 'b', 'y'))
      .receive(pubrec(7, 0x10), suback(7, 0x91, 0x91), unsuback(7, 0x91), puback(7, 0x91))
      .do(() => kit.publish('a', 'z'))
      .receiveNothing()
  })

  it('is taken in 3.1.1, which has no answer for it', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c', { version: 4 }))
      .send(publish2(7, 'a', 'x'), subscribe(7, 'a', 1))
      .receive(pubrec(7), suback(7, 1))
  })
})

describe('redirect', () => {
  const serverReference = 'other.example:1883'

  it('sends everybody elsewhere when it always does', async () => {
    for (const [isPermanent, reasonCode] of [
      [false, 0x9c],
      [true, 0x9d],
    ] as const) {
      const kit = await openBroker({ redirect: { serverReference, when: 'always', isPermanent } })
      await flow(kit.peer())
        .send(connect('five'))
        .receive(connack(reasonCode, false, { serverReference }))
        .closed()
      await flow(kit.peer(4)).send(connect('four')).receive(connack(3)).closed()
    }
  })

  it('sends who finds no room for a session elsewhere, and all at a shutdown', async () => {
    const kit = await openBroker({ redirect: { serverReference }, limits: { sessionsMax: 1 } })
    const one = await kit.client('one')
    await flow(kit.peer())
      .send(connect('two'))
      .receive(connack(0x9c, false, { serverReference }))
      .closed()
    await kit.broker.close()
    await flow(one).receive(disconnect(0x9c, { serverReference })).closed()
  })
})

describe('reasons in words', () => {
  const wildcard = publish5('a/#', [], 'x')

  it('are told in CONNACK, SUBACK and DISCONNECT', async () => {
    const kit = await openBroker()
    await flow(kit.peer())
      .send(connect('c', { properties: { authenticationMethod: 'unheard of' } }))
      .receive(connack(0x8c, false, { reasonString: expect.stringContaining('authentication method') }))
      .closed()
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribe(1, ['fine', 'a#'], 0))
      .receive({
        ...suback(1, 0, 0x8f),
        properties: { reasonString: 'topic filter 2: it has a # that is not alone in its level' },
      })
      .send(wildcard)
      .receive(disconnect(0x90, { reasonString: expect.stringContaining('topic name') }))
      .closed()
  })

  it('are not told to a client that does not want them', async () => {
    const kit = await openBroker()
    const fields = { properties: { requestProblemInformation: false } }
    const peer = await kit.client('c', { fields })
    await flow(peer).send(subscribe(1, 'a#', 0), wildcard)
    expect((await peer.next()).packet).toEqual(suback(1, 0x8f))
    expect((await peer.next()).packet).toEqual(disconnect(0x90))
    const refused = kit.peer()
    const properties = { ...fields.properties, authenticationMethod: 'unheard of' }
    await flow(refused).send(connect('c', { properties }))
    expect((await refused.next()).packet.properties ?? {}).not.toHaveProperty('reasonString')
  })

  it('say nothing of what the client sent, however long it is', async () => {
    const kit = await openBroker()
    const will = willOf(`$SYS/${'a'.repeat(65_530)}`, 'x')
    await flow(kit.peer())
      .send(connect('c', { will }))
      .receive(connack(0x87, false, { reasonString: 'will topic: clients may not publish there' }))
      .closed()
    await kit.servesOthers()
  })

  it('are left out where the packet would be larger than the client takes', async () => {
    const kit = await openBroker()
    const peer = await kit.client('c', { fields: { properties: { maximumPacketSize: 20 } } })
    await flow(peer).send(subscribe(1, 'a#', 0), wildcard)
    expect((await peer.next()).packet).toEqual(suback(1, 0x8f))
    expect((await peer.next()).packet).toEqual(disconnect(0x90))
  })
})

describe('an answer larger than the client takes', () => {
  it('CONNACK: does without response information first', async () => {
    const kit = await openBroker()
    const properties = { requestResponseInformation: true, maximumPacketSize: 20 }
    await flow(kit.peer()).send(connect('c', { properties })).receive(connack()).receiveNothing()
  })

  it('CONNACK: is refused with 0x95, and the connection closed', async () => {
    const kit = await openBroker()
    for (const maximumPacketSize of [5, 8, 12]) {
      await flow(kit.peer())
        .send(connect('c', { properties: { maximumPacketSize } }))
        .receive(connack(0x95))
        .closed()
    }
    await flow(kit.peer())
      .send(connect('c', { properties: { maximumPacketSize: 4 } }))
      .closed()
    await kit.servesOthers()
  })

  it('CONNACK: publishes no will, and leaves the session that is kept as it was', async () => {
    const kit = await openBroker()
    const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
    const before = await kit.subscriber('c', 'a', 1, { fields })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(kit.peer())
      .send(connect('c', { will: willOf('will', 'x'), properties: { maximumPacketSize: 8 } }))
      .receive(connack(0x95))
      .closed()
    await flow(watcher).receiveNothing()
    await flow(before)
      .do(() => kit.publish('a', 'still there'))
      .receive(publish('a', 'still there'))
  })

  it('SUBACK and UNSUBACK: is a DISCONNECT with 0x95', async () => {
    const kit = await openBroker()
    const filters = Array.from({ length: 20 }, (_, i) => `f/${i}`)
    const fields = { properties: { maximumPacketSize: 20 } }
    for (const packet of [subscribe(1, filters, 0), unsubscribe(1, ...filters)]) {
      await flow(await kit.client('c', { fields }))
        .send(packet)
        .receive(disconnect(0x95))
        .closed()
    }
  })
})

describe('DISCONNECT from a client', () => {
  it.each([0x8b, 0x8d, 0x8e, 0x9c, 0xa2])(
    'with the server’s reason code %i is a protocol error',
    async (code) => {
      const kit = await openBroker()
      await flow(await kit.client('c'))
        .send(disconnect(code))
        .receive(disconnect(0x82))
        .closed()
    },
  )

  it('with a server reference is a protocol error', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c'))
      .send(disconnect(0, { serverReference: 'elsewhere' }))
      .receive(disconnect(0x82))
      .closed()
  })
})

it('No Local on a shared subscription ends the connection before anything of the packet is done', async () => {
  const kit = await openBroker()
  const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
  const packet = {
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [
      { topic: 'a', qos: 0 },
      { topic: '$share/g/b', qos: 0, nl: true },
    ],
  } as const
  await flow(await kit.client('c', { fields }))
    .send(packet)
    .receive(disconnect(0x82))
    .closed()
  await flow(await kit.client('c', { fields, sessionPresent: true }))
    .do(() => kit.publish('a', 'x'))
    .receiveNothing()
})
