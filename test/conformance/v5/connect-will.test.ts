// The will of MQTT 5: its flags in section 3.1.2, its properties, topic and payload in 3.1.3.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text, u16, userProperty } from '../../kit/frames.ts'
import {
  connack,
  disconnect,
  publish,
  publish1,
  publish2,
  suback,
  subscribe,
  willOf,
} from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'
import { block, connectOf, Flag, refusesConnect } from './refusals.ts'

const withWill = (will: object, sessionExpiryInterval = 0, clean = true) => ({
  fields: { clean, will, properties: { sessionExpiryInterval } },
})
const delayed = (willDelayInterval: number) => willOf('will', 'gone', { properties: { willDelayInterval } })
const willFlags = Flag.cleanStart | Flag.will

describe('the will flag', () => {
  it('[v5 MQTT-3.1.2-7] of 1 stores the will with the session: a broker that restarts still has it', async () => {
    const kit = await openBroker({ store: 'level' })
    await kit.client('c', withWill(delayed(10), 100))
    await kit.restart()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    kit.clock.advance(11_000)
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
  })

  it('[v5 MQTT-3.1.2-7] of 1 stores the will of the CONNECT that came last', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await kit.client('c', withWill(delayed(10), 100))
    const last = willOf('will', 'last')
    await flow(await kit.client('c', { ...withWill(last, 100, false), sessionPresent: true })).drop()
    await flow(watcher).receive(publish('will', 'last')).receiveNothing()
  })

  it('[v5 MQTT-3.1.2-8] publishes at once without a delay, whoever closed and however', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    const expect = async (payload: string) => flow(watcher).receive(publish('will', payload)).receiveNothing()
    await flow(await kit.client('a', withWill(willOf('will', 'dropped')))).drop()
    await expect('dropped')
    const reset = await kit.client('b', withWill(willOf('will', 'reset')))
    reset.brokerEnd.destroy(new Error('connection reset'))
    await expect('reset')
    const offender = await kit.client('c', withWill(willOf('will', 'broke a rule')))
    await flow(offender).send(hex('36 00')).receive(disconnect(0x81)).closed()
    await expect('broke a rule')
    const asked = await kit.client('d', withWill(willOf('will', 'asked for')))
    await flow(asked).send(disconnect(0x04)).closed()
    await expect('asked for')
  })

  it('[v5 MQTT-3.1.2-8] publishes when the delay is over, or the session ends before', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    for (const [delay, expiry] of [
      [10, 100],
      [100, 10],
    ] as const) {
      await flow(await kit.client('c', withWill(delayed(delay), expiry))).drop()
      kit.clock.advance(9_800)
      await flow(watcher).receiveNothing()
      kit.clock.advance(400)
      await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
    }
    // A session that ends with its connection does not make its will wait.
    await flow(await kit.client('c', withWill(delayed(100), 0))).drop()
    await flow(watcher).receive(publish('will', 'gone'))
  })

  it('[v5 MQTT-3.1.2-8] publishes at once when a clean start ends the session during the delay', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(await kit.client('c', withWill(delayed(10), 100))).drop()
    await kit.client('c')
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
  })

  it('[v5 MQTT-3.1.2-9] makes CONNECT malformed where will properties, topic or payload are missing', async () => {
    const kit = await openBroker()
    const parts = [text('c'), block(), text('will'), text('gone')]
    for (const count of [1, 2, 3]) {
      await refusesConnect(kit, 0x81, connectOf({ flags: willFlags, fields: parts.slice(0, count) }))
    }
    // Without will properties the topic's length is read as theirs.
    const without = [text('c'), text('will'), text('gone')]
    await refusesConnect(kit, 0x81, connectOf({ flags: willFlags, fields: without }))
  })

  it('[v5 MQTT-3.1.2-10] removes the will once it is published', async () => {
    const kit = await openBroker({ store: 'level' })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(await kit.client('c', withWill(willOf('will', 'gone'), 100))).drop()
    await flow(watcher).receive(publish('will', 'gone'))
    const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
    await flow(await kit.client('c', { fields, sessionPresent: true })).drop()
    kit.clock.advance(200_000)
    await flow(watcher).receiveNothing()
    await kit.restart()
    const late = await kit.subscriber('late', 'will', 0)
    kit.clock.advance(200_000)
    await flow(late).receiveNothing()
  })

  it('[v5 MQTT-3.1.2-10] removes the will at a DISCONNECT of 0x00, from the disk too', async () => {
    const kit = await openBroker({ store: 'level' })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(await kit.client('c', withWill(delayed(10), 100)))
      .send(disconnect())
      .closed()
    kit.clock.advance(20_000)
    await flow(watcher).receiveNothing()
    await kit.restart()
    const late = await kit.subscriber('late', 'will', 0)
    kit.clock.advance(200_000)
    await flow(late).receiveNothing()
  })
})

describe('the will QoS', () => {
  it('[v5 MQTT-3.1.2-11] makes CONNECT malformed when it is not 0 without a will', async () => {
    const kit = await openBroker()
    for (const qos of [1, 2, 3]) {
      await refusesConnect(kit, 0x81, connectOf({ flags: Flag.cleanStart | (qos << 3) }))
    }
  })

  it('[v5 MQTT-3.1.2-12] may be 0, 1 or 2, and the will is published at it', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 2)
    for (const qos of [0, 1, 2]) {
      await flow(await kit.client('c', withWill(willOf('will', `QoS ${qos}`, { qos })))).drop()
    }
    await flow(watcher).receive(
      publish('will', 'QoS 0'),
      publish1(1, 'will', 'QoS 1'),
      publish2(2, 'will', 'QoS 2'),
    )
  })

  it('[v5 MQTT-3.1.2-12] makes CONNECT malformed when it is 3', async () => {
    const kit = await openBroker()
    const fields = [text('c'), block(), text('will'), text('gone')]
    await refusesConnect(kit, 0x81, connectOf({ flags: willFlags | 0x18, fields }))
  })
})

describe('will retain', () => {
  it('[v5 MQTT-3.1.2-13] makes CONNECT malformed when it is set without a will', async () => {
    const kit = await openBroker()
    await refusesConnect(kit, 0x81, connectOf({ flags: Flag.cleanStart | Flag.willRetain }))
  })

  it('[v5 MQTT-3.1.2-14] of 0 publishes the will unretained, and leaves what is retained there', async () => {
    const kit = await openBroker()
    await kit.publish('will', 'retained before', true)
    const watcher = await kit.client('watcher')
    await flow(watcher)
      .send(subscribe(1, 'will', 0, { rap: true, rh: 2 }))
      .receive(suback(1, 0))
    await flow(await kit.client('c', withWill(willOf('will', 'gone')))).drop()
    await flow(watcher).receive(publish('will', 'gone'))
    const late = await kit.subscriber('late', 'will', 0)
    await flow(late)
      .receive(publish('will', 'retained before', { retain: true }))
      .receiveNothing()
  })

  it('[v5 MQTT-3.1.2-15] of 1 publishes the will retained', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0, { rap: true })
    await flow(await kit.client('c', withWill(willOf('will', 'gone', { retain: true })))).drop()
    await flow(watcher).receive(publish('will', 'gone', { retain: true }))
    const late = await kit.subscriber('late', 'will', 0)
    await flow(late).receive(publish('will', 'gone', { retain: true }))
  })
})

describe('what a will carries', () => {
  const passedOn = [
    hex('01 01'),
    userProperty('z', '1'),
    userProperty('a', '2'),
    userProperty('z', '3'),
    userProperty('', ''),
    userProperty('a', '2'),
  ]

  it('[v5 MQTT-3.1.3-9] is not sent when the client is back before its delay is over', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(await kit.client('c', withWill(delayed(10), 100))).drop()
    kit.clock.advance(9_000)
    const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
    const back = await kit.client('c', { fields, sessionPresent: true })
    kit.clock.advance(100_000)
    await flow(watcher).receiveNothing()
    await flow(back).receiveNothing()
  })

  it('[v5 MQTT-3.1.3-9] is not sent at a take-over that goes on with the session during the delay', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    const first = await kit.client('c', withWill(delayed(10), 100))
    const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
    await kit.client('c', { fields, sessionPresent: true })
    await flow(first).receive(disconnect(0x8e)).closed()
    kit.clock.advance(100_000)
    await flow(watcher).receiveNothing()
  })

  it('[v5 MQTT-3.1.3-10] has its user properties in their order, repeated names and empty ones too', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    // Expiry and delay lie between them, and only the delay stays behind.
    const properties = block(...passedOn.slice(0, 3), hex('18 00000000'), ...passedOn.slice(3))
    await flow(kit.peer())
      .send(connectOf({ flags: willFlags, fields: [text('c'), properties, text('will'), text('gone')] }))
      .receive(connack())
      .drop()
    await flow(watcher).receiveBytes(frame(0x30, text('will'), block(...passedOn), Buffer.from('gone')))
  })

  it('[v5 MQTT-3.1.3-10] has its user properties in their order after a restart too', async () => {
    const kit = await openBroker({ store: 'level' })
    const fields = [text('c'), block(hex('18 0000000a'), ...passedOn), text('will'), text('gone')]
    await flow(kit.peer())
      .send(connectOf({ flags: willFlags, properties: [hex('11 00000064')], fields }))
      .receive(connack())
    await kit.restart()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    kit.clock.advance(11_000)
    await flow(watcher).receiveBytes(frame(0x30, text('will'), block(...passedOn), Buffer.from('gone')))
  })

  it('[v5 MQTT-3.1.3-11] has a topic of well-formed UTF-8, or makes CONNECT malformed', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', '#', 0)
    for (const digits of ['c0 af', 'ed a0 80', 'ff', '61 00']) {
      const bytes = hex(digits)
      const topic = Buffer.concat([u16(bytes.length), bytes])
      const fields = [text('c'), block(), topic, text('gone')]
      await flow(kit.peer())
        .send(connectOf({ flags: willFlags, fields }))
        .receive(connack(0x81))
        .closed()
    }
    await flow(watcher).receiveNothing()
  })
})
