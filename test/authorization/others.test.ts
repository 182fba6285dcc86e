// Others who are asked what neither rules nor claims speak of: functions of who embeds the broker.
import { describe, expect, it } from 'vitest'
import type { AskedClient, Authorizer, Opinion } from '../../src/authorization/authorizer.ts'
import { flow, turns } from '../kit/flow.ts'
import {
  connack,
  connect,
  puback,
  publish,
  publish1,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
  willOf,
} from '../kit/packets.ts'
import { as, kept, openRuled } from './ruled-broker.ts'

/** Each question waits for its answer. */
class Oracle {
  readonly asked: string[] = []
  readonly #waiting: ((opinion: Opinion | Error) => void)[] = []

  readonly authorizer: Authorizer = {
    authorizePublish: (client, { topicName, qos, retain }) =>
      this.#ask(client, `publish ${topicName} ${qos}${retain ? ' retained' : ''}`),
    authorizeSubscribe: (client, { topicFilter }) => this.#ask(client, `subscribe ${topicFilter}`),
  }

  #ask({ clientId, identity }: AskedClient, question: string): Promise<Opinion> {
    this.asked.push(`${identity}@${clientId} ${question}`)
    return new Promise((resolve, reject) => {
      this.#waiting.push((opinion) => (opinion instanceof Error ? reject(opinion) : resolve(opinion)))
    })
  }

  async answer(...opinions: (Opinion | Error)[]): Promise<void> {
    for (const opinion of opinions) {
      this.#waiting.shift()?.(opinion)
      await turns()
    }
  }
}

async function openWith(authorizers: Authorizer[], lines: string[] = [], more = {}) {
  return openRuled(lines, { authorizers, ...more })
}

describe('an authorizer', () => {
  it('is waited for: its client is not read from, nothing is done twice, and others go on', async () => {
    const oracle = new Oracle()
    const { kit } = await openWith([oracle.authorizer], ['topic read watched/#'])
    const watcher = await kit.subscriber('watcher', 'watched/#', 0)
    const ada = await kit.client('c', { fields: as('ada') })
    await flow(ada).send(
      publish1(1, 'watched/a', '1'),
      publish1(2, 'watched/b', '2'),
      publish('watched/a', '3'),
    )
    await kit.settle()
    expect(oracle.asked).toEqual(['ada@c publish watched/a 1'])
    await kit.publish('watched/x', 'meanwhile')
    await flow(watcher).receive(publish('watched/x', 'meanwhile')).receiveNothing()
    await oracle.answer(true)
    await flow(watcher).receive(publish('watched/a', '1'))
    await oracle.answer(false, true)
    await flow(ada).receive(puback(1), puback(2, 0x87)).receiveNothing()
    await flow(watcher).receive(publish('watched/a', '3')).receiveNothing()
  })

  it('is remembered for a while, for each quality of service', async () => {
    const asked: string[] = []
    const authorizer: Authorizer = {
      authorizePublish: (_, { topicName, qos }) => {
        asked.push(`${topicName} ${qos}`)
        return qos === 0
      },
    }
    const { kit } = await openWith([authorizer])
    const peer = await kit.client('c')
    const say = async (): Promise<void> => {
      await flow(peer)
        .send(publish('a', ''), publish1(1, 'a', ''), publish('a', ''), publish1(2, 'a', ''))
        .receive(puback(1, 0x87), puback(2, 0x87))
    }
    await say()
    await say()
    expect(asked).toEqual(['a 0', 'a 1'])
    kit.clock.advance(60_000)
    await say()
    expect(asked).toEqual(['a 0', 'a 1', 'a 0', 'a 1'])
  })

  it('is asked also about the longest of names, and remembered for no more than one', async () => {
    const { kit } = await openWith([{ authorizePublish: (_, { topicName }) => topicName.endsWith('yes') }])
    const long = 'x'.repeat(60_000)
    await flow(await kit.client('c'))
      .send(publish1(1, `${long}/yes`, ''), publish1(2, `${long}/no`, ''))
      .receive(puback(1, 0x10), puback(2, 0x87))
  })

  it('comes after rules and claims, and before the next one', async () => {
    const asked: string[] = []
    const authorizers: Authorizer[] = [1, 2].map((number) => ({
      authorizePublish: (_, { topicName }) => {
        asked.push(`${number} ${topicName}`)
        return topicName === `by/${number}` ? true : undefined
      },
    }))
    const { kit } = await openWith(authorizers, ['user ada', 'topic write rule', 'topic deny rule/no'])
    const rights = { publish: ['claim'], subscribe: [] }
    await flow(await kit.client('c', { fields: as('ada', rights) }))
      .send(
        ...['rule', 'rule/no', 'claim', 'by/1', 'by/2', 'other'].map((name, i) => publish1(i + 1, name, '')),
      )
      .receive(
        puback(1, 0x10),
        puback(2, 0x87),
        puback(3, 0x10),
        puback(4, 0x10),
        puback(5, 0x10),
        puback(6, 0x87),
      )
    expect(asked).toEqual(['1 by/1', '1 by/2', '2 by/2', '1 other', '2 other'])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['says what is no answer', () => 'true' as unknown as boolean],
  ])('that %s refuses', async (_, authorizePublish) => {
    const { kit } = await openWith([
      { authorizePublish, authorizeSubscribe: authorizePublish },
      { authorizePublish: () => true },
    ])
    await flow(await kit.client('c'))
      .send(publish1(1, 'a', ''), subscribe(2, 'a', 0))
      .receive(puback(1, 0x87), suback(2, 0x87))
  })

  it('that does not answer in time refuses, and is asked again a second later', async () => {
    const oracle = new Oracle()
    const { kit } = await openWith([oracle.authorizer])
    const peer = await kit.client('c')
    peer.send(publish1(1, 'a', ''))
    await kit.settle()
    kit.clock.advance(5_100)
    await flow(peer).receive(puback(1, 0x87))
    kit.clock.advance(1_100)
    peer.send(publish1(2, 'a', ''))
    await kit.settle()
    await oracle.answer(false, true)
    await flow(peer).receive(puback(2, 0x10))
    expect(oracle.asked).toHaveLength(2)
  })

  it('is not needed any more when its client has gone', async () => {
    const oracle = new Oracle()
    const { kit } = await openWith([oracle.authorizer])
    const peer = await kit.client('c')
    peer.send(publish1(1, 'a', ''))
    await kit.settle()
    peer.brokerEnd.destroy()
    await kit.settle()
    await oracle.answer(true)
    expect(oracle.asked).toEqual(['@c publish a 1'])
    const back = await kit.client('c')
    back.send(publish1(1, 'a', ''))
    await kit.settle()
    await oracle.answer(true)
    await flow(back).receive(puback(1, 0x10))
  })

  it('is asked about a will before its client is let in', async () => {
    const oracle = new Oracle()
    const { kit } = await openWith([oracle.authorizer])
    const [yes, no] = [kit.peer(), kit.peer()]
    yes.send(connect('yes', { will: willOf('w', 'x', { retain: true }) }))
    no.send(connect('no', { will: willOf('w', 'x') }))
    await kit.settle()
    expect([yes.waiting, no.waiting]).toEqual([0, 0])
    await oracle.answer(true, false)
    await flow(yes).receive(connack())
    await flow(no).receive(connack(0x87)).closed()
    expect(oracle.asked).toEqual(['@yes publish w 0 retained', '@no publish w 0'])
  })
})

describe('what an authorizer lets somebody subscribe to', () => {
  it('is received, but for what rules deny', async () => {
    const { kit } = await openWith([{ authorizeSubscribe: () => true }], ['topic deny a/secret'])
    const peer = await kit.subscriber('c', 'a/#', 0)
    for (const topicName of ['a/x', 'a/secret', 'b']) await kit.publish(topicName, '')
    await flow(peer).receive(publish('a/x', '')).receiveNothing()
    await flow(peer)
      .send(subscribe(2, 'a/secret', 0))
      .receive(suback(2, 0x87))
  })

  it('is asked about once for each subscription, shared ones apart', async () => {
    const asked: string[] = []
    const authorizeSubscribe: Authorizer['authorizeSubscribe'] = (_, { topicFilter }) => {
      asked.push(topicFilter)
      return topicFilter !== 'no'
    }
    const { kit } = await openWith([{ authorizeSubscribe }])
    const peer = await kit.client('c')
    await flow(peer)
      .send(subscribe(1, ['a', '$share/g/a', 'no', 'b/#/x'], 0), subscribe(2, ['a', 'no'], 0))
      .receive(suback(1, 0, 0, 0x87, 0x8f), suback(2, 0, 0x87))
      .send(unsubscribe(3, '$share/g/a'))
      .receive(unsuback(3, 0))
    await kit.publish('a', '')
    await flow(peer)
      .receive(publish('a', ''))
      .send(unsubscribe(4, 'a'), subscribe(5, 'a', 0))
      .receive(unsuback(4, 0), suback(5, 0))
    expect(asked).toEqual(['a', 'a', 'no', 'no', 'a'])
  })

  it('may be decided topic by topic', async () => {
    const { kit } = await openWith([
      {
        authorizeReceive: (_, { topicName }) =>
          topicName === 'open' ? undefined : topicName.startsWith('a'),
      },
      { authorizeSubscribe: (_, { topicFilter }) => (topicFilter === '#' ? undefined : true) },
    ])
    const all = await kit.subscriber('1', '#', 0)
    const open = await kit.subscriber('2', '+', 0)
    for (const topicName of ['a1', 'b', 'open']) await kit.publish(topicName, topicName)
    await flow(all).receive(publish('a1', 'a1')).receiveNothing()
    await flow(open).receive(publish('a1', 'a1'), publish('open', 'open')).receiveNothing()
  })

  it.each(['memory', 'level'] as const)(
    'is asked about again when its session is resumed, on the %s store',
    async (store) => {
      const oracle = new Oracle()
      const { kit } = await openWith([oracle.authorizer], [], { store })
      const fields = kept()
      const peer = await kit.client('c', { fields })
      peer.send(subscribe(1, ['a', 'b'], 1))
      await kit.settle()
      await oracle.answer(true, true)
      await flow(peer)
        .receive(suback(1, 1, 1))
        .drop()
      if (store === 'level') await kit.restart()
      for (const topicName of ['a', 'b']) await kit.broker.publish({ topicName, payload: '', qos: 1 })
      const second = kit.peer()
      second.send(connect('c', fields))
      await kit.settle()
      await oracle.answer(false, new Error('away'))
      // Nobody can say: nothing is given, and nothing is lost.
      await flow(second).receive(connack(0x88)).closed()
      const third = kit.peer()
      third.send(connect('c', fields))
      await kit.settle()
      await oracle.answer(true)
      await flow(third)
        .receive(connack(0, true), publish1(2, 'b', ''))
        .receiveNothing()
      expect(kit.dropped('not-authorized')).toBe(1)
    },
  )

  it('is asked about again when somebody says so', async () => {
    let isAllowed = true
    const { kit, lost } = await openWith([
      { authorizeSubscribe: () => isAllowed, authorizePublish: () => isAllowed },
    ])
    const peers = await Promise.all(['1', '2'].map((clientId) => kit.subscriber(clientId, 'a', 0)))
    isAllowed = false
    await kit.broker.reviewRights('1')
    await kit.settle()
    expect(lost.map(({ clientId }) => clientId)).toEqual(['1'])
    await kit.publish('a', 'x')
    await flow(peers[0] as never).receiveNothing()
    await flow(peers[1] as never).receive(publish('a', 'x'))
    await kit.broker.reviewRights()
    await kit.settle()
    expect(lost).toHaveLength(2)
  })
})
