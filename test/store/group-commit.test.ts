// The group commit by itself, over a writer that fails and waits when told to: what is cut when, who hears what.
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { type BatchWriter, GroupCommit, type GroupCommitOptions } from '../../src/store/group-commit.ts'
import type { OpenBatch } from '../../src/store/open-batch.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A disk: takes batches, and answers when the test says so. */
class Disk implements BatchWriter {
  readonly written: { number: number; operations: number; isSynced: boolean }[] = []
  isFull = false
  isSlow = false
  recoveries = 0
  attempts = 0
  #answer: () => void = () => {}

  cut(): void {}

  async write(batch: OpenBatch, isSynced: boolean): Promise<void> {
    this.attempts++
    if (this.isSlow) await new Promise<void>((resolve) => (this.#answer = resolve))
    if (this.isFull) throw new Error('no space left on device')
    this.written.push({ number: batch.number, operations: batch.operations, isSynced })
  }

  async recover(): Promise<void> {
    this.recoveries++
  }

  async answer(): Promise<void> {
    this.#answer()
    await turn()
  }
}

function begin(options: Partial<GroupCommitOptions> = {}) {
  const disk = new Disk()
  const clock = new ManualClock()
  const commit = new GroupCommit(disk, { sync: 'always', clock, ...options })
  const heard: number[] = []
  const listener = { committed: (token: number) => heard.push(token) }
  const put = (token?: number) => {
    commit.open.putReceived(1, 1)
    commit.touch()
    if (token !== undefined) commit.afterCommit(listener, token)
  }
  return { disk, clock, commit, heard, listener, put }
}

describe('a batch', () => {
  it('is all that was put in one turn', async () => {
    const { disk, commit, put } = begin()
    for (let i = 0; i < 5; i++) put()
    expect(disk.written).toEqual([])
    await commit.flush()
    expect(disk.written).toEqual([{ number: 1, operations: 5, isSynced: true }])
  })

  it('grows while the one before it is being written, and goes when that is down', async () => {
    const { disk, heard, put } = begin()
    disk.isSlow = true
    put(1)
    await turn()
    put(2)
    await turn()
    put(3)
    await turn()
    expect([disk.attempts, heard]).toEqual([1, []])
    await disk.answer()
    expect([disk.attempts, heard]).toEqual([2, [1]])
    await disk.answer()
    expect(disk.written.map(({ operations }) => operations)).toEqual([1, 2])
    expect(heard).toEqual([1, 2, 3])
  })

  it('without anything in it still tells who waits, after all before it', async () => {
    const { disk, commit, heard, listener, put } = begin()
    disk.isSlow = true
    put(1)
    await turn()
    commit.afterCommit(listener, 2)
    expect(heard).toEqual([])
    disk.isSlow = false
    await disk.answer()
    await commit.flush()
    expect(heard).toEqual([1, 2])
  })

  it('moves the committed number before its listeners hear', async () => {
    const { commit, put } = begin()
    put()
    const batch = commit.open.number
    const seen: number[] = []
    commit.afterCommit({ committed: () => seen.push(commit.committed) }, 0)
    expect(commit.committed).toBeLessThan(batch)
    await commit.flush()
    expect(seen).toEqual([batch])
  })
})

describe('a write that fails', () => {
  it('is told, and tried again with the same batch after a second; nobody hears before', async () => {
    const { disk, clock, commit, heard, put } = begin()
    const errors: Error[] = []
    commit.onWriteError = (error) => errors.push(error)
    disk.isFull = true
    put(1)
    await turn()
    put(2)
    await turn()
    clock.advance(999)
    await turn()
    expect([disk.attempts, disk.recoveries]).toEqual([1, 0])
    clock.advance(1)
    await turn()
    expect([disk.attempts, disk.recoveries, heard]).toEqual([2, 1, []])
    expect(errors).toMatchObject([{ code: 'ERR_GODWIT_STORE_WRITE' }, { code: 'ERR_GODWIT_STORE_WRITE' }])
    expect(errors[0]?.cause).toMatchObject({ message: 'no space left on device' })
    disk.isFull = false
    clock.advance(1_000)
    await commit.flush()
    expect(disk.written.map(({ number }) => number)).toEqual([1, 2])
    expect(heard).toEqual([1, 2])
  })

  it('is tried once more by a close, which then ends and says so', async () => {
    const { disk, commit, heard, put } = begin()
    disk.isFull = true
    put(1)
    await turn()
    put(2)
    const flushed = commit.flush()
    const refused = expect(flushed).rejects.toMatchObject({ code: 'ERR_GODWIT_STORE_WRITE' })
    await expect(commit.close()).rejects.toMatchObject({ code: 'ERR_GODWIT_STORE_WRITE' })
    await refused
    expect([disk.attempts, heard]).toEqual([2, []])
    await expect(commit.close()).rejects.toMatchObject({ code: 'ERR_GODWIT_STORE_WRITE' })
  })

  it('does not keep a close from writing all, when the disk has room again', async () => {
    const { disk, commit, heard, put } = begin()
    disk.isFull = true
    put(1)
    await turn()
    put(2)
    disk.isFull = false
    await commit.close()
    expect(heard).toEqual([1, 2])
  })
})

describe('saturation', () => {
  it('comes with too many operations, and goes when the batch is cut', async () => {
    const { disk, commit, put } = begin({ operationsMax: 10 })
    let rooms = 0
    commit.onRoom = () => rooms++
    disk.isSlow = true
    put()
    await turn()
    for (let i = 0; i < 10; i++) put()
    expect(commit.isSaturated).toBe(false)
    put()
    expect([commit.isSaturated, rooms]).toEqual([true, 0])
    await disk.answer()
    expect([commit.isSaturated, rooms]).toEqual([false, 1])
    await disk.answer()
    expect(rooms).toBe(1)
  })

  it('comes with too many bytes', async () => {
    const { commit } = begin({ bytesMax: 1_000 })
    commit.open.put('row', { key: Buffer.alloc(500), value: Buffer.alloc(500) })
    expect(commit.isSaturated).toBe(false)
    commit.open.put('row', { key: Buffer.alloc(1), value: undefined })
    expect(commit.isSaturated).toBe(true)
  })
})

describe('sync', () => {
  it('always: each write is synced', async () => {
    const { disk, commit, put } = begin({ sync: 'always' })
    for (let i = 0; i < 2; i++) {
      put()
      await commit.flush()
    }
    expect(disk.written.map(({ isSynced }) => isSynced)).toEqual([true, true])
  })

  it('no: none is, not even the last', async () => {
    const { disk, clock, commit, put } = begin({ sync: 'no' })
    put()
    await commit.flush()
    clock.advance(10_000)
    put()
    await commit.close()
    expect(disk.written.length).toBeGreaterThanOrEqual(2)
    expect(disk.written.some(({ isSynced }) => isSynced)).toBe(false)
  })

  it('everysec: a second after a write there is a synced one, and then none until there is more', async () => {
    const { disk, clock, commit, put } = begin({ sync: 'everysec' })
    put()
    await commit.flush()
    put()
    await commit.flush()
    clock.advance(999)
    await turn()
    expect(disk.written.map(({ isSynced }) => isSynced)).toEqual([false, false])
    clock.advance(1)
    await turn()
    expect(disk.written.map(({ isSynced }) => isSynced)).toEqual([false, false, true])
    clock.advance(10_000)
    await turn()
    expect(disk.written).toHaveLength(3)
  })

  it('everysec: a close syncs what was not', async () => {
    const { disk, commit, put } = begin({ sync: 'everysec' })
    put()
    await commit.flush()
    await commit.close()
    expect(disk.written.map(({ isSynced }) => isSynced)).toEqual([false, true])
  })
})
