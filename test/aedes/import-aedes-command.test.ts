// `godwit import aedes` from outside: what it prints, what it refuses, and what a broker serves afterwards.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { buildProgram, Program } from '../cli/program.ts'
import { joinMqttJs } from '../integration/mqttjs-client.ts'
import { serveBroker } from '../integration/served-broker.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { aedesPersistenceLevel } from './aedes-persistence.ts'

beforeAll(buildProgram, 120_000)

const importAedes = (...flags: string[]) => Program.start(['import', 'aedes', ...flags]).outcome

async function writeDatabase(): Promise<string> {
  const path = await temporaryFolder()
  const level = new ClassicLevel(path)
  const persistence = aedesPersistenceLevel(level)
  await persistence.setup({ id: 'broker' })
  await persistence.addSubscriptions({ id: 'c' }, [
    { topic: 'a/#', qos: 1 },
    { topic: 'a#', qos: 1 },
  ])
  const packet = { cmd: 'publish', brokerId: 'b', payload: Buffer.from('x'), qos: 1, dup: false } as const
  const numbered = (brokerCounter: number) => ({ ...packet, brokerCounter, topic: 'a/b', retain: false })
  for (const counter of [1, 2, 3]) {
    await persistence.outgoingEnqueueCombi([{ clientId: 'c' }], numbered(counter))
  }
  await persistence.outgoingUpdate({ id: 'c' }, { ...numbered(1), messageId: 500 })
  await persistence.storeRetained({ ...numbered(4), retain: true })
  await level.put('accounts:1', 'of somebody else')
  await persistence.destroy()
  return path
}

test('tells what it took over and what it left out, and a broker serves it', async () => {
  const path = await writeDatabase()
  const data = join(await temporaryFolder(), 'data')
  expect(await importAedes(path, '--data', data)).toEqual({
    code: 0,
    stderr: [],
    stdout: [
      `imported from ${path} into ${data}:`,
      '         1 sessions',
      '         1 subscriptions',
      '         0 QoS 2 packet ids received and not released',
      '         2 queued messages',
      '         1 messages in flight',
      '         1 retained messages',
      '         0 wills',
      'left out:',
      '         1 subscriptions whose topic filter is not valid',
      '         1 rows that are not of aedes-persistence-level',
    ],
  })
  const { port } = await serveBroker({ persistence: { path: data } }, onTestFinished)
  const { inbox } = await joinMqttJs(port, { clientId: 'c', clean: false })
  expect((await inbox.next(3)).map(({ messageId }) => messageId)).toEqual([500, 501, 502])
})

test('a session may be given an end', async () => {
  const path = await writeDatabase()
  const data = join(await temporaryFolder(), 'data')
  await importAedes(path, '--data', data, '--session-expiry-interval', '3600')
  const clock = new ManualClock(Date.now())
  const { port } = await serveBroker({ persistence: { path: data }, clock }, onTestFinished)
  clock.advance(3_610_000)
  const { connack } = await joinMqttJs(port, { clientId: 'c', clean: false })
  expect(connack.sessionPresent).toBe(false)
})

test('refuses a data folder that holds something, and touches nothing', async () => {
  const path = await writeDatabase()
  const data = await temporaryFolder()
  await importAedes(path, '--data', data)
  const { code, stderr, stdout } = await importAedes(path, '--data', data)
  expect({ code, stderr, stdout }).toEqual({
    code: 2,
    stderr: [`godwit: ${data} holds data already`],
    stdout: [],
  })
})

test('refuses what is no database of Aedes, and makes no data folder', async () => {
  const empty = await temporaryFolder()
  const data = join(empty, 'data')
  expect(await importAedes(empty, '--data', data)).toEqual({
    code: 2,
    stderr: [`godwit: there is no database of Aedes in ${empty}`],
    stdout: [],
  })
  expect(existsSync(data)).toBe(false)
})
