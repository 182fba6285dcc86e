// `godwit bench` as people run it: a process of its own against a real broker; what it says of it, and its exit code.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { BenchResult } from '../../src/harness/bench-result.ts'
import type { TrialFact } from '../../src/harness/trials/trial.ts'
import type { ConfigInput } from '../../src/index.ts'
import { buildProgram, type Outcome, Program } from '../cli/program.ts'
import { serveBroker } from '../integration/served-broker.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

beforeAll(buildProgram, 120_000)

async function served(config: ConfigInput = {}): Promise<string> {
  const { port } = await serveBroker({ persistence: { enabled: false }, ...config }, onTestFinished)
  return String(port)
}

function bench(...flags: string[]): Promise<Outcome> {
  const program = Program.start(['bench', ...flags])
  onTestFinished(() => program.kill('SIGKILL'))
  return program.outcome
}

async function figuresOf(...flags: string[]): Promise<{ code: number | null; result: BenchResult }> {
  const { code, stdout } = await bench(...flags, '--json', '-')
  return { code, result: JSON.parse(stdout.join('\n')) as BenchResult }
}

async function factsOf(...flags: string[]): Promise<{ code: number | null; facts: Map<string, number> }> {
  const { code, stdout } = await bench(...flags, '--json', '-')
  const { facts } = JSON.parse(stdout.join('\n')) as { facts: TrialFact[] }
  return { code, facts: new Map(facts.map(({ name, value }) => [name, value])) }
}

describe('a load that flows', () => {
  it.each([
    ['pair', ['-c', '5', '-L', '200'], 1_000, 1_000],
    ['pair', ['-c', '5', '-L', '200', '-q', '1', '-V', '4'], 1_000, 1_000],
    ['pair', ['-c', '5', '-L', '200', '-q', '2', '-s', '5000'], 1_000, 1_000],
    ['pair', ['-c', '3', '-L', '20', '-q', '1', '-I', '10'], 60, 60],
    ['fanout', ['--receivers', '30', '-L', '50', '-q', '1'], 50, 1_500],
    ['fanin', ['-c', '20', '-L', '100', '-q', '1'], 2_000, 2_000],
    ['shared', ['-c', '10', '--receivers', '4', '-L', '100', '-q', '1'], 1_000, 1_000],
    ['pub', ['-c', '10', '-L', '10', '-I', '5', '-t', 'any/%c/%s'], 100, 0],
    ['pair', ['-c', '6', '-L', '100', '-q', '1', '--processes', '2'], 600, 600],
  ])('%s %j: everything that is sent arrives once, in order', async (load, flags, sent, received) => {
    const { code, result } = await figuresOf(load, '-p', await served(), ...flags)
    const [broker] = result.brokers
    expect(broker?.median).toMatchObject({
      sent,
      received,
      duplicates: 0,
      outOfOrder: 0,
      refused: {},
      closed: {},
    })
    expect(broker?.median.lost ?? 0).toBe(0)
    expect(code).toBe(0)
  })

  it('counts latency from when a message should have been sent', async () => {
    const { result } = await figuresOf(
      'pair',
      '-p',
      await served(),
      '-c',
      '2',
      '-L',
      '50',
      '-I',
      '4',
      '-q',
      '1',
    )
    const median = result.brokers[0]?.median
    expect(median?.latency.count).toBe(100)
    expect(median?.latency.p50).toBeGreaterThan(0)
    expect(median?.latency.p50).toBeLessThanOrEqual(median?.latency.p99 ?? 0)
    expect(median?.latency.p99).toBeLessThanOrEqual(median?.latency.max ?? 0)
  })

  it('only connects, with conn', async () => {
    const { code, result } = await figuresOf('conn', '-p', await served(), '-c', '50', '--duration', '1')
    expect(result.brokers[0]?.median).toMatchObject({ connections: 50, connectionsFailed: 0, sent: 0 })
    expect(code).toBe(0)
  })

  it.each([
    ['conn', '--duration', '1'],
    ['pub', '-L', '1'],
  ])('%s says who refused what, and ends with 1', async (load, ...flags) => {
    const port = await served({ allowAnonymous: false })
    const { code, result } = await figuresOf(load, '-p', port, '-c', '3', ...flags)
    expect(result.brokers[0]?.median.connectionsFailed).toBe(3)
    expect(result.brokers[0]?.median.closed).toEqual({ 'refused: Not authorized': 3 })
    expect(code).toBe(1)
  })
})

describe('a trial', () => {
  it('backlog: waits for receivers that are away, then drains in order', async () => {
    const { code, facts } = await factsOf('backlog', '-p', await served(), '-c', '3', '-L', '300')
    expect(code).toBe(0)
    expect(facts.get('lost')).toBe(0)
    expect(facts.get('out of order')).toBe(0)
  })

  it('backlog: counts what a full queue has dropped as lost, and ends with 1', async () => {
    const port = await served({ limits: { queueMessagesMax: 10 } })
    const { code, facts } = await factsOf('backlog', '-p', port, '-c', '1', '-L', '100')
    expect(facts.get('lost')).toBe(90)
    expect(code).toBe(1)
  })

  it('retained: all of them come', async () => {
    const { code, facts } = await factsOf('retained', '-p', await served(), '-c', '2', '-L', '100')
    expect([code, facts.get('missing')]).toEqual([0, 0])
  })

  it('storm: all come back', async () => {
    const { code, facts } = await factsOf('storm', '-p', await served(), '-c', '40')
    expect([code, facts.get('came back')]).toEqual([0, 40])
  })

  it('takeover: the second gets in, the first goes', async () => {
    const { code, facts } = await factsOf('takeover', '-p', await served(), '-c', '30')
    expect([code, facts.get('taken over'), facts.get('first connections closed')]).toEqual([0, 30, 30])
  })

  it('slow: the others lose nothing', async () => {
    const flags = ['-c', '3', '-I', '10', '-q', '1', '--duration', '2']
    const { code, facts } = await factsOf('slow', '-p', await served(), ...flags)
    expect([code, facts.get('lost by the others')]).toEqual([0, 0])
  })

  it('soak: ends in good order', async () => {
    const { code, facts } = await factsOf(
      'soak',
      '-p',
      await served(),
      '-c',
      '3',
      '-q',
      '2',
      '--duration',
      '2',
    )
    expect([code, facts.get('lost'), facts.get('twice')]).toEqual([0, 0, 0])
  })
})

describe('what it writes', () => {
  it('is a table for people, with losses and percentiles', async () => {
    const { stdout } = await bench('pair', '-p', await served(), '-c', '2', '-L', '50', '-q', '1')
    expect(stdout.join('\n')).toMatch(/lost \/ twice \/ out of order +0 \/ 0 \/ 0/)
    expect(stdout.join('\n')).toMatch(/latency p50\/p90\/p99\/p99\.9\/max +\d/)
  })

  it('is a page that needs nothing else', async () => {
    const page = join(await temporaryFolder(), 'page.html')
    await bench(
      'pair',
      '-p',
      await served(),
      '-c',
      '2',
      '-I',
      '20',
      '--duration',
      '2',
      '--warmup',
      '0',
      '--html',
      page,
    )
    const html = await readFile(page, 'utf8')
    expect(html.match(/<svg/g)).toHaveLength(4)
    expect(html).not.toMatch(/<script|src=|href=|url\(/)
  })

  it('lays brokers side by side, in turn', async () => {
    const compare = [`one=127.0.0.1:${await served()}`, `other=127.0.0.1:${await served()}`]
    const flags = ['-c', '2', '-L', '50', '-q', '1', '--rounds', '3']
    const { result } = await figuresOf('pair', ...flags, '--compare', ...compare)
    expect(result.brokers.map(({ name, rounds }) => [name, rounds.length])).toEqual([
      ['one', 3],
      ['other', 3],
    ])
  })

  it('holds no secret', async () => {
    const { result } = await figuresOf(
      'pair',
      '-p',
      await served(),
      '-c',
      '1',
      '-L',
      '1',
      '-u',
      'me',
      '-P',
      'secret',
    )
    expect(JSON.stringify(result)).not.toContain('secret')
  })
})

describe('a mix from a file', () => {
  const write = async (plan: unknown): Promise<string> => {
    const path = join(await temporaryFolder(), 'plan.json')
    await writeFile(path, JSON.stringify(plan))
    return path
  }

  it('is carried out', async () => {
    const plan = await write({
      groups: [
        { name: 'all', count: 2, subscribe: { topics: ['mix/#'], qos: 1 } },
        { name: 'slow', count: 2, publish: { topic: 'mix/slow/%i', qos: 1, rate: 100, messages: 20 } },
        { name: 'quick', count: 1, publish: { topic: 'mix/quick', qos: 1, rate: 0, messages: 500 } },
      ],
      seconds: 0,
      copies: 2,
    })
    const { code, result } = await figuresOf('file', plan, '-p', await served())
    expect(result.brokers[0]?.median).toMatchObject({ sent: 540, received: 1_080, lost: 0 })
    expect(code).toBe(0)
  })

  it('is refused in one line where it makes no sense', async () => {
    const path = await write({ groups: [{ name: 'a', count: 0 }] })
    const { code, stderr } = await bench('file', path, '-p', '1')
    expect(code).toBe(2)
    expect(stderr).toEqual([expect.stringContaining('groups.0.count')])
  })
})

it.each([
  [['pair', '-q', '3'], /-q/],
  [['pair', '--compare', 'nonsense'], /NAME=HOST:PORT/],
  [['pair', '--cacertfile', '/nowhere'], /\/nowhere cannot be read/],
  [['dance'], /dance/],
])('%j is refused with a line that says why', async (flags, why) => {
  const { code, stderr } = await bench(...flags)
  expect(code).toBe(2)
  expect(stderr.join('\n')).toMatch(why)
})
