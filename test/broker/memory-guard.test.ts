// More memory resident than the bound, or too much of V8's heap in use: publishers wait, everybody else goes on.
import { expect, it, onTestFinished, vi } from 'vitest'
import { ReasonCode } from '../../src/packet/reason-codes.ts'
import { flow, turns } from '../kit/flow.ts'
import {
  connack,
  connect,
  disconnect,
  encode,
  pingreq,
  pingresp,
  puback,
  publish1,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, type TestBroker } from '../kit/test-broker.ts'

const BYTES_MAX = 1_000_000

async function opened() {
  const memory = { bytes: 0, heapShare: 0, garbage: 0, unused: 0 }
  const limits = { memoryBytesMax: BYTES_MAX }
  const memoryMeter = {
    bytes: () => memory.bytes + memory.garbage + memory.unused,
    inUse: () => memory.bytes + memory.garbage,
    heapShare: () => memory.heapShare,
    collectGarbage: () => {
      memory.garbage = 0
    },
  }
  const kit = await openBroker({ store: 'level', limits, memoryMeter })
  return { kit, memory }
}

it('holds who publishes back until there is less, and loses nothing', async () => {
  const { kit, memory } = await opened()
  const reader = await kit.subscriber('reader', 'a', 1)
  const sender = await kit.client('sender')
  kit.clock.advance(2_000)
  memory.bytes = BYTES_MAX + 1
  // What is known when the first chunk has been handled holds back the second one.
  await flow(sender)
    .send(publish1(1, 'a', '1'))
    .receive(puback(1))
  sender.send(publish1(2, 'a', '2'), pingreq)
  await flow(reader)
    .receive(publish1(1, 'a', '1'))
    .receiveNothing()
  expect(sender.waiting).toBe(0)
  memory.bytes = BYTES_MAX / 2
  kit.clock.advance(2_000)
  await flow(sender).receiveUnordered(puback(2), pingresp)
  await flow(reader).receive(publish1(2, 'a', '2'))
})

it('lets those go on who take messages', async () => {
  const { kit, memory } = await opened()
  const reader = await kit.subscriber('reader', 'a', 1, { fields: { properties: { receiveMaximum: 1 } } })
  for (const payload of ['1', '2']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
  memory.bytes = BYTES_MAX + 1
  kit.clock.advance(2_000)
  await flow(reader)
    .receive(publish1(1, 'a', '1'))
    .send(puback(1))
    .receive(publish1(2, 'a', '2'))
    .send(puback(2))
    .receiveNothing()
})

it('lets those come back for their messages who subscribe again as they come', async () => {
  const { kit, memory } = await opened()
  const fields = { clean: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 1 } }
  await flow(await kit.subscriber('reader', 'a', 1, { fields })).drop()
  for (const payload of ['1', '2']) await kit.broker.publish({ topicName: 'a', payload, qos: 1 })
  memory.bytes = BYTES_MAX + 1
  kit.clock.advance(2_000)
  await flow(await kit.client('reader', { fields, sessionPresent: true }))
    .receive(publish1(1, 'a', '1'))
    .send(subscribe(1, 'a', 1), unsubscribe(2, 'b'))
    .receive(suback(1, 1), unsuback(2, 0x11))
    .send(puback(1))
    .receive(publish1(2, 'a', '2'))
    .send(puback(2))
    .receiveNothing()
})

it('holds who sends the beginning of a large packet back from sending the rest', async () => {
  const { kit, memory } = await opened()
  const sender = await kit.client('sender')
  const bytes = encode(publish1(1, 'a', 'x'.repeat(500_000)), 5)
  memory.bytes = BYTES_MAX + 1
  kit.clock.advance(2_000)
  for (let at = 0; at < bytes.length; at += 50_000) {
    sender.stream.write(bytes.subarray(at, at + 50_000))
    await turns()
  }
  expect(sender.stream.writableLength).toBeGreaterThan(300_000)
  memory.bytes = 0
  kit.clock.advance(2_000)
  await flow(sender).receive(puback(1, 0x10))
})

it('is not over before there is clearly less', async () => {
  const { kit, memory } = await opened()
  const sender = await kit.client('sender')
  memory.bytes = BYTES_MAX + 1
  kit.clock.advance(2_000)
  await flow(sender)
    .send(publish1(1, 'a', '1'))
    .receive(puback(1, 0x10))
  sender.send(pingreq)
  memory.bytes = BYTES_MAX - 1
  kit.clock.advance(5_000)
  await sender.settle()
  expect(sender.waiting).toBe(0)
  memory.bytes = BYTES_MAX * 0.9
  kit.clock.advance(2_000)
  await flow(sender).receive(pingresp)
})

it('goes by the heap too, which V8 does not let grow as far as there is memory', async () => {
  const { kit, memory } = await opened()
  const sender = await kit.client('sender')
  memory.heapShare = 0.81
  kit.clock.advance(2_000)
  await flow(sender)
    .send(publish1(1, 'a', '1'))
    .receive(puback(1, 0x10))
  sender.send(pingreq)
  memory.heapShare = 0.79
  kit.clock.advance(2_000)
  await sender.settle()
  expect(sender.waiting).toBe(0)
  memory.heapShare = 0.75
  kit.clock.advance(2_000)
  await flow(sender).receive(pingresp)
})

it('has garbage collected before it says so, and again while it is short', async () => {
  const { kit, memory } = await opened()
  const sender = await kit.client('sender')
  memory.garbage = BYTES_MAX + 1
  kit.clock.advance(2_000)
  await flow(sender)
    .send(publish1(1, 'a', '1'))
    .receive(puback(1, 0x10))
    .receiveNothing()
  memory.bytes = BYTES_MAX + 1
  kit.clock.advance(2_000)
  await flow(sender)
    .send(publish1(2, 'a', '2'))
    .receive(puback(2, 0x10))
  sender.send(pingreq)
  memory.garbage = memory.bytes
  memory.bytes = 0
  kit.clock.advance(2_000)
  await flow(sender).receive(pingresp)
})

/** Publishes until that is looked at, and says whether what comes after is answered. */
async function isServed(kit: TestBroker, sender: Peer, packetId: number): Promise<boolean> {
  kit.clock.advance(2_000)
  sender.send(publish1(packetId, 'a', 'x'))
  await sender.settle()
  sender.send(pingreq)
  await sender.settle()
  const answers: string[] = []
  while (sender.waiting > 0) answers.push((await sender.next()).packet.cmd)
  return answers.includes('pingresp')
}

it('is over when what is in use is clearly less, although the process has not given its memory back', async () => {
  const { kit, memory } = await opened()
  const sender = await kit.client('sender')
  memory.bytes = BYTES_MAX + 1
  expect(await isServed(kit, sender, 1)).toBe(false)
  memory.bytes = BYTES_MAX * 0.8
  memory.unused = BYTES_MAX * 0.4
  kit.clock.advance(2_000)
  await sender.settle()
  expect(sender.waiting).toBe(0)
  memory.bytes = BYTES_MAX * 0.7
  memory.unused = BYTES_MAX * 0.5
  kit.clock.advance(2_000)
  await flow(sender).receive(pingresp)
  // What it holds is used again, and no more than there was.
  expect(await isServed(kit, sender, 2)).toBe(true)
  memory.bytes = BYTES_MAX * 1.1
  memory.unused = BYTES_MAX * 0.1
  expect(await isServed(kit, sender, 3)).toBe(false)
})

it('learns how much fits: what was above the bound is left out the next time', async () => {
  const { kit, memory } = await opened()
  const sender = await kit.client('sender')
  memory.bytes = BYTES_MAX
  memory.unused = BYTES_MAX * 0.2
  expect(await isServed(kit, sender, 1)).toBe(false)
  memory.bytes = BYTES_MAX * 0.5
  memory.unused = BYTES_MAX * 0.7
  kit.clock.advance(2_000)
  await flow(sender).receive(pingresp)
  memory.bytes = BYTES_MAX * 0.79
  expect(await isServed(kit, sender, 2)).toBe(true)
  memory.bytes = BYTES_MAX * 0.81
  expect(await isServed(kit, sender, 3)).toBe(false)
})

it('leaves some room where more is in use from the start than the bound allows', async () => {
  const bytes = (): number => 2 * BYTES_MAX
  const memoryMeter = { bytes, inUse: bytes, heapShare: () => 0, collectGarbage: () => {} }
  const kit = await openBroker({ limits: { memoryBytesMax: BYTES_MAX }, memoryMeter })
  expect(await isServed(kit, await kit.client('sender'), 1)).toBe(true)
})

it('makes no session, and takes back who has one', async () => {
  const { kit, memory } = await opened()
  const fields = { clean: false, properties: { sessionExpiryInterval: 100 } }
  const kept = await kit.client('kept', { fields })
  await flow(await kit.client('clean')).do(() => (memory.bytes = BYTES_MAX + 1))
  kit.clock.advance(2_000)
  await flow(kit.peer()).send(connect('new')).receive(connack(ReasonCode.ServerBusy)).closed()
  await flow(kit.peer(4)).send(connect('old')).receive(connack(3)).closed()
  await kit.client('kept', { fields, sessionPresent: true })
  await kit.client('clean')
  await flow(kept).receive(disconnect(ReasonCode.SessionTakenOver)).closed()
})

it('is measured ten times a second at most, however much is published', async () => {
  let measured = 0
  const memoryMeter = {
    bytes: () => measured++,
    inUse: () => 0,
    heapShare: () => 0,
    collectGarbage: () => {},
  }
  const kit = await openBroker({ memoryMeter })
  const sender = await kit.client('sender')
  kit.clock.advance(5_000)
  const before = measured
  for (let id = 1; id <= 50; id++) {
    await flow(sender)
      .send(publish1(id, 'a', 'x'))
      .receive(puback(id, 0x10))
  }
  expect(measured - before).toBe(1)
})

it('is not known where no file can be opened: then it is not short, and nobody is the worse for it', async () => {
  const rss = vi.spyOn(process.memoryUsage, 'rss').mockImplementation(() => {
    throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
  })
  onTestFinished(() => rss.mockRestore())
  const kit = await openBroker()
  const sender = await kit.client('sender')
  kit.clock.advance(5_000)
  await flow(sender)
    .send(publish1(1, 'a', 'x'))
    .receive(puback(1, 0x10))
  expect(rss).toHaveBeenCalled()
})
