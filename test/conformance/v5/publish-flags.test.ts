// Section 3.3.1 of MQTT 5: DUP, QoS and RETAIN of PUBLISH as they are passed on.
// publish-retained.test.ts has what RETAIN keeps.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { hex } from '../../kit/frames.ts'
import {
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  type SubscribeOptions,
  suback,
  subscribe,
} from '../../kit/packets.ts'
import { openBroker, STORES } from '../../kit/test-broker.ts'
import { refuses } from './refusals.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 100 } }

describe.each(STORES)('DUP on the %s store', (store) => {
  it('[v5 MQTT-3.3.1-1] is 1 in a PUBLISH that is sent again, and 0 in one that is sent first', async () => {
    const kit = await openBroker({ store })
    const first = await kit.subscriber('c', 'a', 2, { fields: kept })
    for (const qos of [1, 2] as const) {
      await kit.broker.publish({ topicName: 'a', payload: `QoS ${qos}`, qos })
    }
    await flow(first)
      .receive(publish1(1, 'a', 'QoS 1'), publish2(2, 'a', 'QoS 2'))
      .drop()
    await kit.broker.publish({ topicName: 'a', payload: 'queued', qos: 1 })
    await flow(await kit.client('c', { fields: kept, sessionPresent: true })).receive(
      publish1(1, 'a', 'QoS 1', { dup: true }),
      publish2(2, 'a', 'QoS 2', { dup: true }),
      publish1(3, 'a', 'queued'),
    )
  })

  it('[v5 MQTT-3.3.1-3] says whether it is sent again, not what the publisher had set', async () => {
    const kit = await openBroker({ store })
    const online = await kit.subscriber('online', 'a', 2)
    const away = await kit.subscriber('away', 'a', 2, { fields: kept })
    const dup = { dup: true, retain: true }
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', 'QoS 1', dup), publish2(2, 'a', 'QoS 2', dup))
      .receive(puback(1), pubrec(2))
    await flow(online).receive(publish1(1, 'a', 'QoS 1'), publish2(2, 'a', 'QoS 2'))
    await flow(away)
      .receive(publish1(1, 'a', 'QoS 1'), publish2(2, 'a', 'QoS 2'))
      .drop()
    // The publisher's later 0 takes nothing away from the repeats.
    await flow(await kit.client('sender'))
      .send(publish1(3, 'a', 'DUP 0'))
      .receive(puback(3))
    await flow(await kit.client('away', { fields: kept, sessionPresent: true })).receive(
      publish1(1, 'a', 'QoS 1', { dup: true }),
      publish2(2, 'a', 'QoS 2', { dup: true }),
      publish1(3, 'a', 'DUP 0'),
    )
    const late = await kit.subscriber('late', 'a', 2)
    await flow(late).receive(publish2(1, 'a', 'QoS 2', { retain: true }))
  })
})

describe('DUP at QoS 0', () => {
  it('[v5 MQTT-3.3.1-2] is 0 in what the broker sends, also of a message that came at QoS 1 with DUP', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', 'a', 0)
    await flow(await kit.client('sender'))
      .send(publish1(1, 'a', 'x', { dup: true }))
      .receive(puback(1))
    await flow(receiver).receiveBytes(hex('30 05 000161 00 78'))
  })

  it('[v5 MQTT-3.3.1-2] makes a PUBLISH to the broker malformed when it is 1', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', 'a', 0)
    await refuses(kit, 0x81, hex('38 05 000161 00 78'))
    await refuses(kit, 0x81, hex('39 05 000161 00 78'))
    await flow(receiver).receiveNothing()
  })
})

describe('the QoS bits', () => {
  it('[v5 MQTT-3.3.1-4] make PUBLISH malformed when both are set', async () => {
    const kit = await openBroker()
    const receiver = await kit.subscriber('receiver', 'a', 2)
    for (const firstByte of ['36', '37', '3e', '3f']) {
      await refuses(kit, 0x81, hex(`${firstByte} 07 000161 0001 00 78`))
    }
    await flow(receiver).receiveNothing()
  })
})

describe('RETAIN of a forwarded message', () => {
  const both = [publish1(1, 'a', '1', { retain: true }), publish1(2, 'a', '2', { retain: false })]

  it('[v5 MQTT-3.3.1-12] is 0 without Retain As Published, however the message came', async () => {
    const kit = await openBroker()
    const receivers = [await kit.subscriber('QoS 0', 'a', 0), await kit.subscriber('QoS 1', 'a', 1)] as const
    await flow(await kit.client('sender'))
      .send(...both)
      .receive(puback(1), puback(2))
    await flow(receivers[0]).receive(publish('a', '1'), publish('a', '2'))
    await flow(receivers[1]).receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'))
  })

  it('[v5 MQTT-3.3.1-12] is 0 without Retain As Published for who was away meanwhile', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.subscriber('away', 'a', 1, { fields: kept })).drop()
    await flow(await kit.client('sender'))
      .send(...both)
      .receive(puback(1), puback(2))
    await kit.restart()
    const back = await kit.client('away', { fields: kept, sessionPresent: true })
    await flow(back).receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'))
  })

  it('[v5 MQTT-3.3.1-13] is as it came with Retain As Published', async () => {
    const kit = await openBroker()
    const rap = { rap: true }
    const zero = await kit.subscriber('QoS 0', 'a', 0, rap)
    const one = await kit.subscriber('QoS 1', 'a', 1, rap)
    const two = await kit.subscriber('QoS 2', 'a', 2, rap)
    await flow(await kit.client('sender'))
      .send(publish2(3, 'a', '1', { retain: true }), publish2(4, 'a', '2'))
      .receive(pubrec(3), pubrec(4))
      .send(pubrel(3), pubrel(4))
      .receive(pubcomp(3), pubcomp(4))
    const retain = { retain: true }
    await flow(zero).receive(publish('a', '1', retain), publish('a', '2'))
    await flow(one).receive(publish1(1, 'a', '1', retain), publish1(2, 'a', '2'))
    await flow(two).receive(publish2(1, 'a', '1', retain), publish2(2, 'a', '2'))
  })

  it('[v5 MQTT-3.3.1-13] is as it came with Retain As Published for who was away meanwhile', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.subscriber('away', 'a', 1, { fields: kept, rap: true })).drop()
    await flow(await kit.client('sender'))
      .send(...both)
      .receive(puback(1), puback(2))
    await kit.restart()
    const back = await kit.client('away', { fields: kept, sessionPresent: true })
    await flow(back).receive(publish1(1, 'a', '1', { retain: true }), publish1(2, 'a', '2'))
  })

  it('[v5 MQTT-3.3.1-13] follows the options of the SUBSCRIBE that came last', async () => {
    const kit = await openBroker()
    const receiver = await kit.client('receiver')
    const options: SubscribeOptions[] = [{ rap: true }, { rap: false }]
    for (const [index, each] of options.entries()) {
      await flow(receiver)
        .send(subscribe(1, 'a', 0, { ...each, rh: 2 }))
        .receive(suback(1, 0))
      await kit.publish('a', 'x', true)
      await flow(receiver).receive(publish('a', 'x', { retain: index === 0 }))
    }
  })
})
