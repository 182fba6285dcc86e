// An authentication between CONNECT and CONNACK, over the wire: each way it can go on and end.
import { describe, expect, it, onTestFinished } from 'vitest'
import { SESSION_NEVER_EXPIRES } from '../../src/packet/protocol.ts'
import { StoreImporter } from '../../src/store/importer.ts'
import { UNCLAIMED } from '../../src/store/store.ts'
import { flow } from '../kit/flow.ts'
import { hex } from '../kit/frames.ts'
import { connack, connect, disconnect, pingreq, publish, subscribe, willOf } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import {
  AuthenticatingBroker,
  auth,
  connectAs,
  openAuthenticating,
  SCRAM,
  toldOf,
} from './authenticating-broker.ts'
import { ScramClient } from './scram-client.ts'

/** Authentication Data of the AUTH that comes next. */
async function nextData(peer: Peer): Promise<string> {
  const { packet } = await peer.next()
  const { authenticationData } = packet.properties as { authenticationData?: Buffer }
  expect(packet).toEqual(auth(0x18, String(authenticationData), SCRAM))
  return String(authenticationData)
}

describe('SCRAM-SHA-256', () => {
  it.each([
    ['in CONNECT', true],
    ['in the AUTH after it', false],
  ])('lets a client in that begins %s, and proves that the server knows too', async (_, isAtOnce) => {
    const kit = await openAuthenticating()
    const peer = kit.peer()
    const client = new ScramClient('ada', 'pencil')
    if (isAtOnce) peer.send(connectAs('c', client.first, SCRAM))
    else {
      await flow(peer)
        .send(connectAs('c', undefined, SCRAM))
        .receive(auth(0x18, undefined, SCRAM))
        .send(auth(0x18, client.first, SCRAM))
    }
    const final = client.final(await nextData(peer))
    await flow(peer)
      .send(auth(0x18, final, SCRAM))
      .receive(connack(0, false, toldOf(client.serverFinal, SCRAM)))
      .receiveNothing()
  })

  it.each([
    ['a wrong password', 'ada', 'pencils'],
    ['a user that nobody knows', 'nobody', 'pencil'],
  ])('refuses %s with 0x86 and one and the same answer', async (_, user, password) => {
    const kit = await openAuthenticating()
    const peer = kit.peer()
    const client = new ScramClient(user, password)
    peer.send(connectAs('c', client.first, SCRAM))
    peer.send(auth(0x18, client.final(await nextData(peer)), SCRAM))
    const properties = { reasonString: 'authentication refused', ...toldOf('e=invalid-proof', SCRAM) }
    const { packet } = await peer.next()
    expect(packet).toEqual({ cmd: 'connack', code: 0x86, sessionPresent: false, properties })
    await flow(peer).closed()
    expect(kit.logged('authentication refused')).toMatchObject([
      { clientId: 'c', method: SCRAM, why: 'unknown user or wrong password' },
    ])
  })

  it('refuses an answer of another connection, and one above its size', async () => {
    const kit = await openAuthenticating()
    const client = new ScramClient('ada', 'pencil')
    const [overheard, replaying, large] = [kit.peer(), kit.peer(), kit.peer()]
    for (const peer of [overheard, replaying, large]) peer.send(connectAs('', client.first, SCRAM))
    const final = client.final(await nextData(overheard))
    await nextData(replaying)
    await nextData(large)
    await flow(overheard)
      .send(auth(0x18, final, SCRAM))
      .receive(connack(0))
    const refused = connack(0x87, false, toldOf('e=other-error', SCRAM))
    await flow(replaying)
      .send(auth(0x18, final, SCRAM))
      .receive(refused)
      .closed()
    await flow(large)
      .send(auth(0x18, final.padEnd(60_000, 'x'), SCRAM))
      .receive(refused)
      .closed()
  })

  it('lets nobody have the session of another user', async () => {
    const kit = await openAuthenticating()
    const kept = { clean: false, properties: { ...toldOf('accept:ada'), sessionExpiryInterval: 60 } }
    await flow(kit.peer()).send(connect('shared', kept)).receive(connack(0)).drop()
    await flow(kit.peer()).send(connectAs('shared', 'accept:grace')).receive(connack(0x87)).closed()
    await flow(kit.peer()).send(connect('shared', kept)).receive(connack(0, true))
  })

  it('gives an imported session that nobody owns to whoever resumes it first, over restarts too', async () => {
    const path = await temporaryFolder()
    const importer = await StoreImporter.open(path)
    await importer.putSession({
      number: importer.nextSessionNumber(),
      clientId: 'imported',
      identity: UNCLAIMED,
      expiryInterval: SESSION_NEVER_EXPIRES,
      expiresAt: Number.POSITIVE_INFINITY,
      sentBefore: 0,
    })
    await importer.close()
    const kit = new AuthenticatingBroker({}, path)
    await kit.open()
    onTestFinished(() => kit.close())
    const kept = { clean: false, properties: { ...toldOf('accept:ada'), sessionExpiryInterval: 60 } }
    await flow(kit.peer()).send(connect('imported', kept)).receive(connack(0, true)).drop()
    await kit.restart()
    await flow(kit.peer()).send(connectAs('imported', 'accept:grace')).receive(connack(0x87)).closed()
    await flow(kit.peer()).send(connect('imported', kept)).receive(connack(0, true))
  })
})

describe('a client that authenticates', () => {
  it('[v5 MQTT-4.12.0-2] [v5 MQTT-4.12.0-3] [v5 MQTT-4.12.0-5] is asked until it is accepted', async () => {
    const kit = await openAuthenticating()
    await flow(kit.peer())
      .send(connectAs('c', 'ask:one'))
      .receive(auth(0x18, 'one'))
      .send(auth(0x18, 'ask:two'))
      .receive(auth(0x18, 'two'))
      .send(auth(0x18))
      .receive(auth(0x18))
      .send(auth(0x18, 'accept:ada'))
      .receive(connack(0, false, toldOf()))
      .receiveNothing()
  })

  it('needs no leave for anonymous clients, who are still refused', async () => {
    const kit = await openAuthenticating()
    await flow(kit.peer()).send(connectAs('c', 'accept:ada')).receive(connack(0))
    await flow(kit.peer()).send(connect('d')).receive(connack(0x87)).closed()
  })

  it.each([0x80, 0x83, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x97])(
    '[v5 MQTT-4.12.0-4] is refused with the code of its method, such as %i',
    async (reasonCode) => {
      const kit = await openAuthenticating()
      await flow(kit.peer())
        .send(connectAs('c', `refuse:${reasonCode}`))
        .receive(connack(reasonCode))
        .closed()
      await flow(kit.peer())
        .send(connectAs('c', 'ask:x'))
        .receive(auth(0x18, 'x'))
        .send(auth(0x18, `refuse:${reasonCode}`))
        .receive(connack(reasonCode))
        .closed()
    },
  )

  it('is told no reason in words that it does not want', async () => {
    const kit = await openAuthenticating()
    const peer = kit.peer()
    const properties = { ...toldOf('refuse:135'), requestProblemInformation: false }
    peer.send(connect('c', { properties }))
    expect((await peer.next()).packet).toEqual(connack(0x87))
  })

  it.each(['throw', 'nonsense'])('is answered 0x80 where its method fails: %s', async (order) => {
    const kit = await openAuthenticating()
    await flow(kit.peer()).send(connectAs('c', order)).receive(connack(0x80)).closed()
    expect(kit.logged('packet handler failed')).toHaveLength(1)
    await flow(kit.peer()).send(connectAs('c', 'accept:ada')).receive(connack(0))
  })

  it('has the packets handled that come with its last AUTH', async () => {
    const kit = await openAuthenticating()
    await flow(kit.peer())
      .send(connectAs('c', 'ask:x'), auth(0x18, 'accept:ada'), subscribe(1, 'a', 0), publish('a', 'x'))
      .receive(auth(0x18, 'x'), connack(0), { cmd: 'suback', messageId: 1, granted: [0] }, publish('a', 'x'))
  })

  it('may go before it is through', async () => {
    const kit = await openAuthenticating()
    await flow(kit.peer()).send(connectAs('c', 'ask:x')).receive(auth(0x18, 'x')).send(disconnect()).closed()
    expect(kit.logged('connection closed')).toMatchObject([{ reason: 'client-disconnected' }])
  })

  it.each([
    ['PINGREQ', pingreq],
    ['PUBLISH', publish('a', 'x')],
    ['SUBSCRIBE', subscribe(1, 'a', 0)],
    ['a second CONNECT', connectAs('c', 'accept:ada')],
    ['a packet that only servers send', hex('d0 00')],
  ])('[v5 MQTT-3.1.2-30] is refused with 0x82 when it sends %s before CONNACK', async (_, packet) => {
    const kit = await openAuthenticating()
    await flow(kit.peer())
      .send(connectAs('c', 'ask:x'))
      .receive(auth(0x18, 'x'))
      .send(packet)
      .receive(connack(0x82))
      .closed()
  })

  it.each([
    ['of another method', auth(0x18, 'accept:ada', SCRAM), 0x82],
    ['that says Success', auth(0, 'accept:ada'), 0x82],
    ['that says nothing', hex('f0 00'), 0x82],
    ['that begins again', auth(0x19, 'accept:ada'), 0x82],
    ['without a method', hex('f0 02 18 00'), 0x82],
    ['that is cut off', hex('f0 03 18 05 15'), 0x81],
    ['with flags', hex('f1 00'), 0x81],
  ])('is refused at an AUTH %s', async (_, packet, reasonCode) => {
    const kit = await openAuthenticating()
    await flow(kit.peer())
      .send(connectAs('c', 'ask:x'))
      .receive(auth(0x18, 'x'))
      .send(packet)
      .receive(connack(reasonCode))
      .closed()
  })

  it('has 10 packets for it and no more', async () => {
    const kit = await openAuthenticating({ authentication: { stepsMax: 10 } })
    const talk = flow(kit.peer()).send(connectAs('c', 'ask:x')).receive(auth(0x18, 'x'))
    for (let step = 1; step < 10; step++) talk.send(auth(0x18, 'ask:x')).receive(auth(0x18, 'x'))
    await talk.send(auth(0x18, 'ask:x')).receive(connack(0x97)).closed()
  })

  it('has the time that every CONNECT has', async () => {
    const kit = await openAuthenticating({ limits: { connectTimeoutMs: 3_000 } })
    const peer = kit.peer()
    await flow(peer)
      .send(connectAs('c', 'ask:x'))
      .receive(auth(0x18, 'x'))
      .do(() => kit.clock.advance(2_900))
      .receiveNothing()
      .do(() => kit.clock.advance(200))
      .closed()
    expect(kit.logged('connection closed')).toMatchObject([{ reason: 'connect-timeout' }])
  })

  it('is refused when its exchange is out of time before that', async () => {
    const kit = await openAuthenticating({ authentication: { timeoutMs: 1_000 } })
    await flow(kit.peer())
      .send(connectAs('c', 'later'))
      .receiveNothing()
      .do(() => kit.clock.advance(1_100))
      .receive(connack(0x87))
      .closed()
  })

  it('is closed where it cannot take what it is asked', async () => {
    const kit = await openAuthenticating()
    const properties = { ...toldOf('ask:too much'), maximumPacketSize: 20 }
    await flow(kit.peer()).send(connect('c', { properties })).receive(connack(0x95)).closed()
  })

  it('has its will looked at when it is known who it is', async () => {
    const kit = await openAuthenticating()
    const will = willOf('$SYS/x', 'x')
    await flow(kit.peer())
      .send(connectAs('c', 'ask:x', undefined, { will }))
      .receive(auth(0x18, 'x'))
      .send(auth(0x18, 'accept:ada'))
      .receive(connack(0x87))
      .closed()
  })

  it('takes over its own session', async () => {
    const kit = await openAuthenticating()
    const first = kit.peer()
    await flow(first).send(connectAs('c', 'accept:ada')).receive(connack(0))
    await flow(kit.peer()).send(connectAs('c', 'accept:ada')).receive(connack(0)).receiveNothing()
    await flow(first).receive(disconnect(0x8e)).closed()
  })
})

describe('while a method takes its time', () => {
  it('the connection is not read from, and goes on where it was', async () => {
    const kit = await openAuthenticating()
    const peer = kit.peer()
    peer.send(connectAs('c', 'later'), auth(0x18, 'later'), pingreq)
    await kit.settle()
    expect([kit.waiting, peer.brokerEnd.isPaused()]).toEqual([1, true])
    kit.answerLater({ kind: 'continue', data: Buffer.from('x') })
    await flow(peer).receive(auth(0x18, 'x'))
    expect([kit.waiting, peer.brokerEnd.isPaused()]).toEqual([1, true])
    kit.answerLater({ kind: 'accept', identity: 'ada', data: Buffer.from('welcome') })
    await flow(peer)
      .receive(connack(0, false, toldOf('welcome')), { cmd: 'pingresp' })
      .receiveNothing()
    expect(peer.brokerEnd.isPaused()).toBe(false)
  })

  it('a refusal closes it', async () => {
    const kit = await openAuthenticating()
    await flow(kit.peer())
      .send(connectAs('c', 'later'))
      .do(() => kit.settle())
      .do(() => kit.answerLater({ kind: 'refuse', why: 'x', reasonCode: 0x8a, data: Buffer.from('go') }))
      .receive(connack(0x8a, false, toldOf('go')))
      .closed()
  })

  it('a session of another is refused all the same', async () => {
    const kit = await openAuthenticating()
    await flow(kit.peer()).send(connectAs('c', 'accept:ada')).receive(connack(0))
    await flow(kit.peer())
      .send(connectAs('c', 'later'))
      .do(() => kit.settle())
      .do(() => kit.answerLater({ kind: 'accept', identity: 'grace' }))
      .receive(connack(0x87))
      .closed()
  })

  it('one that has gone is left alone, and makes no session', async () => {
    const kit = await openAuthenticating({ limits: { sessionsMax: 1 } })
    const gone = kit.peer()
    await flow(gone).send(connectAs('gone', 'later'))
    await kit.settle()
    gone.brokerEnd.destroy()
    await kit.settle()
    kit.answerLater({ kind: 'accept', identity: 'ada' })
    await kit.settle()
    await flow(kit.peer()).send(connectAs('c', 'accept:ada')).receive(connack(0))
    expect(kit.logged('packet handler failed')).toEqual([])
    expect(kit.logged('client connected')).toHaveLength(1)
  })

  it('a CONNACK waits for the disk as any other, and what follows for the CONNACK', async () => {
    const kit = await openAuthenticating({}, 'level')
    const kept = { ...toldOf('later'), sessionExpiryInterval: 60 }
    await flow(kit.peer())
      .send(connect('c', { properties: kept }), pingreq)
      .do(() => kit.settle())
      .do(() => kit.store.hold())
      .do(() => kit.answerLater({ kind: 'accept', identity: 'ada' }))
      .receiveNothing()
      .do(() => kit.store.letGo())
      .receive(connack(0), { cmd: 'pingresp' })
  })

  it('others wait for a place, and then are served', async () => {
    const kit = await openAuthenticating({ authentication: { stepsAtOnceMax: 1 } })
    const [first, second] = [kit.peer(), kit.peer()]
    await flow(first).send(connectAs('one', 'later'))
    await kit.settle()
    await flow(second).send(connectAs('two', 'accept:ada')).receiveNothing()
    kit.answerLater({ kind: 'accept', identity: 'ada' })
    await flow(first).receive(connack(0))
    await flow(second).receive(connack(0))
  })

  it('the broker closes without it', async () => {
    const kit = await openAuthenticating()
    const peer = kit.peer()
    await flow(peer).send(connectAs('c', 'later'))
    await kit.settle()
    await kit.broker.close()
    kit.answerLater({ kind: 'accept', identity: 'ada' })
    await flow(peer).closed()
    expect(kit.logged('packet handler failed')).toEqual([])
  })
})
