// The broker's CPU time for a message beside Mosquitto's, both on this machine, in alternating rounds.
// npx tsx bench/beside-mosquitto.ts [--rounds 5] [--only pair-q1,iot-q0] [--way tcp|tls|ws]; build first, and have
// mosquitto on the PATH.
// CPU time is what a busy machine moves least; the ratio of two measured in turn moves least of all.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeCertificates } from '../certs/make.ts'
import { BrokerProcess } from '../test/integration/broker-process.ts'
import { startMosquitto } from './mosquitto-process.ts'
import { cpuMicroseconds, median } from './process-figures.ts'
import { type Pattern, runPattern } from './traffic.ts'
import { dialler, godwitEnvironment, WAYS_IN } from './ways-in.ts'

const pair = { publishers: 10, subscribers: 10, hears: 'pair', inFlight: 100, payloadBytes: 64 } as const
const iot = { publishers: 500, subscribers: 500, hears: 'pair', inFlight: 1, payloadBytes: 64 } as const
const all = { hears: 'all', inFlight: 100, payloadBytes: 64 } as const

const patterns: readonly Pattern[] = [
  { name: 'pair-q0', ...pair, qos: 0, messages: 300_000 },
  { name: 'pair-q1', ...pair, qos: 1, messages: 150_000 },
  { name: 'pair-q2', ...pair, qos: 2, messages: 100_000 },
  { name: 'pair-q1-1k', ...pair, payloadBytes: 1024, qos: 1, messages: 100_000 },
  { name: 'pair-q0-16k', ...pair, payloadBytes: 16_384, inFlight: 20, qos: 0, messages: 20_000 },
  { name: 'fanout-200', ...all, publishers: 1, subscribers: 200, qos: 0, messages: 3_000 },
  { name: 'fanin-q0', ...all, publishers: 100, subscribers: 1, qos: 0, messages: 200_000 },
  { name: 'fanin-q1', ...all, publishers: 100, subscribers: 1, qos: 1, messages: 100_000 },
  { name: 'iot-q0', ...iot, qos: 0, messages: 80_000 },
  { name: 'iot-q1', ...iot, qos: 1, messages: 80_000 },
]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    way: { type: 'string', default: 'tcp' },
  },
})
const way = WAYS_IN.find((each) => each === values.way) ?? 'tcp'
const only = values.only?.split(',')
const chosen = patterns.filter(({ name }) => only === undefined || only.includes(name))

let runs = 0
/** CPU microseconds for each delivery. */
async function measure(pattern: Pattern, port: number, processId: number): Promise<number> {
  const before = cpuMicroseconds(processId)
  const deliveries = await runPattern(pattern, dialler(way, port), `run-${runs++}`)
  return (cpuMicroseconds(processId) - before) / deliveries
}

const folder = mkdtempSync(join(tmpdir(), 'godwit-bench-'))
if (way === 'tls') await makeCertificates(folder)
const mosquitto = await startMosquitto(folder, way)
const godwit = await BrokerProcess.start({ data: join(folder, 'data'), env: godwitEnvironment(way, folder) })
try {
  const figures = chosen.map((pattern) => ({ pattern, mosquitto: [] as number[], godwit: [] as number[] }))
  // The first round warms both up and is not counted.
  for (let round = 0; round <= Number(values.rounds); round++) {
    process.stderr.write(`round ${round} of ${values.rounds}\n`)
    for (const row of figures) {
      const theirs = await measure(row.pattern, mosquitto.port, mosquitto.child.pid ?? 0)
      const ours = await measure(row.pattern, godwit.port, godwit.processId)
      if (round === 0) continue
      row.mosquitto.push(theirs)
      row.godwit.push(ours)
    }
  }
  console.log(`CPU microseconds a message, median of ${values.rounds}; node ${process.version}`)
  console.table(
    figures.map((row) => ({
      pattern: row.pattern.name,
      mosquitto: median(row.mosquitto).toFixed(2),
      godwit: median(row.godwit).toFixed(2),
      ratio: (median(row.godwit) / median(row.mosquitto)).toFixed(3),
    })),
  )
} finally {
  mosquitto.child.kill()
  await godwit.stop()
  rmSync(folder, { recursive: true, force: true })
}
