// A queue larger than memory: what millions of messages for one offline session cost in memory, how long the broker
// takes to start with them, how fast and in which order they are taken while new ones come in, and whether their disk
// space comes back. 200 bytes, QoS 1, sync always.
// npx tsx bench/queue.ts [--messages 5000000] [--folder DIR] [--program FILE]; build first. Linux.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BrokerProcess } from '../test/integration/broker-process.ts'
import { LoadPublisher, LoadReceiver, publishFrame, randomPayload } from './load.ts'
import { memoryFigures } from './process-figures.ts'

const PUBLISHERS = 4
const IN_FLIGHT = 500
const PAYLOAD_BYTES = 200
/** Publisher and number of the message come first in its payload. */
const MARK_BYTES = 8
/** Of what waits, so much comes in while it is taken. */
const MEANWHILE = 0.1
const SAMPLE_EVERY_MS = 50
/** Idle for so long, a process has given back what it gives back. */
const SETTLED_MS = 10_000

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '5000000' },
    folder: { type: 'string', default: tmpdir() },
    program: { type: 'string' },
  },
})
const perPublisher = Math.ceil(Number(values.messages) / PUBLISHERS)
const waiting = perPublisher * PUBLISHERS

interface Row {
  readonly moment: string
  /** Resident and its own, now and at most since the row before. */
  readonly 'own MiB': number
  readonly 'own MiB at most': number
  readonly 'all resident MiB': number
  readonly 'data folder MiB': number
  readonly seconds: string
  readonly 'messages a second': number | ''
}

/** One broker after another on the same folder, its memory looked at all the time. */
class Watched {
  broker!: BrokerProcess
  readonly rows: Row[] = []
  readonly data = mkdtempSync(join(values.folder, 'godwit-bench-'))
  #most = 0
  readonly #sampling = setInterval(() => this.#sample(), SAMPLE_EVERY_MS)

  async start(): Promise<void> {
    this.broker = await BrokerProcess.start({
      data: this.data,
      env: {
        GODWIT_LIMITS__QUEUE_MESSAGES_MAX: String(waiting * 2),
        GODWIT_LIMITS__QUEUE_BYTES_MAX: String(waiting * 1_000),
      },
      ...(values.program !== undefined && { program: values.program }),
    })
    this.#most = 0
  }

  async during(moment: string, messages: number, run: () => Promise<unknown>): Promise<void> {
    const startedAt = performance.now()
    await run()
    this.note(moment, (performance.now() - startedAt) / 1_000, messages)
  }

  note(moment: string, seconds?: number, messages?: number): void {
    this.#sample()
    const { ownMiB, mappedMiB } = memoryFigures(this.broker.processId)
    this.rows.push({
      moment,
      'own MiB': ownMiB,
      'own MiB at most': this.#most,
      'all resident MiB': ownMiB + mappedMiB,
      'data folder MiB': Number(execFileSync('du', ['-sm', this.data]).toString().split('\t')[0]),
      seconds: seconds?.toFixed(2) ?? '',
      'messages a second': messages && seconds ? Math.round(messages / seconds) : '',
    })
    this.#most = 0
    console.log(JSON.stringify(this.rows.at(-1)))
  }

  async end(): Promise<void> {
    clearInterval(this.#sampling)
    await this.broker.end('SIGKILL')
    rmSync(this.data, { recursive: true, force: true })
  }

  #sample(): void {
    try {
      this.#most = Math.max(this.#most, memoryFigures(this.broker.processId).ownMiB)
    } catch {
      // Between two brokers there is none.
    }
  }
}

/** Numbers each publisher's messages from where it stopped. */
async function publish(port: number, counts: number[], each: number): Promise<void> {
  await Promise.all(
    counts.map(async (from, i) => {
      const publisher = await LoadPublisher.connect({ port, clientId: `publisher-${i}` })
      await publisher.publish(each, IN_FLIGHT, (index, packetId) => {
        const payload = Buffer.from(randomPayload(index, PAYLOAD_BYTES))
        payload.writeUInt32BE(i, 0)
        payload.writeUInt32BE(from + index, 4)
        return publishFrame('queue', payload, packetId)
      })
      counts[i] = from + each
      publisher.end()
    }),
  )
}

/** Throws for a message that is missing or out of its publisher's order. */
function inOrder(): (payload: Buffer) => void {
  const next = new Array<number>(PUBLISHERS).fill(0)
  return (payload) => {
    const publisher = payload.readUInt32BE(0)
    const number = payload.readUInt32BE(4)
    if (number !== next[publisher]) {
      throw new Error(`publisher ${publisher}: ${next[publisher]} was to come, ${number} came`)
    }
    next[publisher] = number + 1
  }
}

async function run(watched: Watched): Promise<void> {
  const counts = new Array<number>(PUBLISHERS).fill(0)
  await watched.start()
  const subscriber = await LoadReceiver.connect({
    port: watched.broker.port,
    clientId: 'offline',
    isKept: true,
  })
  await subscriber.subscribe('queue', 1)
  subscriber.end()
  watched.note('idle')
  await watched.during('all wait', waiting, () => publish(watched.broker.port, counts, perPublisher))
  await delay(SETTLED_MS)
  watched.note('ten seconds later')
  await watched.broker.stop()
  await watched.start()
  watched.note('started with them', watched.broker.startMs / 1_000)
  const { port } = watched.broker
  const back = await LoadReceiver.connect({ port, clientId: 'offline', isKept: true, onPayload: inOrder() })
  await watched.during('the first 1,000 are there', 1_000, () => back.until(1_000))
  const meanwhile = Math.ceil(perPublisher * MEANWHILE)
  const all = waiting + meanwhile * PUBLISHERS
  await watched.during('all taken, a tenth more came in', all, async () => {
    await publish(port, counts, meanwhile)
    await back.until(all)
  })
  back.end()
  await delay(SETTLED_MS)
  watched.note('ten seconds later')
  await watched.broker.stop()
  await watched.start()
  watched.note('started again', watched.broker.startMs / 1_000)
}

const watched = new Watched()
try {
  await run(watched)
} finally {
  await watched.end()
}
console.table(watched.rows)
const MiB = Math.round((waiting * PAYLOAD_BYTES) / 2 ** 20)
console.log(
  `${waiting} messages of ${PAYLOAD_BYTES} bytes, ${MARK_BYTES} of them their number: ${MiB} MiB of payload`,
)
