// MQTT 5.0, chapters 3.15 and 4.12: the exchange of AUTH packets before CONNACK, by the example of SCRAM-SHA-256.
// auth-again.test.ts has the one on a live session.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import {
  connack,
  connect,
  disconnect,
  encode,
  type Said,
  suback,
  subscribe,
  willOf,
} from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import type { TestBroker } from '../../kit/test-broker.ts'
import {
  auth,
  authenticated,
  connectWith,
  dataOf,
  exchange,
  firstOf,
  METHOD,
  openScram,
  proofOf,
  propertiesOf,
} from './scram-client.ts'

describe('the exchange before CONNACK', () => {
  it('[v5 MQTT-4.12.0-2] asks the client to go on by AUTH with 0x18, and by nothing else', async () => {
    const kit = await openScram()
    const peer = kit.peer()
    await flow(peer)
      .send(connectWith(firstOf('ada')))
      .do(() => peer.settle())
    expect(peer.waiting).toBe(1)
    const { packet } = await peer.next()
    expect(packet).toMatchObject({ cmd: 'auth', reasonCode: 0x18 })
    expect(dataOf(packet)).toMatch(/^r=nonce-of-the-client.+,s=.+,i=4096$/)
  })

  it('[v5 MQTT-4.12.0-2] asks by AUTH with 0x18 too where CONNECT brings no data yet', async () => {
    const kit = await openScram()
    const peer = kit.peer()
    peer.send(connect('c', { properties: { authenticationMethod: METHOD } }))
    const { packet } = await peer.next()
    expect(packet).toMatchObject({ cmd: 'auth', reasonCode: 0x18 })
    expect(await exchange(peer, auth(0x18, firstOf('ada')))).toMatchObject(connack(0))
  })

  it('[v5 MQTT-4.12.0-3] goes on to CONNACK by the AUTH of the client with 0x18', async () => {
    const kit = await openScram()
    await flow(await authenticated(kit))
      .send(subscribe(1, 'a', 0))
      .receive(suback(1, 0))
      .receiveNothing()
  })

  /** An exchange in which all is right but the reason code of the client's last AUTH. */
  async function expectRefused(reasonCode: number): Promise<void> {
    const kit = await openScram()
    const peer = kit.peer()
    peer.send(connectWith(firstOf('ada')))
    const { packet } = await peer.next()
    const { properties } = auth(0x18, proofOf('ada', 'pencil', dataOf(packet)).final)
    const wrong = encode({ cmd: 'auth', reasonCode: 0x18, properties }, 5)
    // Behind a remaining length of one byte, or of two.
    wrong[wrong.length < 130 ? 2 : 3] = reasonCode
    await flow(peer).send(wrong).receive(connack(0x82)).closed()
    await kit.servesOthers()
  }

  it('[v5 MQTT-4.12.0-3] ends with 0x82 by an AUTH of the client that does not say 0x18', async () => {
    for (const reasonCode of [0x00, 0x19]) await expectRefused(reasonCode)
  })

  it('[v5 MQTT-3.15.2-1] ends with 0x82 by a reason code that AUTH has not', async () => {
    for (const reasonCode of [0x01, 0x10, 0x17, 0x1a, 0x80, 0x98, 0xff]) await expectRefused(reasonCode)
  })

  it('[v5 MQTT-4.12.0-4] is rejected by a CONNACK of 0x80 or above and the end of the connection', async () => {
    const kit = await openScram()
    const refused = async (peer: Peer, answer: Said): Promise<void> => {
      expect(answer.cmd).toBe('connack')
      expect(answer.code).toBeGreaterThanOrEqual(0x80)
      await flow(peer).closed()
    }
    const wrong = kit.peer()
    await refused(wrong, await exchange(wrong, connectWith(firstOf('ada')), 'a wrong password'))
    const unknown = kit.peer()
    await refused(unknown, await exchange(unknown, connectWith(firstOf('nobody'))))
    const tlsUnique = firstOf('ada').replace('n,,', 'p=tls-unique,,')
    for (const first of ['n,,', 'no message of SCRAM', tlsUnique]) {
      const peer = kit.peer()
      peer.send(connectWith(first))
      await refused(peer, (await peer.next()).packet)
    }
    await kit.servesOthers()
  })

  it('[v5 MQTT-4.12.0-4] that is rejected leaves no session, no subscription and no will', async () => {
    const kit = await openScram()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    const peer = kit.peer()
    const fields = { will: willOf('will', 'never') }
    const answer = await exchange(peer, connectWith(firstOf('ada'), fields), 'a wrong password')
    expect(answer).toMatchObject({ cmd: 'connack', sessionPresent: false })
    await flow(peer).closed()
    await flow(watcher).receiveNothing()
    await flow(kit.peer())
      .send(connect('c', { clean: false }))
      .receive(connack(0, false))
  })

  it('[v5 MQTT-4.12.0-5] names the method of CONNECT in every AUTH and in CONNACK', async () => {
    const kit = await openScram()
    const peer = kit.peer()
    peer.send(connectWith(firstOf('ada')))
    const { packet: asked } = await peer.next()
    expect(propertiesOf(asked).authenticationMethod).toBe(METHOD)
    const { final, serverFinal } = proofOf('ada', 'pencil', dataOf(asked))
    peer.send(auth(0x18, final))
    const { packet: accepted } = await peer.next()
    expect(accepted).toMatchObject(connack(0))
    expect(propertiesOf(accepted).authenticationMethod).toBe(METHOD)
    expect(dataOf(accepted)).toBe(serverFinal)
  })

  it('[v5 MQTT-4.12.0-5] ends with 0x82 by an AUTH of the client that names another method, or none', async () => {
    const kit = await openScram()
    for (const other of [
      auth(0x18, 'x', 'SCRAM-SHA-1'),
      auth(0x18, 'x', ''),
      Buffer.from('f0021800', 'hex'),
    ]) {
      const peer = kit.peer()
      peer.send(connectWith(firstOf('ada')))
      expect((await peer.next()).packet.cmd).toBe('auth')
      await flow(peer).send(other).receive(connack(0x82)).closed()
    }
  })

  it('[v5 MQTT-4.12.0-1] has its method known by its exact name, or is answered 0x8C', async () => {
    const kit = await openScram()
    for (const authenticationMethod of ['scram-sha-256', 'SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS', '']) {
      await flow(kit.peer())
        .send(connect('c', { properties: { authenticationMethod } }))
        .receive(connack(0x8c))
        .closed()
    }
  })

  it('[v5 MQTT-4.12.0-6] is not begun with a client that names no method', async () => {
    const kit = await openScram()
    const peer = kit.peer()
    peer.send(connect('c'))
    const { packet } = await peer.next()
    expect(packet).toMatchObject(connack(0))
    expect(propertiesOf(packet)).not.toHaveProperty('authenticationMethod')
    await flow(peer).receiveNothing()
  })

  it('[v5 MQTT-4.12.0-7] is not begun by AUTH of a client that named no method', async () => {
    const kit = await openScram()
    for (const reasonCode of [0x18, 0x19]) {
      await flow(await kit.client('c'))
        .send(auth(reasonCode, firstOf('ada')))
        .receive(disconnect(0x82))
        .closed()
    }
  })

  it('[v5 MQTT-3.15.1-1] ends with the connection at an AUTH with other flags than 0000', async () => {
    const kit = await openScram()
    for (const flags of [1, 2, 4, 8, 15]) {
      const peer = kit.peer()
      peer.send(connectWith(firstOf('ada')))
      expect((await peer.next()).packet.cmd).toBe('auth')
      await flow(peer)
        .send(Buffer.from([0xf0 | flags, 2, 0x18, 0]))
        .receive(connack(0x81))
        .closed()
    }
  })
})

describe('a client with little room', () => {
  /** The size of the broker's packets is the same in each exchange: nonce, salt and signature have their lengths. */
  async function sizes(kit: TestBroker): Promise<{ asked: number; done: number }> {
    const peer = await authenticated(kit)
    peer.send(auth(0x19, firstOf('ada')))
    const { bytes: asked, packet } = await peer.next()
    peer.send(auth(0x18, proofOf('ada', 'pencil', dataOf(packet)).final))
    const { bytes: done } = await peer.next()
    await peer.drop()
    return { asked: asked.length, done: done.length }
  }

  it('[v5 MQTT-3.15.2-2] gets AUTH without a reason string that would make it too large', async () => {
    const kit = await openScram()
    const { asked } = await sizes(kit)
    for (const more of [0, 1, 4, 20]) {
      const peer = kit.peer()
      const fields = { properties: { maximumPacketSize: asked + more } }
      peer.send(connectWith(firstOf('ada'), fields))
      const { bytes, packet } = await peer.next()
      expect(packet).toMatchObject({ cmd: 'auth', reasonCode: 0x18 })
      expect(bytes.length).toBeLessThanOrEqual(asked + more)
      await peer.drop()
    }
  })

  it('[v5 MQTT-3.15.2-3] gets AUTH without user properties that would make it too large', async () => {
    const kit = await openScram()
    const { asked, done } = await sizes(kit)
    expect(done).toBeLessThan(asked)
    const properties = { maximumPacketSize: asked, userProperties: { some: 'of its own' } }
    const peer = await authenticated(kit, { properties })
    for (let i = 0; i < 2; i++) {
      peer.send(auth(0x19, firstOf('ada')))
      const { bytes, packet } = await peer.next()
      expect(bytes).toHaveLength(asked)
      peer.send(auth(0x18, proofOf('ada', 'pencil', dataOf(packet)).final))
      expect((await peer.next()).bytes.length).toBeLessThanOrEqual(asked)
    }
  })
})
