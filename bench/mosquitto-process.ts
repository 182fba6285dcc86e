// Mosquitto in a process of its own, as the benchmarks lay it beside godwit. It has to be on the PATH, or in /usr/sbin.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { mosquittoLines, type WayIn } from './ways-in.ts'

export interface MosquittoProcess {
  readonly port: number
  readonly child: ChildProcess
}

/** Without limits of its own; the certificates of certs/ are in `folder` for TLS. */
export async function startMosquitto(folder: string, way: WayIn): Promise<MosquittoProcess> {
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  const noLimits = 'max_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\n'
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1\n${mosquittoLines(way, folder)}allow_anonymous true\n${noLimits}`,
  )
  const path = `${process.env.PATH}:/usr/sbin`
  const child = spawn('mosquitto', ['-c', file], { stdio: 'ignore', env: { ...process.env, PATH: path } })
  await once(child, 'spawn')
  while (!(await isListening(port))) if (child.exitCode !== null) throw new Error('mosquitto did not start')
  return { port, child }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isThere = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return isThere
}
