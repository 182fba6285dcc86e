// What the program does with a data folder that no broker has open: doctor, export and import, from outside.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeProperties } from '../../src/packet/properties.ts'
import { PacketType } from '../../src/packet/protocol.ts'
import { createMessage } from '../../src/packet/publish.ts'
import { Delivery, DeliveryState } from '../../src/store/delivery.ts'
import { KeyKind, messageKey, queueKey } from '../../src/store/keys.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import { fileLike, flipBit } from '../store/damaged-folder.ts'
import { withDatabase } from '../store/rows.ts'
import { buildProgram, type Outcome, Program } from './program.ts'

let folder = ''
const inFolder = (name: string): string => join(folder, name)
const running: Program[] = []

const run = (...flags: string[]): Promise<Outcome> => Program.start(flags).outcome

async function startBroker(data: string): Promise<{ program: Program; address: string }> {
  const program = Program.start(['-p', '0', '--data', data], { GODWIT_LOG__FORMAT: 'json' })
  running.push(program)
  const { addresses } = JSON.parse(await program.line(/serves mqtt:/))
  return { program, address: addresses[0] }
}

beforeAll(buildProgram, 120_000)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-cli-'))
})
afterEach(async () => {
  for (const program of running.splice(0)) {
    program.kill('SIGKILL')
    await program.outcome
  }
  rmSync(folder, { recursive: true })
})

/** Something of each kind, with all that a message can have. */
async function fill(path: string): Promise<void> {
  const store = new LevelStore({ path, sync: 'always' })
  await store.open({ session() {}, subscription() {}, retained() {}, will() {} })
  const properties = encodeProperties(
    {
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: Buffer.from([0, 255]),
      userProperties: [
        ['a', '1'],
        ['a', 'ü'],
      ],
    },
    PacketType.Publish,
  )
  const message = (topicName: string, payload: Buffer | string, expiresAt = Number.POSITIVE_INFINITY) =>
    createMessage({ topicName, payload: Buffer.from(payload), qos: 1, retain: false, expiresAt, properties })
  const shared = message('a/shared', 'for all')
  const options = { noLocal: true, retainAsPublished: true, retainHandling: 2, owesRetained: true } as const
  const rights = { publish: ['up/%c'], subscribe: ['a/#', 'b'] }
  const released = new Map<number, Delivery>()
  for (const clientId of ['one', 'zwei ☃', 'three']) {
    const number = store.nextSessionNumber()
    const expiresAt = clientId === 'one' ? Number.POSITIVE_INFINITY : 4_000_000_000_000
    store.putSession({
      number,
      clientId,
      identity: 'user',
      rights: clientId === 'one' ? rights : undefined,
      expiryInterval: 4_294_967_295,
      expiresAt,
      sentBefore: 1,
    })
    store.putSubscription(number, { topicFilter: 'a/#', qos: 2, subscriptionIdentifier: 7, ...options })
    store.putReceived(number, 17)
    const deliveries = [
      new Delivery(3, shared, 1, false, [7, 8]),
      new Delivery(4, message('a/b', Buffer.from([255, 0, 1]), 4_000_000_000_000), 2, true, undefined),
      new Delivery(9, message('a/c', 'text'), 1, false, undefined, '$share/g/a/c'),
      new Delivery(12, message('a/c', 'received'), 2, false, undefined),
    ]
    for (const delivery of deliveries) store.enqueue(number, delivery)
    released.set(number, deliveries[3] as Delivery)
  }
  await store.flush()
  for (const [number, delivery] of released) {
    delivery.state = DeliveryState.Released
    store.release(number, delivery)
  }
  const retained = message('state', 'kept')
  retained.origin = { clientId: 'one', userName: 'user', isOutsideRules: true }
  store.putRetained(retained)
  store.putWill('one', {
    identity: 'user',
    rights,
    topicName: 'last/words',
    payload: Buffer.from([1, 2, 255]),
    qos: 2,
    retain: true,
    properties: Buffer.alloc(0),
    messageExpiryInterval: 60,
    delayInterval: 5,
    dueAt: Number.POSITIVE_INFINITY,
  })
  await store.close()
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n')

describe('export and import', () => {
  test('carry over everything: what is exported of the import is what was exported', async () => {
    const [data, copy, file, again] = ['data', 'copy', 'export.jsonl', 'again.jsonl'].map(inFolder) as [
      string,
      string,
      string,
      string,
    ]
    await fill(data)
    expect(await run('export', data, '-o', file)).toMatchObject({ code: 0, stdout: [], stderr: [] })
    const outcome = await run('import', file, '--data', copy)
    expect(outcome).toMatchObject({ code: 0, stderr: [] })
    expect(outcome.stdout).toContainEqual(expect.stringMatching(/^ +12 queued messages$/))
    expect((await run('export', copy, '-o', again)).code).toBe(0)
    expect(linesOf(again).slice(1)).toEqual(linesOf(file).slice(1))
    expect(linesOf(file).filter((line) => line.includes('"rights":'))).toHaveLength(2)
    expect(linesOf(file).filter((line) => line.includes('"outsideRules":true'))).toHaveLength(1)
    expect(linesOf(file)).toHaveLength(1 + 3 * 3 + 12 + 1 + 1 + 1)
    expect((await run('doctor', copy)).code).toBe(0)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('go through a pipe', async () => {
    await fill(inFolder('data'))
    const { code, stdout } = await run('export', inFolder('data'))
    expect(code).toBe(0)
    expect(JSON.parse(stdout[0] ?? '')).toMatchObject({ godwit: 'export', version: 1 })
    expect(stdout).toHaveLength(25)
  })

  test('give a broker its sessions, queues and retained messages', async () => {
    const { program, address } = await startBroker(inFolder('data'))
    const options = { clientId: 'kept', clean: false, protocolVersion: 5, reconnectPeriod: 0 } as const
    const properties = { sessionExpiryInterval: 3_600 }
    const reader = await connectAsync(address, { ...options, properties })
    await reader.subscribeAsync('queue/#', { qos: 1 })
    await reader.endAsync()
    const publisher = await connectAsync(address, { reconnectPeriod: 0 })
    await publisher.publishAsync('queue/1', 'waits', { qos: 1 })
    await publisher.publishAsync('state', 'kept', { qos: 1, retain: true })
    await publisher.endAsync()
    program.kill('SIGTERM')
    await program.outcome
    const file = inFolder('export.jsonl')
    expect((await run('export', inFolder('data'), '-o', file)).code).toBe(0)
    expect((await run('import', file, '--data', inFolder('copy'))).code).toBe(0)
    const copy = await startBroker(inFolder('copy'))
    const { connect } = await import('mqtt')
    const back = connect(copy.address, { ...options, properties })
    const received: string[] = []
    back.on('message', (topic, payload) => received.push(`${topic} ${payload.toString()}`))
    const isPresent = new Promise((resolve) =>
      back.once('connect', (packet) => resolve(packet.sessionPresent)),
    )
    expect(await isPresent).toBe(true)
    await back.subscribeAsync('state', { qos: 1 })
    await expect.poll(() => received.sort()).toEqual(['queue/1 waits', 'state kept'])
    await back.endAsync(true)
  })

  test('name the line that makes no sense, and leave a folder that is refused', async () => {
    await fill(inFolder('data'))
    const file = inFolder('export.jsonl')
    await run('export', inFolder('data'), '-o', file)
    const lines = linesOf(file)
    const wrong = (at: number, line: string): void =>
      writeFileSync(file, [...lines.slice(0, at), line, ...lines.slice(at + 1)].join('\n'))
    const cases: [line: string, why: RegExp][] = [
      ['{"type":"session"', /:3: .*JSON/],
      ['{"type":"thing"}', /:3: type: Invalid/],
      ['{"type":"received","session":99,"packetId":1}', /:3: session 99 is not above it/],
      ['{"type":"received","session":1,"packetId":0}', /:3: packetId: /],
      [
        '{"type":"retained","message":{"topic":"a","qos":1,"retain":true,"expiresAt":null}}',
        /:3: it takes one payload/,
      ],
    ]
    for (const [i, [line, why]] of cases.entries()) {
      wrong(2, line)
      const outcome = await run('import', file, '--data', inFolder(`copy-${i}`))
      expect([outcome.code, outcome.stderr]).toEqual([2, [expect.stringMatching(why)]])
    }
    const start = await run('-p', '0', '--data', inFolder('copy-0'))
    expect([start.code, start.stderr]).toEqual([
      2,
      [expect.stringContaining('an import that did not finish')],
    ])
  })

  test('refuse what is not an export, a later version of it, and a folder that holds data', async () => {
    const file = inFolder('export.jsonl')
    writeFileSync(file, '{"godwit":"export","version":2,"exportedAt":""}\n')
    expect((await run('import', file, '--data', inFolder('a'))).stderr).toEqual([
      `godwit: ${file}:1: version 2, this godwit knows 1`,
    ])
    writeFileSync(file, 'hello\n')
    expect((await run('import', file, '--data', inFolder('b'))).code).toBe(2)
    await fill(inFolder('data'))
    expect((await run('export', inFolder('data'), '-o', inFolder('good'))).code).toBe(0)
    expect(await run('import', inFolder('good'), '--data', inFolder('data'))).toMatchObject({
      code: 2,
      stderr: [`godwit: ${inFolder('data')} holds data already`],
    })
    expect(await run('export', inFolder('data'), '-o', inFolder('good'))).toMatchObject({
      code: 2,
      stderr: [expect.stringContaining('EEXIST')],
    })
    expect((await run('import', inFolder('good'))).stderr).toEqual([
      "godwit: required option '--data <folder>' not specified",
    ])
    expect((await run('import', inFolder('nothing'), '--data', inFolder('c'))).code).toBe(2)
    expect(existsSync(inFolder('c'))).toBe(false)
  })

  test('refuse a folder that is damaged, or in use', async () => {
    await fill(inFolder('data'))
    const { program } = await startBroker(inFolder('data'))
    for (const command of ['export', 'doctor']) {
      expect(await run(command, inFolder('data'))).toMatchObject({
        code: 2,
        stdout: [],
        stderr: [`godwit: another process has ${inFolder('data')} open`],
      })
    }
    program.kill('SIGTERM')
    await program.outcome
    flipBit(fileLike(inFolder('data'), /\.ldb$/), 100)
    expect(await run('export', inFolder('data'))).toMatchObject({
      code: 2,
      stderr: [expect.stringContaining('is damaged: see `godwit doctor')],
    })
  })
})

describe('doctor', () => {
  test('counts what is in a healthy folder, and changes nothing', async () => {
    await fill(inFolder('data'))
    const { code, stdout } = await run('doctor', inFolder('data'))
    expect(code).toBe(0)
    for (const line of [
      '3 sessions',
      '3 subscriptions',
      '12 queued messages',
      '1 retained messages',
      '1 wills',
    ]) {
      expect(stdout).toContainEqual(expect.stringMatching(new RegExp(`^ +${line}$`)))
    }
    expect(stdout.at(-1)).toBe('Healthy.')
    const { stdout: json } = await run('doctor', '--json', inFolder('data'))
    expect(JSON.parse(json.join(''))).toMatchObject({
      healthy: true,
      format: 2,
      sessions: 3,
      queuedMessages: 12,
      bodies: 1,
      longestQueue: { messages: 4 },
      problems: [],
    })
    expect(existsSync(inFolder('data/quarantine'))).toBe(false)
  })

  test('says what is wrong with files, with exit code 1, and leaves them as they are', async () => {
    await fill(inFolder('data'))
    const log = fileLike(inFolder('data'), /\.log$/)
    flipBit(log, 20)
    const before = readFileSync(log)
    const { code, stdout } = await run('doctor', inFolder('data'))
    expect(code).toBe(1)
    expect(stdout).toContainEqual(
      expect.stringMatching(/^- \d+\.log: \d+ bytes in the middle cannot be read$/),
    )
    expect(readFileSync(log)).toEqual(before)
  })

  test('says what is wrong with rows, sets it right when told to, and is content then', async () => {
    const data = inFolder('data')
    await fill(data)
    await withDatabase(data, async (database) => {
      await database.put(queueKey(1, 4), Buffer.from([2, 1, 2, 3, 4, 5]))
      await database.put(queueKey(77, 1), Buffer.from([1, 9]))
      for await (const key of database.keys({ gte: messageKey(KeyKind.Body, 0), limit: 1 }))
        await database.del(key)
    })
    const copy = inFolder('copy')
    cpSync(data, copy, { recursive: true })
    const found = await run('doctor', data, '--json')
    expect(found.code).toBe(1)
    expect(JSON.parse(found.stdout.join('')).problems).toEqual([
      'message 4 in the queue of session 1 cannot be read',
      '1 rows of sessions that are not there: a start removes them',
      '3 queued messages have lost their body',
      '1 message bodies have a wrong count of references',
    ])
    const repaired = await run('doctor', data, '--repair')
    expect(repaired.code).toBe(1)
    expect(repaired.stdout).toContainEqual('- message 4 in the queue of session 1 cannot be read')
    expect(repaired.stdout.at(-1)).toMatch(/^Set right; what was damaged is in .*quarantine/)
    expect(await run('doctor', data)).toMatchObject({ code: 0 })
    // A start does the same for what it meets.
    const { program } = await startBroker(copy)
    program.kill('SIGTERM')
    expect((await program.outcome).code).toBe(0)
  })

  test('sets damaged files right when told to', async () => {
    await fill(inFolder('data'))
    rmSync(inFolder('data/CURRENT'))
    expect((await run('doctor', inFolder('data'))).code).toBe(1)
    expect((await run('doctor', inFolder('data'), '--repair')).code).toBe(1)
    expect((await run('doctor', inFolder('data'))).code).toBe(0)
  })

  test('refuses what is no data folder, and makes none', async () => {
    expect(await run('doctor', inFolder('nothing'))).toMatchObject({
      code: 2,
      stderr: [`godwit: ${inFolder('nothing')} does not exist`],
    })
    expect(existsSync(inFolder('nothing'))).toBe(false)
    expect((await run('doctor', folder)).stderr).toEqual([
      `godwit: ${folder} is no data folder: it holds no database`,
    ])
  })
})

test('a second broker on the folder is refused with one line and exit code 2', async () => {
  await startBroker(inFolder('data'))
  expect(await run('-p', '0', '--data', inFolder('data'))).toMatchObject({
    code: 2,
    stdout: [],
    stderr: [`godwit: another process has ${inFolder('data')} open`],
  })
})

test('a broker starts on a damaged folder, says what is missing in the log and under $SYS', async () => {
  const data = inFolder('data')
  await fill(data)
  flipBit(fileLike(data, /\.log$/), 20)
  const { program, address } = await startBroker(data)
  expect(await program.line(/bytes in the middle cannot be read/)).toContain('"level":50')
  expect(await program.line(/the data folder was damaged/)).toContain(join(data, 'quarantine'))
  const client = await connectAsync(address, { reconnectPeriod: 0 })
  const told = new Map<string, string>()
  client.on('message', (topic, payload) => told.set(topic, payload.toString()))
  await client.subscribeAsync('$SYS/broker/store/#')
  await expect.poll(() => Number(told.get('$SYS/broker/store/damaged/count'))).toBeGreaterThan(0)
  expect(told.get('$SYS/broker/store/damaged/quarantine')).toContain(join(data, 'quarantine'))
  expect(told.get('$SYS/broker/store/disk/full')).toBe('0')
  await client.endAsync(true)
})
