// Dropped messages in the log: nobody has to look at $SYS to hear of them, and a flood of them is no flood of lines.
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { flow } from '../kit/flow.ts'
import { openBroker, type TestBroker } from '../kit/test-broker.ts'

const kept = { fields: { clean: false, properties: { sessionExpiryInterval: 1_000 } } }

/** What is logged of drops, without what every line has. */
function logged(level: string) {
  const lines: Record<string, unknown>[] = []
  const write = (line: string): void => {
    const { pid: _, hostname: __, time: ___, ...said } = JSON.parse(line)
    if (String(said.msg).includes('dropped')) lines.push(said)
  }
  return { lines, logger: pino({ level }, { write }) }
}

async function publishAll(kit: TestBroker, topicName: string, messages: number, qos: 0 | 1 = 1) {
  for (let i = 0; i < messages; i++) await kit.broker.publish({ topicName, payload: 'x', qos })
}

it('is a line a second for each client and reason, with the number', async () => {
  const { lines, logger } = logged('warn')
  const kit = await openBroker({ logger, limits: { queueMessagesMax: 1 } })
  await flow(await kit.subscriber('one', 'a', 1, kept)).drop()
  await flow(await kit.subscriber('two', '#', 1, kept)).drop()
  await publishAll(kit, 'a', 4)
  await publishAll(kit, 'b', 2)
  expect(lines).toEqual([])
  kit.clock.advance(1_100)
  const line = { level: 40, reason: 'queue-full', msg: 'messages dropped' }
  expect(lines.splice(0)).toEqual([
    { ...line, clientId: 'two', messages: 5 },
    { ...line, clientId: 'one', messages: 3 },
  ])
  kit.clock.advance(10_000)
  expect(lines).toEqual([])
  await publishAll(kit, 'a', 1)
  kit.clock.advance(1_100)
  expect(lines).toHaveLength(2)
})

it('names twenty clients a second, and the others together', async () => {
  const { lines, logger } = logged('warn')
  const kit = await openBroker({ logger, limits: { queueMessagesMax: 1 } })
  for (let i = 0; i < 25; i++) await flow(await kit.subscriber(`c${i}`, 'a', 1, kept)).drop()
  await publishAll(kit, 'a', 3)
  kit.clock.advance(1_100)
  expect(lines).toHaveLength(21)
  expect(lines.at(-1)).toEqual({
    level: 40,
    reason: 'queue-full',
    messages: 10,
    msg: 'messages of other clients dropped',
  })
})

it('is no warning for QoS 0 to those who are away', async () => {
  const { lines, logger } = logged('debug')
  const kit = await openBroker({ logger })
  await flow(await kit.subscriber('c', 'a', 0, kept)).drop()
  await publishAll(kit, 'a', 3, 0)
  kit.clock.advance(1_100)
  expect(lines).toEqual([
    { level: 20, clientId: 'c', reason: 'offline-qos0', messages: 3, msg: 'messages dropped' },
  ])
})

it('tells at the end what it has not told', async () => {
  const { lines, logger } = logged('warn')
  const kit = await openBroker({ logger, limits: { queueMessagesMax: 1 } })
  await flow(await kit.subscriber('c', 'a', 1, kept)).drop()
  await publishAll(kit, 'a', 2)
  await kit.close()
  expect(lines).toMatchObject([{ clientId: 'c', messages: 1 }])
})
