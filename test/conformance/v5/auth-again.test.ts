// MQTT 5.0, chapters 3.15 and 4.12.1: re-authentication, the exchange of AUTH packets on a live session.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { disconnect, pingreq, pingresp, publish, suback, subscribe, willOf } from '../../kit/packets.ts'
import { auth, authenticated, dataOf, exchange, firstOf, METHOD, openScram, proofOf } from './scram-client.ts'

describe('re-authentication', () => {
  it('[v5 MQTT-4.12.1-1] may begin at any time, and the connection goes on meanwhile and after it', async () => {
    const kit = await openScram()
    const peer = await authenticated(kit)
    await flow(peer)
      .send(subscribe(1, 'a', 0))
      .receive(suback(1, 0))
    for (let i = 0; i < 3; i++) {
      peer.send(auth(0x19, firstOf('ada')))
      const { packet } = await peer.next()
      expect(packet).toMatchObject({ cmd: 'auth', reasonCode: 0x18 })
      await flow(peer)
        .send(pingreq, publish('a', 'meanwhile'))
        .receiveUnordered(pingresp, publish('a', 'meanwhile'))
      const { final, serverFinal } = proofOf('ada', 'pencil', dataOf(packet))
      peer.send(auth(0x18, final))
      const { packet: done } = await peer.next()
      expect(done).toMatchObject({ cmd: 'auth', properties: { authenticationMethod: METHOD } })
      expect(dataOf(done)).toBe(serverFinal)
      await flow(peer).receiveNothing()
    }
  })

  it('[v5 MQTT-4.12.1-1] with another method than that of CONNECT ends the connection with 0x82', async () => {
    const kit = await openScram()
    for (const method of ['SCRAM-SHA-1', 'scram-sha-256', '']) {
      await flow(await authenticated(kit))
        .send(auth(0x19, firstOf('ada'), method))
        .receive(disconnect(0x82))
        .closed()
    }
  })

  it('[v5 MQTT-3.15.2-1] is asked on with 0x18 and ended with 0x00, and neither comes unasked', async () => {
    const kit = await openScram()
    const peer = await authenticated(kit)
    peer.send(auth(0x19, firstOf('ada')))
    const { bytes: asked, packet } = await peer.next()
    expect(asked[2]).toBe(0x18)
    peer.send(auth(0x18, proofOf('ada', 'pencil', dataOf(packet)).final))
    const { bytes: done } = await peer.next()
    expect(done[0]).toBe(0xf0)
    expect(done[2]).toBe(0x00)
    await flow(peer).receiveNothing()
  })

  it('[v5 MQTT-3.15.2-1] is none where the client says 0x00, or goes on with what was not begun', async () => {
    const kit = await openScram()
    for (const reasonCode of [0x00, 0x18]) {
      await flow(await authenticated(kit))
        .send(auth(reasonCode, firstOf('ada')))
        .receive(disconnect(0x82))
        .closed()
    }
  })

  it('[v5 MQTT-4.12.1-2] that fails ends the connection, after a DISCONNECT that says so', async () => {
    const kit = await openScram()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    const peer = await authenticated(kit, { will: willOf('will', 'gone') })
    const answer = await exchange(peer, auth(0x19, firstOf('ada')), 'a wrong password')
    expect(answer).toMatchObject(disconnect(0x87))
    await flow(peer).closed()
    await flow(watcher).receive(publish('will', 'gone')).receiveNothing()
  })

  it('[v5 MQTT-4.12.1-2] fails too as somebody else, and in the midst of the exchange', async () => {
    const kit = await openScram()
    const peer = await authenticated(kit)
    peer.send(auth(0x19, firstOf('bob')))
    const { packet } = await peer.next()
    peer.send(auth(0x18, proofOf('bob', 'brush', dataOf(packet)).final))
    await flow(peer).receive(disconnect(0x87)).closed()
    for (const first of ['', 'no message of SCRAM']) {
      const another = await authenticated(kit)
      another.send(auth(0x19, first))
      if (first === '') {
        expect((await another.next()).packet).toMatchObject({ cmd: 'auth', reasonCode: 0x18 })
        another.send(auth(0x18, ''))
      }
      expect((await another.next()).packet).toMatchObject(disconnect(0x87))
      await flow(another).closed()
    }
  })
})
