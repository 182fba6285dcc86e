// Password files between Mosquitto and godwit, in both directions, and the log-in of Mosquitto's clients: Debian's
// mosquitto_passwd, mosquitto and mosquitto_pub as they are.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createBroker } from '../../src/index.ts'
import { buildProgram, cliFile } from '../cli/program.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { MosquittoProgram } from './mosquitto-programs.ts'

const SERVER = spawnSync('mosquitto', ['-h']).error === undefined ? 'mosquitto' : '/usr/sbin/mosquitto'

function hasMosquitto(): boolean {
  const missing = [SERVER, 'mosquitto_passwd', 'mosquitto_pub', 'stdbuf'].filter(
    (program) => spawnSync(program, ['--help']).error !== undefined,
  )
  if (missing.length === 0) return true
  process.stderr.write(
    `\n*** not installed: ${missing.join(', ')}; the tests of Mosquitto's password files are SKIPPED ***\n` +
      '*** Debian, Ubuntu: apt-get install mosquitto mosquitto-clients ***\n\n',
  )
  return false
}

/** What mosquitto_pub ends with; it prints no code of 5.0 that is not in its list. */
async function login(port: number, version: string, user: string, password: string): Promise<number | null> {
  const flags = ['-V', version, '-u', user, '-P', password, '-t', 'a', '-m', 'x', '-q', '1']
  return new MosquittoProgram('mosquitto_pub', port, flags).ended
}

const versions = ['31', '311', '5']
const users: readonly (readonly [string, string])[] = [
  ['ada', 'pencil'],
  ['grace hopper', 'p:e n$c=i!l'],
  ['größe', 'größer als 🌍'],
]

async function expectLogins(port: number): Promise<void> {
  for (const version of versions) {
    for (const [user, password] of users) expect(await login(port, version, user, password)).toBe(0)
    const [wrong, unknown] = [
      await login(port, version, 'ada', 'pencils'),
      await login(port, version, 'eve', 'x'),
    ]
    expect([wrong === 0, unknown === 0, wrong === unknown]).toEqual([false, false, true])
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Mosquitto with this password file, on the port that it resolves with. */
async function serveMosquitto(passwordFile: string): Promise<number> {
  const port = await freePort()
  const config = join(await temporaryFolder(), 'mosquitto.conf')
  await writeFile(
    config,
    `listener ${port} 127.0.0.1\nallow_anonymous false\npassword_file ${passwordFile}\nuser root\n`,
  )
  const child: ChildProcess = spawn(SERVER, ['-v', '-c', config])
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream })
  for await (const line of lines) if (/running$/.test(line)) return port
  throw new Error('mosquitto ended before it ran')
}

describe.skipIf(!hasMosquitto())('a password file (needs mosquitto and mosquitto-clients)', () => {
  beforeAll(buildProgram, 120_000)

  test.each(['sha512', 'sha512-pbkdf2'])(
    'that mosquitto_passwd wrote with %s lets the same users in at godwit',
    async (hash) => {
      const passwordFile = join(await temporaryFolder(), 'passwords')
      for (const [index, [user, password]] of users.entries()) {
        const create = index === 0 ? ['-c'] : []
        execFileSync('mosquitto_passwd', ['-H', hash, ...create, '-b', passwordFile, user, password])
      }
      const broker = await createBroker({
        persistence: { enabled: false },
        allowAnonymous: false,
        authentication: { passwordFile, backOffMaxMs: 0 },
      })
      onTestFinished(() => broker.close())
      const [address] = await broker.listen([{ host: '127.0.0.1', port: 0 }])
      await expectLogins(address?.port ?? 0)
    },
  )

  test.each([
    ['sha512', []],
    ['sha512-pbkdf2', ['-I', '5000']],
  ])('that godwit passwd wrote with %s lets the same users in at Mosquitto', async (hash, flags) => {
    const passwordFile = join(await temporaryFolder(), 'passwords')
    for (const [index, [user, password]] of users.entries()) {
      const create = index === 0 ? ['-c'] : []
      const args = ['passwd', '-H', hash, ...flags, ...create, '-b', passwordFile, user, password]
      execFileSync(process.execPath, [cliFile, ...args])
    }
    await expectLogins(await serveMosquitto(passwordFile))
  })

  test('that both have written in turns is read by both', async () => {
    const passwordFile = join(await temporaryFolder(), 'passwords')
    const [[ada, pencil], [grace, pen], [third, password]] = users as [
      (typeof users)[0],
      (typeof users)[0],
      (typeof users)[0],
    ]
    execFileSync('mosquitto_passwd', ['-c', '-b', passwordFile, ada, 'old'])
    execFileSync(process.execPath, [
      cliFile,
      'passwd',
      '-H',
      'sha512-pbkdf2',
      '-b',
      passwordFile,
      ada,
      pencil,
    ])
    execFileSync('mosquitto_passwd', ['-b', passwordFile, grace, pen])
    execFileSync(process.execPath, [cliFile, 'passwd', '-H', 'sha512', '-b', passwordFile, third, password])
    await expectLogins(await serveMosquitto(passwordFile))
  })
})
