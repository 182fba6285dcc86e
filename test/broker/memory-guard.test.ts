// More memory resident than the bound: publishers wait, everybody else goes on.
import { expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { pingreq, pingresp, puback, publish1 } from '../kit/packets.ts'
import type { Peer } from '../kit/peer.ts'
import { openBroker, type TestBroker } from '../kit/test-broker.ts'

const BYTES_MAX = 1_000_000

async function opened() {
  const memory = { bytes: 0, garbage: 0, unused: 0, collections: 0 }
  const kit = await openBroker({
    store: 'level',
    limits: { memoryBytesMax: BYTES_MAX },
    memory: {
      measure() {
        const inUse = memory.bytes + memory.garbage
        return { resident: inUse + memory.unused, inUse }
      },
      collectGarbage() {
        memory.collections++
        memory.garbage = 0
      },
    },
  })
  return { kit, memory }
}

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

it('is not for garbage: that is collected first', async () => {
  const { kit, memory } = await opened()
  const sender = await kit.client('sender')
  memory.bytes = BYTES_MAX / 2
  memory.garbage = BYTES_MAX
  expect(await isServed(kit, sender, 1)).toBe(true)
  expect(memory.collections).toBe(1)
  memory.bytes = BYTES_MAX + 1
  memory.garbage = BYTES_MAX
  expect(await isServed(kit, sender, 2)).toBe(false)
})

it('is over when what is in use is clearly less, although the process has not given its memory back', async () => {
  const { kit, memory } = await opened()
  const sender = await kit.client('sender')
  memory.bytes = BYTES_MAX + 1
  expect(await isServed(kit, sender, 1)).toBe(false)
  memory.bytes = BYTES_MAX * 0.8
  memory.unused = BYTES_MAX * 0.4
  kit.clock.advance(2_000)
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
  const kit = await openBroker({
    limits: { memoryBytesMax: BYTES_MAX },
    memory: { measure: () => ({ resident: 2 * BYTES_MAX, inUse: 2 * BYTES_MAX }), collectGarbage() {} },
  })
  expect(await isServed(kit, await kit.client('sender'), 1)).toBe(true)
})

it('is measured ten times a second at most, however much is published', async () => {
  let measured = 0
  const measure = () => ({ resident: ++measured, inUse: 0 })
  const kit = await openBroker({ memory: { measure, collectGarbage() {} } })
  const atStart = measured
  const sender = await kit.client('sender')
  kit.clock.advance(5_000)
  for (let id = 1; id <= 50; id++) {
    await flow(sender)
      .send(publish1(id, 'a', 'x'))
      .receive(puback(id, 0x10))
  }
  expect(measured - atStart).toBe(1)
  kit.clock.advance(100)
  await flow(sender)
    .send(publish1(51, 'a', 'x'))
    .receive(puback(51, 0x10))
  expect(measured - atStart).toBe(2)
})
