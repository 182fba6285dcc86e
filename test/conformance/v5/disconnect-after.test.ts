// MQTT 5.0, chapter 3.14: what follows a DISCONNECT of either side: nothing but the end of the connection.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, hex, text } from '../../kit/frames.ts'
import {
  disconnect,
  pingreq,
  publish,
  publish1,
  publish2,
  pubrec,
  subscribe,
  willOf,
} from '../../kit/packets.ts'
import { openBroker } from '../../kit/test-broker.ts'

const kept = { clean: false, properties: { sessionExpiryInterval: 1_000 } }
const MALFORMED = frame(0x36, text('a'))

/** The reason codes of DISCONNECT that a client may send, but for the farewell in peace. */
const OF_CLIENTS = [0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]

describe('after DISCONNECT', () => {
  it('[v5 MQTT-3.14.4-1] nothing more is sent: not what came with the mistake, not what comes later', async () => {
    const kit = await openBroker()
    const peer = await kit.subscriber('c', 'a', 1)
    const reader = await kit.subscriber('reader', 'a', 0)
    await flow(peer)
      .send(publish('a', 'before'), MALFORMED, publish('a', 'after'), subscribe(2, 'b', 0), pingreq)
      .do(() => kit.publish('a', 'later'))
      .receive(publish('a', 'before'), disconnect(0x81))
      .closed()
    await flow(reader).receive(publish('a', 'before'), publish('a', 'later')).receiveNothing()
    expect(peer.waiting).toBe(0)
  })

  it('[v5 MQTT-3.14.4-1] nothing more is sent: not the acknowledgement that waited for the disk', async () => {
    const kit = await openBroker({ store: 'level' })
    await flow(await kit.subscriber('keeps', 'a', 2, { fields: kept })).drop()
    const peer = await kit.client('c')
    kit.store.hold()
    await flow(peer)
      .send(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'), MALFORMED)
      .receive(disconnect(0x81))
      .closed()
      .do(() => kit.store.letGo())
      .do(() => kit.settle())
    expect(peer.waiting).toBe(0)
  })

  it('[v5 MQTT-3.14.4-1] nothing more is sent to the one that was taken over', async () => {
    const kit = await openBroker()
    const first = await kit.subscriber('c', 'a', 1, { fields: kept })
    const second = await kit.client('c', { fields: kept, sessionPresent: true })
    await kit.broker.publish({ topicName: 'a', payload: 'x', qos: 1 })
    await flow(second)
      .receive(publish1(1, 'a', 'x'))
      .receiveNothing()
    await flow(first).receive(disconnect(0x8e)).closed()
  })

  it('[v5 MQTT-3.14.4-2] the broker closes too when it was the client who said farewell', async () => {
    const kit = await openBroker()
    for (const reasonCode of [0, ...OF_CLIENTS]) {
      await flow(await kit.client('c'))
        .send(disconnect(reasonCode))
        .closed()
    }
  })
})

describe('a will', () => {
  const withWill = { will: willOf('will', 'gone', { qos: 1, retain: true }) }

  it('[v5 MQTT-3.14.4-3] is not published after a DISCONNECT of 0x00, then or ever', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 1)
    const delayed = willOf('will', 'gone', { properties: { willDelayInterval: 10 } })
    for (const fields of [withWill, { ...withWill, ...kept }, { will: delayed, ...kept }]) {
      for (const farewell of [hex('e0 00'), hex('e0 01 00'), hex('e0 02 00 00')]) {
        await flow(await kit.client('c', { fields: { ...fields, clean: true } }))
          .send(farewell)
          .closed()
      }
    }
    kit.clock.advance(2_000_000)
    await flow(watcher).receiveNothing()
    await flow(await kit.subscriber('late', 'will', 0)).receiveNothing()
  })

  it('[v5 MQTT-3.14.4-3] is published after a DISCONNECT of any other reason code', async () => {
    const kit = await openBroker()
    const watcher = await kit.subscriber('watcher', 'will', 0)
    for (const reasonCode of OF_CLIENTS) {
      await flow(await kit.client('c', { fields: withWill }))
        .send(disconnect(reasonCode))
        .closed()
      await flow(watcher).receive(publish('will', 'gone'))
    }
    await flow(watcher).receiveNothing()
  })
})

it('[v5 MQTT-3.14.2-1] takes every reason code of a client, and does what is in hand first', async () => {
  const kit = await openBroker()
  for (const reasonCode of OF_CLIENTS) {
    await flow(await kit.client('c'))
      .send(publish2(1, 'a', 'x'), disconnect(reasonCode))
      .receive(pubrec(1, 0x10))
      .closed()
  }
})
