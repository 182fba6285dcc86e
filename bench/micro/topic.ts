// What a match, a subscription and a retained topic cost, in nanoseconds and bytes.
// Run it with: npx tsx bench/micro/topic.ts [largest number of subscriptions]
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MatchCache } from '../../src/topic/match-cache.ts'
import { RetainedTrie } from '../../src/topic/retained-trie.ts'
import { SubscriptionTrie } from '../../src/topic/subscription-trie.ts'
import { topicNameProblem } from '../../src/topic/topic-name.ts'

const LEVELS_MAX = 200
const NAMES = 1024
/** Below, the heap's own noise is larger than a trie. */
const FEW = 1000
const CACHE_CAPACITY = 4096

setFlagsFromString('--expose-gc')
const collect = globalThis.gc ?? (runInNewContext('gc') as () => void)

const session = { name: 'subscriber' }
const subscription = { qos: 1 }
let sink = 0

/** Distinct; one in ten has a wildcard. */
function topicFilterOf(i: number): string {
  if (i % 20 === 19) return `site/${i % 97}/device/${i}/#`
  if (i % 20 === 9) return `site/${i % 97}/device/${i}/+`
  return topicNameOf(i)
}

const topicNameOf = (i: number): string => `site/${i % 97}/device/${i}/temperature`

/** A string as a decoder makes it: flat, not yet hashed. */
const decoded = (topicName: string): string => Buffer.from(topicName).toString('latin1')

function heapBytes(): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

/** Nanoseconds per call: the best of five rounds after one to warm up. */
function time(calls: number, run: (i: number) => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 6; round++) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < calls; i++) run(i)
    const each = Number(process.hrtime.bigint() - start) / calls
    if (round > 0) best = Math.min(best, each)
  }
  return best
}

/** Names spread over the trie, so that each match touches other nodes. */
function namesOver(count: number, fresh: number): string[] {
  return Array.from({ length: fresh }, (_, k) => decoded(topicNameOf((k * 7919 * 31) % count)))
}

function measureSubscriptions(count: number): Record<string, number> {
  const before = heapBytes()
  const trie = new SubscriptionTrie<typeof session, typeof subscription>()
  const start = process.hrtime.bigint()
  for (let i = 0; i < count; i++) trie.add(decoded(topicFilterOf(i)), session, subscription)
  const subscribe = Number(process.hrtime.bigint() - start) / count
  const bytes = (heapBytes() - before) / count

  const match = (topicName: string): object[] => {
    const found: object[] = []
    trie.match(
      topicName,
      (_subscriber, subscription) => found.push(subscription),
      (group) => found.push(group),
    )
    return found
  }
  const names = namesOver(count, 200_000)
  const few = names.slice(0, NAMES)
  const cache = new MatchCache(CACHE_CAPACITY, match, (found) => found.length + 1)
  const result = {
    'cache hit ns': time(2_000_000, (i) => {
      sink += cache.lookup(few[i % NAMES] as string).length
    }),
    // Many names: in a large trie the nodes come from memory, not from the processor's cache.
    'match ns': time(names.length, (i) => {
      sink += match(names[i] as string).length
    }),
    'has interest ns': time(names.length, (i) => {
      sink += trie.hasInterest(names[i] as string) ? 1 : 0
    }),
    'sub + unsub ns': time(100_000, (i) => {
      const topicFilter = `site/1/device/x${i}/temperature`
      trie.add(topicFilter, session, subscription)
      trie.remove(topicFilter, session)
    }),
  }
  sink += trie.size
  return count < FEW ? result : { ...result, 'subscribe ns': subscribe, 'bytes each': bytes }
}

/** A hit that has to ask changes that do not concern it. */
function measureChanges(changes: number, topicFilterOfChange: (i: number) => string): number {
  const cache = new MatchCache(CACHE_CAPACITY, () => subscription)
  const name = decoded(topicNameOf(12))
  cache.lookup(name)
  const filters = Array.from({ length: changes }, (_, i) => decoded(topicFilterOfChange(i)))
  const spent = time(20_000, () => {
    for (const topicFilter of filters) cache.changed(topicFilter)
    cache.lookup(name)
  })
  const changing = time(20_000, () => {
    for (const topicFilter of filters) cache.changed(topicFilter)
  })
  return spent - changing
}

function measureRetained(count: number): Record<string, number> {
  const before = heapBytes()
  const trie = new RetainedTrie<typeof session>()
  const start = process.hrtime.bigint()
  for (let i = 0; i < count; i++) trie.set(decoded(topicNameOf(i)), session)
  const set = Number(process.hrtime.bigint() - start) / count
  const bytes = (heapBytes() - before) / count
  const names = namesOver(count, 200_000)
  const cursorAll = (topicFilter: string): number => {
    const from = process.hrtime.bigint()
    const cursor = trie.cursor(topicFilter)
    let visits = 0
    while (!cursor.isDone) if (cursor.step(1000) !== undefined) visits++
    sink += visits
    return Number(process.hrtime.bigint() - from) / count
  }
  return {
    'set ns': set,
    'get ns': time(names.length, (i) => {
      sink += trie.get(names[i] as string) === undefined ? 0 : 1
    }),
    'cursor # ns each': cursorAll('#'),
    'cursor site/+/device/+/none ns per skipped': cursorAll('site/+/device/+/none'),
    'bytes each': bytes,
  }
}

function rounded(figures: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => [name, Math.round(figure * 10) / 10]),
  )
}

// Warms up the compiler.
measureSubscriptions(1000)
measureRetained(1000)

const largest = Number(process.argv[2] ?? 1_000_000)
const counts = [1, 1000, 100_000, 1_000_000].filter((count) => count <= largest)

console.log(`Node ${process.version}; bytes are the trie's own, without filters, names, sessions and values`)
console.log('\nSubscriptions')
console.table(Object.fromEntries(counts.map((count) => [count, rounded(measureSubscriptions(count))])))
console.log('\nA cache hit after changes that do not concern it, ns')
console.table({
  'literal filters': rounded({
    '1 change': measureChanges(1, topicNameOf),
    '256 changes': measureChanges(256, (i) => topicNameOf(i + 100)),
  }),
  'wildcard filters': rounded({
    '1 change': measureChanges(1, (i) => `site/12/device/x${i}/#`),
    '256 changes': measureChanges(256, (i) => `site/12/device/x${i}/#`),
  }),
})
console.log('\nRetained topics')
console.table(
  Object.fromEntries(
    counts.filter((count) => count >= FEW).map((count) => [count, rounded(measureRetained(count))]),
  ),
)
const name = decoded(topicNameOf(345_678))
console.log(
  `\ntopicNameProblem: ${Math.round(
    time(2_000_000, () => {
      if (topicNameProblem(name, LEVELS_MAX) !== undefined) sink++
    }),
  )} ns (${sink})`,
)
