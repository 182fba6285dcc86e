// Section 3.2.2 of MQTT 5: what a server may do without, says so in CONNACK and refuses; and a CONNACK that fits.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import {
  connack,
  connect,
  publish,
  publish1,
  publish2,
  type Qos,
  type Said,
  suback,
  subscribe,
  willOf,
} from '../../kit/packets.ts'
import { openBroker, type TestBroker } from '../../kit/test-broker.ts'
import { refuses, refusesConnect } from './refusals.ts'

const withMaximumQos = (maximumQos: number) => openBroker({ features: { maximumQos } })
const nothingRetained = () => openBroker({ limits: { retainedMessagesMax: 0 } })

/** What the broker answers, with its bytes and its properties. */
async function answerTo(kit: TestBroker, packet: Said) {
  const peer = kit.peer()
  peer.send(packet)
  const { bytes, packet: answer } = await peer.next()
  return { bytes, code: answer.code, properties: (answer.properties ?? {}) as Record<string, unknown> }
}

describe('the maximum QoS', () => {
  it('[v5 MQTT-3.2.2-9] is told where it is 0 or 1, and left out where it is 2', async () => {
    for (const maximumQoS of [0, 1]) {
      const { properties } = await answerTo(await withMaximumQos(maximumQoS), connect('c'))
      expect(properties).toMatchObject({ maximumQoS })
    }
    const { properties } = await answerTo(await withMaximumQos(2), connect('c'))
    expect(properties).not.toHaveProperty('maximumQoS')
  })

  it('[v5 MQTT-3.2.2-10] takes SUBSCRIBE at any QoS, and grants what there is', async () => {
    for (const maximumQos of [0, 1] as Qos[]) {
      const kit = await withMaximumQos(maximumQos)
      const peer = await kit.client('c')
      for (const qos of [0, 1, 2] as Qos[]) {
        await flow(peer)
          .send(subscribe(1, `a/${qos}`, qos))
          .receive(suback(1, Math.min(qos, maximumQos)))
      }
      await kit.publish('a/2', 'x')
      await flow(peer).receive(publish('a/2', 'x'))
    }
  })

  it('[v5 MQTT-3.2.2-11] is held to: a PUBLISH above it ends the connection with 0x9B', async () => {
    const none = await withMaximumQos(0)
    const watcher = await none.subscriber('watcher', 'a', 0)
    for (const packet of [publish1(1, 'a', 'x'), publish2(1, 'a', 'x')]) {
      await flow(await none.client('c'))
        .send(packet)
        .receive({ cmd: 'disconnect', reasonCode: 0x9b })
        .closed()
    }
    await flow(watcher).receiveNothing()
    const one = await withMaximumQos(1)
    await refuses(one, 0x9b, publish2(1, 'a', 'x'))
    await flow(await one.client('c'))
      .send(publish1(1, 'a', 'x'))
      .receive({ cmd: 'puback', messageId: 1, reasonCode: 0x10 })
  })

  it('[v5 MQTT-3.2.2-12] is held to: a will above it has its CONNECT refused with 0x9B', async () => {
    const kit = await withMaximumQos(1)
    await refusesConnect(kit, 0x9b, connect('c', { will: willOf('a', 'x', { qos: 2 }) }))
    await kit.client('c', { fields: { will: willOf('a', 'x', { qos: 1 }) } })
  })
})

describe('where nothing is retained', () => {
  it('[v5 MQTT-3.2.2-13] a will that is to be retained has its CONNECT refused with 0x9A', async () => {
    const kit = await nothingRetained()
    await refusesConnect(kit, 0x9a, connect('c', { will: willOf('a', 'x', { retain: true }) }))
    await kit.client('c', { fields: { will: willOf('a', 'x') } })
  })

  it('[v5 MQTT-3.2.2-14] CONNACK says so, and a PUBLISH with RETAIN ends the connection with 0x9A', async () => {
    const kit = await nothingRetained()
    expect((await answerTo(kit, connect('c'))).properties).toMatchObject({ retainAvailable: false })
    const watcher = await kit.subscriber('watcher', 'a', 0)
    const retain = { retain: true }
    for (const packet of [
      publish('a', 'x', retain),
      publish1(1, 'a', 'x', retain),
      publish('a', '', retain),
    ]) {
      await refuses(kit, 0x9a, packet)
    }
    await flow(watcher).receiveNothing()
    const other = await openBroker()
    expect((await answerTo(other, connect('c'))).properties).not.toMatchObject({ retainAvailable: false })
  })
})

describe('a CONNACK within the maximum packet size of the client', () => {
  const refused = (maximumPacketSize: number) =>
    connect('c', { properties: { authenticationMethod: 'none such', maximumPacketSize } })

  it('[v5 MQTT-3.2.2-19] has a reason string only where it fits, and its reason code always', async () => {
    const kit = await openBroker()
    const whole = (await answerTo(kit, refused(10_000))).bytes.length
    for (let size = 5; size <= whole + 2; size++) {
      const { bytes, code, properties } = await answerTo(kit, refused(size))
      expect(code).toBe(0x8c)
      expect(bytes.length).toBeLessThanOrEqual(size)
      expect(properties.reasonString !== undefined).toBe(size >= whole)
    }
  })

  it('[v5 MQTT-3.2.2-20] has no user property that would not fit, taken or refused', async () => {
    const kit = await openBroker()
    for (let maximumPacketSize = 5; maximumPacketSize <= 100; maximumPacketSize++) {
      const taken = connect('c', { properties: { maximumPacketSize } })
      for (const packet of [taken, refused(maximumPacketSize)]) {
        const { bytes, properties } = await answerTo(kit, packet)
        expect(bytes.length).toBeLessThanOrEqual(maximumPacketSize)
        expect(properties).not.toHaveProperty('userProperties')
      }
    }
  })

  it('[v5 MQTT-3.2.2-19] is that of a success too, or there is none', async () => {
    const kit = await openBroker()
    const taken = (maximumPacketSize: number) => connect('c', { properties: { maximumPacketSize } })
    const whole = (await answerTo(kit, taken(10_000))).bytes.length
    expect((await answerTo(kit, taken(whole))).code).toBe(0)
    await refusesConnect(kit, 0x95, taken(whole - 1))
    await flow(kit.peer()).send(taken(4)).closed()
    await flow(kit.peer()).send(connect('c')).receive(connack())
  })
})
