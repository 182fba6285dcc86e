// What a member of a shared subscription leaves behind when its session ends: another member gets it.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { disconnect, puback, publish1, publish2, pubrec, pubrel } from '../kit/packets.ts'
import { openBroker, STORES, type TestBroker } from '../kit/test-broker.ts'

const SHARE = '$share/g/a'
const keptFor = (seconds: number) => ({
  clean: false,
  properties: { sessionExpiryInterval: seconds, receiveMaximum: 2 },
})

async function publishAll(kit: TestBroker, qos: 1 | 2, ...payloads: string[]): Promise<void> {
  for (const payload of payloads) await kit.broker.publish({ topicName: 'a', payload, qos })
}

describe.each(STORES)('on the %s store', (store) => {
  it('gives what was in flight and what waited to another member, in order and not as repeats', async () => {
    const kit = await openBroker({ store })
    const leaves = await kit.subscriber('leaves', SHARE, 1, { fields: { properties: { receiveMaximum: 2 } } })
    await publishAll(kit, 1, '1', '2', '3', '4')
    await flow(leaves).receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'))
    const stays = await kit.subscriber('stays', SHARE, 1)
    await flow(leaves).drop()
    await flow(stays)
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'), publish1(3, 'a', '3'), publish1(4, 'a', '4'))
      .receiveNothing()
    expect(kit.dropped('session-ended')).toBe(0)
  })

  it('gives what a kept session held when that session ends, not before', async () => {
    const kit = await openBroker({ store })
    const leaves = await kit.subscriber('leaves', SHARE, 1, { fields: keptFor(10) })
    await publishAll(kit, 1, '1', '2', '3')
    await flow(leaves)
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'))
      .drop()
    const stays = await kit.subscriber('stays', SHARE, 1)
    await flow(stays)
      .receiveNothing()
      .do(() => kit.clock.advance(11_000))
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'), publish1(3, 'a', '3'))
      .receiveNothing()
    expect(kit.dropped('session-ended')).toBe(0)
  })

  it('gives what a session held that its client replaces by a clean one', async () => {
    const kit = await openBroker({ store })
    const leaves = await kit.subscriber('leaves', SHARE, 1, { fields: keptFor(1_000) })
    await publishAll(kit, 1, '1')
    await flow(leaves)
      .receive(publish1(1, 'a', '1'))
      .drop()
    const stays = await kit.subscriber('stays', SHARE, 1)
    await kit.client('leaves')
    await flow(stays)
      .receive(publish1(1, 'a', '1'))
      .receiveNothing()
  })

  it('[v5 MQTT-4.8.2-5] gives no QoS 2 message on that may have been sent, only those that waited', async () => {
    const kit = await openBroker({ store })
    const leaves = await kit.subscriber('leaves', SHARE, 2, { fields: keptFor(10) })
    await publishAll(kit, 2, '1', '2', '3')
    await flow(leaves)
      .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .send(pubrec(1))
      .receive(pubrel(1))
      .drop()
    const stays = await kit.subscriber('stays', SHARE, 2)
    kit.clock.advance(11_000)
    await flow(stays)
      .receive(publish2(1, 'a', '3'))
      .receiveNothing()
    expect(kit.dropped('session-ended')).toBe(1)
  })

  it('gives nothing on that has expired meanwhile, at no QoS', async () => {
    const kit = await openBroker({ store })
    const leaves = await kit.subscriber('leaves', SHARE, 1)
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1, messageExpiryInterval: 3 })
    await flow(leaves).receive(publish1(1, 'a', 'x', { properties: { messageExpiryInterval: 3 } }))
    const stays = await kit.subscriber('stays', SHARE, 0)
    kit.clock.advance(12_000)
    await flow(leaves).drop()
    await flow(stays).receiveNothing()
    expect(kit.dropped('expired')).toBe(1)
  })

  it('counts what nobody else is there for', async () => {
    const kit = await openBroker({ store })
    const leaves = await kit.subscriber('leaves', SHARE, 1)
    await publishAll(kit, 1, '1', '2')
    await flow(leaves)
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'))
      .send(disconnect())
      .closed()
    await kit.settle()
    expect(kit.dropped('session-ended')).toBe(2)
  })

  it('keeps for itself what came through a subscription that is not shared', async () => {
    const kit = await openBroker({ store })
    const leaves = await kit.subscriber('leaves', 'a', 1, { fields: { properties: { receiveMaximum: 1 } } })
    const stays = await kit.subscriber('stays', SHARE, 1)
    await publishAll(kit, 1, '1')
    await flow(stays)
      .receive(publish1(1, 'a', '1'))
      .send(puback(1))
    await flow(leaves)
      .receive(publish1(1, 'a', '1'))
      .drop()
    await flow(stays).receiveNothing()
    expect(kit.dropped('session-ended')).toBe(1)
  })

  it('hands on more than one slice, all in order', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('leaves', SHARE, 1, { fields: keptFor(10) })).drop()
    const payloads = Array.from({ length: 1_200 }, (_, i) => String(i))
    await publishAll(kit, 1, ...payloads)
    const stays = await kit.subscriber('stays', SHARE, 1)
    kit.clock.advance(11_000)
    for (const [i, payload] of payloads.entries()) {
      await flow(stays)
        .receive(publish1(i + 1, 'a', payload))
        .send(puback(i + 1))
    }
    await flow(stays).receiveNothing()
  })
})

it('gives on a long queue that was not kept while others are served, and before the broker has closed', async () => {
  const kit = await openBroker({ store: 'level' })
  const fields = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
  const leaves = await kit.subscriber('leaves', SHARE, 1, { fields: { properties: { receiveMaximum: 1 } } })
  const payloads = Array.from({ length: 1_700 }, (_, i) => String(i))
  await publishAll(kit, 1, ...payloads)
  await flow(await kit.subscriber('stays', SHARE, 1, { fields })).drop()
  leaves.drop()
  await kit.restart()
  const stays = await kit.client('stays', { fields, sessionPresent: true })
  for (const [i, payload] of payloads.entries()) {
    await flow(stays)
      .receive(publish1(i + 1, 'a', payload))
      .send(puback(i + 1))
  }
})

it('counts the name of the share against the bounds of the queue', async () => {
  const kit = await openBroker({ limits: { queueBytesMax: 100_000 } })
  const share = `$share/${'g'.repeat(30_000)}/a`
  await flow(await kit.subscriber('c', share, 1, { fields: keptFor(100) })).drop()
  await publishAll(kit, 1, '1', '2', '3', '4', '5')
  expect(kit.dropped('queue-full')).toBe(2)
})

it('goes on after a restart with what a session left that ended meanwhile', async () => {
  const kit = await openBroker({ store: 'level' })
  const fields = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
  await flow(await kit.subscriber('stays', SHARE, 1, { fields })).drop()
  const leaves = await kit.subscriber('leaves', SHARE, 1, { fields: keptFor(10) })
  await publishAll(kit, 1, '1', '2')
  await flow(leaves)
    .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'))
    .drop()
  await kit.close()
  kit.clock.advance(11_000)
  await kit.open()
  kit.clock.advance(1_000)
  await flow(await kit.client('stays', { fields, sessionPresent: true })).receive(
    publish1(1, 'a', '1'),
    publish1(2, 'a', '2'),
  )
})
