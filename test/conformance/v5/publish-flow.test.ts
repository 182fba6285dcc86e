// The receive maximum of MQTT 5, as section 3.3.4 has it: that of the broker, and that of the client.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import {
  connack,
  connect,
  disconnect,
  pingreq,
  pingresp,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../../kit/packets.ts'
import { openBroker, type TestBroker } from '../../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 100 } }

/** Publishes to `a` at QoS 1 or 2, numbered from `first`. */
async function publishSome(kit: TestBroker, qos: 1 | 2, first: number, last: number): Promise<void> {
  for (let each = first; each <= last; each++) {
    await kit.broker.publish({ topicName: 'a', payload: String(each), qos })
  }
}

describe('the receive maximum of the broker', () => {
  it('[v5 MQTT-3.3.4-7] is told, may be met, and ends the connection with 0x93 when exceeded', async () => {
    const kit = await openBroker({ limits: { receiveMaximum: 2 } })
    const watcher = await kit.subscriber('watcher', '#', 0)
    await flow(kit.peer())
      .send(connect('c'))
      .receive(connack(0, false, { receiveMaximum: 2 }))
      .send(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .receive(pubrec(1), pubrec(2))
      .send(publish2(3, 'a', '3'))
      .receive(disconnect(0x93))
      .closed()
    await flow(watcher).receive(publish('a', '1'), publish('a', '2')).receiveNothing()
    await kit.servesOthers()
  })

  it('[v5 MQTT-3.3.4-7] counts QoS 1 messages that wait for their PUBACK', async () => {
    const kit = await openBroker({ store: 'level', limits: { receiveMaximum: 2 } })
    await flow(await kit.subscriber('away', 'a', 1, { fields: kept })).drop()
    const sender = await kit.client('sender')
    kit.store.hold()
    sender.send(publish1(1, 'a', '1'), publish1(2, 'a', '2'), publish1(3, 'a', '3'))
    await flow(sender).receive(disconnect(0x93)).closed()
    kit.store.letGo()
  })

  it('[v5 MQTT-3.3.4-7] has room again after PUBACK, PUBCOMP, and a PUBREC of 0x80 or above', async () => {
    const kit = await openBroker({ limits: { receiveMaximum: 2 } })
    const talk = flow(await kit.client('c'))
    for (let id = 1; id <= 10; id++) {
      talk
        .send(publish2(id, 'a', 'x'))
        .receive(pubrec(id, 0x10))
        .send(publish1(id + 100, 'a', 'x'))
        .receive(puback(id + 100, 0x10))
        .send(publish2(id + 200, '$SYS/a', 'not allowed'))
        .receive(pubrec(id + 200, 0x87))
        .send(pubrel(id))
        .receive(pubcomp(id))
    }
    await talk
  })

  it('[v5 MQTT-3.3.4-7] does not count QoS 0, nor a QoS 2 PUBLISH that is sent again', async () => {
    const kit = await openBroker({ limits: { receiveMaximum: 1 } })
    const again = publish2(1, 'a', 'x', { dup: true })
    await flow(await kit.client('c'))
      .send(publish2(1, 'a', 'x'), publish('a', 'x'), publish('a', 'x'), again, again)
      .receive(pubrec(1, 0x10), pubrec(1), pubrec(1))
      .send(pubrel(1))
      .receive(pubcomp(1))
      .send(publish2(2, 'a', 'x'))
      .receive(pubrec(2, 0x10))
  })
})

describe('the receive maximum of the client', () => {
  const fields = { properties: { receiveMaximum: 2 } }

  it('[v5 MQTT-3.3.4-9] is not exceeded at QoS 1: each PUBACK makes room for one', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 1, { fields })
    await publishSome(kit, 1, 1, 5)
    await flow(peer)
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'))
      .receiveNothing()
      .send(puback(1))
      .receive(publish1(3, 'a', '3'))
      .receiveNothing()
      .send(puback(2, 0x80), puback(3))
      .receive(publish1(4, 'a', '4'), publish1(5, 'a', '5'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.4-9] is not exceeded at QoS 2: PUBCOMP makes room, PUBREC does not', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 2, { fields })
    await publishSome(kit, 2, 1, 4)
    await flow(peer)
      .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .receiveNothing()
      .send(pubrec(1), pubrec(2))
      .receive(pubrel(1), pubrel(2))
      .receiveNothing()
      .send(pubcomp(1))
      .receive(publish2(3, 'a', '3'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.4-9] has room again after a PUBREC of 0x80 or above', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 2, { fields })
    await publishSome(kit, 2, 1, 3)
    await flow(peer)
      .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .receiveNothing()
      .send(pubrec(1, 0x80))
      .receive(publish2(3, 'a', '3'))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.4-9] holds for what a session has queued, and is that of the new connection', async () => {
    const kit = await openBroker({ store: 'level' })
    const withMaximum = (receiveMaximum: number) => ({
      clean: false,
      properties: { sessionExpiryInterval: 100, receiveMaximum },
    })
    const first = await kit.subscriber('c', 'a', 1, { fields: withMaximum(3) })
    await publishSome(kit, 1, 1, 5)
    await flow(first)
      .receive(publish1(1, 'a', '1'), publish1(2, 'a', '2'), publish1(3, 'a', '3'))
      .drop()
    await flow(await kit.client('c', { fields: withMaximum(1), sessionPresent: true }))
      .receive(publish1(1, 'a', '1', { dup: true }))
      .receiveNothing()
      .send(puback(1))
      .receive(publish1(2, 'a', '2', { dup: true }))
      .receiveNothing()
  })

  it('[v5 MQTT-3.3.4-10] when used up delays no other packet', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 2, { fields })
    await publishSome(kit, 2, 1, 3)
    await flow(peer)
      .receive(publish2(1, 'a', '1'), publish2(2, 'a', '2'))
      .send(pingreq, subscribe(7, 'b', 0), publish1(8, 'c', 'x'), publish2(9, 'c', 'x'), pubrel(9))
      .receive(pingresp, suback(7, 0), puback(8, 0x10), pubrec(9, 0x10), pubcomp(9))
      .send(unsubscribe(10, 'b'), pubrec(1), pubrec(2))
      .receive(unsuback(10, 0), pubrel(1), pubrel(2))
  })
})
