// MQTT 3.1.1, chapters 4.8 and 7: what ends a connection, and what may not be asked of a client.
import { expect, it } from 'vitest'
import { serve } from '../../integration/served-broker.ts'
import { WireClient } from '../../integration/wire-client.ts'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text, u16 } from '../../kit/frames.ts'
import { publish, publish1, suback, subscribe, willOf } from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'

const V4 = { version: 4 } as const
const KEPT = { version: 4, fields: { clean: false } } as const

it('[v3.1.1 MQTT-4.8.0-1] who breaks the protocol is closed, and what it did before stays done', async () => {
  const kit = await openBroker()
  const watcher = await kit.subscriber('watcher', '#', 0, V4)
  const violations = [
    hex('00 00'), // no such packet type
    hex('f0 00'), // nor this one, before 5.0
    hex('20 02 00 00'), // packets that only a server sends
    hex('90 03 0001 00'),
    hex('b0 02 0001'),
    hex('d0 00'),
    hex('30 ff ff ff ff 7f'), // a length of five bytes
    hex('40 01 00'), // acknowledgements without a packet id, and with more than one
    hex('40 03 0001 00'),
    hex('62 00'),
    hex('70 04 0001 0001'),
    hex('c0 01 00'), // PINGREQ and DISCONNECT with a body
    hex('e0 01 00'),
    frame(0x34, text('a'), hex('00')), // half a packet id
  ]
  for (const [index, packet] of violations.entries()) {
    const fields = { will: willOf('will', String(index)) }
    await flow(await kit.client('c', { version: 4, fields }))
      .send(publish('before', String(index)), packet, publish('after', 'never'))
      .closed()
    await flow(watcher).receive(publish('before', String(index)), publish('will', String(index)))
  }
  await flow(watcher).receiveNothing()
  await kit.servesOthers()
})

it('[v3.1.1 MQTT-4.8.0-2] what cannot be processed just now closes its connection, and no other', async () => {
  const kit = await openBroker()
  const other = await kit.subscriber('other', 'a', 1, KEPT)
  const peer = await kit.client('c', KEPT)
  // The store cannot take it: an error that is not the client's.
  kit.store.putSubscription = () => {
    throw new Error('no space left on device')
  }
  await flow(peer)
    .send(subscribe(1, 'a', 1))
    .closed()
  Reflect.deleteProperty(kit.store, 'putSubscription')
  await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
  await flow(other)
    .receive(publish1(1, 'a', 'x'))
    .receiveNothing()
  await flow(await kit.client('c', { ...KEPT, sessionPresent: true }))
    .send(subscribe(1, 'a', 1))
    .receive(suback(1, 1))
})

it('[v3.1.1 MQTT-7.0.0-2] a client gets along with the bytes of the specification and nothing besides', async () => {
  const kit = await openBroker({ store: 'level' })
  await flow(kit.peer(4))
    .send(hex('10 0d 0004 4d515454 04 02 0000 0001 63'))
    .receiveBytes(hex('20 02 00 00'))
    .send(hex('82 06 0001 0001 61 02'))
    .receiveBytes(hex('90 03 0001 02'))
    .send(hex('30 04 0001 61 78'))
    .receiveBytes(hex('30 04 0001 61 78'))
    .send(frame(0x34, text('b'), u16(9), Buffer.from('y')))
    .receiveBytes(hex('50 02 0009'))
    .send(hex('62 02 0009'))
    .receiveBytes(hex('70 02 0009'))
    .send(hex('a2 05 0002 0001 61'))
    .receiveBytes(hex('b0 02 0002'))
    .send(hex('c0 00'))
    .receiveBytes(hex('d0 00'))
    .send(hex('e0 00'))
    .closed()
})

it('[v3.1.1 MQTT-7.1.1-1] a TCP connection carries everything, in order, both ways', async () => {
  const port = await serve('memory')
  const client = await WireClient.connect(port, { protocolVersion: 4, clientId: 'c', clean: true })
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] })
  await client.receive('suback')
  const count = 500
  // Payloads of up to 100 KB, so that packets and what TCP makes of them part ways.
  const payloadOf = (i: number): Buffer => Buffer.alloc((i * 7_919) % 100_000, String(i))
  for (let messageId = 1; messageId <= count; messageId++) {
    const payload = payloadOf(messageId)
    client.send({ cmd: 'publish', topic: 'a', qos: 1, dup: false, retain: false, messageId, payload })
  }
  const acknowledged: unknown[] = []
  let received = 0
  await new Promise<void>((resolve, reject) => {
    client.closed.then(() => reject(new Error('the connection was closed')))
    client.handle((packet) => {
      if (packet.cmd === 'puback') acknowledged.push(packet.messageId)
      else if (packet.cmd === 'publish') {
        received++
        if (!payloadOf(received).equals(packet.payload as Buffer)) reject(new Error(`message ${received}`))
        client.send({ cmd: 'puback', messageId: packet.messageId as number })
      } else reject(new Error(`unexpected ${packet.cmd}`))
      if (received === count && acknowledged.length === count) resolve()
    })
  })
  expect(acknowledged).toEqual(Array.from({ length: count }, (_, i) => i + 1))
  await client.end()
})
