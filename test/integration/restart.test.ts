// What a broker promised before it ended, it keeps when it starts again on the same folder: after a SIGTERM and
// after a kill -9 alike. The broker is the program; each client sends exactly the packets written here. A process
// takes its time to start, so the tests run side by side.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import type { IPublishPacket } from 'mqtt-packet'
import { describe, expect, type TestContext, test } from 'vitest'
import { BrokerProcess } from './broker-process.ts'
import type { WhenOver } from './foreign-client.ts'
import { WireClient } from './wire-client.ts'

/** What one test's brokers share, one after the other. */
interface Home {
  readonly data: string
  readonly whenOver: WhenOver
}

async function homeOf({ onTestFinished: whenOver }: TestContext): Promise<Home> {
  const data = await mkdtemp(joinPath(tmpdir(), 'godwit-test-'))
  whenOver(() => rm(data, { recursive: true, force: true }))
  return { data, whenOver }
}

async function startBroker({ data, whenOver }: Home): Promise<BrokerProcess> {
  const broker = await BrokerProcess.start({ data })
  whenOver(async () => void (await broker.end('SIGKILL')))
  return broker
}

/** With a session that outlives every connection. */
const join = ({ port }: BrokerProcess, clientId: string): Promise<WireClient> =>
  WireClient.connect(port, {
    clientId,
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 3_600 },
  })

const publishPacket = (
  topic: string,
  qos: 0 | 1 | 2,
  messageId: number,
  payload: string,
): IPublishPacket => ({
  cmd: 'publish',
  topic,
  qos,
  payload,
  retain: false,
  dup: false,
  ...(qos > 0 && { messageId }),
})

async function subscribe(client: WireClient, topic: string, qos: 0 | 1 | 2): Promise<void> {
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] })
  expect((await client.receive('suback')).granted).toEqual([qos])
}

const textOf = ({ payload }: IPublishPacket): string => payload.toString()

describe.each(['SIGTERM', 'SIGKILL'] as const)('after %s', (signal) => {
  const restart = async (broker: BrokerProcess, home: Home): Promise<BrokerProcess> => {
    const code = await broker.end(signal)
    expect(code).toBe(signal === 'SIGTERM' ? 0 : null)
    return startBroker(home)
  }

  test.concurrent.for([4, 5] as const)(
    'a session of version %d is present, with its subscriptions',
    async (version, context) => {
      const home = await homeOf(context)
      let broker = await startBroker(home)
      const properties = version === 5 ? { properties: { sessionExpiryInterval: 3_600 } } : {}
      const options = { clientId: 'kept', protocolVersion: version, clean: false, ...properties }
      const before = await WireClient.connect(broker.port, options)
      expect(before.connack.sessionPresent).toBe(false)
      await subscribe(before, 'a/+/c', 1)
      await subscribe(before, '$share/workers/jobs', 1)

      broker = await restart(broker, home)
      const after = await WireClient.connect(broker.port, options)
      expect(after.connack.sessionPresent).toBe(true)
      after.send(publishPacket('a/b/c', 0, 0, 'plain'))
      after.send(publishPacket('jobs', 0, 0, 'shared'))
      expect(textOf(await after.receive('publish'))).toBe('plain')
      expect(textOf(await after.receive('publish'))).toBe('shared')
      after.destroy()
    },
  )

  test.concurrent('a session that was to end with its connection is gone', async (context) => {
    const home = await homeOf(context)
    let broker = await startBroker(home)
    const options = { clientId: 'passing', protocolVersion: 5, clean: false } as const
    await subscribe(await WireClient.connect(broker.port, options), 'a', 1)
    broker = await restart(broker, home)
    const after = await WireClient.connect(broker.port, options)
    expect(after.connack.sessionPresent).toBe(false)
    after.send(publishPacket('a', 0, 0, 'to nobody'))
    await after.receiveNothing()
    after.destroy()
  })

  test.concurrent('what waited for an offline client comes in its order', async (context) => {
    const home = await homeOf(context)
    let broker = await startBroker(home)
    const subscriber = await join(broker, 'offline')
    await subscribe(subscriber, 'queue', 2)
    await subscriber.end()
    const publisher = await join(broker, 'publisher')
    for (let i = 1; i <= 2_000; i++) publisher.send(publishPacket('queue', 1, i, `message ${i}`))
    for (let i = 1; i <= 2_000; i++) await publisher.receive('puback')

    broker = await restart(broker, home)
    const back = await join(broker, 'offline')
    expect(back.connack.sessionPresent).toBe(true)
    for (let i = 1; i <= 2_000; i++) {
      const { payload, messageId } = await back.receive('publish')
      expect(payload.toString()).toBe(`message ${i}`)
      back.send({ cmd: 'puback', messageId: messageId as number })
    }
    await back.receiveNothing()
    back.destroy()
  })

  test.concurrent('what was acknowledged does not come again', async (context) => {
    const home = await homeOf(context)
    let broker = await startBroker(home)
    const client = await join(broker, 'both')
    await subscribe(client, 'queue', 1)
    for (const id of [1, 2, 3]) {
      client.send(publishPacket('queue', 1, id, `message ${id}`))
      await client.receive('publish')
      await client.receive('puback')
    }
    // The second is left in flight. What is done with leaves the disk with the next commit, which the SUBACK waits for.
    client.send({ cmd: 'puback', messageId: 1 })
    client.send({ cmd: 'puback', messageId: 3 })
    await subscribe(client, 'another', 1)

    broker = await restart(broker, home)
    const back = await join(broker, 'both')
    const again = await back.receive('publish')
    expect([textOf(again), again.messageId, again.dup]).toEqual(['message 2', 2, true])
    await back.receiveNothing()
    back.destroy()
  })

  test.concurrent('retained messages are there, and removed ones are not', async (context) => {
    const home = await homeOf(context)
    let broker = await startBroker(home)
    const publisher = await join(broker, 'publisher')
    const retain = async (topic: string, messageId: number, payload: string): Promise<void> => {
      publisher.send({ ...publishPacket(topic, 1, messageId, payload), retain: true })
      await publisher.receive('puback')
    }
    await retain('state/kept', 1, 'old')
    await retain('state/removed', 2, 'gone')
    await retain('state/kept', 3, 'new')
    await retain('state/removed', 4, '')

    broker = await restart(broker, home)
    const reader = await join(broker, 'reader')
    await subscribe(reader, 'state/#', 1)
    const { topic, payload, retain: isRetained } = await reader.receive('publish')
    expect([topic, payload.toString(), isRetained]).toEqual(['state/kept', 'new', true])
    await reader.receiveNothing()
    reader.destroy()
  })

  describe('a QoS 2 message', () => {
    /** Someone who has received nothing yet of what is published to `topic`. */
    const offlineSubscriber = async (broker: BrokerProcess, topic: string): Promise<void> => {
      const subscriber = await join(broker, 'subscriber')
      await subscribe(subscriber, topic, 2)
      await subscriber.end()
    }

    const publishOnce = async (broker: BrokerProcess, payload: string): Promise<void> => {
      const publisher = await join(broker, 'publisher')
      publisher.send(publishPacket('once', 2, 7, payload))
      await publisher.receive('pubrec')
      publisher.send({ cmd: 'pubrel', messageId: 7 })
      await publisher.receive('pubcomp')
      await publisher.end()
    }

    test.concurrent('that came before, without its PUBREL, is not taken for news when repeated', async (context) => {
      const home = await homeOf(context)
      let broker = await startBroker(home)
      await offlineSubscriber(broker, 'once')
      const before = await join(broker, 'publisher')
      before.send(publishPacket('once', 2, 7, 'one'))
      await before.receive('pubrec')

      broker = await restart(broker, home)
      const publisher = await join(broker, 'publisher')
      publisher.send({ ...publishPacket('once', 2, 7, 'one'), dup: true })
      expect((await publisher.receive('pubrec')).messageId).toBe(7)
      publisher.send({ cmd: 'pubrel', messageId: 7 })
      expect((await publisher.receive('pubcomp')).reasonCode ?? 0).toBe(0)
      const subscriber = await join(broker, 'subscriber')
      const delivered = await subscriber.receive('publish')
      expect(textOf(delivered)).toBe('one')
      subscriber.send({ cmd: 'pubrec', messageId: delivered.messageId as number })
      await subscriber.receive('pubrel')
      await subscriber.receiveNothing()
      subscriber.destroy()
    })

    test.concurrent('that was released before leaves its packet id to the next message', async (context) => {
      const home = await homeOf(context)
      let broker = await startBroker(home)
      await offlineSubscriber(broker, 'once')
      await publishOnce(broker, 'one')

      broker = await restart(broker, home)
      const publisher = await join(broker, 'publisher')
      // As if the PUBCOMP had been lost: the client releases once more, then goes on.
      publisher.send({ cmd: 'pubrel', messageId: 7 })
      expect((await publisher.receive('pubcomp')).reasonCode).toBe(0x92)
      publisher.send(publishPacket('once', 2, 7, 'two'))
      await publisher.receive('pubrec')
      const subscriber = await join(broker, 'subscriber')
      expect(textOf(await subscriber.receive('publish'))).toBe('one')
      expect(textOf(await subscriber.receive('publish'))).toBe('two')
      subscriber.destroy()
    })

    test.concurrent('that was sent, but not confirmed, is sent again under its packet id', async (context) => {
      const home = await homeOf(context)
      let broker = await startBroker(home)
      const before = await join(broker, 'subscriber')
      await subscribe(before, 'once', 2)
      await publishOnce(broker, 'one')
      const sent = await before.receive('publish')
      expect(sent.dup).toBe(false)

      broker = await restart(broker, home)
      const after = await join(broker, 'subscriber')
      const again = await after.receive('publish')
      expect([textOf(again), again.messageId, again.dup, again.qos]).toEqual(['one', sent.messageId, true, 2])
      after.send({ cmd: 'pubrec', messageId: again.messageId as number })
      await after.receive('pubrel')
      after.send({ cmd: 'pubcomp', messageId: again.messageId as number })
      await after.receiveNothing()
      after.destroy()
    })

    test.concurrent('that was confirmed, but not completed, is only released again', async (context) => {
      const home = await homeOf(context)
      let broker = await startBroker(home)
      const before = await join(broker, 'subscriber')
      await subscribe(before, 'once', 2)
      await publishOnce(broker, 'one')
      const { messageId = 0 } = await before.receive('publish')
      before.send({ cmd: 'pubrec', messageId })
      await before.receive('pubrel')

      broker = await restart(broker, home)
      const after = await join(broker, 'subscriber')
      expect((await after.receive('pubrel')).messageId).toBe(messageId)
      after.send({ cmd: 'pubcomp', messageId })
      // A second message is not held up, and does not get the id of the first.
      await publishOnce(broker, 'two')
      const next = await after.receive('publish')
      expect([textOf(next), next.dup]).toEqual(['two', false])
      expect(next.messageId).not.toBe(messageId)
      after.destroy()
    })
  })

  test.concurrent('the will of a client that was connected is published', async (context) => {
    const home = await homeOf(context)
    let broker = await startBroker(home)
    const watcher = await join(broker, 'watcher')
    await subscribe(watcher, 'wills/+', 1)
    await WireClient.connect(broker.port, {
      clientId: 'mortal',
      protocolVersion: 4,
      clean: true,
      will: { topic: 'wills/mortal', payload: 'gone', qos: 1, retain: true },
    })

    broker = await restart(broker, home)
    const back = await join(broker, 'watcher')
    const will = await back.receive('publish')
    expect([will.topic, textOf(will)]).toEqual(['wills/mortal', 'gone'])
    await back.receiveNothing()
    back.destroy()
  })
})
