// When a will is published, and when it never is.
import { describe, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { disconnect, pubcomp, publish, publish1, publish2, pubrec, pubrel, willOf } from '../kit/packets.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const withWill = (will: object, sessionExpiryInterval = 0, clean = true) => ({
  fields: { clean, will, properties: { sessionExpiryInterval } },
})
const delayed = (willDelayInterval: number) => willOf('will', 'gone', { properties: { willDelayInterval } })

describe.each(STORES)('a will on the %s store', (store) => {
  it('[v3.1.1 MQTT-3.1.2-8] [v5 MQTT-3.1.2-8] is published when the connection is lost', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will/#', 2)
    const will = willOf('will/3.1.1', 'gone', { qos: 1 })
    await flow(await kit.client('old', { version: 4, fields: { will } })).drop()
    await flow(watcher).receive(publish1(1, 'will/3.1.1', 'gone'))
    const peer = await kit.client('new', withWill(willOf('will/5', 'gone', { qos: 2 })))
    peer.brokerEnd.destroy(new Error('connection reset'))
    await flow(watcher)
      .receive(publish2(2, 'will/5', 'gone'))
      .send(pubrec(2))
      .receive(pubrel(2))
      .send(pubcomp(2))
  })

  it('[v3.1.1 MQTT-3.1.2-10] [v5 MQTT-3.14.4-3] is discarded at a DISCONNECT of 0', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(await kit.client('old', { version: 4, fields: { will: willOf('will', 'x') } }))
      .send(disconnect())
      .closed()
    await flow(await kit.client('new', withWill(willOf('will', 'x'), 100)))
      .send(disconnect())
      .closed()
    kit.clock.advance(200_000)
    await flow(watcher).receiveNothing()
  })

  it('is published at a DISCONNECT of 0x04, and of an error', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    for (const reasonCode of [0x04, 0x80]) {
      await flow(await kit.client('c', withWill(willOf('will', `after ${reasonCode}`))))
        .send(disconnect(reasonCode))
        .closed()
      await flow(watcher)
        .receive(publish('will', `after ${reasonCode}`))
        .receiveNothing()
    }
  })

  it('is published when the client breaks the protocol, and when it falls silent', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(await kit.client('bad', withWill(willOf('will', 'bad'))))
      .send(Buffer.from([0x36, 0x00]))
      .receive(disconnect(0x81))
      .closed()
    const will = willOf('will', 'silent')
    const silent = await kit.client('silent', { fields: { keepalive: 10, will } })
    kit.clock.advance(16_000)
    await flow(silent).receive(disconnect(0x8d)).closed()
    await flow(watcher).receive(publish('will', 'bad'), publish('will', 'silent')).receiveNothing()
  })

  it('waits for its delay', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(await kit.client('c', withWill(delayed(10), 100))).drop()
    kit.clock.advance(9_900)
    await flow(watcher).receiveNothing()
    kit.clock.advance(300)
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
  })

  it('[v5 MQTT-3.1.3-9] is not published when the client is back before its delay has passed', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(await kit.client('c', withWill(delayed(10), 100))).drop()
    kit.clock.advance(5_000)
    const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
    const back = await kit.client('c', { fields, sessionPresent: true })
    kit.clock.advance(20_000)
    await flow(watcher).receiveNothing()
    // The connection that is there now has no will of its own.
    await flow(back).drop()
    kit.clock.advance(20_000)
    await flow(watcher).receiveNothing()
  })

  it('waits no longer than the session lives', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(await kit.client('c', withWill(delayed(1_000), 10))).drop()
    kit.clock.advance(9_900)
    await flow(watcher).receiveNothing()
    kit.clock.advance(300)
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
    await flow(await kit.client('c', withWill(delayed(1_000), 0))).drop()
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
  })

  it('that waits is published at once when the session is ended by a clean start', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(await kit.client('c', withWill(delayed(10), 100))).drop()
    await kit.client('c')
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
    kit.clock.advance(100_000)
    await flow(watcher).receiveNothing()
  })

  it('is published at a take-over, unless it has a delay and the session goes on', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await kit.client('c', withWill(willOf('will', 'no delay'), 100))
    await kit.client('c', { ...withWill(delayed(10), 100, false), sessionPresent: true })
    await flow(watcher).receive(publish('will', 'no delay')).receiveNothing()
    await kit.client('c', { ...withWill(delayed(10), 100, false), sessionPresent: true })
    kit.clock.advance(20_000)
    await flow(watcher).receiveNothing()
    await kit.client('c')
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
  })

  it('[v5 MQTT-3.1.2-15] [v3.1.1 MQTT-3.1.2-17] is retained when it says so', async () => {
    const kit = await openBroker({ store })
    const will = willOf('will', 'gone', { retain: true })
    await flow(await kit.client('c', { version: 4, fields: { will } })).drop()
    await kit.settle()
    await flow(await kit.subscriber('late', 'will', 0)).receive(publish('will', 'gone', { retain: true }))
  })

  it('carries its properties, and its expiry from the time it is published', async () => {
    const kit = await openBroker({ store })
    const watcher = await kit.subscriber('watcher', 'will', 0)
    const passedOn = { contentType: 'text/plain', responseTopic: 'answers', messageExpiryInterval: 60 }
    const will = willOf('will', 'gone', { properties: { ...passedOn, willDelayInterval: 30 } })
    await flow(await kit.client('c', withWill(will, 100))).drop()
    kit.clock.advance(31_000)
    await flow(watcher).receive(publish('will', 'gone', { properties: passedOn }))
  })
})

describe('a will over a restart', () => {
  it('stays due at the same moment, and is called off by the return of its client', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.client('stays away', withWill(delayed(10), 100))).drop()
    await flow(await kit.client('comes back', withWill(delayed(10), 100))).drop()
    kit.clock.advance(5_000)
    await kit.restart()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await kit.client('comes back', { ...withWill(delayed(10), 100, false), sessionPresent: true })
    kit.clock.advance(4_500)
    await flow(watcher).receiveNothing()
    kit.clock.advance(1_000)
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
  })

  it('is due after its delay for a client that was connected until the end', async () => {
    const kit = await openBroker({ store: 'level' })
    await kit.client('c', withWill(delayed(10), 100))
    await kit.restart()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    kit.clock.advance(9_000)
    await flow(watcher).receiveNothing()
    kit.clock.advance(2_000)
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
  })

  it('does not begin to count anew with each restart', async () => {
    const kit = await openBroker({ store: 'level' })
    await kit.client('c', withWill(delayed(10), 100))
    for (let i = 0; i < 3; i++) {
      await kit.restart()
      kit.clock.advance(3_000)
    }
    const watcher = await kit.subscriber('watcher', 'will', 0)
    await flow(watcher).receiveNothing()
    kit.clock.advance(2_000)
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
  })
})
