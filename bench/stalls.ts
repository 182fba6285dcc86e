// How long any one job holds the event loop: what everybody else waits for meanwhile. Each line is the longest delay
// of the loop while the job was going on, garbage collections included, measured in the broker by loop-probe.mjs.
// npx tsx bench/stalls.ts [--only queue,fanOut] [--scale 1] [--folder DIR] [--program FILE]; build first.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BrokerProcess } from '../test/integration/broker-process.ts'
import { framesOf, LoadPublisher, LoadReceiver, publishFrame, randomPayload } from './load.ts'
import { cpuMicroseconds } from './process-figures.ts'
import { SwarmClient, swarm } from './swarm.ts'

const PUBLISHERS = 4
const IN_FLIGHT = 500
const PAYLOAD_BYTES = 200
/** The probe notes ten times a second: what a job ends with is noted by then. */
const NOTED_MS = 300
const QUIET_MS = 500
const DAY = 86_400

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    scale: { type: 'string', default: '1' },
    folder: { type: 'string', default: tmpdir() },
    program: { type: 'string' },
  },
})
const scaled = (count: number): number => Math.ceil(count * Number(values.scale))

interface Row {
  readonly job: string
  readonly 'longest delay ms': number
  /** Less what the process waited for a processor meanwhile. */
  readonly 'of its own ms': number
  readonly 'longest collection ms': number
  readonly seconds: string
}

const rows: Row[] = []

/** A line of the probe. */
interface Note {
  readonly at: number
  readonly delayMs: number
  readonly ownMs: number
  readonly collectionMs: number
}

/** A broker on a folder of its own, and what was measured of it. */
class Stage {
  broker!: BrokerProcess
  readonly #folder = mkdtempSync(join(values.folder, 'godwit-bench-'))

  get port(): number {
    return this.broker.port
  }

  get #probeFile(): string {
    return join(this.#folder, 'probe')
  }

  async start(): Promise<void> {
    const probe = join(import.meta.dirname, 'loop-probe.mjs')
    this.broker = await BrokerProcess.start({
      data: join(this.#folder, 'data'),
      env: {
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${probe}`,
        LOOP_PROBE_FILE: this.#probeFile,
        GODWIT_LOG__LEVEL: 'info',
        GODWIT_LIMITS__QUEUE_MESSAGES_MAX: '100000000',
        GODWIT_LIMITS__QUEUE_BYTES_MAX: '100000000000',
      },
      ...(values.program !== undefined && { program: values.program }),
    })
  }

  async measure(job: string, run: () => Promise<unknown>): Promise<void> {
    const from = Date.now()
    await run()
    const seconds = ((Date.now() - from) / 1000).toFixed(1)
    await delay(NOTED_MS)
    const noted = existsSync(this.#probeFile) ? readFileSync(this.#probeFile, 'utf8').trim().split('\n') : []
    const during = noted.map((line) => JSON.parse(line) as Note).filter(({ at }) => at >= from)
    const longest = (figures: readonly number[]): number => Math.round(Math.max(0, ...figures))
    rows.push({
      job,
      'longest delay ms': longest(during.map(({ delayMs }) => delayMs)),
      'of its own ms': longest(during.map(({ ownMs }) => ownMs)),
      'longest collection ms': longest(during.map(({ collectionMs }) => collectionMs)),
      seconds,
    })
    console.log(JSON.stringify(rows.at(-1)))
  }

  /** What the last job left to be done later is done. */
  async quiet(): Promise<void> {
    const { processId } = this.broker
    for (let before = cpuMicroseconds(processId); ; ) {
      await delay(QUIET_MS)
      const now = cpuMicroseconds(processId)
      if (now - before < QUIET_MS * 50) return
      before = now
    }
  }

  /** Messages of QoS 1, from a few publishers with a large window. */
  async publish(count: number, frames: (publisher: number) => (index: number, packetId: number) => Buffer) {
    const { port } = this
    const each = Math.ceil(count / PUBLISHERS)
    await Promise.all(
      Array.from({ length: PUBLISHERS }, async (_, i) => {
        const publisher = await LoadPublisher.connect({ port, clientId: `publisher-${i}` })
        await publisher.publish(each, IN_FLIGHT, frames(i))
        publisher.end()
      }),
    )
    return each * PUBLISHERS
  }

  async offline(clientId: string, topicFilter: string): Promise<void> {
    const receiver = await LoadReceiver.connect({ port: this.port, clientId, isKept: true })
    await receiver.subscribe(topicFilter, 1)
    receiver.end()
  }

  async end(): Promise<void> {
    await this.broker.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function queue(stage: Stage): Promise<void> {
  const queued = scaled(5_000_000)
  const kept = scaled(1_000_000)
  await stage.offline('offline', 'queue')
  let total = 0
  const fill = async (): Promise<void> => {
    total += await stage.publish(queued, () => framesOf('queue', PAYLOAD_BYTES))
  }
  await stage.measure(`an offline session gets ${queued} messages`, fill)
  await stage.measure(`${kept} messages are retained`, () =>
    stage.publish(kept, (publisher) => (index, packetId) => {
      const topicName = `retained/${publisher}/${index}`
      return publishFrame(topicName, randomPayload(index, PAYLOAD_BYTES), packetId, true)
    }),
  )
  await stage.quiet()
  await stage.measure('the broker quits', () => stage.broker.stop())
  await stage.measure('it starts with both', () => stage.start())
  const reader = await LoadReceiver.connect({ port: stage.port, clientId: 'reader' })
  await stage.measure(`one client subscribes to # and gets all ${kept}`, async () => {
    await reader.subscribe('#', 1)
    await reader.until(kept)
  })
  reader.end()
  await stage.measure('the queue is taken, while a tenth as much comes in', async () => {
    const back = await LoadReceiver.connect({ port: stage.port, clientId: 'offline', isKept: true })
    total += await stage.publish(queued / 10, () => framesOf('queue', PAYLOAD_BYTES))
    await back.until(total)
    back.end()
  })
  await stage.measure('what is left to be done afterwards', () => stage.quiet())
}

async function sessionEnd(stage: Stage): Promise<void> {
  const queued = scaled(1_000_000)
  await stage.offline('offline', 'queue')
  await stage.publish(queued, () => framesOf('queue', PAYLOAD_BYTES))
  await stage.quiet()
  await stage.measure(`a session with ${queued} messages ends`, async () => {
    const client = await SwarmClient.connect({ port: stage.port, clientId: 'offline', cleanStart: true })
    await stage.quiet()
    client.destroy()
  })
}

async function connections(stage: Stage): Promise<void> {
  const count = scaled(10_000)
  const { port } = stage
  let clients: SwarmClient[] = []
  const connectAll = async (): Promise<void> => {
    clients = await swarm(count, (i) =>
      SwarmClient.connect({ port, clientId: `client-${i}`, sessionExpiryInterval: DAY }),
    )
  }
  await stage.measure(`${count} clients connect`, connectAll)
  await stage.measure('each subscribes, all at once', () =>
    Promise.all(clients.map((client, i) => client.subscribe([`own/${i}`, 'all'], 1))),
  )
  for (const qos of [0, 1] as const) {
    await stage.measure(`20 messages to each of them, QoS ${qos}`, async () => {
      const received = clients.map((client) => client.received)
      const publisher = await SwarmClient.connect({ port, clientId: 'publisher' })
      for (let i = 0; i < 20; i++) {
        publisher.publish('all', qos)
        while (!clients.every((client, n) => client.received === (received[n] as number) + i + 1))
          await delay(5)
      }
      publisher.destroy()
    })
  }
  await stage.measure('each unsubscribes, all at once', () =>
    Promise.all(clients.map((client, i) => client.unsubscribe([`own/${i}`]))),
  )
  await stage.measure('all are gone at once', async () => {
    for (const client of clients) client.destroy()
    await stage.quiet()
  })
  await stage.measure('all are back, each its session', connectAll)
  await stage.measure('the broker quits', () => stage.broker.stop())
  await stage.measure('it starts', () => stage.start())
}

async function wills(stage: Stage): Promise<void> {
  const count = scaled(10_000)
  const { port } = stage
  const will = { topicName: 'wills/all', qos: 1, delayInterval: 5 } as const
  await stage.offline('offline', 'wills/#')
  const reader = await LoadReceiver.connect({ port, clientId: 'reader' })
  await reader.subscribe('wills/#', 1)
  const clients = await swarm(count, (i) =>
    SwarmClient.connect({
      port,
      clientId: `client-${i}`,
      sessionExpiryInterval: DAY,
      will: { ...will, topicName: `wills/${i}` },
    }),
  )
  await stage.measure(`${count} clients with wills are gone at once`, async () => {
    for (const client of clients) client.destroy()
    await delay(2_000)
  })
  await stage.measure(`${count} wills are due at once`, () => reader.until(count))
  reader.end()
}

async function sessions(stage: Stage): Promise<void> {
  const count = scaled(100_000)
  const { port } = stage
  const endAt = Date.now() + 60_000
  const endsIn = (): number => Math.max(1, Math.floor((endAt - Date.now()) / 1000))
  await swarm(count, async (i) => {
    const client = await SwarmClient.connect({ port, clientId: `client-${i}`, sessionExpiryInterval: DAY })
    await client.subscribe([`sessions/${i}`], 1)
    await client.leave(endsIn())
  })
  await stage.measure(`${count} sessions expire in the same second`, async () => {
    await delay(endAt + 2_000 - Date.now())
    await stage.quiet()
  })
}

async function restart(stage: Stage): Promise<void> {
  const count = scaled(100_000)
  const { port } = stage
  await swarm(count, async (i) => {
    const client = await SwarmClient.connect({ port, clientId: `client-${i}`, sessionExpiryInterval: DAY })
    await client.subscribe([`sessions/${i}`], 1)
    await client.leave(5)
  })
  await stage.broker.end('SIGKILL')
  await delay(5_000)
  await stage.measure(`it starts with ${count} sessions that have expired meanwhile`, async () => {
    await stage.start()
    await stage.quiet()
  })
}

async function fanOut(stage: Stage): Promise<void> {
  const count = scaled(10_000)
  const { port } = stage
  await swarm(count, async (i) => {
    const client = await SwarmClient.connect({ port, clientId: `client-${i}`, sessionExpiryInterval: DAY })
    await client.subscribe(['all'], 1)
    client.destroy()
  })
  await stage.quiet()
  await stage.measure(`200 messages, one after the other, to ${count} offline sessions`, async () => {
    const publisher = await LoadPublisher.connect({ port, clientId: 'publisher' })
    await publisher.publish(200, 1, framesOf('all', PAYLOAD_BYTES))
    publisher.end()
  })
  await stage.measure(`200 messages, all at once, to ${count} offline sessions`, () =>
    stage.publish(200, () => framesOf('all', PAYLOAD_BYTES)),
  )
}

async function batches(stage: Stage): Promise<void> {
  for (let i = 0; i < 100; i++) await stage.offline(`offline-${i}`, `batch/${i}`)
  await stage.measure(
    'batches as large as they come: 40 publishers, 1,000 messages in flight each',
    async () => {
      const { port } = stage
      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const publisher = await LoadPublisher.connect({ port, clientId: `publisher-${i}` })
          await publisher.publish(scaled(40_000), 1_000, framesOf(`batch/${i}`, 16))
          publisher.end()
        }),
      )
    },
  )
}

async function filters(stage: Stage): Promise<void> {
  const topicFilters = Array.from({ length: scaled(50_000) }, (_, i) => `f/${i}`)
  const { port } = stage
  const client = await SwarmClient.connect({ port, clientId: 'many', sessionExpiryInterval: DAY })
  await stage.measure(`one SUBSCRIBE has ${topicFilters.length} filters`, () =>
    client.subscribe(topicFilters, 1),
  )
  client.destroy()
  await stage.quiet()
  await stage.measure('its session ends', async () => {
    const again = await SwarmClient.connect({ port, clientId: 'many', cleanStart: true })
    await stage.quiet()
    again.destroy()
  })
}

const scripts = { queue, sessionEnd, connections, wills, sessions, restart, fanOut, batches, filters }
const wanted = values.only === '' ? Object.keys(scripts) : values.only.split(',')
for (const [name, script] of Object.entries(scripts)) {
  if (!wanted.includes(name)) continue
  const stage = new Stage()
  await stage.start()
  try {
    await script(stage)
  } finally {
    await stage.end()
  }
}
console.table(rows)
