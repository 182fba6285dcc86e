// Publishing where a client may, and where it may not; wills, which are published for it.
import { describe, expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import {
  connack,
  connect,
  disconnect,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  willOf,
} from '../kit/packets.ts'
import { as, kept, openRuled } from './ruled-broker.ts'

const LINES = ['topic read #', 'user ada', 'topic write a/#', 'topic deny a/secret']

describe('a PUBLISH without the right', () => {
  it('is told to a 5.0 client, if its quality of service has an answer', async () => {
    const { kit } = await openRuled(LINES)
    const watcher = await kit.subscriber('watcher', '#', 2)
    const ada = await kit.client('c', { fields: as('ada') })
    await flow(ada)
      .send(publish('b', 'x'), publish1(1, 'a/secret', 'x'), publish2(2, 'b', 'x'))
      .receive(puback(1, 0x87), pubrec(2, 0x87))
      .send(publish1(3, 'a/b', 'yes'))
      .receive(puback(3))
    await flow(watcher)
      .receive(publish1(1, 'a/b', 'yes'))
      .receiveNothing()
    expect(kit.dropped('not-authorized')).toBe(3)
  })

  it('[v3.1.1 MQTT-3.3.5-2] is acknowledged as if all were well before 5.0', async () => {
    const { kit } = await openRuled(LINES)
    const watcher = await kit.subscriber('watcher', '#', 2)
    const ada = await kit.client('c', { version: 4, fields: as('ada') })
    await flow(ada)
      .send(publish('b', 'x'), publish1(1, 'b', 'x'), publish2(2, 'b', 'x'))
      .receive(puback(1), pubrec(2))
      .send(pubrel(2))
      .receive(pubcomp(2))
      .receiveNothing()
    await flow(watcher).receiveNothing()
    expect(kit.dropped('not-authorized')).toBe(3)
  })

  it('ends the connection where it is to', async () => {
    const { kit } = await openRuled(LINES, { authorization: { refusedPublish: 'disconnect' } })
    const reasons: string[] = []
    kit.broker.on('disconnected', ({ reason }) => reasons.push(reason))
    await flow(await kit.client('new', { fields: as('ada') }))
      .send(publish('b', 'x'))
      .receive(disconnect(0x87))
      .closed()
    await flow(await kit.client('old', { version: 4, fields: as('ada') }))
      .send(publish2(1, 'b', 'x'))
      .closed()
    await kit.settle()
    expect(reasons).toEqual(['not-authorized', 'not-authorized'])
  })

  it('does not undo what was taken: a repeat of a QoS 2 message is answered as before', async () => {
    const { kit, change } = await openRuled(LINES)
    const ada = await kit.client('c', { fields: as('ada') })
    await flow(ada)
      .send(publish2(1, 'a', 'x'))
      .receive(pubrec(1, 0x10))
    change('topic read #')
    await flow(ada)
      .send(publish2(1, 'a', 'x', { dup: true }))
      .receive(pubrec(1))
      .send(pubrel(1))
      .receive(pubcomp(1))
  })

  it('counts rules on quality of service and RETAIN', async () => {
    const { kit } = await openRuled(['topic write,qos=0|1,retain=false a', 'topic read a'])
    await flow(await kit.client('c'))
      .send(publish1(1, 'a', 'x'), publish2(2, 'a', 'x'), publish1(3, 'a', 'x', { retain: true }))
      .receive(puback(1, 0x10), pubrec(2, 0x87), puback(3, 0x87))
  })

  it('may never go below $SYS, whatever a rule says', async () => {
    const { kit } = await openRuled(['topic #', 'topic $SYS/#'])
    await flow(await kit.client('c'))
      .send(publish1(1, '$SYS/x', 'x'))
      .receive(puback(1, 0x87))
  })
})

describe('publishing inside the process', () => {
  it('has all rights, or those of whom it is for', async () => {
    const { kit } = await openRuled(LINES)
    const { broker } = kit
    await broker.publish({ topicName: 'b', payload: '' })
    await broker.publish({ topicName: 'a/x', payload: '', as: { clientId: 'c', identity: 'ada' } })
    const rights = { publish: ['b'], subscribe: [] }
    await broker.publish({ topicName: 'b', payload: '', as: { clientId: 'c', rights } })
    for (const identity of ['', 'ada', 'bob']) {
      await expect(
        broker.publish({ topicName: 'b', payload: '', as: { clientId: 'c', identity } }),
      ).rejects.toMatchObject({ code: 'ERR_GODWIT_PUBLISH_REFUSED', message: 'b: Not authorized' })
    }
  })
})

describe('a will without the right', () => {
  const will = willOf('b/will', 'gone')

  it('is refused with the CONNECT that brings it', async () => {
    const { kit } = await openRuled(LINES)
    await flow(kit.peer())
      .send(connect('c', { ...as('ada'), will }))
      .receive(connack(0x87))
      .closed()
    await flow(kit.peer(4))
      .send(connect('c', { ...as('ada'), will }))
      .receive(connack(5))
      .closed()
    await kit.client('c', { fields: { ...as('ada'), will: willOf('a/will', 'gone') } })
  })

  it('is removed when the rules change while its client is connected, and told', async () => {
    const { kit, lost, change } = await openRuled([...LINES, 'topic write b/will'])
    const watcher = await kit.subscriber('watcher', '#', 0)
    const ada = await kit.client('c', { fields: { ...as('ada'), will } })
    change(...LINES)
    await kit.settle()
    expect(lost).toEqual([{ clientId: 'c', identity: 'ada', kind: 'will', topic: 'b/will' }])
    expect(kit.dropped('not-authorized')).toBe(1)
    await flow(ada).drop()
    await flow(watcher).receiveNothing()
  })

  it.each(['memory', 'level'] as const)(
    'is not published after its delay, on the %s store',
    async (store) => {
      const { kit, lost, change } = await openRuled([...LINES, 'topic write b/will'], { store })
      const delayed = willOf('b/will', 'gone', { properties: { willDelayInterval: 10 } })
      await flow(await kit.client('c', { fields: kept({ ...as('ada'), will: delayed }) })).drop()
      change(...LINES)
      await kit.settle()
      if (store === 'level') await kit.restart()
      const watcher = await kit.subscriber('watcher', '#', 0)
      kit.clock.advance(11_000)
      await flow(watcher).receiveNothing()
      expect(lost).toHaveLength(1)
    },
  )

  it('is looked at after a crash too, with the rights that its client had brought', async () => {
    const lines = [...LINES, 'topic write b/will']
    const { kit, afterCrash } = await openRuled(lines, { store: 'level' })
    const watcher = await kit.subscriber('watcher', '#', 1, { fields: kept() })
    await flow(watcher).send(disconnect()).closed()
    const willOfIts = (payload: string): object => willOf('b/will', payload, { qos: 1 })
    await kit.client('c', { fields: { ...as('ada'), will: willOfIts('by rule') } })
    const rights = { publish: ['+/will'], subscribe: [] }
    await kit.client('d', { fields: { ...as('bob', rights), will: willOfIts('by claim') } })
    const { kit: second, lost } = await afterCrash(...LINES)
    second.clock.advance(1_000)
    const back = await second.client('watcher', { sessionPresent: true, fields: kept() })
    await flow(back)
      .receive(publish1(1, 'b/will', 'by claim'))
      .receiveNothing()
    expect(lost).toEqual([{ clientId: 'c', identity: 'ada', kind: 'will', topic: 'b/will' }])
  })
})
