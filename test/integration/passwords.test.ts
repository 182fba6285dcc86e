// Users of a file and tokens, as a broker with sockets meets them: log-in by MQTT.js, what changes while clients are
// connected, and what keeps it from starting.
import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makePasswordHash } from '../../src/authentication/password-hash.ts'
import { type Broker, type BrokerOptions, createBroker, ManualClock, scramVerifier } from '../../src/index.ts'
import { SECRET, clock as tokenClock, tokenOf } from '../authentication/token-maker.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

interface Served {
  readonly broker: Broker
  readonly url: string
  readonly lines: Record<string, unknown>[]
}

async function serve(options: BrokerOptions): Promise<Served> {
  const lines: Record<string, unknown>[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const broker = await createBroker({
    persistence: { enabled: false },
    allowAnonymous: false,
    logger,
    ...options,
  })
  onTestFinished(() => broker.close())
  const [address] = await broker.listen([{ host: '127.0.0.1', port: 0 }])
  return { broker, url: `mqtt://127.0.0.1:${address?.port}`, lines }
}

async function connect({ url }: Served, options: IClientOptions): Promise<MqttClient> {
  const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, ...options })
  onTestFinished(() => void client.end(true))
  return client
}

/** Resolves with the reason code of the DISCONNECT. */
const disconnected = (client: MqttClient): Promise<number | undefined> =>
  new Promise((resolve) => client.once('disconnect', ({ reasonCode }) => resolve(reasonCode)))

const hash = (password: string): Promise<string> => makePasswordHash('sha512', Buffer.from(password))

async function fileOf(content: string): Promise<string> {
  const path = join(await temporaryFolder(), 'users')
  await writeFile(path, content, { mode: 0o600 })
  return path
}

describe('a file of users', () => {
  it.each([4, 5] as const)('lets them in and nobody else, version %i', async (protocolVersion) => {
    const kinds = [
      ['six', await makePasswordHash('sha512', Buffer.from('pencil'))],
      ['seven', await makePasswordHash('sha512-pbkdf2', Buffer.from('pencil'), 1_000)],
      ['argon', await makePasswordHash('argon2id', Buffer.from('pencil'))],
      ['scram', await scramVerifier('pencil', { hash: 'SHA-512', iterations: 4_096 })],
    ]
    const passwordFile = await fileOf(kinds.map((parts) => parts.join(':')).join('\n'))
    const served = await serve({ authentication: { passwordFile, backOffMaxMs: 0 } })
    const refused = { code: protocolVersion === 5 ? 0x86 : 4 }
    for (const [username = ''] of kinds) {
      // The second time nothing is hashed.
      for (let i = 0; i < 2; i++) await connect(served, { protocolVersion, username, password: 'pencil' })
      for (const password of ['', 'pencils', 'x'.repeat(2_000)])
        await expect(connect(served, { protocolVersion, username, password })).rejects.toMatchObject(refused)
      await expect(connect(served, { protocolVersion, username })).rejects.toMatchObject(refused)
    }
    const nobody = { protocolVersion, username: 'nobody', password: 'pencil' }
    await expect(connect(served, nobody)).rejects.toMatchObject(refused)
    const nameless = connect(served, { protocolVersion })
    await expect(nameless).rejects.toMatchObject({ code: protocolVersion === 5 ? 0x87 : 5 })
  })

  it('that changes is taken while clients are connected: those who have to go are told', async () => {
    const [old, bob] = [await hash('old'), await hash('x')]
    const passwordFile = await fileOf(`ada:${old}\nbob:${bob}\ngone:${old}\n`)
    const served = await serve({ authentication: { passwordFile } })
    const password = 'old'
    const [ada, gone] = [
      await connect(served, { username: 'ada', password }),
      await connect(served, { username: 'gone', password }),
    ]
    const stays = await connect(served, { username: 'bob', password: 'x' })
    const reasons = [disconnected(ada), disconnected(gone)]
    await writeFile(passwordFile, `bob:${bob}\nada:${await hash('new')}\n`)
    await served.broker.reload()
    expect(await Promise.all(reasons)).toEqual([0x87, 0x87])
    await stays.publishAsync('a', 'still here', { qos: 1 })
    await expect(connect(served, { username: 'ada', password })).rejects.toMatchObject({ code: 0x86 })
    await connect(served, { username: 'ada', password: 'new' })
  })

  it.each([
    ['is malformed', (path: string) => writeFile(path, 'ada:secret\n'), /users:1: a line is user:hash/],
    ['is empty', (path: string) => writeFile(path, ''), /users: there is no user in it$/],
    ['is gone', (path: string) => rm(path), /there is no such file$/],
  ])(
    'that %s after a change leaves the one before in force, and the log says so',
    async (_, harm, message) => {
      const passwordFile = await fileOf(`ada:${await hash('pencil')}\n`)
      const served = await serve({ authentication: { passwordFile } })
      const ada = await connect(served, { username: 'ada', password: 'pencil' })
      await harm(passwordFile)
      const reloading = served.broker.reload()
      await expect(reloading).rejects.toMatchObject({ code: 'ERR_GODWIT_RELOAD_FAILED' })
      await expect(reloading).rejects.toThrow(message)
      await ada.publishAsync('a', 'still here', { qos: 1 })
      await connect(served, { username: 'ada', password: 'pencil' })
      await expect(connect(served, { username: 'ada', password: 'secret' })).rejects.toMatchObject({
        code: 0x86,
      })
      expect(served.lines.filter(({ level }) => level === 50)).toMatchObject([
        { option: 'authentication.passwordFile', why: expect.stringMatching(message) },
      ])
      expect(JSON.stringify(served.lines)).not.toContain('secret')
    },
  )

  it.each([
    ['not there', undefined],
    ['empty', ''],
    ['of comments alone', '# nobody yet\n\n'],
    ['of plain passwords', 'ada:pencil\n'],
    ['with a line that is cut off', 'ada:$7$101$Q1MgyJakQESyYNnF$0SPRDCi2\n'],
    ['with a user twice', `ada:$6$${'A'.repeat(16)}$${'A'.repeat(86)}==\n`.repeat(2)],
    ['with a nameless user', `:$6$${'A'.repeat(16)}$${'A'.repeat(86)}==\n`],
    ['of another encoding', Buffer.from([0xff, 0xfe, 0x41, 0x00])],
  ])('that is %s keeps a broker from starting', async (_, content) => {
    const passwordFile = join(await temporaryFolder(), 'users')
    if (content !== undefined) await writeFile(passwordFile, content)
    const starting = createBroker({ persistence: { enabled: false }, authentication: { passwordFile } })
    await expect(starting).rejects.toThrow(passwordFile)
    await expect(starting).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_GODWIT_CONFIG_/) })
  })

  it('that others can read is warned about', async () => {
    const passwordFile = await fileOf(`ada:${await hash('pencil')}\n`)
    await chmod(passwordFile, 0o644)
    const { lines } = await serve({ authentication: { passwordFile } })
    expect(lines.filter(({ level }) => level === 40)).toMatchObject([{ path: passwordFile }])
  })

  it('writes no password into the log, whatever comes of it', async () => {
    const passwordFile = await fileOf(`ada:${await hash('pencil')}\n`)
    const served = await serve({ authentication: { passwordFile } })
    for (const username of ['ada', 'eve']) {
      await expect(connect(served, { username, password: 'hunter2' })).rejects.toThrow()
    }
    await connect(served, { username: 'ada', password: 'pencil' })
    const refusals = served.lines.filter(({ msg }) => msg === 'authentication refused')
    expect(refusals.map(({ why }) => why)).toEqual([
      'password-file: wrong password, or none',
      'nobody knows this client',
    ])
    expect(JSON.stringify(served.lines)).not.toMatch(/hunter2|pencil/)
  })
})

describe('a token', () => {
  const serveTokens = async () => {
    const secretFile = await fileOf(SECRET)
    const order = ['jwt', 'password-file'] as const
    const passwordFile = await fileOf(`ada:${await hash('pencil')}\n`)
    return serve({ clock: tokenClock, authentication: { jwt: { secretFile }, passwordFile, order } })
  }

  it('is taken in the place of a password, beside passwords', async () => {
    const served = await serveTokens()
    await connect(served, { username: 'whoever', password: await tokenOf(SECRET) })
    await connect(served, { username: 'ada', password: 'pencil' })
    const forged = connect(served, { username: 'ada', password: await tokenOf(`${SECRET}?`) })
    await expect(forged).rejects.toMatchObject({ code: 0x86 })
  })

  it('ends the connection when it ends', async () => {
    const served = await serveTokens()
    const password = await tokenOf(SECRET, {}, { exp: 20 })
    const client = await connect(served, { username: 'ada', password, keepalive: 0 })
    const reason = disconnected(client)
    tokenClock.advance(24_000)
    await client.publishAsync('a', 'still here', { qos: 1 })
    tokenClock.advance(1_200)
    expect(await reason).toBe(0xa0)
  })
})

describe('a function', () => {
  it('of a program decides', async () => {
    const served = await serve({
      authenticate: async ({ userName, password }) =>
        userName === 'ada' && String(password) === 'pencil'
          ? { kind: 'accept', identity: 'ada', rights: { publish: ['a'], subscribe: [] } }
          : { kind: 'refuse', why: 'not ada', reasonCode: 0x8a },
    })
    await connect(served, { username: 'ada', password: 'pencil' })
    await expect(connect(served, { username: 'eve', password: 'x' })).rejects.toMatchObject({ code: 0x8a })
  })
})

it('who is not in the file is left to those behind it, whatever the password; who is there is not', async () => {
  const served = await serve({
    authentication: {
      passwordFile: await fileOf(`ada:${await hash('pencil')}\n`),
      order: ['password-file', 'function'],
    },
    authenticate: ({ userName = '' }) => ({ kind: 'accept', identity: userName }),
  })
  for (const rest of [{}, { password: 'x' }, { password: 'x'.repeat(2_000) }]) {
    await connect(served, { username: 'eve', ...rest })
    await expect(connect(served, { username: 'ada', ...rest })).rejects.toMatchObject({ code: 0x86 })
  }
})

it('who a function has admitted is looked at again with every change of a file', async () => {
  const passwordFile = await fileOf(`ada:${await hash('pencil')}\n`)
  const held = new Map<string, () => boolean>([
    ['stays', () => true],
    ['goes', () => false],
    [
      'fails',
      () => {
        throw new Error('holds fails')
      },
    ],
  ])
  const served = await serve({
    authentication: { passwordFile, order: ['function'] },
    authenticate: ({ userName = '' }) => ({ kind: 'accept', identity: userName, holds: held.get(userName) }),
  })
  const [stays, goes, fails] = [
    await connect(served, { username: 'stays', password: 'x' }),
    await connect(served, { username: 'goes', password: 'x' }),
    await connect(served, { username: 'fails', password: 'x' }),
  ]
  const reasons = [disconnected(goes), disconnected(fails)]
  await served.broker.reload()
  expect(await Promise.all(reasons)).toEqual([0x87, 0x80])
  await stays.publishAsync('a', 'still here', { qos: 1 })
})

it('who a program looks at needs a name, unless it says otherwise', async () => {
  const authenticate = () => ({ kind: 'ignore' }) as const
  for (const allowAnonymous of [undefined, true]) {
    const broker = await createBroker({
      persistence: { enabled: false },
      authenticate,
      ...(allowAnonymous !== undefined && { allowAnonymous }),
    })
    onTestFinished(() => broker.close())
    const [address] = await broker.listen([{ host: '127.0.0.1', port: 0 }])
    const connecting = connectAsync(`mqtt://127.0.0.1:${address?.port}`, { reconnectPeriod: 0 })
    if (allowAnonymous) await (await connecting).endAsync(true)
    else await expect(connecting).rejects.toMatchObject({ code: 5 })
  }
})

it('an address that fails again and again is refused with 0x9F, and let in again after a while', async () => {
  const clock = new ManualClock()
  const passwordFile = await fileOf(`ada:${await hash('pencil')}\nbob:${await hash('pencil')}\n`)
  const served = await serve({ clock, authentication: { passwordFile, failuresFree: 2 } })
  for (let i = 0; i < 3; i++) {
    await expect(connect(served, { username: 'ada', password: 'x' })).rejects.toMatchObject({ code: 0x86 })
  }
  const bob = { username: 'bob', password: 'pencil' }
  await expect(connect(served, bob)).rejects.toMatchObject({ code: 0x9f })
  await expect(connect(served, { ...bob, protocolVersion: 4 })).rejects.toMatchObject({ code: 3 })
  clock.advance(1_100)
  await connect(served, bob)
})

it('each listener has authenticators of its own, where it says so', async () => {
  const passwordFile = await fileOf(`ada:${await hash('pencil')}\n`)
  const broker = await createBroker({
    persistence: { enabled: false },
    authentication: { passwordFile },
    authenticate: ({ userName = '' }) => ({ kind: 'accept', identity: userName }),
    listeners: [
      { port: 0 },
      { port: 0, authenticators: ['password-file'] },
      { port: 0, authenticators: ['function'] },
      { port: 0, authenticators: [], allowAnonymous: true },
    ],
  })
  onTestFinished(() => broker.close())
  const codeOf = async (url: string): Promise<number> => {
    const options = { username: 'ada', password: 'x', reconnectPeriod: 0 }
    const client = await connectAsync(url, options).catch((error: { code: number }) => error.code)
    if (typeof client === 'number') return client
    await client.endAsync(true)
    return 0
  }
  const addresses = await broker.listen()
  const urls = addresses.map((address) => `mqtt://127.0.0.1:${'port' in address ? address.port : ''}`)
  expect(await Promise.all(urls.map(codeOf))).toEqual([4, 4, 0, 0])
})
