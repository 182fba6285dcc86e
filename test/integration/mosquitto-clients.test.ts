// Debian's mosquitto_pub and mosquitto_sub against the program godwit, as people try a broker out.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { BrokerProcess } from './broker-process.ts'
import { ExitCode, hasMosquittoClients, MosquittoProgram } from './mosquitto-programs.ts'

/** A message's line: topic, QoS, RETAIN, payload; all other lines are what -d tells. */
const FORMAT = 'message %t %q %r %p'

describe.skipIf(!hasMosquittoClients())('mosquitto_pub and mosquitto_sub (needs mosquitto-clients)', () => {
  let broker: BrokerProcess
  beforeAll(async () => {
    broker = await BrokerProcess.start({})
  })
  afterAll(async () => {
    expect(await broker.stop()).toBe(0)
  })

  /** Resolves when it is subscribed. It ends by itself after `count` messages. */
  async function subscriber(count: number, flags: readonly string[]): Promise<MosquittoProgram> {
    const always = ['-d', '-F', FORMAT, '-C', String(count), '-W', '100']
    const program = new MosquittoProgram('mosquitto_sub', broker.port, [...always, ...flags])
    await program.line(/^Subscribed /)
    return program
  }

  /** Resolves with its exit code. */
  const publish = (flags: readonly string[], input = ''): Promise<number | null> =>
    new MosquittoProgram('mosquitto_pub', broker.port, flags).input(input).ended

  async function messagesOf(program: MosquittoProgram): Promise<string[]> {
    expect(await program.ended).toBe(ExitCode.Success)
    return program.lines.flatMap((line) => (line.startsWith('message ') ? [line.slice(8)] : []))
  }

  describe.each(['31', '311', '5'])('-V %s', (version) => {
    const v = ['-V', version]
    const topicOf = (name: string): string => `${version}/${name}`

    test.each(['0', '1', '2'])('-q %s reaches the subscriber, with that quality of service', async (qos) => {
      const topic = topicOf(`qos${qos}`)
      const receiver = await subscriber(2, [...v, '-t', topic, '-q', '2'])
      expect(await publish([...v, '-t', topic, '-q', qos, '-m', 'hello world'])).toBe(ExitCode.Success)
      expect(await publish([...v, '-t', topic, '-q', qos, '-n'])).toBe(ExitCode.Success)
      expect(await messagesOf(receiver)).toEqual([`${topic} ${qos} 0 hello world`, `${topic} ${qos} 0 `])
    })

    test('-r is kept for who comes later', async () => {
      const topic = topicOf('retained')
      expect(await publish([...v, '-t', topic, '-q', '1', '-r', '-m', 'kept'])).toBe(ExitCode.Success)
      const receiver = await subscriber(1, [...v, '-t', topic, '-q', '1'])
      expect(await messagesOf(receiver)).toEqual([`${topic} 1 1 kept`])
      expect(await publish([...v, '-t', topic, '-q', '1', '-r', '-n'])).toBe(ExitCode.Success)
    })

    test('--will-topic is published when the client is killed', async () => {
      const topic = topicOf('will')
      const watcher = await subscriber(1, [...v, '-t', topic, '-q', '2'])
      const will = ['--will-topic', topic, '--will-payload', 'gone', '--will-qos', '2', '--will-retain']
      const mortal = await subscriber(1, [...v, '-t', topicOf('nothing'), ...will])
      mortal.kill('SIGKILL')
      expect(await messagesOf(watcher)).toEqual([`${topic} 2 0 gone`])
      const later = await subscriber(1, [...v, '-t', topic])
      expect(await messagesOf(later)).toEqual([`${topic} 0 1 gone`])
    })

    test('-c -i keeps what comes while the client is away', async () => {
      const topic = topicOf('queue')
      const expiry = version === '5' ? ['-x', '3600'] : []
      const kept = [...v, '-c', '-i', `kept-${version}`, ...expiry, '-t', topic, '-q', '2']
      const first = new MosquittoProgram('mosquitto_sub', broker.port, [...kept, '-E'])
      expect(await first.ended).toBe(ExitCode.Success)
      for (const qos of ['1', '2'])
        await publish([...v, '-t', topic, '-q', qos, '-m', `while away, QoS ${qos}`])
      const back = new MosquittoProgram('mosquitto_sub', broker.port, [
        ...kept,
        '-F',
        FORMAT,
        '-C',
        '2',
        '-W',
        '100',
      ])
      expect(await messagesOf(back)).toEqual([
        `${topic} 1 0 while away, QoS 1`,
        `${topic} 2 0 while away, QoS 2`,
      ])
    })

    test('-l sends a message for each line', async () => {
      const topic = topicOf('lines')
      const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`)
      const receiver = await subscriber(lines.length, [...v, '-t', topic, '-q', '1'])
      const sent = await publish([...v, '-t', topic, '-q', '1', '-l'], `${lines.join('\n')}\n`)
      expect(sent).toBe(ExitCode.Success)
      expect(await messagesOf(receiver)).toEqual(lines.map((line) => `${topic} 1 0 ${line}`))
    })

    test('-s sends all of the input, -f the file, as one message', async () => {
      const topic = topicOf('whole')
      const text = 'x'.repeat(300_000)
      const file = join(await temporaryFolder(), 'payload')
      await writeFile(file, text)
      const receiver = await subscriber(2, [...v, '-t', topic, '-q', '2'])
      expect(await publish([...v, '-t', topic, '-q', '2', '-s'], text)).toBe(ExitCode.Success)
      expect(await publish([...v, '-t', topic, '-q', '2', '-f', file])).toBe(ExitCode.Success)
      expect(await messagesOf(receiver)).toEqual([`${topic} 2 0 ${text}`, `${topic} 2 0 ${text}`])
    })

    test('wildcards and -T for exceptions, over several subscriptions', async () => {
      const filters = [
        '-t',
        topicOf('house/+/light'),
        '-t',
        topicOf('garden/#'),
        '-T',
        topicOf('garden/gnome'),
      ]
      const receiver = await subscriber(3, [...v, ...filters])
      for (const name of ['house/hall/light', 'house/hall/heat', 'garden', 'garden/gnome', 'garden/a/b']) {
        await publish([...v, '-t', topicOf(name), '-m', name])
      }
      const received = (await messagesOf(receiver)).map((line) => line.split(' ').at(-1))
      expect(received).toEqual(['house/hall/light', 'garden', 'garden/a/b'])
    })
  })

  test('-V 5 -D: properties arrive as they were sent', async () => {
    const receiver = new MosquittoProgram('mosquitto_sub', broker.port, [
      ...['-V', '5', '-t', 'properties', '-C', '1', '-W', '100', '-d'],
      ...['-F', 'message %C|%P|%R|%D|%p'],
    ])
    await receiver.line(/^Subscribed /)
    const properties = [
      ['content-type', 'text/plain'],
      ['user-property', 'colour', 'green'],
      ['user-property', 'colour', 'blue'],
      ['response-topic', 'answers'],
      ['correlation-data', 'c-1'],
    ].flatMap((property) => ['-D', 'publish', ...property])
    await publish(['-V', '5', '-t', 'properties', '-m', 'hello', ...properties])
    expect(await messagesOf(receiver)).toEqual(['text/plain|colour:green colour:blue|answers|c-1|hello'])
  })

  test('-V 5: a publisher is told that its message is refused', async () => {
    const publisher = new MosquittoProgram('mosquitto_pub', broker.port, [
      ...['-V', '5', '-q', '1', '-t', '$SYS/mine', '-m', 'x'],
    ])
    await publisher.ended
    expect(publisher.errors).toEqual(['Warning: Publish 1 failed: Not authorized.'])
  })

  test('-W: a subscriber that hears nothing ends with its own code', async () => {
    const program = new MosquittoProgram('mosquitto_sub', broker.port, ['-t', 'silence', '-W', '1'])
    expect(await program.ended).toBe(ExitCode.TimedOut)
    expect(program.lines).toEqual([])
  })

  test('both end with 1 where no broker listens', async () => {
    const gone = await BrokerProcess.start({})
    await gone.stop()
    for (const flags of [
      ['-t', 'a', '-m', 'x'],
      ['-t', 'a'],
    ]) {
      const name = flags.includes('-m') ? 'mosquitto_pub' : 'mosquitto_sub'
      expect(await new MosquittoProgram(name, gone.port, flags).ended).toBe(ExitCode.Refused)
    }
  })
})
