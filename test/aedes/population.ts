// What the test of the import has a real Aedes keep: clients that went away, some of them in the middle of something.
// MQTT.js where a client behaves, WireClient where the test decides what is left unanswered.
import type { MqttClient } from 'mqtt'
import type { WhenOver } from '../integration/foreign-client.ts'
import { joinMqttJs } from '../integration/mqttjs-client.ts'
import { WireClient } from '../integration/wire-client.ts'
import { AedesProcess } from './aedes-process.ts'

/** Messages `0`, `1`, ... to news/ü, by turns at QoS 1 and 2: half of them in each life of the broker. */
export const NEWS = 200
export const UNRELEASED_ID = 77

/** Packet ids under which 'halfway' was sent the first messages of the second life. */
export type SentIds = readonly [number, number, number, number]

/** Two lives of one broker: the first ends in good order, the second with kill -9. Resolves when it is gone. */
export async function populate(folder: string, whenOver: WhenOver): Promise<SentIds> {
  const first = await AedesProcess.start(folder, 'a', whenOver)
  const { client: sleeper } = await joinMqttJs(first.port, { clientId: 'sleeper', clean: false }, whenOver)
  await sleeper.subscribeAsync({ 'news/#': { qos: 2 }, 'once/+': { qos: 1 } })
  await sleeper.endAsync()
  const { client: publisher } = await joinMqttJs(first.port, { clientId: 'publisher' }, whenOver)
  await publishNews(publisher, 0, NEWS / 2)
  await publisher.publishAsync('once/b', 'at QoS 1 at most', { qos: 2 })
  await publishRetained(publisher)
  await publisher.endAsync()
  await first.end('SIGTERM')

  const second = await AedesProcess.start(folder, 'b', whenOver)
  const { client: again } = await joinMqttJs(second.port, { clientId: 'publisher' }, whenOver)
  const sentIds = await leaveHalfway(second.port, again)
  await leaveUnreleased(second.port)
  for (const clientId of ['gone', 'returning']) {
    const will = { topic: `wills/${clientId}`, payload: Buffer.from('sorry'), qos: 1, retain: true } as const
    await joinMqttJs(second.port, { clientId, will }, whenOver)
  }
  await second.end('SIGKILL')
  return sentIds
}

/** The last one is of QoS 2: Aedes has it on disk when PUBCOMP comes, and acknowledges those of QoS 1 before. */
async function publishNews(publisher: MqttClient, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) await publisher.publishAsync('news/ü', `${i}`, { qos: i % 2 === 0 ? 1 : 2 })
}

async function publishRetained(publisher: MqttClient): Promise<void> {
  const publish = (topic: string, payload: string | Buffer, qos: 0 | 1 | 2) =>
    publisher.publishAsync(topic, payload, { qos, retain: true })
  await publish('kept/text', 'first', 1)
  await publish('kept/removed', 'not for long', 1)
  await publish('kept/bytes', Buffer.from([0, 255, 128]), 2)
  await publish('kept/removed', '', 1)
  await publish('kept/text', 'last', 1)
  await publish('kept/€/😀', 'at most once', 0)
}

/** It leaves two unanswered, acknowledges the third and has received the fourth, which it does not complete. */
async function leaveHalfway(port: number, publisher: MqttClient): Promise<SentIds> {
  const halfway = await WireClient.connect(port, { clientId: 'halfway', protocolVersion: 4, clean: false })
  halfway.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'news/#', qos: 2 }] })
  await halfway.receive('suback')
  await publishNews(publisher, NEWS / 2, NEWS / 2 + 4)
  const sentId = async (): Promise<number> => (await halfway.receive('publish')).messageId ?? 0
  const sentIds = [await sentId(), await sentId(), await sentId(), await sentId()] as const
  halfway.send({ cmd: 'puback', messageId: sentIds[2] })
  halfway.send({ cmd: 'pubrec', messageId: sentIds[3] })
  await halfway.receive('pubrel')
  await halfway.receiveNothing()
  await halfway.end()
  await publishNews(publisher, NEWS / 2 + 4, NEWS)
  return sentIds
}

async function leaveUnreleased(port: number): Promise<void> {
  const client = await WireClient.connect(port, { clientId: 'unreleased', protocolVersion: 4, clean: false })
  client.send({ ...UNRELEASED, dup: false })
  await client.receive('pubrec')
  await client.end()
}

export const UNRELEASED = {
  cmd: 'publish',
  topic: 'news/unreleased',
  payload: 'once',
  qos: 2,
  messageId: UNRELEASED_ID,
  retain: false,
} as const
