// One client id, wanted by many connections at once: a session is spoken for by one of them, and one is left.
import { describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { flow } from '../kit/flow.ts'
import { connack, connect, disconnect, puback, publish, publish1, willOf } from '../kit/packets.ts'
import { STORES } from '../kit/test-broker.ts'
import { openHostile } from './hostile-broker.ts'

const TIMES = 200
const kept = { clean: false, properties: { sessionExpiryInterval: 30 } }
/** Room for sender, witness and one more. */
const limits = { sessionsMax: 3, connectionsMax: TIMES + 2 }

describe.each(STORES)('on the %s store', (store) => {
  it.each([3, 4, 5] as const)(
    'a storm of one client id leaves one session, in version %i',
    async (version) => {
      const kit = await openHostile(limits, store)
      const peers = Array.from({ length: TIMES }, () => kit.peer(version))
      for (const peer of peers) peer.send(connect('same', kept))
      await kit.settle()
      const last = peers.pop()
      for (const peer of peers) {
        await flow(peer).do(() => peer.closed())
        expect(peer.waiting).toBeLessThanOrEqual(2)
      }
      if (last === undefined) throw new Error('there is a last one')
      // CONNACK came after however many had been before it, whose session it found.
      expect((await last.next()).packet).toMatchObject({
        cmd: 'connack',
        code: 0,
        sessionPresent: version > 3,
      })
      await flow(last).receiveNothing()
      await kit.servesOthers()
      await kit.leavesNothing()
    },
  )

  it('one after the other, each finds what the one before it left', async () => {
    const kit = await openHostile(limits, store)
    let peer = await kit.subscriber('same', 'a', 1, { fields: kept })
    for (let i = 1; i <= TIMES; i++) {
      const next = await kit.client('same', { fields: kept, sessionPresent: true })
      await flow(peer).receive(disconnect(ReasonCode.SessionTakenOver)).closed()
      await kit.broker.publish({ topicName: 'a', payload: String(i), qos: 1 })
      await flow(next)
        .receive(publish1(i, 'a', String(i)))
        .send(puback(i))
        .receiveNothing()
      peer = next
    }
    await kit.servesOthers()
    await kit.leavesNothing()
  })

  it('a clean start each time ends the session before it, and publishes its will', async () => {
    const kit = await openHostile({ ...limits, sessionsMax: 4 }, store)
    const watcher = await kit.subscriber('watcher', 'will', 0)
    for (let i = 0; i < TIMES; i++) {
      const fields = { ...kept, clean: true, will: willOf('will', String(i)) }
      await flow(kit.peer()).send(connect('same', fields)).receive(connack(0, false))
    }
    await flow(watcher)
      .receive(...Array.from({ length: TIMES - 1 }, (_, i) => publish('will', String(i))))
      .receiveNothing()
    await kit.servesOthers()
    await kit.leavesNothing()
  })

  it('two that come back whenever they are sent away do not disturb the others', async () => {
    const kit = await openHostile(limits, store)
    let other = await kit.client('same', { version: 4, fields: { clean: false } })
    for (let i = 0; i < TIMES; i++) {
      const one = kit.peer(i % 2 === 0 ? 5 : 4)
      // In the same chunk: it publishes, and is gone.
      one.send(connect('same', { clean: i % 3 === 0, keepalive: 1 }), publish1(1, 'a', 'x'))
      await flow(other).do(() => other.closed())
      other = one
      if (i % 20 === 0) await kit.servesOthers()
    }
    await kit.servesOthers()
    await kit.leavesNothing()
  })
})
