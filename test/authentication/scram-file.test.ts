// authentication.scramFile: what is read, and what keeps a broker from starting.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readFilesOfUsers } from '../../src/authentication/files-of-users.ts'
import type { AuthenticationMethod } from '../../src/authentication/method.ts'
import { FileWatch } from '../../src/base/file-watch.ts'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { createBroker, scramVerifier } from '../../src/index.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { clientOf } from './client-of.ts'
import { ScramClient } from './scram-client.ts'

const CLIENT = clientOf()
const VERIFIER = await scramVerifier('pencil', { iterations: 4_096 })
const HARDER = await scramVerifier('pencil', { iterations: 5_000, salt: Buffer.alloc(24, 1) })

async function fileOf(...lines: string[]): Promise<string> {
  const path = join(await temporaryFolder(), 'users')
  await writeFile(path, lines.join('\n'))
  return path
}

/** SCRAM-SHA-256 of a file. */
async function scramFromFile(path: string, scramSecret: string): Promise<AuthenticationMethod> {
  const files = new FileWatch({ clock: new ManualClock(), log: pino({ level: 'silent' }) })
  const settings = { passwordFile: '', scramFile: path, scramSecret, hashesAtOnceMax: 2 }
  const { methods } = await readFilesOfUsers(settings, files)
  return methods[0] as AuthenticationMethod
}

/** What is said first to `user`. */
async function serverFirst(method: AuthenticationMethod, user: string): Promise<string> {
  const answer = await method.begin(CLIENT)(Buffer.from(new ScramClient(user, 'x').first))
  return String(answer.data)
}

async function isLetIn(method: AuthenticationMethod, user: string): Promise<boolean> {
  const step = method.begin(CLIENT)
  const client = new ScramClient(user, 'pencil')
  const asked = await step(Buffer.from(client.first))
  return (await step(Buffer.from(client.final(String(asked.data))))).kind === 'accept'
}

describe('a file of users', () => {
  it('has a user a line, between comments and empty lines, on any system', async () => {
    const path = await fileOf(
      '# ward 3',
      `ada:${VERIFIER}`,
      '',
      ` grace: of ward 3 :${HARDER}\r`,
      `\u2168:${HARDER}`,
      `a:SCRAM-SHA-256$:${HARDER}`,
    )
    const method = await scramFromFile(path, '')
    expect(method.name).toBe('SCRAM-SHA-256')
    for (const user of ['ada', ' grace: of ward 3 ', 'IX', 'a:SCRAM-SHA-256$']) {
      expect(await isLetIn(method, user)).toBe(true)
    }
    for (const user of ['grace', '# ward 3']) expect(await isLetIn(method, user)).toBe(false)
  })

  it('shows unknown users the iterations and the size of salt that most of the known have', async () => {
    const lines = [`a:${VERIFIER}`, `b:${HARDER}`, `c:${HARDER}`]
    const path = await fileOf(...lines)
    const [salt, iterations] =
      /s=(.*),i=(.*)/.exec(await serverFirst(await scramFromFile(path, ''), 'd'))?.slice(1) ?? []
    expect([Buffer.from(salt ?? '', 'base64').length, iterations]).toEqual([24, '5000'])
  })

  it('shows unknown users the same salt after a restart, where there is a secret', async () => {
    const path = await fileOf(`ada:${VERIFIER}`)
    const saltOf = async (secret: string) =>
      /s=(.*),/.exec(await serverFirst(await scramFromFile(path, secret), 'nobody'))?.[1]
    expect(await saltOf('s')).toBe(await saltOf('s'))
    expect(await saltOf('s')).not.toBe(await saltOf('t'))
    expect(await saltOf('')).not.toBe(await saltOf(''))
  })

  it('keeps the broker from starting when nobody is in it, who would lock everybody out', async () => {
    for (const lines of [[], ['# ward 3', '']]) {
      const path = await fileOf(...lines)
      const starting = createBroker({ persistence: { enabled: false }, authentication: { scramFile: path } })
      const message = `${path}: there is no user in it`
      await expect(starting).rejects.toMatchObject({ code: 'ERR_GODWIT_CONFIG_INVALID', message })
    }
  })

  it('keeps the broker from starting when a line is wrong, and names every such line without its secrets', async () => {
    const path = await fileOf(
      `ada:${VERIFIER}`,
      'grace:pencil',
      `:${VERIFIER}`,
      `a\u0007:${VERIFIER}`,
      'b:SCRAM-SHA-256$1:x$y:z',
      `a\u00ADda:${VERIFIER}`,
    )
    const starting = createBroker({ persistence: { enabled: false }, authentication: { scramFile: path } })
    await expect(starting).rejects.toMatchObject({
      code: 'ERR_GODWIT_CONFIG_INVALID',
      message: [
        `${path}:2: a line is user:hash; godwit passwd -U makes hashes of passwords`,
        `${path}:3: the user name is empty, or SASLprep refuses it`,
        `${path}:4: the user name is empty, or SASLprep refuses it`,
        `${path}:5: the verifier is not in the form of PostgreSQL, or below 4096 iterations`,
        `${path}:6: the user is there already`,
      ].join('\n'),
    })
  })

  it('keeps the broker from starting when it cannot be read', async () => {
    const scramFile = join(await temporaryFolder(), 'users')
    const starting = createBroker({ persistence: { enabled: false }, authentication: { scramFile } })
    await expect(starting).rejects.toMatchObject({ code: 'ERR_GODWIT_CONFIG_UNREADABLE' })
    await expect(starting).rejects.toThrow(scramFile)
  })

  it('does not go with another method of the same name', async () => {
    const scramFile = await fileOf(`ada:${VERIFIER}`)
    const options = { persistence: { enabled: false }, authentication: { scramFile } }
    const twin = await scramFromFile(scramFile, '')
    await expect(createBroker({ ...options, authenticationMethods: [twin] })).rejects.toThrow('SCRAM-SHA-256')
    const broker = await createBroker(options)
    onTestFinished(() => broker.close())
  })
})
