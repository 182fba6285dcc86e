// What every client by others does with godwit, written once. Each scenario is one of one kind of client, which is
// publisher and subscriber; that something does not come is seen by what comes next.
import { expect } from 'vitest'
import type { ForeignProperties, ForeignVersion, Qos } from './foreign-client.ts'
import { messageOf, type Stage, type StageConfig, textOf } from './foreign-stage.ts'

export interface Scenario {
  readonly title: string
  /** Default: both. */
  readonly versions?: readonly ForeignVersion[]
  /** Where the broker is not as usual. */
  readonly config?: StageConfig
  play(stage: Stage): Promise<void>
}

const everyQos: readonly Qos[] = [0, 1, 2]

export const scenarios: readonly Scenario[] = [
  {
    title: 'publishes and receives at every pair of qualities of service',
    async play(stage) {
      for (const subscribed of everyQos) {
        const topicName = `qos/${subscribed}`
        const client = await stage.join('client', { topicFilters: [topicName], maximumQos: subscribed })
        expect(client.subackCodes).toEqual([subscribed])
        for (const published of everyQos) {
          await client.publish(messageOf(topicName, `as ${published}`, { qos: published }))
          expect(await client.next()).toEqual(
            messageOf(topicName, `as ${published}`, { qos: Math.min(subscribed, published) as Qos }),
          )
        }
        await client.disconnect()
      }
    },
  },
  {
    title: 'leaves a will that is published when it vanishes, and not when it says farewell',
    async play(stage) {
      const watcher = await stage.join('watcher', { topicFilters: ['wills/+'] })
      const polite = await stage.join('polite', { will: messageOf('wills/polite', 'gone', { qos: 2 }) })
      await polite.disconnect()
      await stage.departed('polite')
      const mortal = await stage.join('mortal', { will: messageOf('wills/mortal', 'gone', { qos: 2 }) })
      await mortal.drop()
      expect(await watcher.next()).toEqual(messageOf('wills/mortal', 'gone', { qos: 2 }))
    },
  },
  {
    title: 'gets what is retained when it subscribes, until that is removed',
    async play(stage) {
      const publisher = await stage.join('publisher')
      await publisher.publish(messageOf('house/hall', 'dark', { retain: true }))
      await publisher.publish(messageOf('house/hall', 'light', { retain: true }))
      await publisher.publish(messageOf('house/cellar', 'wet', { retain: true }))
      await publisher.publish(messageOf('house/cellar', '', { retain: true }))
      const subscriber = await stage.join('subscriber', { topicFilters: ['house/#'] })
      expect(await subscriber.next()).toEqual(messageOf('house/hall', 'light', { retain: true }))
      await publisher.publish(messageOf('house/hall', 'dim', { retain: true }))
      expect(await subscriber.next()).toEqual(messageOf('house/hall', 'dim'))
    },
  },
  {
    title: 'shares the messages of a subscription with another of its kind',
    async play(stage) {
      const topicFilters = ['$share/workers/jobs/#', 'end']
      const one = await stage.join('one', { topicFilters })
      const two = await stage.join('two', { topicFilters })
      const publisher = await stage.join('publisher')
      const jobs = Array.from({ length: 10 }, (_, i) => `job ${i}`)
      for (const job of jobs) await publisher.publish(messageOf('jobs/new', job))
      await publisher.publish(messageOf('end', 'end'))
      const shares: string[][] = []
      for (const worker of [one, two]) {
        const share: string[] = []
        for (let text = textOf(await worker.next()); text !== 'end'; text = textOf(await worker.next())) {
          share.push(text)
        }
        expect(share.length).toBeGreaterThan(0)
        shares.push(share)
      }
      expect(shares.flat().sort()).toEqual(jobs)
    },
  },
  {
    title: 'comes back to its session and to what was sent meanwhile, after a farewell and after none',
    async play(stage) {
      const publisher = await stage.join('publisher')
      let client = await stage.rejoin('kept', { topicFilters: ['queue/+'] })
      expectSessionPresent(stage, client.sessionPresent, false)
      for (const leave of ['disconnect', 'drop'] as const) {
        await client[leave]()
        await stage.departed('kept')
        await publisher.publish(messageOf('queue/a', 'lost', { qos: 0 }))
        const sent = everyQos.slice(1).flatMap((qos) => {
          return ['first', 'second'].map((text) => messageOf('queue/a', `${text} after ${leave}`, { qos }))
        })
        for (const message of sent) await publisher.publish(message)
        client = await stage.rejoin('kept')
        expectSessionPresent(stage, client.sessionPresent, true)
        const received = [await client.next(), await client.next(), await client.next(), await client.next()]
        // Most clients hand over a QoS 2 message with its PUBREL, so the order is that of each quality of service.
        expect(received.sort((a, b) => a.qos - b.qos)).toEqual(sent)
      }
      await publisher.publish(messageOf('queue/b', 'still subscribed', { qos: 2 }))
      expect(textOf(await client.next())).toBe('still subscribed')
    },
  },
  {
    title: 'ends its session with a clean start',
    async play(stage) {
      const before = await stage.rejoin('client', { topicFilters: ['queue'] })
      await before.disconnect()
      await stage.departed('client')
      const publisher = await stage.join('publisher')
      await publisher.publish(messageOf('queue', 'for nobody'))
      for (const joins of ['join', 'rejoin'] as const) {
        // The second one finds nothing either: what starts clean here also ends with its connection.
        const client = await stage[joins]('client', { topicFilters: ['other'] })
        expectSessionPresent(stage, client.sessionPresent, false)
        await publisher.publish(messageOf('queue', 'for nobody'))
        await publisher.publish(messageOf('other', 'the first to come'))
        expect(textOf(await client.next())).toBe('the first to come')
        await client.disconnect()
        await stage.departed('client')
      }
    },
  },
  {
    title: 'sends and receives a payload of 1 MiB unchanged',
    async play(stage) {
      const client = await stage.join('client', { topicFilters: ['large'] })
      const payload = Buffer.from(Array.from({ length: 1_048_576 }, (_, i) => (i * 31) & 255))
      for (const qos of everyQos) {
        await client.publish(messageOf('large', payload, { qos }))
        expect((await client.next()).payload.equals(payload)).toBe(true)
      }
    },
  },
  {
    title: 'sends and receives an empty payload',
    async play(stage) {
      const client = await stage.join('client', { topicFilters: ['empty'] })
      for (const qos of everyQos) {
        await client.publish(messageOf('empty', '', { qos }))
        expect(await client.next()).toEqual(messageOf('empty', '', { qos }))
      }
    },
  },
  {
    title: 'uses topics and payloads beyond ASCII',
    async play(stage) {
      const client = await stage.join('client', { topicFilters: ['Häuser/+/🏠/#'] })
      const message = messageOf('Häuser/東京/🏠/ß ü', 'größer als 🌍', { qos: 2 })
      await client.publish(message)
      expect(await client.next()).toEqual(message)
    },
  },
  {
    title: 'hears that it may not come in',
    config: { allowAnonymous: false },
    async play(stage) {
      const reasonCode = stage.version === 5 ? 0x87 : 5
      await expect(stage.join('client', { topicFilters: ['a'] })).rejects.toMatchObject({ reasonCode })
    },
  },
  {
    title: 'hears which of its subscriptions is refused, and lives with the other',
    config: { limits: { subscriptionsPerSessionMax: 1 } },
    async play(stage) {
      const client = await stage.join('client', { topicFilters: ['taken', 'refused'], maximumQos: 1 })
      expect(client.subackCodes).toEqual([1, stage.version === 5 ? 0x97 : 0x80])
      await client.publish(messageOf('refused', 'nobody hears it'))
      await client.publish(messageOf('taken', 'heard'))
      expect(textOf(await client.next())).toBe('heard')
    },
  },
  {
    title: 'passes on content type, response topic, correlation data and user properties',
    versions: [5],
    async play(stage) {
      const client = await stage.join('client', { topicFilters: ['properties'] })
      for (const qos of everyQos) {
        const message = messageOf('properties', 'x', { qos, properties: someProperties })
        await client.publish(message)
        expect(await client.next()).toEqual(message)
      }
    },
  },
  {
    title: 'leaves a will with properties',
    versions: [5],
    async play(stage) {
      const watcher = await stage.join('watcher', { topicFilters: ['will'] })
      const will = messageOf('will', 'gone', { properties: someProperties })
      const mortal = await stage.join('mortal', { will })
      await mortal.drop()
      expect(await watcher.next()).toEqual(will)
    },
  },
  {
    title: 'hears how long a message is still good for',
    versions: [5],
    async play(stage) {
      const before = await stage.rejoin('client', { topicFilters: ['expiry'] })
      await before.disconnect()
      await stage.departed('client')
      const publisher = await stage.join('publisher')
      await publisher.publish(messageOf('expiry', 'x', { properties: { messageExpiryInterval: 600 } }))
      const after = await stage.rejoin('client')
      const { messageExpiryInterval } = (await after.next()).properties
      expect(messageExpiryInterval).toBeLessThanOrEqual(600)
      expect(messageExpiryInterval).toBeGreaterThan(500)
    },
  },
  {
    title: 'hears that a message is refused, or that nobody wants it, and goes on',
    versions: [5],
    async play(stage) {
      const client = await stage.join('client', { topicFilters: ['wanted'] })
      const codes = [
        await client.publish(messageOf('$SYS/mine', 'x')),
        await client.publish(messageOf('unwanted', 'x')),
        await client.publish(messageOf('wanted', 'x')),
      ]
      const { tellsPubackCodes } = stage.kind
      expect(codes).toEqual([
        tellsPubackCodes === 'none' ? 0 : 0x87,
        tellsPubackCodes === 'all' ? 0x10 : 0,
        0,
      ])
      expect((await client.next()).topicName).toBe('wanted')
    },
  },
  {
    title: 'publishes under a topic alias',
    versions: [5],
    async play(stage) {
      const client = await stage.join('client', { topicFilters: ['alias/#'] })
      const properties = { topicAlias: 1 }
      const texts = ['with the topic name', 'without it', 'and again']
      for (const qos of everyQos) {
        await client.publishUnderAlias(messageOf(`alias/${qos}`, '', { qos, properties }), texts)
        for (const text of texts) {
          expect(await client.next()).toEqual(messageOf(`alias/${qos}`, text, { qos }))
        }
      }
    },
  },
]

const someProperties: ForeignProperties = {
  contentType: 'text/plain',
  responseTopic: 'answers/größe',
  correlationData: 'c-1',
  userProperties: [
    ['colour', 'green'],
    ['colour', 'blue'],
    ['grade', '°C'],
  ],
}

function expectSessionPresent({ kind }: Stage, told: boolean | undefined, expected: boolean): void {
  expect(told).toBe(kind.tellsSessionPresent ? expected : undefined)
}
