// Files of rules on a real disk: what stops the start, what is taken while the broker runs, and what is not.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Broker, createBroker, ManualClock, type RightsLost } from '../../src/index.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

interface Log {
  readonly level: number
  readonly msg: string
  readonly why?: string
}

class Served {
  readonly clock = new ManualClock()
  readonly log: Log[] = []
  readonly lost: RightsLost[] = []
  readonly aclFile: string
  broker!: Broker
  #port = 0

  constructor(aclFile: string) {
    this.aclFile = aclFile
  }

  async start(): Promise<void> {
    const { aclFile, clock, log } = this
    const logger = pino({ level: 'info' }, { write: (line: string) => log.push(JSON.parse(line)) })
    this.broker = await createBroker({
      authorization: { aclFile },
      persistence: { enabled: false },
      clock,
      logger,
    })
    onTestFinished(() => this.broker.close())
    this.broker.on('rightsLost', (lost) => this.lost.push(lost))
    const [address] = await this.broker.listen([{ host: '127.0.0.1', port: 0 }])
    this.#port = address?.port ?? 0
  }

  async client(): Promise<MqttClient> {
    const client = await connectAsync({
      host: '127.0.0.1',
      port: this.#port,
      protocolVersion: 5,
      reconnectPeriod: 0,
    })
    onTestFinished(() => void client.end(true))
    return client
  }
}

async function served(...lines: string[]): Promise<Served> {
  const made = new Served(join(await temporaryFolder(), 'acl'))
  await writeFile(made.aclFile, lines.join('\n'))
  return made
}

describe('the start', () => {
  it.each([
    [
      'is missing',
      async (path: string) => rm(path),
      'cannot read authorization.aclFile ACL: there is no such file',
      'UNREADABLE',
    ],
    ['is empty', async (path: string) => writeFile(path, ''), 'ACL:1: there is no rule in it', 'INVALID'],
    [
      'has only remarks',
      async (path: string) => writeFile(path, '# a\n\nuser x\n'),
      'ACL:1: there is no rule in it',
      'INVALID',
    ],
    [
      'is not well formed',
      async (path: string) => writeFile(path, 'topic a\ntopc b\n'),
      'ACL:2: a line begins with topic, pattern or user, not with "topc"',
      'INVALID',
    ],
    [
      'is a folder',
      async (path: string) => {
        await rm(path)
        await mkdir(path)
      },
      'cannot read authorization.aclFile ACL: it is a folder',
      'UNREADABLE',
    ],
  ])('is stopped by a file that %s', async (_, spoil, message, code) => {
    const made = await served('topic a')
    await spoil(made.aclFile)
    await expect(made.start()).rejects.toMatchObject({
      code: `ERR_GODWIT_CONFIG_${code}`,
      message: message.replace('ACL', made.aclFile),
    })
  })
})

describe('a file that changes while the broker runs', () => {
  it('takes effect on clients that are connected', async () => {
    const made = await served('topic #')
    await made.start()
    const client = await made.client()
    await client.subscribeAsync(['a', 'b'])
    await writeFile(made.aclFile, 'topic read b\n')
    await made.broker.reload()
    await expect
      .poll(() => made.lost)
      .toEqual([expect.objectContaining({ kind: 'subscription', topic: 'a' })])
    await expect(client.publishAsync('b', '', { qos: 1 })).rejects.toThrow('Not authorized')
    expect(made.log.map(({ msg }) => msg)).toContain('a right was lost')
    await expect
      .poll(() => made.log.at(-1))
      .toMatchObject({ sessions: 1, lost: 1, msg: 'rights of all sessions looked at again' })
  })

  it('is noticed without being told', async () => {
    const made = await served('topic read a')
    await made.start()
    const client = await made.client()
    await expect(client.publishAsync('a', '', { qos: 1 })).rejects.toThrow('Not authorized')
    await writeFile(made.aclFile, 'topic readwrite a\n')
    await expect
      .poll(async () => {
        made.clock.advance(2_000)
        return client.publishAsync('a', '', { qos: 1 }).then(
          () => 'taken',
          () => 'refused',
        )
      })
      .toBe('taken')
  })

  it.each([
    ['malformed', async (path: string) => writeFile(path, 'topic #\nnonsense\n'), /acl:2: /],
    ['empty', async (path: string) => writeFile(path, ''), /acl:1: there is no rule/],
    ['missing', async (path: string) => rm(path), /no such file/],
  ])('and is %s then leaves the last good rules in force, loudly', async (_, spoil, why) => {
    const made = await served('topic read b')
    await made.start()
    await spoil(made.aclFile)
    await expect(made.broker.reload()).rejects.toMatchObject({
      code: 'ERR_GODWIT_RELOAD_FAILED',
      message: expect.stringMatching(why),
    })
    const errors = made.log.filter(({ level }) => level >= 50)
    expect(errors).toEqual([expect.objectContaining({ why: expect.stringMatching(why) })])
    const client = await made.client()
    await expect(client.publishAsync('b', '', { qos: 1 })).rejects.toThrow('Not authorized')
    await client.subscribeAsync('b')
  })
})
