// A will between the end of its connection and its publication, and the message that it becomes.
import { describe, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { publish, publish1, willOf } from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const TOPIC = 'will'
const kept = { clean: false, properties: { sessionExpiryInterval: 0xffff_ffff } }

describe.each(STORES)('a will that waits, on the %s store', (store) => {
  const fields = (topic: string, more: object = {}) => ({
    clean: false,
    properties: { sessionExpiryInterval: 100 },
    will: willOf(topic, 'gone', { qos: 1, properties: { willDelayInterval: 10, ...more } }),
  })

  it('gives way to that of the next connection, whose delay counts anew', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will/+', 0)
    await flow(await kit.client('c', { fields: fields('will/first') })).drop()
    kit.clock.advance(8_000)
    await flow(await kit.client('c', { fields: fields('will/second'), sessionPresent: true })).drop()
    kit.clock.advance(9_800)
    await flow(watcher).receiveNothing()
    kit.clock.advance(400)
    await flow(watcher).receive(publish('will/second', 'gone')).receiveNothing()
  })

  it('has its message expiry from its publication on, also for who is away', async () => {
    const kit = await openBroker({ store })
    for (const name of ['in time', 'late']) {
      await flow(await kit.subscriber(name, TOPIC, 1, { fields: kept })).drop()
    }
    await flow(await kit.client('c', { fields: fields(TOPIC, { messageExpiryInterval: 8 }) })).drop()
    kit.clock.advance(15_000)
    if (store === 'level') await kit.restart()
    await flow(await kit.client('in time', { fields: kept, sessionPresent: true })).receive(
      publish1(1, TOPIC, 'gone', { properties: { messageExpiryInterval: 3 } }),
    )
    kit.clock.advance(4_000)
    await flow(await kit.client('late', { fields: kept, sessionPresent: true })).receiveNothing()
  })

  it('is retained with its message expiry', async () => {
    const kit = await openBroker({ store })
    const more = { messageExpiryInterval: 8 }
    const connecting = fields(TOPIC, more)
    const will = { ...connecting.will, retain: true }
    await flow(await kit.client('c', { fields: { ...connecting, will } })).drop()
    kit.clock.advance(15_000)
    if (store === 'level') await kit.restart()
    const options = { retain: true, properties: { messageExpiryInterval: 3 } }
    await flow(await kit.subscriber('early', TOPIC, 0)).receive(publish(TOPIC, 'gone', options))
    kit.clock.advance(4_000)
    await flow(await kit.subscriber('late', TOPIC, 0)).receiveNothing()
  })

  it('removes what is retained when it is empty', async () => {
    const kit = await openBroker({ store })
    await kit.publish(TOPIC, 'old', true)
    const will = willOf(TOPIC, '', { retain: true })
    await flow(await kit.client('c', { fields: { will } })).drop()
    await kit.settle()
    await flow(await kit.subscriber('late', TOPIC, 0)).receiveNothing()
  })
})
