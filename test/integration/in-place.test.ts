// Frames go out of the memory that they came in, to receivers that differ in what they may get and when they take it:
// each gets its own, whole, in order, and once more when it comes back.
import type { IPublishPacket } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { serve } from './served-broker.ts'
import { WireClient } from './wire-client.ts'

const MESSAGES = 500
const payloadOf = (i: number): string => `${i} `.repeat(1 + (i % 40))

async function subscriberOf(port: number, clientId: string, protocolVersion: 4 | 5, qos: 0 | 1 | 2) {
  const properties = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3_600 } } : {}
  const join = () => WireClient.connect(port, { clientId, protocolVersion, clean: false, ...properties })
  const client = await join()
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'flood/#', qos }] })
  await client.receive('suback')
  return { client, join }
}

async function receiveAll(client: WireClient, wanted: { qos: number; dup: boolean }): Promise<void> {
  const packetIds = new Set<number>()
  for (let i = 0; i < MESSAGES; i++) {
    const packet: IPublishPacket = await client.receive('publish')
    const { qos, dup, messageId = 0 } = packet
    expect({ qos, dup, payload: packet.payload.toString() }).toEqual({ ...wanted, payload: payloadOf(i) })
    if (qos > 0) expect(packetIds.has(messageId)).toBe(false)
    packetIds.add(messageId)
  }
}

test.each(['memory', 'level'] as const)(
  'each receiver gets its own frames, on the %s store',
  async (kind) => {
    const port = await serve(kind)
    const receivers = [
      { ...(await subscriberOf(port, 'v4 q1', 4, 1)), qos: 1 },
      { ...(await subscriberOf(port, 'v4 q1 too', 4, 1)), qos: 1 },
      { ...(await subscriberOf(port, 'v4 q0', 4, 0)), qos: 0 },
      { ...(await subscriberOf(port, 'v5 q1', 5, 1)), qos: 1 },
      { ...(await subscriberOf(port, 'v4 q2', 4, 2)), qos: 1 },
    ]
    const publisher = await WireClient.connect(port, { clientId: 'p', protocolVersion: 4, clean: true })
    for (let i = 0; i < MESSAGES; i++) {
      const topic = `flood/${i % 7}`
      publisher.send({
        cmd: 'publish',
        topic,
        payload: payloadOf(i),
        qos: 1,
        messageId: i + 1,
        dup: i % 3 === 0,
        retain: false,
      })
    }
    for (const { client, qos } of receivers) await receiveAll(client, { qos, dup: false })
    // Nobody has acknowledged anything: what they were sent is there once more.
    for (const { client, join, qos } of receivers) {
      client.destroy()
      await client.closed
      if (qos > 0) await receiveAll(await join(), { qos, dup: true })
    }
  },
)
