// Listeners on a unix socket: the file, who may use it, and what is left of it.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createBroker } from '../../src/server.ts'
import { flow } from '../kit/flow.ts'
import { dialTcp, openFrontDoor } from '../kit/front-door.ts'
import { connack, connect } from '../kit/packets.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

const socketIn = async (): Promise<string> => join(await temporaryFolder(), 'godwit.sock')
const memory = { persistence: { enabled: false } } as const

it('serves MQTT at its path, to anonymous clients, who are at address unix', async () => {
  const socketPath = await socketIn()
  const { addresses, logged, broker } = await openFrontDoor([{ socketPath }])
  expect(addresses).toEqual([{ name: expect.any(String), host: '', port: 0, url: `unix://${socketPath}` }])
  await flow(await dialTcp(socketPath))
    .send(connect('c'))
    .receive(connack())
    .receiveNothing()
  expect(await logged(/client connected/)).toMatchObject({ address: 'unix' })
  await broker.close()
  expect(existsSync(socketPath)).toBe(false)
})

it.each(['600', '660', '777'])('has the file mode %s when it is told to', async (socketMode) => {
  const socketPath = await socketIn()
  await openFrontDoor([{ socketPath, socketMode }])
  expect((statSync(socketPath).mode & 0o777).toString(8)).toBe(socketMode)
})

it('may be written as one address', async () => {
  const socketPath = await socketIn()
  await openFrontDoor([`unix://${socketPath}`])
  await flow(await dialTcp(socketPath))
    .send(connect('c'))
    .receive(connack())
})

it('takes the place of one whose process has died', async () => {
  const socketPath = await socketIn()
  const program = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  const script = join(await temporaryFolder(), 'dies.cjs')
  writeFileSync(script, program.replace('process.argv[1]', JSON.stringify(socketPath)))
  await once(fork(script), 'exit')
  expect(existsSync(socketPath)).toBe(true)
  await openFrontDoor([{ socketPath }])
  await flow(await dialTcp(socketPath))
    .send(connect('c'))
    .receive(connack())
})

it('does not take the place of one that somebody listens on', async () => {
  const socketPath = await socketIn()
  const other = createServer().listen(socketPath)
  await once(other, 'listening')
  const broker = await createBroker({ ...memory, listeners: [{ socketPath }] })
  await expect(broker.listen()).rejects.toMatchObject({
    code: 'ERR_GODWIT_LISTEN_IN_USE',
    message: expect.stringContaining(socketPath),
  })
  await broker.close()
  expect(existsSync(socketPath)).toBe(true)
  other.close()
})

it('does not remove a file that is no socket', async () => {
  const socketPath = await socketIn()
  writeFileSync(socketPath, 'precious')
  const broker = await createBroker({ ...memory, listeners: [{ socketPath }] })
  await expect(broker.listen()).rejects.toMatchObject({ code: 'ERR_GODWIT_LISTEN_IN_USE' })
  await broker.close()
  expect(existsSync(socketPath)).toBe(true)
})

it('in a folder that is not there is refused by name', async () => {
  const socketPath = join(await temporaryFolder(), 'missing', 'godwit.sock')
  const broker = await createBroker({ ...memory, listeners: [{ socketPath }] })
  await expect(broker.listen()).rejects.toThrow(socketPath)
  await broker.close()
})
