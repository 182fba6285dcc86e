// What a question about rights costs, in nanoseconds of CPU, with 10,000 rules in force.
// Run it with: npx tsx bench/micro/authorization.ts
import { Access } from '../../src/authorization/access.ts'
import { parseAclFile } from '../../src/authorization/acl-file.ts'
import { decide, findReadable, isGranted } from '../../src/authorization/decide.ts'

const RULES = 10_000
const NAMES = 4_096

/** Nanoseconds of CPU per call: the best of five rounds after one to warm up. */
function time(calls: number, run: (i: number) => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 6; round++) {
    const before = process.cpuUsage()
    for (let i = 0; i < calls; i++) run(i)
    const { user, system } = process.cpuUsage(before)
    const each = ((user + system) * 1000) / calls
    if (round > 0) best = Math.min(best, each)
  }
  return Math.round(best)
}

/** A string as a decoder makes it: flat, not yet hashed. */
const decoded = (topicName: string): string => Buffer.from(topicName).toString('latin1')

/** One in ten with a wildcard, one in a hundred a deny. */
function ruleOf(i: number): string {
  const access = i % 100 === 50 ? 'deny' : i % 2 === 0 ? 'write' : 'readwrite'
  const end = i % 20 === 19 ? '#' : i % 20 === 9 ? '+/state' : 'temperature'
  return `topic ${access} site/${i % 97}/device/${i}/${end}`
}

const rulesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => ruleOf(i))

/** All of one user; ten for each of a thousand; patterns alone; and twenty ways to match on each level. */
const files: Record<string, string[]> = {
  'one user, 10,000 rules': ['user ada', ...rulesOf(RULES)],
  '1,000 users, 10 rules each': Array.from({ length: RULES / 10 }, (_, user) => [
    `user ${user === 7 ? 'ada' : `user-${user}`}`,
    ...rulesOf(10),
  ]).flat(),
  '10,000 rules and patterns': [
    'user ada',
    ...rulesOf(RULES - 4),
    'pattern read site/+/device/%c/#',
    'pattern write +/+/+/%c/temperature',
    'pattern deny +/+/device/+/secret/#',
    'pattern read users/%u/#',
  ],
}

const subject = { clientId: '4711', userName: 'ada' }
const names = Array.from({ length: NAMES }, (_, i) => {
  const device = (i * 7919) % RULES
  return decoded(`site/${device % 97}/device/${device}/temperature`)
})
let sink = 0
const table: Record<string, Record<string, number>> = {}
for (const [title, lines] of Object.entries(files)) {
  const content = Buffer.from(lines.join('\n'))
  const start = process.hrtime.bigint()
  const rules = parseAclFile('acl', content)
  const loadMs = Number(process.hrtime.bigint() - start) / 1e6
  const layers = rules.layersFor('ada')
  const nameAt = (i: number): string => names[i % NAMES] as string
  table[title] = {
    rules: rules.size,
    'load ms': Math.round(loadMs),
    'decide ns': time(200_000, (i) => {
      if (isGranted(decide(layers, subject, nameAt(i)), Access.Read)) sink++
    }),
    'subscribe a/b/c ns': time(20_000, (i) => {
      if (findReadable(layers, subject, nameAt(i)) !== undefined) sink++
    }),
    'subscribe # ns': time(2_000, () => {
      if (findReadable(layers, subject, '#') !== undefined) sink++
    }),
    'subscribe +/+/+/+/x ns': time(200, () => {
      if (findReadable(layers, subject, '+/+/+/+/x') !== undefined) sink++
    }),
  }
}
console.table(table)
console.log(`${sink} granted`)
