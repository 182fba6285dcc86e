// What a million retained messages, and a million messages waiting for one offline session, cost in memory, at the
// start and when they are taken. 200 bytes, QoS 1, sync always. A queue is to cost disk, and memory for its window.
// npx tsx bench/memory.ts [--messages 1000000] [--folder DIR] [--program FILE]; build first.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BrokerProcess } from '../test/integration/broker-process.ts'
import { LoadPublisher, LoadReceiver, publishFrame, repeatedFrame } from './load.ts'
import { memoryFigures } from './process-figures.ts'

const PUBLISHERS = 4
const IN_FLIGHT = 500
const payload = Buffer.alloc(200, 'x')

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    folder: { type: 'string', default: tmpdir() },
    program: { type: 'string' },
  },
})
const perPublisher = Math.ceil(Number(values.messages) / PUBLISHERS)
const total = perPublisher * PUBLISHERS

interface Row {
  readonly what: string
  readonly 'resident MiB': number
  readonly 'peak MiB': number
  readonly seconds: string
  readonly 'messages a second': number | ''
}

const rows: Row[] = []

function note(what: string, { processId }: BrokerProcess, seconds = Number.NaN): void {
  const { residentMiB, peakMiB } = memoryFigures(processId)
  rows.push({
    what,
    'resident MiB': residentMiB,
    'peak MiB': peakMiB,
    seconds: Number.isNaN(seconds) ? '' : seconds.toFixed(2),
    'messages a second': Number.isNaN(seconds) || what.endsWith('start') ? '' : Math.round(total / seconds),
  })
}

const start = (data: string): Promise<BrokerProcess> =>
  BrokerProcess.start({
    data,
    env: {
      GODWIT_PERSISTENCE__SYNC: 'always',
      GODWIT_LIMITS__QUEUE_MESSAGES_MAX: String(total + 1),
      GODWIT_LIMITS__QUEUE_BYTES_MAX: String(total * 1_000),
    },
    ...(values.program !== undefined && { program: values.program }),
  })

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await run()
  return (performance.now() - startedAt) / 1_000
}

async function publishAll(
  port: number,
  framesOf: (publisher: number) => (index: number, packetId: number) => Buffer,
): Promise<void> {
  await Promise.all(
    Array.from({ length: PUBLISHERS }, async (_, i) => {
      const publisher = await LoadPublisher.connect({ port, clientId: `publisher-${i}` })
      await publisher.publish(perPublisher, IN_FLIGHT, framesOf(i))
      publisher.end()
    }),
  )
}

async function retained(data: string): Promise<void> {
  let broker = await start(data)
  note('retained: at the start', broker)
  const { port } = broker
  const framesOf = (publisher: number) => (index: number, packetId: number) =>
    publishFrame(`retained/${publisher}/${index}`, payload, packetId, true)
  const published = await seconds(() => publishAll(port, framesOf))
  note('retained: all published', broker, published)
  await broker.stop()
  note2(`retained: on disk, MiB: ${diskMiB(data)}`)
  broker = await start(data)
  note('retained: after the next start', broker, broker.startMs / 1_000)
  const receiver = await LoadReceiver.connect({ port: broker.port, clientId: 'reader' })
  const delivered = await seconds(async () => {
    await receiver.subscribe('retained/#', 1)
    await receiver.until(total)
  })
  note('retained: all delivered to one', broker, delivered)
  receiver.end()
  await broker.stop()
}

async function queued(data: string): Promise<void> {
  let broker = await start(data)
  const { port } = broker
  const subscriber = await LoadReceiver.connect({ port, clientId: 'offline', isKept: true })
  await subscriber.subscribe('queue', 1)
  subscriber.end()
  note('queue: at the start', broker)
  const frames = () => repeatedFrame('queue', payload)
  const published = await seconds(() => publishAll(port, frames))
  note('queue: all waiting', broker, published)
  await broker.stop()
  note2(`queue: on disk, MiB: ${diskMiB(data)}`)
  broker = await start(data)
  note('queue: after the next start', broker, broker.startMs / 1_000)
  const back = await LoadReceiver.connect({ port: broker.port, clientId: 'offline', isKept: true })
  note('queue: all taken by its client', broker, await seconds(() => back.until(total)))
  back.end()
  await broker.stop()
}

function note2(what: string): void {
  rows.push({ what, 'resident MiB': 0, 'peak MiB': 0, seconds: '', 'messages a second': '' })
}

const diskMiB = (data: string): number => Number(execFileSync('du', ['-sm', data]).toString().split('\t')[0])

for (const run of [retained, queued]) {
  const data = mkdtempSync(join(values.folder, 'godwit-bench-'))
  try {
    await run(data)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}
console.table(rows)
