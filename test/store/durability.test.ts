// What was acknowledged is there, whatever ended the process or stopped the disk; and what cannot be opened says why.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { KeyKind, textKey } from '../../src/store/keys.ts'
import { LevelStore } from '../../src/store/level-store.ts'
import { deliveryOf, messageOf, payloadsOf, putSessions } from './payloads.ts'
import { withDatabase } from './rows.ts'
import { copyOf, openLevelStore, Stored, temporaryFolder } from './stored.ts'

describe('what a listener was told', () => {
  it('is read by whoever opens a copy of the folder at that moment', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    const [one = 0, other = 0] = putSessions(store, 2)
    const shared = messageOf('shared')
    store.enqueue(one, deliveryOf(0, shared))
    store.enqueue(other, deliveryOf(0, shared))
    store.enqueue(other, deliveryOf(1, 'alone'))
    store.putRetained(shared)
    const copied = await new Promise<Promise<string>>((resolve) => {
      store.afterCommit({ committed: () => resolve(copyOf(path)) }, 0)
    })
    const { store: copy, stored } = await openLevelStore(await copied)
    expect(stored.sessions).toHaveLength(2)
    expect(stored.retainedMessages.map((message) => message.topicName)).toEqual(['a/b'])
    expect(payloadsOf(await copy.readQueue(one, 0, 10))).toEqual(['shared'])
    expect(payloadsOf(await copy.readQueue(other, 0, 10))).toEqual(['shared', 'alone'])
  })

  it('survives kill -9', async () => {
    const path = await temporaryFolder()
    const program = fileURLToPath(new URL('./enqueue-until-killed.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', program, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    const told: number[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      told.push(Number(line))
      if (told.length === 5_000) child.kill('SIGKILL')
    }
    expect(await exited).toEqual([null, 'SIGKILL'])
    expect(told.length).toBeGreaterThanOrEqual(5_000)
    const { store, stored } = await openLevelStore(path)
    const number = stored.sessions[0]?.number ?? 0
    const deliveries = await store.readQueue(number, 0, 1_000_000)
    const payloads = new Set(payloadsOf(deliveries))
    expect(told.filter((sequence) => !payloads.has(`message ${sequence}`))).toEqual([])
    expect(deliveries.map(({ sequence }) => sequence)).toEqual([...deliveries.keys()])
  })
})

describe('a data folder that goes away under the store', () => {
  it('is missed, written again when it is back, and nobody heard anything before', async () => {
    const path = await temporaryFolder()
    const away = `${path}.away`
    const clock = new ManualClock()
    const { store } = await openLevelStore(path, { clock })
    const errors: Error[] = []
    const nextError = () =>
      new Promise<void>((resolve) => {
        store.onWriteError = (error) => {
          errors.push(error)
          resolve()
        }
      })
    const [number = 0] = putSessions(store, 1)
    // More than LevelDB takes before it begins a new file, which it will not be able to.
    store.enqueue(number, deliveryOf(0, 'x'.repeat(17 * 1024 * 1024)))
    await store.flush()
    await rename(path, away)
    let failed = nextError()
    const heard: number[] = []
    store.enqueue(number, deliveryOf(1, 'after'))
    store.afterCommit({ committed: (token) => heard.push(token) }, 1)
    await failed
    const read = store.readQueue(number, 1, 10)
    failed = nextError()
    clock.advance(1_000)
    await failed
    expect(errors).toMatchObject([{ code: 'ERR_GODWIT_STORE_WRITE' }, { cause: { code: 'ENOENT' } }])
    expect(heard).toEqual([])
    await rename(away, path)
    clock.advance(1_000)
    expect(payloadsOf(await read)).toEqual(['after'])
    expect(heard).toEqual([1])
    const { store: copy } = await openLevelStore(await copyOf(path))
    expect(await copy.readQueue(number, 0, 1)).toHaveLength(1)
    expect(payloadsOf(await copy.readQueue(number, 1, 10))).toEqual(['after'])
  })

  it('does not keep the store from closing', async () => {
    const path = await temporaryFolder()
    const { store } = await openLevelStore(path, { clock: new ManualClock() })
    store.enqueue(1, deliveryOf(0, 'x'.repeat(17 * 1024 * 1024)))
    await store.flush()
    await rename(path, `${path}.away`)
    const failed = new Promise((resolve) => {
      store.onWriteError = resolve
    })
    store.enqueue(1, deliveryOf(1, 'lost'))
    await failed
    await expect(store.close()).rejects.toMatchObject({ code: 'ERR_GODWIT_STORE_WRITE' })
    await rename(`${path}.away`, path)
    await openLevelStore(path)
  })
})

describe('open', () => {
  const open = (path: string) => new LevelStore({ path, sync: 'always' }).open(new Stored())

  it('makes the folder, for its owner only', async () => {
    const path = join(await temporaryFolder(), 'deep', 'data')
    await openLevelStore(path)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
  })

  it('refuses a folder that is open already', async () => {
    const { path } = await openLevelStore(await temporaryFolder())
    await expect(open(path)).rejects.toMatchObject({
      code: 'ERR_GODWIT_STORE_LOCKED',
      cause: { code: 'LEVEL_LOCKED' },
    })
  })

  it('refuses what is not a folder', async () => {
    const path = join(await temporaryFolder(), 'file')
    await writeFile(path, '')
    await expect(open(path)).rejects.toMatchObject({
      code: 'ERR_GODWIT_STORE_OPEN',
      cause: { code: 'EEXIST' },
    })
  })

  it('refuses a newer format, and a database of another program, and leaves them as they are', async () => {
    const { store, path } = await openLevelStore(await temporaryFolder())
    await store.close()
    const format = textKey(KeyKind.Meta, 'format')
    const newer = Buffer.from([1, 0, 0, 0, 0, 0, 3])
    await withDatabase(path, (database) => database.put(format, newer))
    await expect(open(path)).rejects.toMatchObject({ code: 'ERR_GODWIT_STORE_FORMAT' })
    const other = await temporaryFolder()
    await withDatabase(other, (database) => database.put(Buffer.from('key'), Buffer.from('value')))
    await expect(open(other)).rejects.toMatchObject({ code: 'ERR_GODWIT_STORE_FORMAT' })
    expect(await withDatabase(other, (database) => database.keys().all())).toHaveLength(1)
  })
})
