// Subscribing and receiving, at every point where a message could slip through.
import { describe, expect, it } from 'vitest'
import { StoreImporter } from '../../src/store/importer.ts'
import { UNCLAIMED } from '../../src/store/store.ts'
import { flow } from '../kit/flow.ts'
import {
  connect,
  disconnect,
  puback,
  pubcomp,
  publish,
  publish1,
  publish2,
  pubrec,
  pubrel,
  suback,
  subscribe,
} from '../kit/packets.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { as, kept, openRuled, ruledOver } from './ruled-broker.ts'

const LINES = ['topic write #', 'user ada', 'topic read a/#', 'topic deny a/secret/#', 'topic write b']

describe('a SUBSCRIBE', () => {
  it('is refused for what can never be read, and granted for what can bring something', async () => {
    const { kit } = await openRuled(LINES)
    for (const [version, refused] of [
      [5, 0x87],
      [4, 0x80],
    ] as const) {
      const ada = await kit.client(`v${version}`, { version, fields: as('ada') })
      const filters = ['b', 'a/secret/+', 'a', '+/+', '$share/g/b/#', '$share/g/#', '$SYS/#', 'a/#/x']
      const invalid = version === 5 ? 0x8f : 0x80
      await flow(ada)
        .send(subscribe(1, filters, 0))
        .receive(suback(1, refused, refused, 0, 0, refused, 0, refused, invalid))
    }
  })

  it('has the reason in words', async () => {
    const { kit } = await openRuled(LINES)
    const ada = await kit.client('c', { fields: as('ada') })
    const reasonString = 'topic filter 1: the client may read nothing that it matches'
    await flow(ada)
      .send(subscribe(1, 'b', 0))
      .receive({ ...suback(1, 0x87), properties: { reasonString } })
  })

  it('to everything brings what may be read, and each other message is counted', async () => {
    const { kit } = await openRuled(LINES)
    const ada = await kit.subscriber('c', '#', 1, { fields: as('ada') })
    const other = await kit.client('other')
    await flow(other)
      .send(publish('b', ''), publish('a', '1'), publish('a/secret/x', ''), publish('$SYS/x', ''))
      .send(publish1(1, 'b', ''), publish1(2, 'a/b', '2'))
      .receive(puback(1, 0x10), puback(2))
    await flow(ada)
      .receive(publish('a', '1'), publish1(1, 'a/b', '2'))
      .receiveNothing()
    const drops = kit.broker.dropsOf('c')
    expect([...(drops ?? [])]).toEqual([['not-authorized', 3]])
  })

  it('of a client without a user name has the rights of those, and of a client without any none', async () => {
    const { kit } = await openRuled(['topic read news', 'user ada', 'topic read a'])
    await kit.subscriber('nobody', 'news', 0)
    const bob = await kit.client('bob', { fields: as('bob') })
    await flow(bob)
      .send(subscribe(1, '#', 0))
      .receive(suback(1, 0x87))
  })
})

describe('retained messages', () => {
  it('are given if they may be read', async () => {
    const { kit } = await openRuled(LINES)
    for (const topicName of ['a', 'a/secret/x', 'b', 'a/z']) await kit.publish(topicName, topicName, true)
    const ada = await kit.subscriber('c', '#', 0, { fields: as('ada') })
    await flow(ada)
      .receiveUnordered(publish('a', 'a', { retain: true }), publish('a/z', 'a/z', { retain: true }))
      .receiveNothing()
  })

  const published = ['topic read #', 'user ada', 'topic write a', 'user bob']

  it.each(['memory', 'level'] as const)(
    'are withheld whose publisher may not publish them any more, on the %s store',
    async (store) => {
      const { kit, change } = await openRuled(published, { store })
      const rights = { publish: ['a/+'], subscribe: [] }
      await flow(await kit.client('c', { fields: as('ada') }))
        .send(publish1(1, 'a', 'by ada', { retain: true }))
        .receive(puback(1, 0x10))
      await flow(await kit.client('d', { fields: as('bob', rights) }))
        .send(publish1(1, 'a/b', 'by bob', { retain: true }))
        .receive(puback(1, 0x10))
      await kit.publish('b', 'by the process', true)
      const all = [
        publish('a', 'by ada', { retain: true }),
        publish('a/b', 'by bob', { retain: true }),
        publish('b', 'by the process', { retain: true }),
      ]
      await flow(await kit.subscriber('1', '#', 0)).receiveUnordered(...all)
      change('topic read #', 'user ada', 'topic read a')
      if (store === 'level') await kit.restart()
      await flow(await kit.subscriber('2', '#', 0))
        .receiveUnordered(...all.slice(1))
        .receiveNothing()
      change('topic read #', 'user bob', 'topic deny a/b')
      await flow(await kit.subscriber('3', '#', 0))
        .receive(...all.slice(2))
        .receiveNothing()
      // They are still there, for when the right is.
      change(...published)
      await flow(await kit.subscriber('4', '#', 0)).receiveUnordered(...all)
    },
  )

  it('are given all the same where the source is not to be checked', async () => {
    const { kit, change } = await openRuled(published, { authorization: { checkRetainSource: false } })
    await flow(await kit.client('c', { fields: as('ada') }))
      .send(publish1(1, 'a', 'x', { retain: true }))
      .receive(puback(1, 0x10))
    change('topic read #')
    await flow(await kit.subscriber('1', '#', 0)).receive(publish('a', 'x', { retain: true }))
  })
})

describe('a shared subscription', () => {
  it('gives each message to a member that may read it', async () => {
    const { kit } = await openRuled([
      'topic read a/#',
      'user ada',
      'topic read #',
      'user bob',
      'topic read c',
    ])
    const anybody = await kit.subscriber('1', '$share/g/#', 0)
    const ada = await kit.subscriber('2', '$share/g/#', 0, { fields: as('ada') })
    await kit.subscriber('3', '$share/g/#', 0, { fields: as('bob') })
    for (let i = 0; i < 4; i++) await kit.publish('b', String(i))
    await flow(ada).receive(...[0, 1, 2, 3].map((i) => publish('b', String(i))))
    await flow(anybody).receiveNothing()
    await flow(ada).send(disconnect()).closed()
    await kit.publish('b', 'lost')
    await kit.publish('a/x', 'given')
    await flow(anybody).receive(publish('a/x', 'given')).receiveNothing()
    expect(kit.dropped('not-authorized')).toBe(1)
  })
})

describe.each(['memory', 'level'] as const)('a session that is resumed, on the %s store', (store) => {
  const open = (...lines: string[]) => openRuled(lines, { store })

  it('has lost the subscriptions and the messages that its client may not have any more', async () => {
    const { kit, lost, change } = await open('topic #')
    const fields = kept()
    const peer = await kit.subscriber('c', 'a/#', 1, { fields })
    await flow(peer)
      .send(subscribe(2, '#', 1))
      .receive(suback(2, 1))
      .drop()
    await kit.broker.publish({ topicName: 'b', payload: '1', qos: 1 })
    await kit.broker.publish({ topicName: 'a/x', payload: '2', qos: 1 })
    await kit.broker.publish({ topicName: 'b', payload: '3', qos: 2 })
    change('topic read b')
    if (store === 'level') await kit.restart()
    const back = await kit.client('c', { fields, sessionPresent: true })
    await flow(back)
      .receive(publish1(1, 'b', '1'), publish1(3, 'b', '3'))
      .receiveNothing()
    expect(kit.dropped('not-authorized')).toBe(1)
    if (store === 'memory') {
      expect(lost).toEqual([{ clientId: 'c', identity: '', kind: 'subscription', topic: 'a/#' }])
    }
    await kit.publish('b', '4')
    await kit.publish('a/x', '5')
    await flow(back).receive(publish('b', '4')).receiveNothing()
  })

  it('does not send again what was in flight, and lets go of the packet id', async () => {
    const { kit, change } = await open('topic #')
    const fields = kept()
    const peer = await kit.subscriber('c', '#', 2, { fields })
    await kit.broker.publish({ topicName: 'a', payload: '1', qos: 1 })
    await kit.broker.publish({ topicName: 'a', payload: '2', qos: 2 })
    await kit.broker.publish({ topicName: 'b', payload: '3', qos: 2 })
    await flow(peer)
      .receive(publish1(1, 'a', '1'), publish2(2, 'a', '2'), publish2(3, 'b', '3'))
      .drop()
    change('topic read b')
    if (store === 'level') await kit.restart()
    const back = await kit.client('c', { fields, sessionPresent: true })
    await flow(back)
      .receive(pubrel(2), publish2(3, 'b', '3', { dup: true }))
      .send(pubcomp(2, 0x92), pubrec(3))
      .receive(pubrel(3))
      .send(pubcomp(3))
      .receiveNothing()
    expect(kit.dropped('not-authorized')).toBe(2)
    await kit.broker.publish({ topicName: 'b', payload: '4', qos: 2 })
    await flow(back).receive(publish2(4, 'b', '4'))
  })

  it('has the rights that its client brings now, not those that it had', async () => {
    const { kit, lost } = await open()
    const rights = { publish: [], subscribe: ['a/#', 'b'] }
    const peer = await kit.subscriber('c', '#', 1, { fields: kept(as('ada', rights)) })
    await flow(peer)
      .send(subscribe(2, 'b', 1))
      .receive(suback(2, 1))
      .drop()
    if (store === 'level') await kit.restart()
    for (const topicName of ['a/x', 'b', 'c']) {
      await kit.broker.publish({ topicName, payload: topicName, qos: 1 })
    }
    // While it was away it had those of its last connection.
    expect(kit.dropped('not-authorized')).toBe(1)
    const back = await kit.client('c', {
      sessionPresent: true,
      fields: kept(as('ada', { publish: [], subscribe: ['a/#', 'c'] })),
    })
    await flow(back)
      .receive(publish1(1, 'a/x', 'a/x'))
      .receiveNothing()
    if (store === 'memory') expect(lost.map(({ topic }) => topic)).toEqual(['b'])
    await kit.publish('c', 'now')
    await flow(back).receive(publish('c', 'now'))
  })
})

it('what was stored under other rules is looked at after the start, without its client', async () => {
  const { kit, afterCrash } = await openRuled(['topic #'], { store: 'level' })
  const peer = await kit.subscriber('c', 'a', 1, { fields: kept() })
  await flow(peer)
    .send(subscribe(2, 'b', 1))
    .receive(suback(2, 1))
  const second = await afterCrash('topic read b')
  await second.kit.settle()
  expect(second.lost).toEqual([{ clientId: 'c', identity: '', kind: 'subscription', topic: 'a' }])
})

it('what was imported for whoever comes first is kept until it is known who that is', async () => {
  const path = await temporaryFolder()
  const importer = await StoreImporter.open(path)
  const times = { expiryInterval: 0xffff_ffff, expiresAt: Number.POSITIVE_INFINITY, sentBefore: 0 }
  await importer.putSession({ number: 1, clientId: 'c', identity: UNCLAIMED, ...times })
  for (const topicFilter of ['a', 'b']) {
    const options = {
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      owesRetained: false,
    } as const
    await importer.putSubscription(1, { topicFilter, qos: 1, subscriptionIdentifier: 0, ...options })
  }
  await importer.close()
  const { kit, lost } = await ruledOver(path, ['user ada', 'topic read b'])
  for (const topicName of ['a', 'b']) await kit.broker.publish({ topicName, payload: '', qos: 1 })
  await kit.settle()
  expect(lost).toEqual([])
  const ada = await kit.client('c', { sessionPresent: true, fields: kept(as('ada')) })
  await flow(ada)
    .receive(publish1(2, 'b', ''))
    .receiveNothing()
  expect(lost).toEqual([{ clientId: 'c', identity: 'ada', kind: 'subscription', topic: 'a' }])
})

describe('rules loaded anew', () => {
  it('take from clients that are connected what they may not have any more, at once', async () => {
    const { kit, lost, change } = await openRuled(['topic #'])
    const peer = await kit.subscriber('c', 'a/#', 1)
    await flow(peer)
      .send(subscribe(2, ['b', '$share/g/a/b'], 1))
      .receive(suback(2, 1, 1))
    await kit.publish('a/1', 'before')
    await flow(peer).receive(publish('a/1', 'before'))
    change('topic read a/2', 'topic read b')
    void kit.publish('a/1', 'withheld')
    void kit.publish('a/2', 'after')
    await flow(peer).receive(publish('a/2', 'after')).receiveNothing()
    expect(lost).toEqual([{ clientId: 'c', identity: '', kind: 'subscription', topic: '$share/g/a/b' }])
    await flow(peer)
      .send(subscribe(3, 'a/1', 1))
      .receive(suback(3, 0x87))
    change('topic #')
    await kit.publish('a/1', 'again')
    await flow(peer).receive(publish('a/1', 'again'))
  })

  it('hold back what waits behind the receive maximum, and what is still to be given of what is retained', async () => {
    const { kit, change } = await openRuled(['topic #'])
    for (let i = 0; i < 200; i++) {
      await kit.broker.publish({ topicName: `a/${i}`, payload: 'x', qos: 1, retain: true })
    }
    const peer = await kit.client('c', { fields: { properties: { receiveMaximum: 1 } } })
    await flow(peer)
      .send(subscribe(1, 'a/#', 1))
      .receive(suback(1, 1), publish1(1, 'a/0', 'x', { retain: true }))
    change('topic read a/1', 'topic read a/199')
    await flow(peer)
      .send(puback(1))
      .receive(publish1(2, 'a/1', 'x', { retain: true }))
      .send(puback(2))
    const last = (await peer.next()).packet
    expect(last).toMatchObject({ cmd: 'publish', topic: 'a/199' })
    await flow(peer)
      .send(puback(last.messageId as number))
      .receiveNothing()
    expect(kit.dropped('not-authorized')).toBe(197)
  })

  it('are looked at for a thousand sessions without holding up the loop', async () => {
    const { kit, lost, change } = await openRuled(['topic read #'])
    for (let i = 0; i < 1_000; i++) kit.peer().send(connect(`c${i}`), subscribe(1, `a/${i}`, 0))
    await kit.settle()
    change(...Array.from({ length: 500 }, (_, i) => `topic read a/${2 * i}`))
    let turns = 0
    while (lost.length < 500 && turns < 1_000) {
      turns++
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(lost).toHaveLength(500)
    expect(turns).toBeGreaterThan(10)
  })
})

describe('rights that a client brings', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how EMQX writes placeholders.
  const rights = { publish: ['up/%c/#'], subscribe: ['down/${clientid}', 'to/${username}'] }

  it('are all that it may do where there are no rules, and nobody else is restricted', async () => {
    const { kit } = await openRuled([])
    const ada = await kit.client('c', { fields: as('ada', rights) })
    await flow(ada)
      .send(publish1(1, 'up/c/x', ''), publish1(2, 'up/d/x', ''))
      .receive(puback(1, 0x10), puback(2, 0x87))
      .send(subscribe(3, ['down/c', 'to/ada', 'to/bob', 'up/c'], 0))
      .receive(suback(3, 0, 0, 0x87, 0x87))
    await kit.subscriber('d', '#', 0, { fields: as('bob') })
  })

  it('come after the rules of the file: what these deny stays denied, what they grant is granted', async () => {
    const lines = ['user ada', 'topic deny up/c/secret', 'topic write more']
    const { kit } = await openRuled(lines)
    const ada = await kit.client('c', { fields: as('ada', rights) })
    await flow(ada)
      .send(
        publish1(1, 'up/c/x', ''),
        publish1(2, 'up/c/secret', ''),
        publish1(3, 'more', ''),
        publish1(4, 'b', ''),
      )
      .receive(puback(1, 0x10), puback(2, 0x87), puback(3, 0x10), puback(4, 0x87))
  })
})
