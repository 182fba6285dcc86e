// MQTT 5.0, chapters 3.15 and 4.12: AUTH of clients without an authentication method, and methods nobody has.
// auth-scram.test.ts has the exchange itself.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text } from '../../kit/frames.ts'
import { connack, connect, disconnect } from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'

/** An AUTH with this reason code, and an authentication method. */
const authOf = (reasonCode: number, flags = 0): Buffer => {
  const method = Buffer.concat([hex('15'), text('SCRAM-SHA-256')])
  return frame(0xf0 | flags, Buffer.from([reasonCode, method.length]), method)
}

async function expectRefused(packet: Buffer, reasonCode: number): Promise<void> {
  const kit = await openBroker()
  await flow(await kit.client('c'))
    .send(packet)
    .receive(disconnect(reasonCode))
    .closed()
  await kit.servesOthers()
}

describe('AUTH', () => {
  it('[v5 MQTT-3.15.1-1] ends the connection with 0x81 at an AUTH with other flags than 0000', async () => {
    for (let flags = 1; flags < 16; flags++) await expectRefused(authOf(0x18, flags), 0x81)
  })
})

describe('a client that names no authentication method', () => {
  it('[v5 MQTT-4.12.0-6] gets no AUTH, and no authentication method in CONNACK', async () => {
    const kit = await openBroker()
    for (const fields of [{}, { username: 'u', password: Buffer.from('p') }]) {
      const peer = kit.peer()
      peer.send(connect('c', fields))
      const { packet } = await peer.next()
      expect(packet).toMatchObject(connack(0))
      expect(packet.properties ?? {}).not.toHaveProperty('authenticationMethod')
      expect(packet.properties ?? {}).not.toHaveProperty('authenticationData')
      await flow(peer).receiveNothing().drop()
    }
  })

  it('[v5 MQTT-4.12.0-7] is closed with 0x82 when it sends AUTH all the same', async () => {
    for (const reasonCode of [0x00, 0x18, 0x19]) await expectRefused(authOf(reasonCode), 0x82)
    await expectRefused(hex('f0 00'), 0x82)
  })
})

describe('an authentication method that nobody has', () => {
  it('[v5 MQTT-4.12.0-1] is answered 0x8C in CONNACK, and the connection is closed', async () => {
    const kit = await openBroker()
    for (const authenticationMethod of ['', 'K', 'scram-sha-256', 'SCRAM-SHA-256 ', 'GS2-KRB5']) {
      await flow(kit.peer())
        .send(connect('c', { properties: { authenticationMethod } }))
        .receive(connack(0x8c))
        .closed()
    }
    await kit.servesOthers()
  })
})
