// A session belongs to the identity that made it: on each way in which another one could come by it, remove it, or make
// something of its client id.
import { describe, expect, it } from 'vitest'
import type { AuthenticatingClient } from '../../src/authentication/client.ts'
import { flow } from '../kit/flow.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  publish1,
  suback,
  subscribe,
  type Version,
  willOf,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, type StoreKind, type TestBroker } from '../kit/test-broker.ts'

/** Whoever names himself is who he says he is; who does not is anonymous. */
const trusting = {
  name: 'function',
  authenticate: ({ userName }: AuthenticatingClient) =>
    userName === undefined
      ? ({ kind: 'ignore' } as const)
      : ({ kind: 'accept', identity: `user ${userName}` } as const),
}

const open = (store: StoreKind = 'memory'): Promise<TestBroker> =>
  openBroker({ allowAnonymous: true, authenticators: [trusting], store })

type Who = string | undefined

/** A kept session of `shared`, unless told otherwise. */
const connectOf = (who: Who, version: Version, fields: Record<string, unknown> = {}) =>
  connect('shared', {
    clean: false,
    ...(who !== undefined && { username: who, password: Buffer.from('x') }),
    ...(version === 5 && { properties: { sessionExpiryInterval: 600 } }),
    ...fields,
  })

async function owns(kit: TestBroker, who: Who, version: Version, isPresent = false): Promise<Peer> {
  const peer = kit.peer(version)
  await flow(peer).send(connectOf(who, version)).receive(connack(0, isPresent))
  return peer
}

const refusedIn = (version: Version) => connack(version === 5 ? 0x87 : 5)

const strangers: readonly (readonly [string, Who, Who])[] = [
  ['another user', 'ada', 'grace'],
  ['an anonymous client', 'ada', undefined],
  ['a user where the owner is anonymous', undefined, 'grace'],
  ['a user with an empty user name where the owner is anonymous', undefined, ''],
  ['a user of the same letters in another case', 'ada', 'Ada'],
]

describe.each([4, 5] as const)('version %i:', (version) => {
  describe.each(strangers)('%s', (_, owner, stranger) => {
    it.each([
      ['resumes', {}],
      ['makes a clean start of', { clean: true }],
      ['makes a clean start and leaves at once', { clean: true, properties: { sessionExpiryInterval: 0 } }],
    ])('neither %s a session that waits', async (_, fields) => {
      const kit = await open()
      const first = await owns(kit, owner, version)
      await flow(first)
        .send(subscribe(1, 'q', 1))
        .receive(suback(1, 1))
        .drop()
      await kit.broker.publish({ topicName: 'q', payload: 'kept', qos: 1 })
      await flow(kit.peer(version))
        .send(connectOf(stranger, version, fields))
        .receive(refusedIn(version))
        .closed()
      const again = await owns(kit, owner, version, true)
      await flow(again)
        .receive(publish1(1, 'q', 'kept'))
        .send(puback(1))
        .receiveNothing()
    })

    it('nor takes over one that is connected', async () => {
      const kit = await open()
      const first = await owns(kit, owner, version)
      for (const clean of [false, true]) {
        const next = kit.peer(version)
        await flow(next)
          .send(connectOf(stranger, version, { clean }))
          .receive(refusedIn(version))
          .closed()
        await flow(first).receiveNothing()
      }
    })

    it('nor one that ends with its connection', async () => {
      const kit = await open()
      const first = kit.peer(version)
      const brief = version === 5 ? { properties: {} } : { clean: true }
      await flow(first)
        .send(connectOf(owner, version, brief))
        .receive(connack(0))
      await flow(kit.peer(version)).send(connectOf(stranger, version)).receive(refusedIn(version)).closed()
      await flow(first).receiveNothing().drop()
      await owns(kit, stranger, version)
    })
  })
})

it.each(strangers)('%s is refused after a restart too, and the owner is not', async (_, owner, stranger) => {
  const kit = await open('level')
  await flow(await owns(kit, owner, 5)).drop()
  await kit.restart()
  await flow(kit.peer()).send(connectOf(stranger, 5)).receive(connack(0x87)).closed()
  await owns(kit, owner, 5, true)
})

it('whoever is refused publishes no will, neither its own nor that of the owner', async () => {
  const kit = await open()
  const heard: string[] = []
  kit.broker.subscribe('will/#', ({ payload }) => void heard.push(String(payload)))
  const will = willOf('will/a', 'of the owner', { properties: { willDelayInterval: 5 } })
  await flow(kit.peer())
    .send(connectOf('ada', 5, { will }))
    .receive(connack(0))
    .drop()
  const other = connectOf('grace', 5, { will: willOf('will/b', 'of a stranger') })
  await flow(kit.peer()).send(other).receive(connack(0x87)).closed()
  await kit.settle()
  expect(heard).toEqual([])
  kit.clock.advance(5_200)
  await kit.settle()
  expect(heard).toEqual(['of the owner'])
})

it('when it has ended, its client id is free for anybody', async () => {
  const kit = await open()
  await flow(await owns(kit, 'ada', 5)).drop()
  kit.clock.advance(600_200)
  await flow(await owns(kit, 'grace', 5))
    .send(disconnect())
    .closed()
  await flow(kit.peer()).send(connectOf('ada', 5)).receive(connack(0x87)).closed()
})
