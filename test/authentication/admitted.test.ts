// What becomes of a client that has been let in: its client id, its time, its keep alive.
import { describe, expect, it } from 'vitest'
import type { Admission } from '../../src/authentication/authenticator.ts'
import { flow } from '../kit/flow.ts'
import { connack, disconnect } from '../kit/packets.ts'
import { ADA, as, Obedient, open } from './obedient.ts'

describe('who is let in', () => {
  it('may be given another client id, and owns the session under that one', async () => {
    const kit = await open({}, [new Obedient('jwt', { renamed: () => ({ ...ADA, clientId: 'meter 7' }) })])
    const first = kit.peer()
    await flow(first).send(as('anything', 'renamed')).receive(connack(0))
    await flow(kit.peer()).send(as('meter 7', 'pencil')).receive(connack(0))
    await flow(first).receive(disconnect(0x8e)).closed()
  })

  it('is told the client id that it was given in place of none', async () => {
    const kit = await open({}, [new Obedient('jwt', { renamed: () => ({ ...ADA, clientId: 'meter 7' }) })])
    await flow(kit.peer())
      .send(as('', 'renamed'))
      .receive(connack(0, false, { assignedClientIdentifier: 'meter 7' }))
  })

  it.each([4, 5] as const)('is disconnected when its time is over (version %i)', async (version) => {
    const brief = new Obedient('jwt', { brief: () => ({ ...ADA, expiresAt: kit.clock.now() + 5_000 }) })
    const kit = await open({}, [brief])
    const peer = kit.peer(version)
    const reasons: string[] = []
    kit.broker.on('disconnected', ({ reason }) => reasons.push(reason))
    await flow(peer)
      .send(as('c', 'brief', { keepalive: 60 }))
      .receive(connack(0))
      .do(() => kit.clock.advance(4_900))
      .receiveNothing()
      .do(() => kit.clock.advance(300))
    await (version === 5 ? flow(peer).receive(disconnect(0xa0)).closed() : flow(peer).closed())
    expect(reasons).toEqual(['admission-expired'])
  })

  it('whose time was over while the process slept is disconnected, and not given its keep alive anew', async () => {
    const expiring = (): Admission => ({ ...ADA, expiresAt: kit.clock.now() + 50_000 })
    const kit = await open({}, [new Obedient('jwt', { brief: () => expiring() })])
    const peer = kit.peer()
    await flow(peer)
      .send(as('c', 'brief', { keepalive: 20 }))
      .receive(connack(0))
      .do(() => kit.clock.jump(40_000))
      .do(() => kit.clock.advance(1_000))
      .receiveNothing()
      .do(() => kit.clock.jump(40_000))
      .do(() => kit.clock.advance(1_000))
      .receive(disconnect(0xa0))
      .closed()
  })

  it('has its keep alive begin when it is let in', async () => {
    const kit = await open()
    const peer = kit.peer()
    peer.send(as('c', 'later', { keepalive: 2 }))
    await kit.settle()
    kit.clock.advance(5_000)
    kit.first.answer(ADA)
    await flow(peer)
      .receive(connack(0))
      .do(() => kit.clock.advance(2_900))
      .receiveNothing()
      .do(() => kit.clock.advance(3_200))
      .receive(disconnect(0x8d))
      .closed()
  })

  it('keeps its keep alive beside that', async () => {
    const long = new Obedient('jwt', { long: () => ({ ...ADA, expiresAt: kit.clock.now() + 100_000 }) })
    const kit = await open({}, [long])
    const peer = kit.peer()
    await flow(peer)
      .send(as('c', 'long', { keepalive: 4 }))
      .receive(connack(0))
      .do(() => kit.clock.advance(5_900))
      .receiveNothing()
      .do(() => kit.clock.advance(6_200))
      .receive(disconnect(0x8d))
      .closed()
  })
})
