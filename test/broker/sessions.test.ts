// How long a session lives, and who has it: expiry and take-over.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { connack, connect, disconnect, puback, publish, publish1, type Version } from '../kit/packets.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const keptFor = (sessionExpiryInterval: number) => ({
  fields: { clean: false, properties: { sessionExpiryInterval } },
})

describe.each(STORES)('session expiry on the %s store', (store) => {
  /** Whether the session of "c" has lived until now. */
  async function isThere(kit: TestBroker): Promise<boolean> {
    const peer = kit.peer()
    peer.send(connect('c', keptFor(10).fields))
    const { packet } = await peer.next()
    await peer.drop()
    return packet.sessionPresent === true
  }

  it('[v5 MQTT-3.1.2-23] keeps the session until its interval has passed since the connection closed', async () => {
    const kit = await openBroker({ store })
    const peer = await kit.client('c', keptFor(10))
    kit.clock.advance(60_000)
    await flow(peer).receiveNothing().drop()
    kit.clock.advance(9_900)
    expect(await isThere(kit)).toBe(true)
    kit.clock.advance(9_900)
    expect(await isThere(kit)).toBe(true)
    kit.clock.advance(10_200)
    expect(await isThere(kit)).toBe(false)
  })

  it('ends the session with the connection when the interval is 0 or not given', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('c')).drop()
    expect(await isThere(kit)).toBe(false)
    await flow(await kit.client('c', { ...keptFor(0), sessionPresent: true })).drop()
    expect(await isThere(kit)).toBe(false)
  })

  it('never ends the session at 0xFFFFFFFF', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('c', keptFor(0xffff_ffff))).drop()
    kit.clock.advance(100 * 365 * 86_400_000)
    expect(await isThere(kit)).toBe(true)
  })

  it('may be changed by DISCONNECT, shorter, longer and to nothing', async () => {
    const kit = await openBroker({ store })
    const leave = (peer: Awaited<ReturnType<TestBroker['client']>>, sessionExpiryInterval: number) =>
      flow(peer).send(disconnect(0, { sessionExpiryInterval })).closed()
    await leave(await kit.client('c', keptFor(10)), 20)
    kit.clock.advance(15_000)
    await leave(await kit.client('c', { ...keptFor(10), sessionPresent: true }), 5)
    kit.clock.advance(6_000)
    expect(await isThere(kit)).toBe(false)
    await leave(await kit.client('c', { ...keptFor(10), sessionPresent: true }), 0)
    expect(await isThere(kit)).toBe(false)
  })

  it('cannot be raised by DISCONNECT from 0: that is a protocol error', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('c'))
      .send(disconnect(0, { sessionExpiryInterval: 10 }))
      .receive(disconnect(0x82))
      .closed()
    expect(await isThere(kit)).toBe(false)
    await kit.servesOthers()
  })

  it('drops what was waiting, and counts it', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 1, keptFor(10))).drop()
    for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
    expect(kit.dropped('session-ended')).toBe(0)
    kit.clock.advance(11_000)
    await expect.poll(() => kit.dropped('session-ended')).toBe(3)
    expect(await isThere(kit)).toBe(false)
  })
})

describe('session expiry over a restart', () => {
  it('goes on counting while the broker is down', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.client('short', keptFor(10))).drop()
    await flow(await kit.client('long', keptFor(100))).drop()
    await kit.close()
    kit.clock.advance(50_000)
    await kit.open()
    kit.clock.advance(1_000)
    await flow(kit.peer())
      .send(connect('short', { clean: false }))
      .receive(connack(0, false))
    await flow(kit.peer())
      .send(connect('long', { clean: false }))
      .receive(connack(0, true))
  })

  it('begins at the restart for a client that was connected until the end', async () => {
    const kit = await openBroker({ store: 'level' })
    await kit.client('c', keptFor(10))
    await kit.restart()
    kit.clock.advance(9_000)
    await flow(await kit.client('c', { ...keptFor(10), sessionPresent: true })).receiveNothing()
  })
})

describe.each(STORES)('a take-over on the %s store', (store) => {
  it('[v5 MQTT-3.1.4-3] tells a 5.0 client 0x8E and closes it, and the session goes on', async () => {
    const kit = await openBroker({ store })
    const first = await kit.subscriber('c', 'a', 1, keptFor(10))
    const second = await kit.client('c', { ...keptFor(10), sessionPresent: true })
    await flow(first).receive(disconnect(0x8e)).closed()
    await kit.publish('a', 'to the second')
    await flow(second).receive(publish('a', 'to the second')).receiveNothing()
  })

  it.each<Version>([3, 4])(
    '[v3.1.1 MQTT-3.1.4-2] closes a client of level %i without a word',
    async (version) => {
      const kit = await openBroker({ store })
      const first = await kit.client('c', { version })
      const second = await kit.client('c', { version })
      await flow(first).closed()
      await flow(second).receiveNothing()
    },
  )

  it('ends a session that was not to outlive its connection', async () => {
    const kit = await openBroker({ store })
    const first = await kit.subscriber('c', 'a', 1)
    const second = await kit.client('c', keptFor(10))
    await flow(first).receive(disconnect(0x8e)).closed()
    await kit.publish('a', 'x')
    await flow(second).receiveNothing()
  })

  it('gives what was in flight to the new connection, as a repeat', async () => {
    const kit = await openBroker({ store })
    const first = await kit.subscriber('c', 'a', 1, keptFor(10))
    await kit.broker.publish({ topicName: 'a', payload: '1', qos: 1 })
    await flow(first).receive(publish1(1, 'a', '1'))
    const second = await kit.client('c', { ...keptFor(10), sessionPresent: true })
    await flow(second)
      .receive(publish1(1, 'a', '1', { dup: true }))
      .send(puback(1))
      .receiveNothing()
      .drop()
    await flow(await kit.client('c', { ...keptFor(10), sessionPresent: true })).receiveNothing()
  })

  it('is survived by the last of many that come in one turn', async () => {
    const kit = await openBroker({ store })
    const peers = Array.from({ length: 20 }, () => kit.peer(4))
    for (const peer of peers) peer.send(connect('c', { clean: false }))
    const last = peers.pop()
    for (const peer of peers) {
      await peer.closed()
    }
    if (last !== undefined) await last.next()
    await flow(await kit.client('other')).receiveNothing()
    expect(last?.isClosed).toBe(false)
  })
})
