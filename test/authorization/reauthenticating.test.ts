// A client that authenticates anew on the connection that it has, and brings other rights.
import { expect, it } from 'vitest'
import type { AuthenticationMethod } from '../../src/authentication/method.ts'
import type { RightsLost } from '../../src/broker/events.ts'
import type { Rights } from '../../src/topic/rights.ts'
import { flow } from '../kit/flow.ts'
import {
  connack,
  connect,
  puback,
  publish,
  publish1,
  type Said,
  suback,
  subscribe,
  willOf,
} from '../kit/packets.ts'
import { openBroker } from '../kit/test-broker.ts'

/** The data of CONNECT and AUTH are the rights of ada. */
const claims: AuthenticationMethod = {
  name: 'claims',
  begin: () => (data) => ({ kind: 'accept', identity: 'ada', rights: JSON.parse(String(data)) as Rights }),
}

const properties = (publish: string[], subscribe: string[]): Record<string, unknown> => ({
  authenticationMethod: 'claims',
  authenticationData: Buffer.from(JSON.stringify({ publish, subscribe })),
})

const auth = (reasonCode: number, more: Record<string, unknown>): Said => ({
  cmd: 'auth',
  reasonCode,
  properties: more,
})

it('what the new rights do not give is gone at once: subscriptions, messages, the will', async () => {
  const kit = await openBroker({ allowAnonymous: true, authenticationMethods: [claims] })
  const lost: RightsLost[] = []
  kit.broker.on('rightsLost', (each) => lost.push(each))
  const watcher = await kit.subscriber('watcher', 'will', 0)
  const peer = kit.peer()
  await flow(peer)
    .send(
      connect('c', {
        will: willOf('will', 'gone'),
        properties: { ...properties(['will', 'up'], ['a', 'b/#']), receiveMaximum: 1 },
      }),
    )
    .receive(connack())
    .send(subscribe(1, ['a', 'b/#'], 1), publish1(2, 'up', ''))
    .receive(suback(1, 1, 1), puback(2, 0x10))
  for (const topicName of ['b/1', 'b/2', 'b/3']) await kit.broker.publish({ topicName, payload: '', qos: 1 })
  await flow(peer)
    .receive(publish1(1, 'b/1', ''))
    .send(auth(0x19, properties([], ['b/3', 'c'])))
  expect((await peer.next()).packet).toMatchObject({ cmd: 'auth' })
  await flow(peer)
    .send(puback(1))
    .receive(publish1(3, 'b/3', ''))
    .send(puback(3), publish1(3, 'up', ''), subscribe(4, 'c', 0))
    .receive(puback(3, 0x87), suback(4, 0))
  await kit.publish('b/1', '')
  await kit.publish('c', '')
  await flow(peer).receive(publish('c', '')).receiveNothing()
  expect(lost).toEqual([
    { clientId: 'c', identity: 'ada', kind: 'subscription', topic: 'a' },
    { clientId: 'c', identity: 'ada', kind: 'will', topic: 'will' },
  ])
  await flow(peer).drop()
  await flow(watcher).receiveNothing()
})
