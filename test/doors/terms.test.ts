// What each listener allows its clients: versions, quality of service, packet size, anonymity.
import { describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { flow } from '../kit/flow.ts'
import { dialTcp, openFrontDoor } from '../kit/front-door.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish1,
  publish2,
  suback,
  subscribe,
  willOf,
} from '../kit/packets.ts'

const portsOf = (addresses: readonly { port: number }[]): number[] => addresses.map(({ port }) => port)

it('any number of listeners serve side by side, and one that cannot leaves none open', async () => {
  const { addresses, broker } = await openFrontDoor([
    { port: 0 },
    { port: 0, protocol: 'ws' },
    'mqtt://127.0.0.1:0',
  ])
  expect(addresses.map(({ name }) => name)).toEqual(['mqtt-0', 'ws-0', 'mqtt-0-2'])
  const [first = 0, , third = 0] = portsOf(addresses)
  await flow(await dialTcp(first))
    .send(connect('a'))
    .receive(connack())
  await flow(await dialTcp(third))
    .send(connect('b'))
    .receive(connack())
  await expect(
    broker.listen([
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: first },
    ]),
  ).rejects.toMatchObject({
    code: 'ERR_GODWIT_LISTEN_IN_USE',
  })
})

describe('versions', () => {
  it('that a listener does not speak are refused in their own words', async () => {
    const { addresses } = await openFrontDoor([
      { port: 0, versions: [5] },
      { port: 0, versions: [3, 4] },
    ])
    const [five = 0, old = 0] = portsOf(addresses)
    await flow(await dialTcp(five, 5))
      .send(connect('a'))
      .receive(connack())
    await flow(await dialTcp(five, 4))
      .send(connect('b'))
      .receive(connack(1))
      .closed()
    await flow(await dialTcp(five, 3))
      .send(connect('c'))
      .receive(connack(1))
      .closed()
    await flow(await dialTcp(old, 3))
      .send(connect('d'))
      .receive(connack())
    await flow(await dialTcp(old, 4))
      .send(connect('e'))
      .receive(connack())
    await flow(await dialTcp(old, 5))
      .send(connect('f'))
      .receive(connack(ReasonCode.UnsupportedProtocolVersion))
      .closed()
  })
})

describe('the maximum quality of service of a listener', () => {
  it('is told, granted, and held to, and the lower of it and that of all', async () => {
    const listeners = [
      { port: 0, maximumQos: 0 },
      { port: 0, maximumQos: 2 },
    ]
    const { addresses } = await openFrontDoor(listeners, { features: { maximumQos: 1 } })
    const [zero = 0, one = 0] = portsOf(addresses)
    await flow(await dialTcp(zero))
      .send(connect('a'))
      .receive(connack(0, false, { maximumQoS: 0 }))
      .send(subscribe(1, 'a', 2))
      .receive(suback(1, 0))
      .send(publish1(1, 'a', 'x'))
      .receive(disconnect(ReasonCode.QosNotSupported))
      .closed()
    await flow(await dialTcp(one))
      .send(connect('b'))
      .receive(connack(0, false, { maximumQoS: 1 }))
      .send(subscribe(1, 'b', 2))
      .receive(suback(1, 1))
      .send(publish1(1, 'b', 'x'))
      .receiveUnordered(puback(1), publish1(1, 'b', 'x'))
      .send(publish2(2, 'b', 'x'))
      .receive(disconnect(ReasonCode.QosNotSupported))
  })

  it('holds for wills too', async () => {
    const { port } = await openFrontDoor([{ port: 0, maximumQos: 0 }])
    await flow(await dialTcp(port))
      .send(connect('a', { will: willOf('a', 'x', { qos: 1 }) }))
      .receive(connack(ReasonCode.QosNotSupported))
      .closed()
  })
})

it('the maximum packet size of a listener is told and held to', async () => {
  const { addresses } = await openFrontDoor([{ port: 0, maximumPacketSize: 100 }, { port: 0 }])
  const [small = 0, large = 0] = portsOf(addresses)
  const payload = 'x'.repeat(200)
  await flow(await dialTcp(small))
    .send(connect('a'))
    .receive(connack(0, false, { maximumPacketSize: 100 }))
    .send(publish1(1, 'a', payload))
    .receive(disconnect(ReasonCode.PacketTooLarge))
  await flow(await dialTcp(large))
    .send(connect('b'), publish1(1, 'a', payload))
    .receive(connack(), puback(1, ReasonCode.NoMatchingSubscribers))
})

it('anonymous clients come in where their listener lets them', async () => {
  const listeners = [{ port: 0 }, { port: 0, allowAnonymous: false }, { port: 0, allowAnonymous: true }]
  const all = await openFrontDoor(listeners)
  const none = await openFrontDoor(listeners, { allowAnonymous: false })
  const refused = ReasonCode.NotAuthorized
  for (const [{ addresses }, codes] of [
    [all, [0, refused, 0]],
    [none, [refused, refused, 0]],
  ] as const) {
    for (const [index, port] of portsOf(addresses).entries()) {
      await flow(await dialTcp(port))
        .send(connect(''))
        .receive(connack(codes[index]))
    }
  }
})
