// MQTT.js, a client by others, over real sockets: what our codec gets wrong in both directions alike, it does not.
import type { IPublishPacket } from 'mqtt'
import { describe, expect, test } from 'vitest'
import { connectMqttJs, Inbox, joinMqttJs } from './mqttjs-client.ts'
import { serve } from './served-broker.ts'

const textOf = ({ payload }: IPublishPacket): string => payload.toString()

describe.each(['memory', 'level'] as const)('with the %s store', (kind) => {
  describe.each([3, 4, 5] as const)('MQTT.js speaking version %d', (protocolVersion) => {
    test('publishes and receives at every pair of qualities of service', async () => {
      const port = await serve(kind)
      const client = await connectMqttJs(port, { protocolVersion })
      const inbox = new Inbox(client)
      for (const subscribed of [0, 1, 2] as const) {
        for (const published of [0, 1, 2] as const) {
          const topic = `qos/${subscribed}/${published}`
          const [granted] = await client.subscribeAsync(topic, { qos: subscribed })
          expect(granted?.qos).toBe(subscribed)
          await client.publishAsync(topic, `as ${published}`, { qos: published })
          const received = await inbox.one()
          expect([received.topic, textOf(received), received.qos]).toEqual([
            topic,
            `as ${published}`,
            Math.min(subscribed, published),
          ])
        }
      }
      expect(inbox.packets).toEqual([])
    })

    test('gets what is retained when it subscribes, until that is removed', async () => {
      const port = await serve(kind)
      const publisher = await connectMqttJs(port, { protocolVersion })
      await publisher.publishAsync('house/hall', 'dark', { qos: 1, retain: true })
      await publisher.publishAsync('house/hall', 'light', { qos: 1, retain: true })
      await publisher.publishAsync('house/cellar', 'wet', { qos: 2, retain: true })
      await publisher.publishAsync('house/cellar', '', { qos: 1, retain: true })
      const subscriber = await connectMqttJs(port, { protocolVersion })
      const inbox = new Inbox(subscriber)
      await subscriber.subscribeAsync('house/#', { qos: 1 })
      const first = await inbox.one()
      expect([first.topic, textOf(first), first.retain]).toEqual(['house/hall', 'light', true])
      await publisher.publishAsync('house/hall', 'dim', { qos: 1, retain: true })
      const live = await inbox.one()
      expect([textOf(live), live.retain]).toEqual(['dim', false])
    })

    test('leaves a will that is published when it vanishes, and not when it says farewell', async () => {
      const port = await serve(kind)
      const watcher = await connectMqttJs(port, { protocolVersion })
      const inbox = new Inbox(watcher)
      await watcher.subscribeAsync('wills/+', { qos: 2 })
      const willOf = (name: string) => ({
        topic: `wills/${name}`,
        payload: Buffer.from('gone'),
        qos: 2 as const,
        retain: false,
      })
      const polite = await connectMqttJs(port, {
        protocolVersion,
        clientId: 'polite',
        will: willOf('polite'),
      })
      await polite.endAsync()
      const mortal = await connectMqttJs(port, {
        protocolVersion,
        clientId: 'mortal',
        will: willOf('mortal'),
      })
      mortal.stream.destroy()
      const will = await inbox.one()
      expect([will.topic, textOf(will), will.qos]).toEqual(['wills/mortal', 'gone', 2])
    })

    test('comes back to its session, its subscriptions and what was sent meanwhile, in order', async () => {
      const port = await serve(kind)
      const properties = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3_600 } } : {}
      const options = { protocolVersion, clientId: 'kept', clean: false, resubscribe: false, ...properties }
      const before = await connectMqttJs(port, options)
      await before.subscribeAsync('queue/+', { qos: 2 })
      await before.endAsync()
      const publisher = await connectMqttJs(port, { protocolVersion })
      const sent = Array.from({ length: 200 }, (_, i) => `message ${i}`)
      await Promise.all(
        sent.map((text, i) => publisher.publishAsync(`queue/${i % 3}`, text, { qos: i % 2 === 0 ? 1 : 2 })),
      )
      const { client: after, inbox, connack } = await joinMqttJs(port, options)
      // In 3.1 CONNACK has no such flag.
      if (protocolVersion !== 3) expect(connack.sessionPresent).toBe(true)
      const received = await inbox.next(sent.length)
      // MQTT.js hands over a QoS 2 message with its PUBREL, so the order is that of each quality of service.
      for (const qos of [1, 2]) {
        const ofQos = received.filter((packet) => packet.qos === qos).map(textOf)
        expect(ofQos).toEqual(sent.filter((_, i) => (i % 2 === 0 ? 1 : 2) === qos))
      }
      await after.publishAsync('queue/0', 'still subscribed', { qos: 1 })
      expect(textOf(await inbox.one())).toBe('still subscribed')
    })

    test('shares the messages of a subscription with its group', async () => {
      const port = await serve(kind)
      const inboxes: Inbox[] = []
      for (let i = 0; i < 3; i++) {
        const worker = await connectMqttJs(port, { protocolVersion })
        inboxes.push(new Inbox(worker))
        await worker.subscribeAsync('$share/workers/jobs/#', { qos: 1 })
      }
      const everyone = await connectMqttJs(port, { protocolVersion })
      const inbox = new Inbox(everyone)
      await everyone.subscribeAsync('jobs/#', { qos: 1 })
      const publisher = await connectMqttJs(port, { protocolVersion })
      const jobs = Array.from({ length: 90 }, (_, i) => `job ${i}`)
      for (const job of jobs) await publisher.publishAsync('jobs/new', job, { qos: 1 })
      expect((await inbox.next(jobs.length)).map(textOf)).toEqual(jobs)
      // Each publish was acknowledged after its job had been given away, and a round trip brings what is under way.
      await publisher.publishAsync('jobs/end', 'end', { qos: 1 })
      await inbox.one()
      const shares = inboxes.map(({ packets }) => packets.map(textOf).filter((text) => text !== 'end'))
      expect(shares.flat().sort()).toEqual([...jobs].sort())
      for (const share of shares) expect(share.length).toBeGreaterThan(0)
    })

    test('sends and receives a payload of 1 MiB unchanged', async () => {
      const port = await serve(kind)
      const client = await connectMqttJs(port, { protocolVersion })
      const inbox = new Inbox(client)
      await client.subscribeAsync('large', { qos: 2 })
      const payload = Buffer.from(Array.from({ length: 1_048_576 }, (_, i) => (i * 31) & 255))
      for (const qos of [0, 1, 2] as const) {
        await client.publishAsync('large', payload, { qos })
        expect(payload.equals((await inbox.one()).payload as Buffer)).toBe(true)
      }
    })

    test('is served with 99 others, each of which hears all of them', async () => {
      const port = await serve(kind)
      const clients = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          connectMqttJs(port, { protocolVersion, clientId: `client-${i}` }),
        ),
      )
      const inboxes = clients.map((client) => new Inbox(client))
      await Promise.all(clients.map((client) => client.subscribeAsync('all/+', { qos: 1 })))
      await Promise.all(clients.map((client, i) => client.publishAsync(`all/${i}`, 'here', { qos: 1 })))
      const expected = clients.map((_, i) => `all/${i}`).sort()
      for (const inbox of inboxes) {
        expect((await inbox.next(100)).map(({ topic }) => topic).sort()).toEqual(expected)
      }
    })
  })

  describe('MQTT.js speaking version 5', () => {
    const protocolVersion = 5

    test('asks, and gets the answer with its correlation data', async () => {
      const port = await serve(kind)
      const responder = await connectMqttJs(port, { protocolVersion })
      responder.on('message', (_topic, payload, { properties }) => {
        const { responseTopic, correlationData } = properties ?? {}
        responder.publish(responseTopic as string, `${payload} is 42`, {
          qos: 1,
          properties: { correlationData: correlationData as Buffer },
        })
      })
      await responder.subscribeAsync('questions', { qos: 1 })
      const requester = await connectMqttJs(port, { protocolVersion })
      const inbox = new Inbox(requester)
      await requester.subscribeAsync('answers/requester', { qos: 1 })
      const correlationData = Buffer.from([0, 255, 1])
      await requester.publishAsync('questions', 'the answer', {
        qos: 1,
        properties: { responseTopic: 'answers/requester', correlationData },
      })
      const answer = await inbox.one()
      expect(textOf(answer)).toBe('the answer is 42')
      expect(answer.properties?.correlationData).toEqual(correlationData)
    })

    test('gets the properties of a message as they were sent', async () => {
      const port = await serve(kind)
      const client = await connectMqttJs(port, { protocolVersion })
      const inbox = new Inbox(client)
      await client.subscribeAsync('properties', { qos: 1, properties: { subscriptionIdentifier: 77 } })
      const properties = {
        payloadFormatIndicator: true,
        contentType: 'text/plain',
        userProperties: { unit: '°C', repeated: ['first', 'second'], empty: '' },
      }
      await client.publishAsync('properties', '21', { qos: 1, properties })
      const received = (await inbox.one()).properties
      expect(received).toMatchObject({ payloadFormatIndicator: true, contentType: 'text/plain' })
      expect({ ...received?.userProperties }).toEqual(properties.userProperties)
      expect(received?.subscriptionIdentifier).toBe(77)
    })

    test('sends under topic aliases, and receives under them', async () => {
      const port = await serve(kind)
      const sender = await connectMqttJs(port, { protocolVersion, autoAssignTopicAlias: true })
      const receiver = await connectMqttJs(port, { protocolVersion, properties: { topicAliasMaximum: 2 } })
      const aliases: (number | undefined)[] = []
      receiver.on('packetreceive', (packet) => {
        if (packet.cmd === 'publish') aliases.push(packet.properties?.topicAlias)
      })
      const inbox = new Inbox(receiver)
      await receiver.subscribeAsync('alias/#', { qos: 1 })
      const topics = ['alias/a', 'alias/b', 'alias/c', 'alias/a', 'alias/b', 'alias/c']
      for (const topic of topics) await sender.publishAsync(topic, topic, { qos: 1 })
      const received: string[] = []
      for (const packet of await inbox.next(topics.length)) received.push(textOf(packet))
      expect(received).toEqual(topics)
      expect(aliases).toEqual([1, 2, undefined, 1, 2, undefined])
    })

    test('is told why its message is refused', async () => {
      const port = await serve(kind)
      const client = await connectMqttJs(port, { protocolVersion })
      const refused = client.publishAsync('$SYS/broker/version', 'mine', { qos: 1 })
      await expect(refused).rejects.toMatchObject({ code: 0x87 })
    })

    test('gets a name from the broker when it has none', async () => {
      const port = await serve(kind)
      const { connack } = await joinMqttJs(port, { protocolVersion, clientId: '' })
      expect(connack.properties?.assignedClientIdentifier).toMatch(/^godwit-[0-9a-f-]{36}$/)
    })
  })
})
