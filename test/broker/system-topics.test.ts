// What the broker says of itself under $SYS/broker, and what it counts of each client.
import { expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { publish, publish1, unsuback, unsubscribe } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker } from '../kit/test-broker.ts'

const system = { intervalSeconds: 10 }

async function told(peer: Peer): Promise<Map<string, string>> {
  const values = new Map<string, string>()
  await peer.settle()
  while (peer.waiting > 0) {
    const { packet } = await peer.next()
    values.set(String(packet.topic), String(packet.payload))
  }
  return values
}

it('is there, retained, for whoever subscribes', async () => {
  const kit = await openBroker({ system, limits: { queueMessagesMax: 1 } })
  await flow(
    await kit.subscriber('away', 'a', 1, {
      fields: { clean: false, properties: { sessionExpiryInterval: 99 } },
    }),
  ).drop()
  for (const payload of ['1', '2', '3']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
  kit.clock.advance(5_000)
  const reader = await kit.subscriber('reader', '$SYS/#', 0)
  const values = await told(reader)
  expect(values.get('$SYS/broker/uptime')).toBe('5 seconds')
  expect(values.get('$SYS/broker/clients/connected')).toBe('1')
  expect(values.get('$SYS/broker/clients/total')).toBe('2')
  expect(values.get('$SYS/broker/clients/disconnected')).toBe('1')
  expect(values.get('$SYS/broker/subscriptions/count')).toBe('1')
  expect(values.get('$SYS/broker/store/messages/count')).toBe('1')
  expect(values.get('$SYS/broker/publish/messages/dropped')).toBe('2')
  expect(values.get('$SYS/broker/publish/messages/dropped/queue-full')).toBe('2')
  expect(values.get('$SYS/broker/publish/messages/dropped/expired')).toBe('0')
  expect(kit.broker.dropsOf('away')).toEqual(new Map([['queue-full', 2]]))
  expect(kit.broker.dropsOf('reader')).toEqual(new Map())
  expect(kit.broker.dropsOf('nobody')).toBeUndefined()
})

it('is told again at its interval where it has changed, as long as somebody listens', async () => {
  const kit = await openBroker({ system })
  const reader = await kit.subscriber('reader', '$SYS/broker/clients/+', 0)
  await told(reader)
  await kit.client('other')
  kit.clock.advance(10_100)
  expect(await told(reader)).toEqual(
    new Map([
      ['$SYS/broker/clients/total', '2'],
      ['$SYS/broker/clients/connected', '2'],
    ]),
  )
  await flow(reader).send(unsubscribe(2, '$SYS/broker/clients/+')).receive(unsuback(2, 0))
  await kit.client('another')
  kit.clock.advance(10_100)
  await flow(reader).receiveNothing()
})

it('is looked at once an interval, however often somebody subscribes', async () => {
  const kit = await openBroker({ system })
  const topicName = '$SYS/broker/clients/total'
  await flow(await kit.subscriber('first', topicName, 0)).receive(publish(topicName, '1', { retain: true }))
  await flow(await kit.subscriber('second', topicName, 0)).receive(publish(topicName, '1', { retain: true }))
  kit.clock.advance(10_100)
  await flow(await kit.subscriber('third', topicName, 0)).receive(publish(topicName, '2', { retain: true }))
})

it('comes with the RETAIN flag for what is there, and without it for what is new', async () => {
  const kit = await openBroker({ system })
  const topicName = '$SYS/broker/clients/total'
  const reader = await kit.subscriber('reader', topicName, 0)
  await flow(reader).receive(publish(topicName, '1', { retain: true }))
  await kit.client('other')
  kit.clock.advance(10_100)
  await flow(reader).receive(publish(topicName, '2'))
})

it('is not stored: after a restart it is what it is then', async () => {
  const kit = await openBroker({ store: 'level', system })
  await told(await kit.subscriber('reader', '$SYS/#', 0))
  await kit.restart()
  const reader = await kit.client('reader')
  await flow(reader).receiveNothing()
  const values = await told(await kit.subscriber('other', '$SYS/broker/retained messages/count', 0))
  expect([...values.values()]).toEqual(['0'])
})

it('can be switched off', async () => {
  const kit = await openBroker({ system: { intervalSeconds: 0 } })
  await flow(await kit.subscriber('reader', '$SYS/#', 0)).receiveNothing()
})

it('is given to a share, and to a subscriber inside the process', async () => {
  const kit = await openBroker({ system })
  const seen: string[] = []
  kit.broker.subscribe('$SYS/broker/uptime', ({ payload }) => void seen.push(String(payload)))
  await kit.settle()
  expect(seen).toEqual(['0 seconds'])
  const member = await kit.subscriber('member', '$share/g/$SYS/broker/clients/#', 1)
  await flow(member).receiveNothing()
  await kit.client('new')
  kit.clock.advance(10_100)
  expect((await told(member)).get('$SYS/broker/clients/total')).toBe('2')
})

it('never comes to wildcards at the first level', async () => {
  const kit = await openBroker({ system })
  const all = await kit.subscriber('all', '#', 1)
  await kit.subscriber('reader', '$SYS/#', 0)
  await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
  await flow(all)
    .receive(publish1(1, 'a', 'x'))
    .receiveNothing()
})
