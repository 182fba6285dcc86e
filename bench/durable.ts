// What durability costs: the broker's CPU per QoS 1 message to persistent sessions, with LevelDB and sync always
// against memory alone, online and offline; and how many a second it takes. Ten pairs, 64 bytes, 100 in flight each.
// npx tsx bench/durable.ts [--rounds 5] [--messages 300000] [--folder DIR] [--program FILE]; build first.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BrokerProcess } from '../test/integration/broker-process.ts'
import { framesOf, LoadPublisher, LoadReceiver } from './load.ts'
import { cpuMicroseconds, median } from './process-figures.ts'

const PAIRS = 10
const IN_FLIGHT = 100
const PAYLOAD_BYTES = 64

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    messages: { type: 'string', default: '300000' },
    folder: { type: 'string', default: tmpdir() },
    program: { type: 'string' },
  },
})
const messagesPerPair = Math.ceil(Number(values.messages) / PAIRS)

interface Figures {
  readonly cpuUs: number
  readonly perSecond: number
}

const cases = [
  { store: 'memory', subscribers: 'online' },
  { store: 'level', subscribers: 'online' },
  { store: 'memory', subscribers: 'offline' },
  { store: 'level', subscribers: 'offline' },
] as const
type Case = (typeof cases)[number]

async function measure({ store, subscribers }: Case): Promise<Figures> {
  const data = mkdtempSync(join(values.folder, 'godwit-bench-'))
  const { program } = values
  const broker = await BrokerProcess.start({
    ...(store === 'level' && { data }),
    env: { GODWIT_PERSISTENCE__SYNC: 'always' },
    ...(program !== undefined && { program }),
  })
  try {
    return await load(broker, subscribers === 'online')
  } finally {
    await broker.end('SIGKILL')
    rmSync(data, { recursive: true, force: true })
  }
}

async function load({ port, processId }: BrokerProcess, isOnline: boolean): Promise<Figures> {
  const publishers: LoadPublisher[] = []
  const receivers: LoadReceiver[] = []
  for (let i = 0; i < PAIRS; i++) {
    const receiver = await LoadReceiver.connect({ port, clientId: `receiver-${i}`, isKept: true })
    await receiver.subscribe(`bench/${i}`, 1)
    if (isOnline) receivers.push(receiver)
    else receiver.end()
    publishers.push(await LoadPublisher.connect({ port, clientId: `publisher-${i}` }))
  }
  let sent = 0
  const run = async (count: number): Promise<void> => {
    sent += count
    const frames = publishers.map((_, i) => framesOf(`bench/${i}`, PAYLOAD_BYTES))
    await Promise.all([
      ...publishers.map((each, i) => each.publish(count, IN_FLIGHT, frames[i] as (typeof frames)[number])),
      ...receivers.map((receiver) => receiver.until(sent)),
    ])
  }
  // Compiled code and filled pools are what a broker runs with.
  await run(Math.ceil(messagesPerPair / 3))
  const cpuBefore = cpuMicroseconds(processId)
  const startedAt = performance.now()
  await run(messagesPerPair)
  const seconds = (performance.now() - startedAt) / 1_000
  const count = messagesPerPair * PAIRS
  const cpuUs = (cpuMicroseconds(processId) - cpuBefore) / count
  // What was counted must be there: it is taken, unmeasured.
  for (let i = receivers.length; i < PAIRS; i++) {
    const receiver = await LoadReceiver.connect({ port, clientId: `receiver-${i}`, isKept: true })
    receivers.push(receiver)
    await receiver.until(sent)
  }
  for (const each of [...publishers, ...receivers]) each.end()
  return { cpuUs, perSecond: count / seconds }
}

const figures = new Map<Case, Figures[]>(cases.map((each) => [each, []]))
// All cases in each round, so that a drift of the machine's speed hits them alike.
for (let round = 0; round < Number(values.rounds); round++) {
  for (const each of cases) figures.get(each)?.push(await measure(each))
}
const rows = cases.map((each) => {
  const measured = figures.get(each) ?? []
  const cpu = measured.map(({ cpuUs }) => cpuUs)
  return {
    store: each.store,
    subscribers: each.subscribers,
    'CPU us a message': median(cpu).toFixed(2),
    'least, most': `${Math.min(...cpu).toFixed(2)}, ${Math.max(...cpu).toFixed(2)}`,
    'messages a second': Math.round(median(measured.map(({ perSecond }) => perSecond))),
  }
})
console.table(rows)
