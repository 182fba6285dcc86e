// CONNECT's user name and password at authenticators that answer as they are told, over the wire: who is asked, what
// is waited for, what comes of each verdict.
import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../src/authentication/authenticator.ts'
import { flow } from '../kit/flow.ts'
import {
  connack,
  connect,
  disconnect,
  pingreq,
  pingresp,
  puback,
  publish,
  publish1,
  subscribe,
  type Version,
  willOf,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import type { TestBroker } from '../kit/test-broker.ts'
import { ADA, as, Obedient, open, WRONG } from './obedient.ts'

const ODD: readonly (readonly [string, string, () => unknown])[] = [
  ['throws', 'throw', () => ADA],
  ['rejects', 'odd', () => Promise.reject(new Error('no'))],
  ['answers nothing', 'odd', () => undefined],
  ['answers what is no verdict', 'odd', () => ({ kind: 'allow' })],
  ['asks for a step more', 'odd', () => ({ kind: 'continue' })],
  ['answers true', 'odd', () => true],
  ['names nobody', 'odd', () => ({ kind: 'accept', identity: '' })],
  ['names no text', 'odd', () => ({ kind: 'accept', identity: 7 })],
  ['names what no packet holds', 'odd', () => ({ kind: 'accept', identity: 'a\0' })],
  ['names half a character', 'odd', () => ({ kind: 'accept', identity: '\ud800' })],
  ['gives an empty client id', 'odd', () => ({ ...ADA, clientId: '' })],
  ['gives rights that are no lists', 'odd', () => ({ ...ADA, rights: { publish: 'a' } })],
  ['gives rights that are no filters', 'odd', () => ({ ...ADA, rights: { publish: ['a#'], subscribe: [] } })],
  ['gives no time as a time', 'odd', () => ({ ...ADA, expiresAt: Number.NaN })],
  ['refuses with a code of its own', 'odd', () => ({ ...WRONG, reasonCode: 0x01 })],
]

/** That of 5.0 or that of 3.x. */
const codeOf = (version: Version, reasonCode: number, returnCode: number): number =>
  version === 5 ? reasonCode : returnCode

describe.each([3, 4, 5] as const)('a client of version %i', (version) => {
  it('is let in or refused by the first that decides', async () => {
    const all = [new Obedient('jwt'), new Obedient('http', { second: () => ADA }), new Obedient('function')]
    const kit = await open({}, all)
    await flow(kit.peer(version)).send(as('c', 'second')).receive(connack(0)).receiveNothing()
    await flow(kit.peer(version))
      .send(as('c', 'wrong'))
      .receive(connack(codeOf(version, 0x86, 4)))
      .closed()
    expect(all.map(({ asked }) => asked.length)).toEqual([2, 1, 0])
  })

  it('is looked at by those whom the order names, in this order', async () => {
    const all = [new Obedient('http'), new Obedient('function', { second: () => ADA }), new Obedient('jwt')]
    const kit = await open({ authentication: { order: ['function', 'http'] } }, all)
    await flow(kit.peer(version)).send(as('c', 'second')).receive(connack(0)).receiveNothing()
    await flow(kit.peer(version))
      .send(as('c', 'unknown'))
      .receive(connack(codeOf(version, 0x86, 4)))
      .closed()
    expect(all.map(({ asked }) => asked.length)).toEqual([1, 2, 0])
  })

  it('is refused with 0x86 where nobody decides', async () => {
    const kit = await open({ allowAnonymous: true })
    await flow(kit.peer(version))
      .send(as('c', 'unknown'))
      .receive(connack(codeOf(version, 0x86, 4)))
      .closed()
  })

  it.each([
    [0x80, 3],
    [0x83, 3],
    [0x85, 2],
    [0x86, 4],
    [0x87, 5],
    [0x88, 3],
    [0x89, 3],
    [0x8a, 5],
    [0x97, 3],
    [0x9f, 3],
  ] as const)('may be refused with %i, which is %i before 5.0', async (reasonCode, returnCode) => {
    const refuse = new Obedient('jwt', { no: () => ({ kind: 'refuse', why: 'no', reasonCode }) })
    const kit = await open({}, [refuse])
    await flow(kit.peer(version))
      .send(as('c', 'no'))
      .receive(connack(codeOf(version, reasonCode, returnCode)))
      .closed()
  })

  it('is let in without a user name where that is allowed and nobody decides', async () => {
    const kit = await open({ allowAnonymous: true })
    await flow(kit.peer(version)).send(connect('c')).receive(connack(0))
    expect(kit.first.asked).toHaveLength(1)
    const closed = await open()
    await flow(closed.peer(version))
      .send(connect('c'))
      .receive(connack(codeOf(version, 0x87, 5)))
      .closed()
  })

  it('is let in whatever its user name is where nobody looks at it, and is anonymous', async () => {
    const kit = await open({ allowAnonymous: true }, [])
    const identities: string[] = []
    kit.broker.on('connected', ({ identity }) => identities.push(identity))
    await flow(kit.peer(version)).send(as('c', 'x')).receive(connack(0)).receiveNothing()
    expect(identities).toEqual([''])
    const closed = await open({}, [])
    await flow(closed.peer(version))
      .send(as('c', 'x'))
      .receive(connack(codeOf(version, 0x86, 4)))
      .closed()
  })

  it('waits for its answer, and what it sends meanwhile is handled after it', async () => {
    const kit = await open()
    const peer = kit.peer(version)
    const witness = await witnessOf(kit, version)
    peer.send(as('c', 'later'), publish1(1, 'a', 'x'), subscribe(2, 'b', 0), pingreq)
    await kit.settle()
    expect([peer.waiting, peer.brokerEnd.isPaused()]).toEqual([0, true])
    await flow(witness).receiveNothing()
    kit.first.answer(ADA)
    await flow(peer)
      .receive(connack(0))
      .receiveUnordered(puback(1), { cmd: 'suback', messageId: 2, granted: [0] }, pingresp)
    await flow(witness).receive(publish('a', 'x'))
    expect(peer.brokerEnd.isPaused()).toBe(false)
  })

  it('that is refused after a wait has had nothing handled', async () => {
    const kit = await open()
    const witness = await witnessOf(kit, version)
    const peer = kit.peer(version)
    peer.send(as('c', 'later', { will: willOf('a', 'will') }), publish('a', 'x'))
    await kit.settle()
    kit.first.answer(WRONG)
    await flow(peer)
      .receive(connack(codeOf(version, 0x86, 4)))
      .closed()
    await flow(witness).receiveNothing()
  })
})

/** Another client, subscribed to `a`. */
async function witnessOf(kit: TestBroker, version: Version): Promise<Peer> {
  const peer = kit.peer(version)
  await flow(peer)
    .send(as('witness', 'pencil'))
    .receive(connack(0))
    .send(subscribe(1, 'a', 0))
    .receive({ cmd: 'suback', messageId: 1, granted: [0] })
  return peer
}

describe('who is asked', () => {
  it('hears all that CONNECT says, and where it comes from', async () => {
    const kit = await open()
    await flow(kit.peer()).send(as('c', 'pencil')).receive(connack(0))
    await flow(kit.peer(4)).send(connect('d')).receive(connack(5))
    const peer = { address: 'in-process', host: '', listenerName: 'in-process', isTls: false }
    expect(kit.first.asked).toEqual([
      { clientId: 'c', userName: 'ada', password: Buffer.from('pencil'), version: 5, peer },
      { clientId: 'd', userName: undefined, password: undefined, version: 4, peer },
    ])
  })

  it('is not asked about who names an authentication method, or speaks no MQTT that we know', async () => {
    const kit = await open()
    const properties = { authenticationMethod: 'X' }
    await flow(kit.peer())
      .send(as('c', 'pencil', { properties }))
      .receive(connack(0x8c))
      .closed()
    expect(kit.first.asked).toEqual([])
  })

  it.each(ODD)('and %s lets nobody in: 0x80', async (_, password, odd: () => unknown) => {
    const authenticator = new Obedient('jwt', { odd: odd as () => Verdict })
    const kit = await open({ allowAnonymous: true }, [
      authenticator,
      new Obedient('http', { odd: () => ADA }),
    ])
    await flow(kit.peer()).send(as('c', password)).receive(connack(0x80)).closed()
    await flow(kit.peer()).send(as('c', 'pencil')).receive(connack(0))
  })
})

describe('while the answer is awaited', () => {
  it('a session is not taken over, nor ended, nor its will published', async () => {
    const kit = await open()
    const kept = { clean: false, properties: { sessionExpiryInterval: 60 } }
    const owner = kit.peer()
    await flow(owner)
      .send(as('c', 'pencil', { ...kept, will: willOf('w', 'gone') }))
      .receive(connack(0))
    const next = kit.peer()
    next.send(as('c', 'later', { clean: true }))
    await flow(owner).receiveNothing()
    kit.first.answer(WRONG)
    await flow(next).receive(connack(0x86)).closed()
    await flow(owner).receiveNothing()
    const last = kit.peer()
    last.send(as('c', 'later', kept))
    await kit.settle()
    kit.first.answer(ADA)
    await flow(last).receive(connack(0, true))
    await flow(owner).receive(disconnect(0x8e)).closed()
  })

  it('a client may go, and nothing comes of the answer', async () => {
    const kit = await open()
    const connected: string[] = []
    kit.broker.on('connected', ({ clientId }) => connected.push(clientId))
    const peer = kit.peer()
    peer.send(as('c', 'later'))
    await kit.settle()
    peer.brokerEnd.destroy()
    await kit.settle()
    kit.first.answer(ADA)
    await kit.settle()
    expect([connected, kit.broker.dropsOf('c')]).toEqual([[], undefined])
    await flow(kit.peer()).send(as('c', 'pencil')).receive(connack(0))
  })

  it.each([
    ['the time for CONNECT', { limits: { connectTimeoutMs: 2_000 } }, undefined],
    ['the time of an authentication', { authentication: { timeoutMs: 2_000 } }, 0x87],
  ])('a client waits no longer than %s', async (_, options, reasonCode) => {
    const kit = await open(options)
    const peer = kit.peer()
    peer.send(as('c', 'later'))
    await flow(peer)
      .receiveNothing()
      .do(() => kit.clock.advance(2_200))
    await (reasonCode === undefined ? flow(peer) : flow(peer).receive(connack(reasonCode))).closed()
    kit.first.answer(ADA)
    await kit.settle()
  })

  it('so many are looked into at once and no more; others are, when their turn comes', async () => {
    const kit = await open({ authentication: { stepsAtOnceMax: 2 } })
    const peers = ['a', 'b', 'c'].map((clientId) => {
      const peer = kit.peer()
      peer.send(as(clientId, 'later'))
      return peer
    })
    await kit.settle()
    expect(kit.first.asked.map(({ clientId }) => clientId)).toEqual(['a', 'b'])
    kit.first.answer(ADA)
    await kit.settle()
    expect(kit.first.asked.map(({ clientId }) => clientId)).toEqual(['a', 'b', 'c'])
    kit.first.answer(ADA)
    kit.first.answer(ADA)
    for (const peer of peers) await flow(peer).receive(connack(0))
  })

  it('a broker can close', async () => {
    const kit = await open()
    const peer = kit.peer()
    peer.send(as('c', 'later'))
    await kit.settle()
    await kit.broker.close()
    await flow(peer).closed()
    kit.first.answer(ADA)
  })
})
