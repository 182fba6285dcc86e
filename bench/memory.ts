// What a million retained messages, and a million messages waiting for one offline session, cost in memory, at the
// start and when they are taken. 200 bytes, QoS 1, sync always. A queue is to cost disk, and memory for its window.
// npx tsx bench/memory.ts [--messages 1000000] [--folder DIR] [--program FILE]; build first.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BrokerProcess } from '../test/integration/broker-process.ts'
import { framesOf, LoadPublisher, LoadReceiver, publishFrame, randomPayload } from './load.ts'
import { memoryFigures } from './process-figures.ts'

const PUBLISHERS = 4
const IN_FLIGHT = 500
const PAYLOAD_BYTES = 200

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
  readonly 'memory MiB': number
  readonly 'mapped files MiB': number
  readonly 'data folder MiB': number
  readonly seconds: string
  readonly 'messages a second': number | ''
}

const rows: Row[] = []

interface Moment {
  readonly broker: BrokerProcess
  readonly data: string
  readonly what: string
  /** What it took to get there. */
  readonly seconds?: number
  /** Those seconds were for all messages. */
  readonly isRate?: boolean
}

function note({ broker, data, what, seconds, isRate = false }: Moment): void {
  const { ownMiB, mappedMiB } = memoryFigures(broker.processId)
  rows.push({
    what,
    'memory MiB': ownMiB,
    'mapped files MiB': mappedMiB,
    'data folder MiB': Number(execFileSync('du', ['-sm', data]).toString().split('\t')[0]),
    seconds: seconds?.toFixed(2) ?? '',
    'messages a second': isRate && seconds !== undefined ? Math.round(total / seconds) : '',
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

async function publishAll(port: number, makeFrames: MakeFrames): Promise<void> {
  await Promise.all(
    Array.from({ length: PUBLISHERS }, async (_, i) => {
      const publisher = await LoadPublisher.connect({ port, clientId: `publisher-${i}` })
      await publisher.publish(perPublisher, IN_FLIGHT, makeFrames(i))
      publisher.end()
    }),
  )
}

type MakeFrames = (publisher: number) => (index: number, packetId: number) => Buffer

async function retained(data: string): Promise<void> {
  let broker = await start(data)
  note({ broker, data, what: 'retained: at the start' })
  const { port } = broker
  const makeFrames: MakeFrames = (publisher) => (index, packetId) =>
    publishFrame(`retained/${publisher}/${index}`, randomPayload(index, PAYLOAD_BYTES), packetId, true)
  const published = await seconds(() => publishAll(port, makeFrames))
  note({ broker, data, what: 'retained: all published', seconds: published, isRate: true })
  await broker.stop()
  broker = await start(data)
  note({ broker, data, what: 'retained: after the next start', seconds: broker.startMs / 1_000 })
  const receiver = await LoadReceiver.connect({ port: broker.port, clientId: 'reader' })
  const delivered = await seconds(async () => {
    await receiver.subscribe('retained/#', 1)
    await receiver.until(total)
  })
  note({ broker, data, what: 'retained: all delivered to one', seconds: delivered, isRate: true })
  receiver.end()
  await broker.stop()
}

async function queued(data: string): Promise<void> {
  let broker = await start(data)
  const { port } = broker
  const subscriber = await LoadReceiver.connect({ port, clientId: 'offline', isKept: true })
  await subscriber.subscribe('queue', 1)
  subscriber.end()
  note({ broker, data, what: 'queue: at the start' })
  const published = await seconds(() => publishAll(port, () => framesOf('queue', PAYLOAD_BYTES)))
  note({ broker, data, what: 'queue: all waiting', seconds: published, isRate: true })
  await broker.stop()
  broker = await start(data)
  note({ broker, data, what: 'queue: after the next start', seconds: broker.startMs / 1_000 })
  const back = await LoadReceiver.connect({ port: broker.port, clientId: 'offline', isKept: true })
  const drained = await seconds(() => back.until(total))
  note({ broker, data, what: 'queue: all taken by its client', seconds: drained, isRate: true })
  back.end()
  await broker.stop()
}

for (const run of [retained, queued]) {
  const data = mkdtempSync(join(values.folder, 'godwit-bench-'))
  try {
    await run(data)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}
console.table(rows)
console.log(
  `${total} messages of ${PAYLOAD_BYTES} bytes: ${Math.round((total * PAYLOAD_BYTES) / 2 ** 20)} MiB of payload`,
)
