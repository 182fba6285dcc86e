// What the LevelDB store costs: microseconds of the whole process's CPU and of the clock per operation, with all
// threads counted. Run: npx tsx bench/micro/store.ts [folder], on the disk that is to be measured.
import { fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createMessage } from '../../src/packet/publish.ts'
import { Delivery, DeliveryState } from '../../src/store/delivery.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import type { CommitListener, Restorer, SyncMode } from '../../src/store/store.ts'

const folder = mkdtempSync(join(process.argv[2] ?? process.cwd(), '.store-bench-'))
const nothing: Restorer = { session() {}, subscription() {}, retained() {}, will() {} }

interface Row {
  readonly what: string
  readonly 'CPU us': string
  readonly 'wall us': string
  readonly 'per second': number
}

async function openStore(sync: SyncMode): Promise<LevelStore> {
  const store = new LevelStore({ path: mkdtempSync(join(folder, 'data-')), sync })
  await store.open(nothing)
  return store
}

async function measure(what: string, count: number, run: () => Promise<void>): Promise<Row> {
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await run()
  const wallUs = (performance.now() - startedAt) * 1000
  const { user, system } = process.cpuUsage(cpu)
  return {
    what,
    'CPU us': ((user + system) / count).toFixed(2),
    'wall us': (wallUs / count).toFixed(2),
    'per second': Math.round((count / wallUs) * 1e6),
  }
}

const messageOf = (payloadBytes: number) =>
  createMessage({
    topicName: 'sensors/hall/temperature',
    payload: Buffer.alloc(payloadBytes, 1),
    qos: 1,
    retain: false,
    expiresAt: Number.POSITIVE_INFINITY,
    properties: Buffer.alloc(0),
  })

const deliveryOf = (sequence: number, message = messageOf(64)) =>
  new Delivery(sequence, message, 1, false, undefined)

/** Keeps `inFlight` enqueues waiting for their commit, each followed by the next one once it is down. */
class Publishers implements CommitListener {
  readonly written: Delivery[] = []
  readonly #store: LevelStore
  readonly #count: number
  #sent = 0
  #committed = 0
  #done: () => void = () => {}

  constructor(store: LevelStore, count: number) {
    this.#store = store
    this.#count = count
  }

  run(inFlight: number): Promise<void> {
    for (let i = 0; i < inFlight; i++) this.#send()
    return new Promise((resolve) => {
      this.#done = resolve
    })
  }

  committed(): void {
    if (++this.#committed === this.#count) this.#done()
    if (this.#sent < this.#count) this.#send()
  }

  #send(): void {
    const delivery = deliveryOf(this.#sent++)
    this.#store.enqueue(1 + (delivery.sequence % 10), delivery)
    this.#store.afterCommit(this, 0)
    this.written.push(delivery)
  }
}

async function enqueue(sync: SyncMode, count: number, inFlight: number): Promise<Row> {
  const store = await openStore(sync)
  const publishers = new Publishers(store, count)
  const row = await measure(`enqueue 64 B, sync ${sync}, ${inFlight} in flight`, count, () =>
    publishers.run(inFlight),
  )
  await store.close()
  return row
}

async function dequeueOnDisk(count: number): Promise<Row> {
  const store = await openStore('always')
  const publishers = new Publishers(store, count)
  await publishers.run(1_000)
  const row = await measure('dequeue what is on disk', count, async () => {
    for (let i = 0; i < count; i += 1_000) {
      for (const delivery of publishers.written.slice(i, i + 1_000)) {
        delivery.state = DeliveryState.Done
        store.dequeue(1 + (delivery.sequence % 10), delivery)
      }
      await store.flush()
    }
  })
  await store.close()
  return row
}

async function cancelled(count: number): Promise<Row> {
  const store = await openStore('always')
  const row = await measure('enqueue + dequeue, cancelled in memory', count, async () => {
    for (let i = 0; i < count; i += 1_000) {
      for (let sequence = i; sequence < i + 1_000; sequence++) {
        const delivery = deliveryOf(sequence)
        store.enqueue(1, delivery)
        delivery.state = DeliveryState.Done
        store.dequeue(1, delivery)
      }
      await store.flush()
    }
  })
  await store.close()
  return row
}

async function fanOut(rounds: number): Promise<Row> {
  const store = await openStore('always')
  const row = await measure('1 message of 64 B to 1,000 queues, per queue', rounds * 1_000, async () => {
    for (let sequence = 0; sequence < rounds; sequence++) {
      const message = messageOf(64)
      for (let session = 1; session <= 1_000; session++) store.enqueue(session, deliveryOf(sequence, message))
      await store.flush()
    }
  })
  await store.close()
  return row
}

async function readBack(count: number): Promise<Row> {
  const store = await openStore('always')
  for (let sequence = 0; sequence < count; sequence++) {
    store.enqueue(1, deliveryOf(sequence))
    if (sequence % 1_000 === 999) await store.flush()
  }
  const row = await measure('read back, 100 at a time', count, async () => {
    for (let from = 0; from < count; from += 100) await store.readQueue(1, from, 100)
  })
  await store.close()
  return row
}

async function fsync(count: number): Promise<Row> {
  const file = openSync(join(folder, 'fsync'), 'a')
  const block = Buffer.alloc(4_096, 1)
  return await measure('append 4 KiB and fsync, this disk', count, async () => {
    for (let i = 0; i < count; i++) {
      writeSync(file, block)
      fsyncSync(file)
    }
  })
}

/** What making the message and the delivery costs, contained in the rows above. */
async function making(count: number): Promise<Row> {
  return await measure('(making message and delivery)', count, async () => {
    for (let i = 0; i < count; i++) deliveryOf(i).message?.own()
  })
}

try {
  await enqueue('no', 50_000, 1_000)
  const rows = [
    await fsync(1_000),
    await making(200_000),
    await enqueue('always', 200_000, 1_000),
    await enqueue('everysec', 200_000, 1_000),
    await enqueue('no', 200_000, 1_000),
    await enqueue('always', 20_000, 10),
    await enqueue('always', 5_000, 1),
    await cancelled(200_000),
    await dequeueOnDisk(200_000),
    await fanOut(100),
    await readBack(100_000),
  ]
  console.table(rows)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
