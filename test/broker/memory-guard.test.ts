// More memory resident than the bound: publishers wait, everybody else goes on.
import { expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { pingreq, pingresp, puback, publish1 } from '../kit/packets.ts'
import { openBroker } from '../kit/test-broker.ts'

const BYTES_MAX = 1_000_000

async function opened() {
  const memory = { bytes: 0 }
  const limits = { memoryBytesMax: BYTES_MAX }
  const kit = await openBroker({ store: 'level', limits, measureMemory: () => memory.bytes })
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

it('is measured once a second, however much is published', async () => {
  let measured = 0
  const kit = await openBroker({ measureMemory: () => measured++ })
  const sender = await kit.client('sender')
  kit.clock.advance(5_000)
  for (let id = 1; id <= 50; id++) {
    await flow(sender)
      .send(publish1(id, 'a', 'x'))
      .receive(puback(id, 0x10))
  }
  expect(measured).toBe(1)
})
