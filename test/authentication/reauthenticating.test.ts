// AUTH on a live session: it is done again, other packets come and go meanwhile, and its failure ends the connection.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { hex } from '../kit/frames.ts'
import { connack, connect, disconnect, puback, publish, publish1, willOf } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import type { AuthenticatingBroker } from './authenticating-broker.ts'
import { auth, connectAs, openAuthenticating, SCRAM, toldOf } from './authenticating-broker.ts'
import { ScramClient } from './scram-client.ts'

/** A client that was let in as ada. */
async function ada(kit: AuthenticatingBroker, fields = {}): Promise<Peer> {
  const peer = kit.peer()
  await flow(peer)
    .send(connectAs('c', 'accept:ada', undefined, fields))
    .receive(connack(0))
  return peer
}

const REFUSED = { reasonString: 'authentication refused' }

describe('a client that authenticates again', () => {
  it('is asked and told Success, and keeps its session', async () => {
    const kit = await openAuthenticating()
    await flow(await ada(kit))
      .send(auth(0x19, 'ask:one'))
      .receive(auth(0x18, 'one'))
      .send(auth(0x18, 'accept:ada'))
      .receive(auth(0))
      .send(auth(0x19, 'accept:ada'))
      .receive(auth(0))
      .receiveNothing()
    expect(kit.logged('client authenticated anew')).toMatchObject([
      { clientId: 'c', method: 'obey' },
      { clientId: 'c', method: 'obey' },
    ])
  })

  it('[v5 MQTT-4.12.0-5] proves itself with SCRAM-SHA-256 as at its CONNECT', async () => {
    const kit = await openAuthenticating()
    const peer = kit.peer()
    for (const nonce of ['first-nonce', 'second-nonce']) {
      const client = new ScramClient('ada', 'pencil', { nonce })
      const isFirst = nonce.startsWith('first')
      peer.send(isFirst ? connectAs('c', client.first, SCRAM) : auth(0x19, client.first, SCRAM))
      const { authenticationData } = (await peer.next()).packet.properties as { authenticationData: Buffer }
      peer.send(auth(0x18, client.final(String(authenticationData)), SCRAM))
      const told = toldOf(client.serverFinal, SCRAM)
      await flow(peer).receive(isFirst ? connack(0, false, told) : { cmd: 'auth', properties: told })
    }
    await flow(peer).receiveNothing()
  })

  it('publishes and is sent messages meanwhile, while it thinks and while the broker does', async () => {
    const kit = await openAuthenticating()
    const peer = await ada(kit)
    const filter = { cmd: 'suback', messageId: 1, granted: [0] } as const
    const subscription = { topic: 'a', qos: 0, nl: false, rap: false, rh: 0 }
    await flow(peer)
      .send({ cmd: 'subscribe', messageId: 1, subscriptions: [subscription] })
      .receive(filter)
      .send(auth(0x19, 'ask:x'))
      .receive(auth(0x18, 'x'))
      .send(publish1(2, 'b', 'x'))
      .receive({ ...puback(2), reasonCode: 0x10 })
      .send(auth(0x18, 'later'))
      .send(publish('a', 'y'))
      .receive(publish('a', 'y'))
      .receiveNothing()
      .do(() => kit.answerLater({ kind: 'accept', identity: 'ada' }))
      .receive(auth(0))
  })

  it.each([
    [0x80, 0x80],
    [0x86, 0x87],
    [0x87, 0x87],
    [0x88, 0x87],
    [0x89, 0x89],
    [0x8a, 0x87],
    [0x97, 0x97],
  ])('[v5 MQTT-4.12.1-2] is disconnected when it is refused with %i', async (reasonCode, told) => {
    const kit = await openAuthenticating()
    await flow(await ada(kit))
      .send(auth(0x19, `refuse:${reasonCode}`))
      .receive(disconnect(told, REFUSED))
      .closed()
    expect(kit.logged('client disconnected')).toMatchObject([{ reason: 'authentication-failed' }])
  })

  it('is disconnected when its password has become wrong', async () => {
    const kit = await openAuthenticating()
    const peer = kit.peer()
    for (const password of ['pencil', 'pen']) {
      const client = new ScramClient('ada', password)
      const isFirst = password === 'pencil'
      peer.send(isFirst ? connectAs('c', client.first, SCRAM) : auth(0x19, client.first, SCRAM))
      const { authenticationData } = (await peer.next()).packet.properties as { authenticationData: Buffer }
      peer.send(auth(0x18, client.final(String(authenticationData)), SCRAM))
      if (isFirst) await flow(peer).receive(connack(0))
    }
    await flow(peer).receive(disconnect(0x87, REFUSED)).closed()
  })

  it('is disconnected when it turns out to be somebody else', async () => {
    const kit = await openAuthenticating()
    await flow(await ada(kit))
      .send(auth(0x19, 'accept:grace'))
      .receive(disconnect(0x87, REFUSED))
      .closed()
    expect(kit.logged('authentication refused')).toMatchObject([
      { why: 'as another identity than that of the session' },
    ])
  })

  it('leaves its will when it is disconnected so', async () => {
    const kit = await openAuthenticating()
    const messages: string[] = []
    kit.broker.subscribe('wills', ({ topicName }) => void messages.push(topicName))
    const peer = await ada(kit, { will: willOf('wills', 'gone') })
    await flow(peer).send(auth(0x19, 'refuse:135')).receive(disconnect(0x87, REFUSED)).closed()
    await kit.settle()
    expect(messages).toEqual(['wills'])
  })

  it('is disconnected with 0x80 where its method fails', async () => {
    const kit = await openAuthenticating()
    await flow(await ada(kit))
      .send(auth(0x19, 'throw'))
      .receive(disconnect(0x80))
      .closed()
  })

  it('is disconnected when it has not finished in time, and not for one that it has finished', async () => {
    const kit = await openAuthenticating({ authentication: { timeoutMs: 5_000 } })
    await flow(await ada(kit))
      .send(auth(0x19, 'accept:ada'))
      .receive(auth(0))
      .do(() => kit.clock.advance(6_000))
      .receiveNothing()
      .send(auth(0x19, 'ask:x'))
      .receive(auth(0x18, 'x'))
      .do(() => kit.clock.advance(4_900))
      .receiveNothing()
      .do(() => kit.clock.advance(200))
      .receive(disconnect(0x87, REFUSED))
      .closed()
  })

  it('[v5 MQTT-4.12.1-1] is disconnected when it names another method', async () => {
    const kit = await openAuthenticating()
    await flow(await ada(kit))
      .send(auth(0x19, new ScramClient('ada', 'pencil').first, SCRAM))
      .receive(disconnect(0x82))
      .closed()
  })

  it.each<[string, Parameters<Peer['send']>]>([
    ['goes on with nothing under way', [auth(0x18, 'accept:ada')]],
    ['says Success', [auth(0, 'accept:ada')]],
    ['says Success in the shortest form', [hex('f0 00')]],
    ['begins a second one before the first has ended', [auth(0x19, 'later'), auth(0x19, 'accept:ada')]],
    ['goes on before it has been answered', [auth(0x19, 'later'), auth(0x18, 'accept:ada')]],
  ])('is disconnected with 0x82 when it %s', async (_, packets) => {
    const kit = await openAuthenticating()
    await flow(await ada(kit))
      .send(...packets)
      .receive(disconnect(0x82))
      .closed()
    kit.answerLater({ kind: 'accept', identity: 'ada' })
    await kit.settle()
    expect(kit.logged('packet handler failed')).toEqual([])
  })

  it('is taken over while it does, and the answer comes to nobody', async () => {
    const kit = await openAuthenticating()
    const first = await ada(kit)
    await flow(first).send(auth(0x19, 'later')).receiveNothing()
    await ada(kit)
    await flow(first).receive(disconnect(0x8e)).closed()
    kit.answerLater({ kind: 'accept', identity: 'ada' })
    await kit.settle()
    expect(kit.logged('client authenticated anew')).toEqual([])
  })
})

it('[v5 MQTT-4.12.0-7] a client that named no method is disconnected at its AUTH', async () => {
  const kit = await openAuthenticating({ allowAnonymous: true })
  for (const reasonCode of [0x00, 0x18, 0x19]) {
    await flow(await kit.client('c'))
      .send(auth(reasonCode, 'accept:ada'))
      .receive(disconnect(0x82))
      .closed()
  }
})

it('a client of 3.1.1 that sends AUTH is closed', async () => {
  const kit = await openAuthenticating({ allowAnonymous: true })
  await flow(await kit.client('c', { version: 4 }))
    .send(hex('f0 00'))
    .closed()
})

it('Authentication Data without a method is refused with 0x82', async () => {
  const kit = await openAuthenticating({ allowAnonymous: true })
  await flow(kit.peer())
    .send(connect('c', { properties: { authenticationData: Buffer.from('x') } }))
    .receive(connack(0x82))
    .closed()
})
