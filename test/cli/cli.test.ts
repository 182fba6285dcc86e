// The program from outside: what it prints, what it refuses, how it ends.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { overridesOf } from '../../src/cli/start.ts'
import { buildProgram, cliFile, Program } from './program.ts'

const folder = mkdtempSync(join(tmpdir(), 'godwit-cli-'))
const inFolder = (name: string): string => join(folder, name)
const running: Program[] = []

function run(flags: string[], env: Record<string, string> = {}): Program {
  const program = Program.start(flags, env)
  running.push(program)
  return program
}

beforeAll(buildProgram, 120_000)
afterEach(() => {
  for (const program of running.splice(0)) program.kill('SIGKILL')
})
afterAll(() => rmSync(folder, { recursive: true }))

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** The line that says where it serves, as the object that it is. */
const startLine = async (program: Program) => JSON.parse(await program.line(/serves mqtt:/))

test('--version prints the version of the package', async () => {
  expect(await run(['--version']).outcome).toEqual({ code: 0, stdout: [version], stderr: [] })
})

test.each([[['--help']], [['start', '--help']], [['-h']]])('%j prints all flags of start', async (flags) => {
  const { code, stdout, stderr } = await run(flags).outcome
  expect([code, stderr]).toEqual([0, []])
  for (const flag of ['--config', '--port', '--host', '--data', '--memory', '--verbose', '--help']) {
    expect(stdout.filter((line) => line.includes(`${flag} `))).toHaveLength(1)
  }
})

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('ends a broker in an orderly way', async () => {
    const data = inFolder(`data-${signal}`)
    const program = run(['-p', '0', '--data', data])
    const { addresses, msg, ...rest } = await startLine(program)
    expect(rest).toMatchObject({ version, data, sync: 'always' })
    expect(addresses).toEqual([expect.stringMatching(/^mqtt:\/\/127\.0\.0\.1:[1-9]\d*$/)])
    expect(msg).toBe(`godwit ${version} serves ${addresses[0]}; data in ${data}, sync always`)
    expect(existsSync(data)).toBe(true)
    program.kill(signal)
    expect(await program.outcome).toMatchObject({ code: 0, stderr: [] })
  })
})

test('a client is told of the stop with Server shutting down', async () => {
  const program = run(['start', '--memory', '--port', '0'])
  const { addresses, msg } = await startLine(program)
  expect(msg).toContain('in memory')
  const client = await connectAsync(addresses[0], { protocolVersion: 5, reconnectPeriod: 0 })
  const disconnect = new Promise<{ reasonCode?: number }>((resolve) => client.once('disconnect', resolve))
  program.kill('SIGTERM')
  expect((await disconnect).reasonCode).toBe(0x8b)
  expect((await program.outcome).code).toBe(0)
  await client.endAsync(true)
})

test('a file, the environment and flags are heard, and every address is named', async () => {
  const file = inFolder('two-listeners.yaml')
  writeFileSync(file, 'listeners:\n  - { host: 127.0.0.1, port: 1 }\n  - { host: 127.0.0.2, port: 0 }\n')
  const env = { GODWIT_PERSISTENCE__SYNC: 'no', GODWIT_PERSISTENCE__PATH: inFolder('data-from-environment') }
  const { addresses, sync, data } = await startLine(run(['-c', file, '-p', '0'], env))
  expect([sync, data]).toEqual(['no', env.GODWIT_PERSISTENCE__PATH])
  expect(addresses).toEqual([
    expect.stringMatching(/^mqtt:\/\/127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^mqtt:\/\/127\.0\.0\.2:\d+$/),
  ])
})

test('log.format pretty writes for people', async () => {
  const program = run(['-p', '0', '--memory'], { GODWIT_LOG__FORMAT: 'pretty' })
  expect(await program.line(/serves mqtt:/)).toMatch(/^\[?\d\d:\d\d:\d\d.*INFO.*godwit/)
})

describe('a listener that is open to the network', () => {
  const flags = ['--memory', '-p', '0', '--host', '0.0.0.0']

  test('brings a warning that nobody will be let in, with the option that lets them in', async () => {
    const warning = JSON.parse(await run(flags).line(/will be refused/))
    expect(warning).toMatchObject({ level: 40, msg: expect.stringContaining('allowAnonymous') })
  })

  test.each(['true', 'false'])('brings none where allowAnonymous is set to %s', async (allowAnonymous) => {
    const program = run(flags, { GODWIT_ALLOW_ANONYMOUS: allowAnonymous })
    await program.line(/serves mqtt:/)
    program.kill('SIGTERM')
    const { stdout } = await program.outcome
    expect(stdout.filter((line) => line.includes('"level":40'))).toEqual([])
  })
})

describe('one line on standard error and exit code 2 answer', () => {
  const refusal = async (flags: string[], env: Record<string, string> = {}): Promise<string> => {
    const { code, stderr } = await run(flags, env).outcome
    expect(stderr).toHaveLength(1)
    expect(code).toBe(2)
    return stderr[0] as string
  }

  test.each<[string, string[], RegExp]>([
    ['an unknown flag', ['--bogus'], /^godwit: unknown option '--bogus'/],
    ['a misspelt flag, with the right one', ['--prot', '1'], /^godwit: unknown option '--prot'.*--port/],
    ['an unknown command', ['serve'], /^godwit: unexpected argument 'serve'$/],
    ['a port that is no number', ['-p', 'mqtt'], /^godwit: .*'mqtt' is invalid.*number from 0 to 65535/],
    ['a port that is none', ['-p', '65536'], /^godwit: .*'65536' is invalid.*number from 0 to 65535/],
    ['a flag without its value', ['--data'], /^godwit: .*--data <folder>' argument missing/],
    ['--data beside --memory', ['--data', 'x', '--memory'], /^godwit: .*--data <folder>'.*--memory'/],
    ['a file that is not there', ['-c', 'no-such.yaml'], /^godwit: .*no-such\.yaml: there is no such file$/],
    [
      'a host of another machine',
      ['--memory', '--host', '192.0.2.1'],
      /^godwit: .*192\.0\.2\.1.*EADDRNOTAVAIL/,
    ],
  ])('%s', async (_, flags, line) => {
    expect(await refusal(flags)).toMatch(line)
  })

  test('a mistake in the file', async () => {
    const file = inFolder('mistake.yaml')
    writeFileSync(file, 'persistence:\n  sync: sometimes\n')
    expect(await refusal(['-c', file])).toBe(
      `godwit: ${file}:2: persistence.sync is "sometimes"; it must be one of always, everysec, no`,
    )
  })

  test('a variable that means nothing', async () => {
    expect(await refusal([], { GODWIT_PORT: '1884' })).toMatch(
      /^godwit: GODWIT_PORT: there is no such option/,
    )
  })

  test('a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const port = String((server.address() as AddressInfo).port)
    expect(await refusal(['--memory', '-p', port])).toMatch(
      new RegExp(`^godwit: .*127\\.0\\.0\\.1:${port}.*in use`),
    )
    server.close()
  })

  test('a data folder that cannot be one', async () => {
    writeFileSync(inFolder('file'), '')
    expect(await refusal(['-p', '0', '--data', inFolder('file')])).toContain(inFolder('file'))
    expect(await refusal(['-p', '0', '--data', inFolder('file/data')])).toContain(inFolder('file/data'))
  })

  test('a data folder that another broker has open, which goes on serving', async () => {
    const flags = ['-p', '0', '--data', inFolder('shared')]
    const first = run(flags)
    const { addresses } = await startLine(first)
    expect(await refusal(flags)).toContain(inFolder('shared'))
    const client = await connectAsync(addresses[0])
    await client.endAsync()
  })
})

describe('a second signal', () => {
  // A stop that takes for ever, and says when the first signal can no longer be the second one's twin.
  const script =
    `const { firstSignal } = await import(${JSON.stringify(new URL('cli/signals.js', `file://${cliFile}`))});` +
    "setInterval(() => {}, 1000); const signal = firstSignal(); console.log('ready'); await signal;" +
    "setTimeout(() => console.log('still stopping'), 200)"
  const stopping = (): Program => {
    const program = new Program(['--input-type=module', '-e', script])
    running.push(program)
    return program
  }

  test('ends the process at once with 1', async () => {
    const program = stopping()
    await program.line(/ready/)
    program.kill('SIGTERM')
    await program.line(/still stopping/)
    program.kill('SIGINT')
    expect((await program.outcome).code).toBe(1)
  })

  test('at the same moment is the same key press, told twice', async () => {
    const program = stopping()
    await program.line(/ready/)
    // It hears both when it goes on, however long the second one took us.
    for (const signal of ['SIGSTOP', 'SIGTERM', 'SIGINT', 'SIGCONT'] as const) program.kill(signal)
    expect(await program.line(/still stopping/)).toBeDefined()
  })
})

test('flags become options of the first listener, the data folder and the log', () => {
  expect(overridesOf({})).toEqual({})
  expect(overridesOf({ port: 0 })).toEqual({ listeners: [{ port: 0 }] })
  expect(overridesOf({ host: '::', port: 1 })).toEqual({ listeners: [{ host: '::', port: 1 }] })
  expect(overridesOf({ memory: true })).toEqual({ persistence: { enabled: false } })
  expect(overridesOf({ data: 'x' })).toEqual({ persistence: { enabled: true, path: 'x' } })
  expect(overridesOf({ verbose: true })).toEqual({ log: { level: 'debug' } })
})
