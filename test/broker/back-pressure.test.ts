// A receiver that does not take what it is sent: its QoS 1 and 2 wait, its QoS 0 is dropped, nobody else notices.
import { describe, expect, it } from 'vitest'
import { flow, turns } from '../kit/flow.ts'
import { pingreq, puback, publish1 } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, STORES } from '../kit/test-broker.ts'

const PAYLOAD = 'x'.repeat(10_000)

async function takeAll(peer: Peer): Promise<string[]> {
  const found: string[] = []
  await peer.settle()
  while (peer.waiting > 0) {
    const { packet } = await peer.next()
    found.push(String(packet.payload).slice(PAYLOAD.length))
    if (packet.qos === 1) peer.send(puback(packet.messageId as number))
    if (peer.waiting === 0) await peer.settle()
  }
  return found
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))

describe.each(STORES)('behind a socket that does not drain, on the %s store', (store) => {
  it('QoS 1 waits in its queue, complete and in order, and another subscriber has it all at once', async () => {
    const kit = await openBroker({ store })
    const slow = await kit.subscriber('slow', 'a', 1, { version: 4, fields: { clean: false } })
    const quick = await kit.subscriber('quick', 'a', 1, { version: 4 })
    slow.stall()
    for (const number of numbers(100)) {
      await kit.broker.publish({ topicName: 'a', payload: PAYLOAD + number, qos: 1 })
      await turns(1)
    }
    expect(await takeAll(quick)).toEqual(numbers(100))
    // A few packets are in the two streams' buffers, and the rest in the queue.
    expect(slow.brokerEnd.writableLength).toBeGreaterThan(0)
    expect(slow.brokerEnd.writableLength).toBeLessThan(20 * PAYLOAD.length)
    slow.resume()
    expect(await takeAll(slow)).toEqual(numbers(100))
    expect([...kit.broker.drops]).toEqual([])
  })

  it('QoS 0 above its limit is dropped and counted, and comes again when there is room', async () => {
    const kit = await openBroker({ store, limits: { outputBytesMax: 200_000 } })
    const slow = await kit.subscriber('slow', 'a', 0, { version: 4 })
    const quick = await kit.subscriber('quick', 'a', 0)
    slow.stall()
    for (const number of numbers(100)) {
      await kit.publish('a', PAYLOAD + number)
      await turns(1)
    }
    expect(await takeAll(quick)).toEqual(numbers(100))
    expect(slow.brokerEnd.writableLength).toBeLessThan(300_000)
    const dropped = kit.dropped('not-writable')
    expect(dropped).toBeGreaterThan(50)
    slow.resume()
    expect(await takeAll(slow)).toEqual(numbers(100 - dropped))
    await kit.publish('a', `${PAYLOAD}again`)
    expect(await takeAll(slow)).toEqual(['again'])
  })

  it('its own packets are still taken: who says every now and then that it is there is not silent', async () => {
    const kit = await openBroker({ store, limits: { outputBytesMax: 200_000 } })
    const slow = await kit.subscriber('slow', 'a', 0, { version: 4, fields: { keepalive: 10 } })
    slow.stall()
    for (const number of numbers(100)) {
      await kit.publish('a', PAYLOAD + number)
      await turns(1)
    }
    for (let i = 0; i < 5; i++) {
      slow.send(pingreq)
      await turns()
      kit.clock.advance(8_000)
    }
    slow.resume()
    const taken = await takeAll(slow)
    expect(taken).toEqual([...numbers(100 - kit.dropped('not-writable')), ...Array(5).fill('')])
    expect(slow.isClosed).toBe(false)
  })

  it('retained messages wait too, and arrive complete', async () => {
    const kit = await openBroker({ store, limits: { outputBytesMax: 1_024 } })
    for (const number of numbers(1_000)) await kit.publish(`a/${number}`, PAYLOAD + number, true)
    const slow = await kit.client('slow', { version: 4 })
    slow.stall()
    await flow(slow).send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/#', qos: 0 }] })
    await turns(20)
    // One step of the feed at most is in the buffers.
    expect(slow.brokerEnd.writableLength).toBeLessThan(300 * PAYLOAD.length)
    slow.resume()
    expect((await slow.next()).packet.cmd).toBe('suback')
    const received = await takeAll(slow)
    expect(received.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(1_000))
    expect([...kit.broker.drops]).toEqual([])
  })

  it('what one sender has sent is still acknowledged to it', async () => {
    const kit = await openBroker({ store })
    const slow = await kit.subscriber('slow', 'a', 1, { version: 4 })
    slow.stall()
    for (let i = 0; i < 50; i++) await kit.broker.publish({ topicName: 'a', payload: PAYLOAD, qos: 1 })
    await kit.servesOthers()
    slow.brokerEnd.destroy()
    await kit.servesOthers()
  })
})

it('a publisher that outruns the disk is not read from until there is room, nor closed for its silence', async () => {
  const kit = await openBroker()
  const sender = await kit.client('sender', { fields: { keepalive: 10 } })
  kit.store.fillUp()
  await flow(sender)
    .send(publish1(1, 'a', 'x'), publish1(2, 'a', 'x'))
    .receive(puback(1, 0x10), puback(2, 0x10))
  sender.send(publish1(3, 'a', 'x'))
  await kit.settle()
  kit.clock.advance(100_000)
  await kit.settle()
  expect(sender.waiting).toBe(0)
  expect(sender.isClosed).toBe(false)
  kit.store.makeRoom()
  await flow(sender)
    .receive(puback(3, 0x10))
    .send(publish1(4, 'a', 'x'))
    .receive(puback(4, 0x10))
    .receiveNothing()
})
