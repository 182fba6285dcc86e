// A reconnect storm: thousands of TLS clients come at once while others are connected and exchange messages. How long
// until all are in, and what the others notice of it; beside Mosquitto, which is hit by the same.
// npx tsx bench/storm.ts [--clients 10000] [--resumed] [--godwit-only]; build first, and have mosquitto on the PATH.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { parseArgs } from 'node:util'
import { makeCertificates } from '../certs/make.ts'
import { encodeConnect } from '../src/packet/connect.ts'
import { createMessage } from '../src/packet/publish.ts'
import { encodeSubscribe } from '../src/packet/subscribe.ts'
import { BrokerProcess } from '../test/integration/broker-process.ts'
import { startMosquitto } from './mosquitto-process.ts'
import { cpuMicroseconds } from './process-figures.ts'
import { godwitEnvironment } from './ways-in.ts'

const PROBE_MS = 5
const WITNESSES = 20
const QUIET_MS = 3_000

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '10000' },
    resumed: { type: 'boolean', default: false },
    'godwit-only': { type: 'boolean', default: false },
  },
})

interface Storm {
  readonly admitted: number
  readonly failed: number
  readonly seconds: number
}

async function dial(port: number, options = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  return socket
}

const hello = (clientId: string): Buffer => encodeConnect({ version: 5, clientId, keepAlive: 600 })

/** Clients that are there before, and send a message to themselves all the time. Milliseconds until it is back. */
class Witnesses {
  readonly #sockets: TLSSocket[] = []
  readonly #delays: number[] = []
  #timer: NodeJS.Timeout | undefined

  async begin(port: number): Promise<void> {
    for (let i = 0; i < WITNESSES; i++) {
      const socket = await dial(port)
      socket.write(hello(`witness-${i}`))
      await once(socket, 'data')
      const filter = {
        topicFilter: `w/${i}`,
        qos: 0,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
      } as const
      socket.write(
        encodeSubscribe({ packetId: 1, subscriptionIdentifier: 0, userProperties: [], filters: [filter] }, 5),
      )
      await once(socket, 'data')
      socket.on('data', (chunk: Buffer) =>
        this.#delays.push(performance.now() - chunk.readDoubleBE(chunk.length - 8)),
      )
      this.#sockets.push(socket)
    }
    let turn = 0
    this.#timer = setInterval(() => this.#probe(turn++ % WITNESSES), PROBE_MS)
  }

  #probe(index: number): void {
    const payload = Buffer.alloc(8)
    payload.writeDoubleBE(performance.now())
    const parts = { topicName: `w/${index}`, payload, qos: 0, retain: false, expiresAt: Infinity } as const
    this.#sockets[index]?.write(createMessage({ ...parts, properties: Buffer.alloc(0) }).bytes)
  }

  /** Of what has come since it was asked last. */
  figures(): { p50: string; p99: string; max: string } {
    const delays = this.#delays.splice(0).sort((a, b) => a - b)
    const at = (share: number): string => (delays[Math.floor((delays.length - 1) * share)] ?? 0).toFixed(1)
    return { p50: at(0.5), p99: at(0.99), max: at(1) }
  }

  end(): void {
    clearInterval(this.#timer)
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** In a process of its own: its handshakes cost as much as the broker's. */
async function storm(port: number, count: number, isResumed: boolean): Promise<Storm> {
  const child = fork(
    import.meta.filename,
    ['--clients', String(count), ...(isResumed ? ['--resumed'] : [])],
    {
      env: { ...process.env, STORM_PORT: String(port) },
    },
  )
  const [result] = await once(child, 'message')
  child.kill()
  return result as Storm
}

/** The child: all clients at once, each through CONNACK. Those that fail try again, as clients do. */
async function runStorm(port: number): Promise<void> {
  const count = Number(values.clients)
  let session: Buffer | undefined
  if (values.resumed) {
    const first = await dial(port)
    first.on('session', (ticket) => (session = ticket))
    first.write(hello('first'))
    await once(first, 'data')
    first.destroy()
  }
  let failed = 0
  const startedAt = performance.now()
  const come = async (index: number): Promise<void> => {
    for (;;) {
      try {
        const socket = await dial(port, session === undefined ? {} : { session })
        socket.on('error', () => {})
        socket.write(hello(`storm-${index}`))
        await once(socket, 'data')
        return
      } catch {
        failed++
      }
    }
  }
  await Promise.all(Array.from({ length: count }, (_, index) => come(index)))
  const result: Storm = { admitted: count, failed, seconds: (performance.now() - startedAt) / 1000 }
  process.send?.(result)
}

async function measure(name: string, port: number, processId: number): Promise<Record<string, unknown>> {
  const witnesses = new Witnesses()
  await witnesses.begin(port)
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS))
  const before = witnesses.figures()
  const cpuBefore = cpuMicroseconds(processId)
  const { admitted, failed, seconds } = await storm(port, Number(values.clients), values.resumed)
  const during = witnesses.figures()
  const cpu = (cpuMicroseconds(processId) - cpuBefore) / admitted
  witnesses.end()
  return {
    broker: name,
    clients: admitted,
    'tried again': failed,
    seconds: seconds.toFixed(1),
    'a second': Math.round(admitted / seconds),
    'CPU us each': Math.round(cpu),
    'p99 before, ms': before.p99,
    'p50 during': during.p50,
    'p99 during': during.p99,
    'longest during': during.max,
  }
}

async function compare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-storm-'))
  await makeCertificates(folder)
  const rows: Record<string, unknown>[] = []
  try {
    const godwit = await BrokerProcess.start({ env: godwitEnvironment('tls', folder) })
    rows.push(await measure('godwit', godwit.port, godwit.processId))
    await godwit.stop()
    if (!values['godwit-only']) {
      const { port, child } = await startMosquitto(folder, 'tls')
      rows.push(await measure('mosquitto', port, child.pid ?? 0))
      child.kill()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.table(rows)
}

const { STORM_PORT } = process.env
if (STORM_PORT === undefined) await compare()
else await runStorm(Number(STORM_PORT))
