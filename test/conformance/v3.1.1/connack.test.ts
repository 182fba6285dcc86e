// MQTT 3.1.1, chapter 3.2: CONNACK comes first, and says whether there was a session.
import { describe, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { hex, text } from '../../kit/frames.ts'
import {
  connack,
  connect,
  pingreq,
  pingresp,
  publish1,
  suback,
  subscribe,
  willOf,
} from '../../kit/packets.ts'
import { openBroker, STORES } from '../../kit/test-broker.ts'
import { connectFrame, connectOf, Flag } from './connect-frames.ts'

const V4 = { version: 4 } as const
const KEPT = { version: 4, fields: { clean: false } } as const

const ACCEPTED = hex('20 02 00 00')
const ACCEPTED_WITH_SESSION = hex('20 02 01 00')

describe.each(STORES)('on the %s store', (store) => {
  it('[v3.1.1 MQTT-3.2.0-1] CONNACK comes before what waits, and before any other answer', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.subscriber('c', 'a', 1, KEPT)).drop()
    await kit.broker.publish({ topicName: 'a', payload: 'waiting', qos: 1 })
    await flow(kit.peer(4))
      .send(connect('c', { clean: false }), pingreq, subscribe(1, 'b', 0))
      .receive(connack(0, true))
      .receiveUnordered(publish1(1, 'a', 'waiting'), pingresp, suback(1, 0))
  })

  it('[v3.1.1 MQTT-3.2.2-1] Session Present is 0 after CleanSession 1, though there was a session', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('c', KEPT)).drop()
    await flow(kit.peer(4))
      .send(connectFrame(Flag.clean, text('c')))
      .receiveBytes(ACCEPTED)
    await flow(kit.peer(4))
      .send(connectFrame(Flag.clean, text('another')))
      .receiveBytes(ACCEPTED)
  })

  it('[v3.1.1 MQTT-3.2.2-2] Session Present is 1 after CleanSession 0 when there is a session', async () => {
    const kit = await openBroker({ store })
    await flow(await kit.client('c', KEPT)).drop()
    await flow(kit.peer(4))
      .send(connectFrame(0, text('c')))
      .receiveBytes(ACCEPTED_WITH_SESSION)
    // Also when that session is connected at the moment, and after a restart.
    await flow(kit.peer(4))
      .send(connectFrame(0, text('c')))
      .receiveBytes(ACCEPTED_WITH_SESSION)
    if (store === 'memory') return
    await kit.restart()
    await flow(kit.peer(4))
      .send(connectFrame(0, text('c')))
      .receiveBytes(ACCEPTED_WITH_SESSION)
  })

  it('[v3.1.1 MQTT-3.2.2-3] Session Present is 0 after CleanSession 0 when there is none', async () => {
    const kit = await openBroker({ store })
    await flow(kit.peer(4))
      .send(connectFrame(0, text('c')))
      .receiveBytes(ACCEPTED)
    await flow(await kit.client('clean', V4)).drop()
    await flow(kit.peer(4))
      .send(connectFrame(0, text('clean')))
      .receiveBytes(ACCEPTED)
  })
})

describe('a CONNACK that refuses', () => {
  it('[v3.1.1 MQTT-3.2.2-4] has Session Present 0, though there is a session', async () => {
    const kit = await openBroker()
    await flow(await kit.client('c', KEPT)).drop()
    const will = willOf('$SYS/x', 'not allowed there')
    await flow(kit.peer(4))
      .send(connect('c', { clean: false, will }))
      .receiveBytes(hex('20 02 00 05'))
    await flow(kit.peer(4))
      .send(connectOf('MQTT', 6, 'c'))
      .receiveBytes(hex('20 02 00 01'))
    await kit.client('c', { ...KEPT, sessionPresent: true })
  })

  it('[v3.1.1 MQTT-3.2.2-5] is the last word: the connection is closed', async () => {
    const kit = await openBroker({ limits: { sessionsMax: 1 } })
    await kit.client('the only one', V4)
    await flow(kit.peer(4))
      .send(connectOf('MQTT', 6, 'c'))
      .receive(connack(1))
      .closed()
    await flow(kit.peer(4))
      .send(connectFrame(0, text('')))
      .receive(connack(2))
      .closed()
    await flow(kit.peer(4)).send(connect('c')).receive(connack(3)).closed()
    const closed = await openBroker({ allowAnonymous: false })
    await flow(closed.peer(4)).send(connect('c')).receive(connack(5)).closed()
  })

  it('[v3.1.1 MQTT-3.2.2-6] is not sent where no return code fits: the connection is closed', async () => {
    const kit = await openBroker()
    for (const topic of ['a/#', '+', '']) {
      const packet = connectFrame(Flag.clean | Flag.will, text('c'), text(topic), text('x'))
      await flow(kit.peer(4)).send(packet).closed()
    }
    await kit.servesOthers()
  })
})
