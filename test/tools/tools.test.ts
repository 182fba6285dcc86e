// godwit pub, sub and rr as people run them, against a broker on a socket: what they print, and how they end.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildProgram, type Outcome, Program } from '../cli/program.ts'
import { serve, serveBroker } from '../integration/served-broker.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

beforeAll(buildProgram, 120_000)

function start(tool: string, port: number, ...flags: string[]): Program {
  const program = Program.start([tool, '-h', '127.0.0.1', '-p', String(port), ...flags])
  onTestFinished(() => program.kill('SIGKILL'))
  return program
}

const run = (tool: string, port: number, ...flags: string[]): Promise<Outcome> =>
  start(tool, port, ...flags).outcome

describe.each(['mqttv31', 'mqttv311', 'mqttv5'])('with %s', (version) => {
  it.each(['0', '1', '2'])('a message goes from pub to sub at QoS %s', async (qos) => {
    const port = await serve('memory')
    const flags = ['-V', version, '-q', qos, '-t', 'a/b']
    expect(await run('pub', port, ...flags, '-r', '-m', 'hello')).toMatchObject({ code: 0, stderr: [] })
    const { code, stdout } = await run('sub', port, ...flags, '-C', '1', '-F', '%t %q %r %p')
    expect([code, stdout]).toEqual([0, [`a/b ${qos} 1 hello`]])
  })
})

describe('godwit pub', () => {
  it('takes its payload from a file, an argument or nowhere', async () => {
    const port = await serve('memory')
    const file = join(await temporaryFolder(), 'payload')
    await writeFile(file, 'from a file')
    await run('pub', port, '-t', 'one', '-r', '-f', file)
    await run('pub', port, '-t', 'two', '-r', '-m', 'two')
    await run('pub', port, '-t', 'two', '-r', '-n')
    const { code, stdout } = await run('sub', port, '-t', '#', '-v', '-C', '1')
    expect([code, stdout]).toEqual([0, ['one from a file']])
    expect(await run('sub', port, '-t', 'two', '-W', '1')).toMatchObject({ code: 27, stdout: [] })
  })

  it('repeats', async () => {
    const port = await serve('memory')
    const kept = ['-i', 'reader', '-c', '-q', '1', '-t', 'again']
    await run('sub', port, ...kept, '-E')
    await run('pub', port, '-t', 'again', '-m', 'x', '--repeat', '3', '-q', '1')
    expect((await run('sub', port, ...kept, '-C', '3')).stdout).toEqual(['x', 'x', 'x'])
  })

  it('sends properties', async () => {
    const port = await serve('memory')
    const properties = ['-D', 'publish', 'content-type', 'a/b', '-D', 'publish', 'user-property', 'k', 'v']
    await run('pub', port, '-V', '5', '-t', 'a', '-m', 'x', '-r', ...properties)
    const { stdout } = await run('sub', port, '-V', '5', '-t', 'a', '-C', '1', '-F', '%C %P')
    expect(stdout).toEqual(['a/b k:v'])
  })

  it('ends with the reason code of what was refused', async () => {
    const { port } = await serveBroker(
      { persistence: { enabled: false }, allowAnonymous: false },
      onTestFinished,
    )
    const refused = await run('pub', port, '-V', '5', '-t', 'a', '-m', 'x')
    expect(refused.code).toBe(0x87)
    expect(refused.stderr.join()).toMatch(/not authorized/i)
  })

  it.each([
    [['-t', 'a']],
    [['-m', 'x']],
    [['-t', 'a', '-m', 'x', '-n']],
    [['-t', 'a', '-m', 'x', '-c']],
    [['-t', 'a', '-m', 'x', '-f', '/nowhere']],
    [['-t', 'a', '-m', 'x', '-D', 'publish', 'nonsense', '1', '-V', '5']],
    [['-t', 'a', '-m', 'x', '--will-payload', 'y']],
  ])('%j is refused in a line, with 1', async (flags) => {
    const { code, stderr } = await run('pub', await serve('memory'), ...flags)
    expect([code, stderr.length]).toEqual([1, 1])
  })

  it('says that nobody is there, with 1', async () => {
    const { code, stderr } = await run('pub', 1, '-t', 'a', '-m', 'x')
    expect(code).toBe(1)
    expect(stderr).toEqual([expect.stringMatching(/ECONNREFUSED/)])
  })
})

describe('godwit sub', () => {
  it('leaves out what -T matches and what -R calls stale', async () => {
    const port = await serve('memory')
    for (const topic of ['a/1', 'a/2']) await run('pub', port, '-t', topic, '-r', '-m', topic)
    // Were the other one printed, it would come first: it is the older one.
    expect((await run('sub', port, '-t', 'a/#', '-T', '+/1', '-C', '1')).stdout).toEqual(['a/2'])
    expect((await run('sub', port, '-t', 'a/#', '-R', '-W', '1')).stdout).toEqual([])
  })

  it('removes what is retained', async () => {
    const port = await serve('memory')
    await run('pub', port, '-t', 'a', '-r', '-m', 'x')
    await run('sub', port, '-t', 'a', '--remove-retained', '-C', '1')
    expect((await run('sub', port, '-t', 'a', '-W', '1')).stdout).toEqual([])
  })

  it('ends when it is subscribed, with -E, and finds its session again with -c', async () => {
    const port = await serve('memory')
    const kept = ['-i', 'reader', '-c', '-q', '1', '-t', 'a']
    expect((await run('sub', port, ...kept, '-E')).code).toBe(0)
    await run('pub', port, '-t', 'a', '-m', 'waited', '-q', '1')
    expect((await run('sub', port, ...kept, '-C', '1')).stdout).toEqual(['waited'])
  })

  it('takes everything from a URL', async () => {
    const port = await serve('memory')
    await run('pub', port, '-t', 'a/b', '-r', '-m', 'x')
    const program = Program.start(['sub', '-L', `mqtt://user:secret@127.0.0.1:${port}/a/b`, '-C', '1'])
    expect((await program.outcome).stdout).toEqual(['x'])
  })

  it('ends in good order with Ctrl+C', async () => {
    const port = await serve('memory')
    await run('pub', port, '-t', 'a', '-r', '-m', 'x')
    const reader = start('sub', port, '-t', 'a')
    await reader.line(/x/)
    reader.kill('SIGINT')
    expect((await reader.outcome).code).toBe(0)
  })
})

describe('godwit rr', () => {
  it('asks, and prints the answer', async () => {
    const port = await serve('memory')
    const server = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 })
    onTestFinished(() => void server.end(true))
    server.on('message', (_topic, payload, { properties }) => {
      server.publish(properties?.responseTopic as string, `answer to ${payload}`)
    })
    await server.subscribeAsync('ask')
    const asked = await run('rr', port, '-V', '5', '-t', 'ask', '-e', 'answers', '-m', 'this', '-W', '20')
    expect(asked).toMatchObject({ code: 0, stdout: ['answer to this'] })
  })

  it('gives up after -W, with 27', async () => {
    const { code } = await run('rr', await serve('memory'), '-t', 'ask', '-e', 'b', '-m', 'x', '-W', '1')
    expect(code).toBe(27)
  })
})
