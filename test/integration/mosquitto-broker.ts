// Mosquitto itself, as a process on a free port, with a configuration of the test's.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from '../kit/temporary-folder.ts'

/** Debian keeps it out of the way of those who are not root. */
const program = ['mosquitto', '/usr/sbin/mosquitto'].find(
  (each) => spawnSync(each, ['-h']).error === undefined,
)

/** Says so loudly if not. */
export function hasMosquitto(): boolean {
  if (program !== undefined) return true
  process.stderr.write(
    '\n*** not installed: mosquitto; the comparison with it is SKIPPED ***\n' +
      '*** Debian, Ubuntu: apt-get install mosquitto ***\n\n',
  )
  return false
}

/** Resolves with the port when it serves. Stopped when the test is over. */
export async function startMosquitto(lines: readonly string[]): Promise<number> {
  const port = await freePort()
  const file = join(await temporaryFolder(), 'mosquitto.conf')
  // As root it would become a user who may not read the test's files.
  const head = [`listener ${port} 127.0.0.1`, `user ${userInfo().username}`]
  await writeFile(file, [...head, ...lines, ''].join('\n'))
  const child = spawn(program as string, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await isRunning(child)
  return port
}

function isRunning(child: ChildProcess): Promise<void> {
  const said: string[] = []
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      said.push(line)
      if (/ running$/.test(line)) resolve()
    })
    child.once('close', () => reject(new Error(said.join('\n'))))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
