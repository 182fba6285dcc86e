// Our store beside aedes-persistence-level, on the same work: the CPU of the whole process, all threads, and the clock.
// npx tsx bench/store.ts [--rounds 5] [--folder DIR]. Rounds alternate; medians. The sides: store-sides.ts.
// What each guarantees when it says done: godwit always: fsynced; the others: written, which a power cut may take.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { median } from './process-figures.ts'
import { openAedes, openGodwit, type StoreSide } from './store-sides.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, folder: { type: 'string', default: tmpdir() } },
})
const folder = mkdtempSync(join(values.folder, 'godwit-store-'))
const rounds = Number(values.rounds)

const sides = {
  aedes: (path: string) => openAedes(path, false),
  'godwit no': (path: string) => openGodwit(path, 'no'),
  'godwit always': (path: string) => openGodwit(path, 'always'),
  'aedes, put fsynced': (path: string) => openAedes(path, true),
} satisfies Record<string, (path: string) => Promise<StoreSide>>
type SideName = keyof typeof sides
const sideNames = Object.keys(sides) as SideName[]

interface Work {
  readonly what: string
  /** Not measured. */
  readonly prepare?: (side: StoreSide) => Promise<unknown>
  /** Resolves with the number of operations. */
  readonly run: (side: StoreSide) => Promise<number>
  /** Default: all. */
  readonly sides?: readonly SideName[]
}

type Begin = (i: number, done: () => void) => void

/** `limit` operations wait for their acknowledgement at any time, as those of publishers with a window do. */
function inFlight(count: number, limit: number, begin: Begin): Promise<number> {
  let begun = 0
  let ended = 0
  return new Promise((resolve) => {
    const next = (): void => {
      if (begun < count) begin(begun++, done)
    }
    const done = (): void => {
      if (++ended === count) resolve(count)
      else next()
    }
    for (let i = 0; i < Math.min(limit, count); i++) next()
  })
}

/** For what takes a microsecond on one side and a tenth of a second on the other. */
async function forHalfASecond(operation: (i: number) => unknown): Promise<number> {
  const endsAt = performance.now() + 500
  let count = 0
  while (performance.now() < endsAt) await operation(count++)
  return count
}

const writers: readonly SideName[] = ['aedes', 'godwit no', 'godwit always']
const readers: readonly SideName[] = ['aedes', 'godwit no']
const MESSAGES = 20_000
const MANY = 1_000
const FILTERS_EACH = 20
const topicOf = (i: number): string => `site/${i % 100}/device/${i}/temperature`

const enqueue = (side: StoreSide, count: number, limit: number, sessions = 1): Promise<number> =>
  inFlight(count, limit, (_, done) => side.enqueue(sessions, done))

const subscribe = (side: StoreSide): Promise<number> =>
  inFlight(MANY, 100, (session, done) => {
    const filters = Array.from({ length: FILTERS_EACH }, (_, i) => topicOf(session * FILTERS_EACH + i))
    side.subscribe(session + 1, filters, done)
  })

const retain = (side: StoreSide): Promise<number> =>
  inFlight(MESSAGES, MANY, (i, done) => side.retain(topicOf(i), done))

const works: readonly Work[] = [
  { what: 'to one offline session, 1,000 in flight', run: (side) => enqueue(side, MESSAGES, 1_000) },
  { what: 'to one offline session, one at a time', run: (side) => enqueue(side, MESSAGES / 10, 1) },
  {
    what: 'one message to 1,000 offline sessions, each',
    run: async (side) => (await enqueue(side, MESSAGES / MANY, 10, MANY)) * MANY,
  },
  {
    what: 'a queue drains',
    prepare: (side) => enqueue(side, MESSAGES, 1_000),
    run: (side) => side.drain(),
    sides: writers,
  },
  {
    what: 'add a subscription, 20 in a packet',
    run: async (side) => (await subscribe(side)) * FILTERS_EACH,
    sides: writers,
  },
  {
    what: 'look up who is subscribed, of 20,000',
    prepare: subscribe,
    run: (side) => forHalfASecond((i) => side.lookUp(topicOf((i * 7) % MESSAGES))),
    sides: readers,
  },
  { what: 'retain, 20,000 topics', run: retain },
  {
    what: 'retained messages of #, each',
    prepare: retain,
    run: async (side) => (await forHalfASecond(() => side.scan('#'))) * MESSAGES,
    sides: readers,
  },
  {
    what: 'retained message of one topic, of 20,000',
    prepare: retain,
    run: (side) => forHalfASecond((i) => side.scan(topicOf((i * 7) % MESSAGES))),
    sides: readers,
  },
]

interface Figures {
  readonly cpuUs: number
  readonly perSecond: number
}

async function measure(work: Work, sideName: SideName): Promise<Figures> {
  const path = mkdtempSync(join(folder, 'data-'))
  const side = await sides[sideName](path)
  await work.prepare?.(side)
  globalThis.gc?.()
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const count = await work.run(side)
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  await side.close()
  rmSync(path, { recursive: true })
  return { cpuUs: (user + system) / count, perSecond: count / seconds }
}

const digits = (value: number): string => value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(value))))

async function compare(work: Work): Promise<void> {
  const names = work.sides ?? sideNames
  const figures = new Map<SideName, Figures[]>(names.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const figure = await measure(work, name)
      if (round > 0) figures.get(name)?.push(figure) // The first one is for the compiler.
    }
  }
  const medianOf = (name: SideName, of: keyof Figures): number =>
    median((figures.get(name) ?? []).map((figure) => figure[of]))
  const ratio = medianOf('aedes', 'cpuUs') / medianOf('godwit no', 'cpuUs')
  console.log(`${work.what}: aedes takes ${digits(ratio)} times the CPU of godwit no`)
  for (const name of names) {
    const perSecond = Math.round(medianOf(name, 'perSecond')).toLocaleString('en')
    console.log(
      `  ${name.padEnd(20)}${digits(medianOf(name, 'cpuUs')).padStart(10)} us${perSecond.padStart(14)} a second`,
    )
  }
}

try {
  for (const work of works) await compare(work)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
