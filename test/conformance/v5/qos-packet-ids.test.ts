// MQTT 5.0, chapter 4.3: the packet ids of messages towards a subscriber, each of them unused when it is given.
import { describe, expect, it } from 'vitest'
import { flow } from '../../kit/flow.ts'
import { frame, u16 } from '../../kit/frames.ts'
import { pubrec, pubrel } from '../../kit/packets.ts'
import type { Peer } from '../../kit/peer.ts'
import { openBroker } from '../../kit/test-broker.ts'

/** The packet ids of the next `count` packets, in their order. */
async function packetIds(peer: Peer, count: number): Promise<number[]> {
  const found: number[] = []
  while (found.length < count) found.push((await peer.next()).packet.messageId as number)
  return found
}

/** As one chunk. */
const acks = (firstByte: number, ids: number[]): Buffer =>
  Buffer.concat(ids.map((id) => frame(firstByte, u16(id))))

/** The client acknowledges these at their quality of service. */
async function finish(peer: Peer, qos: 1 | 2, ids: number[]): Promise<void> {
  if (qos === 1) peer.send(acks(0x40, ids))
  else {
    peer.send(acks(0x50, ids))
    expect(await packetIds(peer, ids.length)).toEqual(ids)
    peer.send(acks(0x70, ids))
  }
}

/** All packet ids go round once while the first message stays in flight; then that one is acknowledged as well. */
async function goRound(qos: 1 | 2): Promise<void> {
  const kit = await openBroker({ limits: { inFlightMax: 1_000 } })
  const peer = await kit.subscriber('c', 'a', qos)
  const publishMany = (count: number): void => {
    for (let i = 0; i < count; i++) void kit.broker.publish({ topicName: 'a', payload: '', qos })
  }
  publishMany(1)
  expect(await packetIds(peer, 1)).toEqual([1])
  const seen = new Set([1])
  for (let round = 0; round < 82; round++) {
    publishMany(800)
    await peer.settle()
    const ids = await packetIds(peer, peer.waiting)
    for (const id of ids)
      if (id === 1 || id === 0) throw new Error(`message after ${seen.size} came as ${id}`)
    for (const id of ids) seen.add(id)
    await finish(peer, qos, ids)
  }
  expect(seen.size).toBeGreaterThan(65_000)
  await finish(peer, qos, [1])
  publishMany(1)
  await peer.settle()
  const ids = await packetIds(peer, peer.waiting)
  expect(ids.length).toBeGreaterThan(0)
  expect(new Set(ids).size).toBe(ids.length)
}

describe('packet ids', () => {
  it('[v5 MQTT-4.3.2-1] of QoS 1 messages in flight are all different, and none is 0', async () => {
    const kit = await openBroker({ limits: { inFlightMax: 2_000 } })
    const peer = await kit.subscriber('c', 'a', 1)
    for (let i = 0; i < 2_000; i++) void kit.broker.publish({ topicName: 'a', payload: '', qos: 1 })
    const ids = new Set(await packetIds(peer, 2_000))
    expect(ids.size).toBe(2_000)
    expect(ids.has(0)).toBe(false)
  })

  it('[v5 MQTT-4.3.3-1] of QoS 2 messages in flight are all different, released ones too, and none is 0', async () => {
    const kit = await openBroker({ limits: { inFlightMax: 2_000 } })
    const peer = await kit.subscriber('c', 'a', 2)
    for (let i = 0; i < 1_000; i++) void kit.broker.publish({ topicName: 'a', payload: '', qos: 2 })
    const ids = await packetIds(peer, 1_000)
    // Half of them are released, and keep their packet ids until PUBCOMP.
    for (const packetId of ids.slice(500)) await flow(peer).send(pubrec(packetId)).receive(pubrel(packetId))
    for (let i = 0; i < 1_000; i++) void kit.broker.publish({ topicName: 'a', payload: '', qos: 2 })
    ids.push(...(await packetIds(peer, 1_000)))
    expect(new Set(ids).size).toBe(2_000)
    expect(ids).not.toContain(0)
  })
  it('[v5 MQTT-4.3.2-1] go round at QoS 1, and pass over the one that is still in flight', async () => {
    await goRound(1)
  })

  it('[v5 MQTT-4.3.3-1] go round at QoS 2, and pass over the one that is still in flight', async () => {
    await goRound(2)
  })
})
