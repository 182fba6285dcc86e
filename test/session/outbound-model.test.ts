// One queue against a client that loses connections, answers late and in any order, and remembers as a client should:
// every QoS 1 message arrives at least once, every QoS 2 message exactly once, every QoS 0 message that waits for the
// client at most once, and else it is counted; in order.
import { describe, expect, it } from 'vitest'
import type { AckType } from '../../src/packet/ack.ts'
import type { Message } from '../../src/packet/message.ts'
import type { PublishFields } from '../../src/packet/publish.ts'
import { DropReason } from '../../src/session/drops.ts'
import type { OutboundLimits } from '../../src/session/outbound-context.ts'
import type { Sink } from '../../src/session/sink.ts'
import { memoryQueue, type Queue, restartableQueue, settled } from './queue.ts'

/** A generator of its own for each seed: the same numbers whenever a failure is looked into. */
function randomBelow(seed: number): (bound: number) => number {
  let state = BigInt(seed) * 2_654_435_761n + 1n
  return (bound) => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) & 0xffff_ffff_ffff_ffffn
    return Number((state >> 33n) % BigInt(bound))
  }
}

/** Not a sleep: how long a simulation that has come to a stand is waited for. */
const PATIENCE_MS = 60_000

type Answer = { readonly kind: 'puback' | 'pubrec' | 'pubcomp'; readonly packetId: number }

/** What a client remembers beyond its connections: what has arrived, and QoS 2 packet ids not yet released. */
class Client {
  readonly arrived0: string[] = []
  readonly arrived1: string[] = []
  readonly arrived2: string[] = []
  readonly #unreleased = new Set<number>()
  connection: ClientConnection | undefined

  take(payload: string, qos: number, packetId: number): void {
    if (qos === 0) this.arrived0.push(payload)
    else if (qos === 1) this.arrived1.push(payload)
    else if (!this.#unreleased.has(packetId)) {
      this.#unreleased.add(packetId)
      this.arrived2.push(payload)
    }
  }

  release(packetId: number): void {
    this.#unreleased.delete(packetId)
  }
}

class ClientConnection implements Sink {
  isWritable = true
  readonly backlog = 0
  readonly answers: Answer[] = []
  /** Packet ids that we hold the answer of: none may be used for another message. */
  readonly #open = new Set<number>()
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  deliver(message: Message, { qos, packetId }: PublishFields): boolean {
    if (qos === 0) {
      this.#client.take(String(message.payload), qos, packetId)
      return true
    }
    expect(this.#open.has(packetId)).toBe(false)
    this.#open.add(packetId)
    this.#client.take(String(message.payload), qos, packetId)
    this.answers.push({ kind: qos === 1 ? 'puback' : 'pubrec', packetId })
    return true
  }

  acknowledge(_type: AckType, packetId: number): void {
    this.#open.add(packetId)
    this.#client.release(packetId)
    this.answers.push({ kind: 'pubcomp', packetId })
  }

  closed({ kind, packetId }: Answer): void {
    if (kind !== 'pubrec') this.#open.delete(packetId)
  }
}

class Simulation {
  readonly queue: Queue
  readonly client = new Client()
  readonly pushed0: string[] = []
  readonly pushed1: string[] = []
  readonly pushed2: string[] = []
  readonly #random: (bound: number) => number
  readonly #restart: (() => Promise<void>) | undefined
  readonly #quota: number

  constructor(queue: Queue, seed: number, restart: (() => Promise<void>) | undefined) {
    this.queue = queue
    this.#random = randomBelow(seed)
    this.#restart = restart
    this.#quota = 1 + this.#random(12)
  }

  async step(): Promise<void> {
    const dice = this.#random(100)
    if (dice < 40) this.#push()
    else if (dice < 75) await this.#answer()
    else if (dice < 85) this.#toggleWritable()
    else if (dice < 90) this.attach()
    else if (dice < 94) this.#detach()
    else if (dice < 96 && this.#restart !== undefined) await this.#restarted(this.#restart)
    else if (dice < 98) await settled(this.queue)
    expect(this.queue.outbound.inFlight).toBeLessThanOrEqual(this.#quota)
  }

  /** A good connection at last: everything is taken. */
  async drain(): Promise<void> {
    this.attach()
    const connection = this.client.connection as ClientConnection
    connection.isWritable = true
    this.queue.outbound.pump()
    const deadline = Date.now() + PATIENCE_MS
    while (this.queue.outbound.length > 0 && Date.now() < deadline) {
      while (connection.answers.length > 0) await this.#answer()
      await settled(this.queue)
    }
  }

  attach(): void {
    if (this.client.connection !== undefined) return
    this.client.connection = new ClientConnection(this.client)
    this.queue.outbound.attach(this.client.connection, this.#quota)
  }

  #push(): void {
    for (let count = this.#random(6); count >= 0; count--) {
      const qos = this.#random(8) === 0 ? 0 : 1 + this.#random(2)
      const pushed = [this.pushed0, this.pushed1, this.pushed2][qos] as string[]
      const payload = `${qos}/${pushed.length}`
      pushed.push(payload)
      this.queue.push(qos as 0 | 1 | 2, payload)
    }
  }

  async #answer(): Promise<void> {
    const connection = this.client.connection
    if (connection === undefined || connection.answers.length === 0) return
    const [answer] = connection.answers.splice(this.#random(connection.answers.length), 1) as [Answer]
    const { outbound, store } = this.queue
    connection.closed(answer)
    if (answer.kind === 'puback') expect(outbound.acknowledged(answer.packetId, 1, false)).toBe(true)
    else if (answer.kind === 'pubcomp') expect(outbound.completed(answer.packetId)).toBe(true)
    else {
      expect(outbound.received(answer.packetId)).toBe(true)
      // As handle-pubrec.ts: PUBREL leaves when it is down, unless the connection has gone.
      await store.flush()
      connection.acknowledge(6, answer.packetId)
    }
  }

  #toggleWritable(): void {
    const { connection } = this.client
    if (connection === undefined) return
    connection.isWritable = !connection.isWritable
    if (connection.isWritable) this.queue.outbound.pump()
  }

  #detach(): void {
    if (this.client.connection === undefined) return
    this.client.connection = undefined
    this.queue.outbound.detach()
  }

  async #restarted(restart: () => Promise<void>): Promise<void> {
    this.#detach()
    await restart()
  }
}

const unique = (payloads: string[]): string[] => [...new Set(payloads)]

async function simulate(
  seed: number,
  steps: number,
  queue: Queue,
  restart?: () => Promise<void>,
): Promise<void> {
  const simulation = new Simulation(queue, seed, restart)
  simulation.attach()
  for (let i = 0; i < steps; i++) await simulation.step()
  await simulation.drain()
  const { client, pushed0, pushed1, pushed2 } = simulation
  const lost = queue.drops.of(DropReason.Offline)
  expect(queue.drops.total).toBe(lost)
  expect(client.arrived0).toHaveLength(pushed0.length - lost)
  expect(pushed0.filter((payload) => client.arrived0.includes(payload))).toEqual(client.arrived0)
  if (queue.queueQos0 && restart === undefined) expect(lost).toBe(0)
  expect(client.arrived2).toEqual(pushed2)
  expect(unique(client.arrived1)).toEqual(pushed1)
  expect(pushed1.length + pushed2.length).toBeGreaterThan(steps / 2)
  expect(queue.outbound.length).toBe(0)
  expect(queue.outbound.inFlight).toBe(0)
}

/** Windows and quotas in all relations to each other. */
const limitsOf = (seed: number): Partial<OutboundLimits> => ({
  queueWindow: 1 + ((seed * 7) % 20),
  inFlightMax: 1 + ((seed * 5) % 15),
})

describe('at least once, exactly once, in order, whatever the connections do', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))('in memory, seed %i', async (seed) => {
    await simulate(seed, 400, memoryQueue(limitsOf(seed), true, seed % 2 === 0))
  })

  it.each(Array.from({ length: 12 }, (_, seed) => seed))('on disk, with restarts, seed %i', async (seed) => {
    const { queue, restart } = await restartableQueue(limitsOf(seed), seed % 2 === 0)
    await simulate(seed, 200, queue, restart)
  })
})
