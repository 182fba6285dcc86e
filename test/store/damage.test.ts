// A store that always starts: each of LevelDB's files truncated, zeroed, bit-flipped or missing, and files that are not
// its own. What is left serves, nothing wrong is handed out, and what is missing is told, once.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KeyKind, queueKey, receivedKey } from '../../src/store/keys.ts'
import { Quarantine } from '../../src/store/quarantine.ts'
import {
  cutTo,
  fileLike,
  filesLike,
  filledFolder,
  flipBit,
  MESSAGES,
  MESSAGES_IN_TABLES,
  quarantined,
  WHOLE,
  whatIsLeft,
  zero,
} from './damaged-folder.ts'
import { countRows, withDatabase } from './rows.ts'
import { openLevelStore } from './stored.ts'

const MANIFEST = /^MANIFEST-/
const LOG = /\.log$/
const TABLE = /\.ldb$/

/** It was told once: nothing is damaged any more, and the counts of references are those of the rows. */
async function expectMended(path: string): Promise<void> {
  expect((await whatIsLeft(path)).damage).toEqual([])
  const rows = await countRows(path)
  expect(rows.get(KeyKind.References)).toBe(rows.get(KeyKind.Body))
}

it('is whole without any damage, and nothing is set aside', async () => {
  const left = await whatIsLeft(await filledFolder())
  expect(left).toMatchObject(WHOLE)
  expect([left.damage, left.quarantine]).toEqual([[], []])
})

describe('CURRENT', () => {
  it.each<[string, (file: string) => void]>([
    ['missing', (file) => rmSync(file)],
    ['cut off', (file) => cutTo(file, 0.5)],
    ['empty', (file) => cutTo(file, 0)],
    ['zeroed', (file) => zero(file)],
    ['with a flipped bit', (file) => flipBit(file, 11)],
    ['of a MANIFEST that is not there', (file) => writeFileSync(file, 'MANIFEST-999999\n')],
  ])('%s, costs nothing', async (_, damage) => {
    const path = await filledFolder()
    damage(join(path, 'CURRENT'))
    const wasThere = existsSync(join(path, 'CURRENT'))
    const left = await whatIsLeft(path)
    expect(left).toMatchObject(WHOLE)
    expect(left.damage).toEqual([expect.stringMatching(/^CURRENT is missing or does not lead/)])
    expect(left.quarantine).toEqual(wasThere ? ['CURRENT'] : [])
    await expectMended(path)
  })
})

describe('MANIFEST', () => {
  it.each<[string, (file: string) => void]>([
    ['missing', (file) => rmSync(file)],
    ['cut off in the middle', (file) => cutTo(file, 0.5)],
    ['empty', (file) => cutTo(file, 0)],
    ['zeroed', (file) => zero(file)],
    ['zeroed at its end', (file) => zero(file, Math.floor(statSync(file).size / 2))],
    ['with a flipped bit at its start', (file) => flipBit(file, 20)],
    ['with a flipped bit in the middle', (file) => flipBit(file, Math.floor(statSync(file).size / 2))],
  ])('%s, is made anew from the tables', async (_, damage) => {
    const path = await filledFolder()
    const file = fileLike(path, MANIFEST)
    damage(file)
    const wasThere = existsSync(file)
    const left = await whatIsLeft(path)
    expect(left).toMatchObject(WHOLE)
    expect(left.damage).toEqual([expect.stringContaining('made anew from the tables')])
    expect(left.quarantine).toEqual(
      expect.arrayContaining(['CURRENT', 'lost', ...(wasThere ? [basename(file)] : [])]),
    )
    await expectMended(path)
  })

  it('and CURRENT missing, are made anew too', async () => {
    const path = await filledFolder()
    rmSync(fileLike(path, MANIFEST))
    rmSync(join(path, 'CURRENT'))
    expect(await whatIsLeft(path)).toMatchObject(WHOLE)
    await expectMended(path)
  })

  it('made anew finds the newest value of a row, whichever table has it', async () => {
    const path = await filledFolder()
    const opened = await openLevelStore(path)
    const record = opened.stored.sessions[0]
    if (record === undefined) throw new Error('there are three')
    for (let i = 1; i <= 3; i++) {
      opened.store.putSession({ ...record, expiryInterval: i })
      await opened.store.flush()
    }
    await opened.store.close()
    rmSync(fileLike(path, MANIFEST))
    const again = await openLevelStore(path)
    const found = again.stored.sessions.find(({ clientId }) => clientId === record.clientId)
    expect(found?.expiryInterval).toBe(3)
  })
})

describe('a log', () => {
  it('cut off loses its end, and everything before that is there', async () => {
    const path = await filledFolder()
    cutTo(fileLike(path, LOG), 0.6)
    const left = await whatIsLeft(path)
    expect(left.clientIds).toEqual(WHOLE.clientIds)
    const [one, three, two] = [...left.messages.values()]
    expect(one).toBe(two)
    expect(one).toBe(three)
    expect(one).toBeGreaterThan(MESSAGES * 0.8)
    expect(one).toBeLessThan(MESSAGES)
    expect(left.damage).toEqual([expect.stringMatching(/^\d+\.log: the last \d+ bytes are no whole write/)])
    expect(left.quarantine).toEqual([expect.stringMatching(LOG)])
    await expectMended(path)
  })

  it('with a flipped bit loses the write that it is in, and goes on behind it', async () => {
    const path = await filledFolder()
    const file = fileLike(path, LOG)
    flipBit(file, 50)
    const left = await whatIsLeft(path)
    expect(left.clientIds).toEqual(WHOLE.clientIds)
    expect(left.messages.get('one')).toBeGreaterThan(MESSAGES * 0.7)
    expect(left.messages.get('one')).toBeLessThan(MESSAGES)
    expect(left.damage[0]).toMatch(
      /^\d+\.log: \d+ bytes in the middle cannot be read; any row may be missing/,
    )
    expect(left.quarantine).toContain(basename(file))
    await expectMended(path)
  })

  it('with a flipped bit forgets packet ids received: a removal may be lost, and rather twice than never', async () => {
    const path = await filledFolder()
    flipBit(fileLike(path, LOG), 50)
    const left = await whatIsLeft(path)
    expect(left.received).toBe(0)
    expect(left.damage).toContainEqual(expect.stringMatching(/^\d received packet ids are forgotten/))
  })

  it.each<[string, (file: string) => void]>([
    ['zeroed', (file) => zero(file)],
    ['of other bytes', (file) => writeFileSync(file, Buffer.alloc(100_000, 'not a log'))],
  ])('%s is set aside, and the tables serve', async (_, damage) => {
    const path = await filledFolder()
    const file = fileLike(path, LOG)
    damage(file)
    const left = await whatIsLeft(path)
    expect(left.messages).toEqual(new Map(WHOLE.clientIds.map((clientId) => [clientId, MESSAGES_IN_TABLES])))
    expect(left.damage).toEqual([expect.stringContaining(basename(file))])
    expect(left.quarantine).toEqual([basename(file)])
    await expectMended(path)
  })

  it('missing is missed, and the tables serve', async () => {
    const path = await filledFolder()
    const file = fileLike(path, LOG)
    rmSync(file)
    const left = await whatIsLeft(path)
    expect(left.messages).toEqual(new Map(WHOLE.clientIds.map((clientId) => [clientId, MESSAGES_IN_TABLES])))
    expect(left.damage).toEqual([`${basename(file)} is missing, and with it what was written last`])
    await expectMended(path)
  })
})

describe('a table', () => {
  it.each<[string, (file: string) => void]>([
    ['cut off in the middle', (file) => cutTo(file, 0.6)],
    ['without its last byte', (file) => cutTo(file, 0.9999)],
    ['zeroed in the middle', (file) => zero(file, 20_000, 26_000)],
    ['zeroed at its end', (file) => zero(file, statSync(file).size - 2_000)],
    ['with a flipped bit in a block', (file) => flipBit(file, 20_000)],
    ['with a flipped bit in the index', (file) => flipBit(file, statSync(file).size - 60)],
    ['with a flipped bit in the footer', (file) => flipBit(file, statSync(file).size - 47)],
  ])('%s serves what is whole in it', async (_, damage) => {
    const path = await filledFolder()
    const file = fileLike(path, TABLE)
    damage(file)
    const left = await whatIsLeft(path)
    const found = [...left.messages.values()].reduce((sum, messages) => sum + messages, 0)
    expect(found).toBeGreaterThan(MESSAGES)
    expect(left.damage[0]).toContain(basename(file))
    expect(left.quarantine).toContain(basename(file))
    await expectMended(path)
  })

  it.each<[string, (file: string) => void]>([
    ['without its last byte', (file) => cutTo(file, 0.99999)],
    ['with a flipped bit in the index', (file) => flipBit(file, statSync(file).size - 60)],
  ])('%s loses nothing but the filter', async (_, damage) => {
    const path = await filledFolder()
    damage(fileLike(path, TABLE))
    const left = await whatIsLeft(path)
    expect(left).toMatchObject({ clientIds: WHOLE.clientIds, messages: WHOLE.messages, retained: 20 })
  })

  it.each<[string, (file: string) => void]>([
    ['missing', (file) => rmSync(file)],
    ['empty', (file) => cutTo(file, 0)],
    ['zeroed', (file) => zero(file)],
  ])('%s is missed, and the others serve', async (_, damage) => {
    const path = await filledFolder()
    const [, second = ''] = filesLike(path, TABLE)
    damage(join(path, second))
    const left = await whatIsLeft(path)
    expect(left.clientIds).toEqual(WHOLE.clientIds)
    expect([...left.messages.values()]).toEqual([MESSAGES_IN_TABLES, MESSAGES_IN_TABLES, MESSAGES_IN_TABLES])
    expect(left.damage[0]).toContain(second)
    expect(left.damage[0]).toMatch(/rows may be missing from .* to /)
    await expectMended(path)
  })

  it('with a flipped bit anywhere: each message is there as it was stored, or told', {
    timeout: 120_000,
  }, async () => {
    const path = await filledFolder()
    const size = statSync(fileLike(path, TABLE)).size
    for (let i = 0; i < 24; i++) {
      const copy = await filledFolder()
      flipBit(fileLike(copy, TABLE), Math.floor((size * i) / 24) + i, i % 8)
      const left = await whatIsLeft(copy)
      const isWhole =
        left.clientIds.length === 3 && [...left.messages.values()].every((count) => count === MESSAGES)
      expect([i, isWhole || left.damage.length > 0]).toEqual([i, true])
    }
  })
})

describe('LOCK', () => {
  it.each<[string, (file: string) => void]>([
    ['missing', (file) => rmSync(file)],
    ['with other bytes', (file) => writeFileSync(file, 'x'.repeat(1_000))],
  ])('%s is none of its content’s business', async (_, damage) => {
    const path = await filledFolder()
    damage(join(path, 'LOCK'))
    const left = await whatIsLeft(path)
    expect(left).toMatchObject(WHOLE)
    expect([left.damage, left.quarantine]).toEqual([[], []])
  })

  it('that is a folder goes into the quarantine', async () => {
    const path = await filledFolder()
    rmSync(join(path, 'LOCK'))
    mkdirSync(join(path, 'LOCK'))
    const left = await whatIsLeft(path)
    expect(left).toMatchObject(WHOLE)
    expect(left.quarantine).toEqual(['LOCK'])
    await expectMended(path)
  })
})

describe('foreign files and folders', () => {
  it('with names of their own stay where they are', async () => {
    const path = await filledFolder()
    writeFileSync(join(path, 'notes.txt'), 'mine')
    mkdirSync(join(path, 'old'))
    const left = await whatIsLeft(path)
    expect(left).toMatchObject(WHOLE)
    expect([left.damage, left.quarantine]).toEqual([[], []])
    expect(readFileSync(join(path, 'notes.txt'), 'utf8')).toBe('mine')
  })

  it.each(['7.log', '20240101.log', '999999.ldb', 'MANIFEST-999999', 'MANIFEST-1'])(
    'named like the database’s, as %s, go into the quarantine before they are deleted',
    async (name) => {
      const path = await filledFolder()
      writeFileSync(join(path, name), 'mine')
      const left = await whatIsLeft(path)
      expect(left).toMatchObject(WHOLE)
      expect(left.damage).toEqual([`${name} is named like a file of the database and is none of them`])
      expect(left.quarantine).toEqual([name])
      const [time = ''] = readdirSync(join(path, 'quarantine'))
      expect(readFileSync(join(path, 'quarantine', time, name), 'utf8')).toBe('mine')
    },
  )

  it.each(['000098.ldb', '000099.log', 'MANIFEST-000099'])(
    'a folder named %s goes there too',
    async (name) => {
      const path = await filledFolder()
      mkdirSync(join(path, name))
      const left = await whatIsLeft(path)
      expect(left).toMatchObject(WHOLE)
      expect(left.quarantine).toEqual([name])
    },
  )
})

describe('rows', () => {
  it('that cannot be read go into the quarantine, key and value, and out of the database', async () => {
    const path = await filledFolder()
    const key = queueKey(1, 3)
    await withDatabase(path, (database) => database.put(key, Buffer.from([2, 255, 0, 0, 0, 0])))
    const left = await whatIsLeft(path)
    expect(left.messages.get('one')).toBe(MESSAGES - 1)
    expect(left.damage).toEqual(['message 3 in the queue of session 1 cannot be read'])
    const [time = ''] = readdirSync(join(path, 'quarantine'))
    const rows = readFileSync(join(path, 'quarantine', time, 'rows.jsonl'), 'utf8')
      .trim()
      .split('\n')
    expect(rows.map((row) => JSON.parse(row))).toEqual([
      { key: key.toString('hex'), value: '02ff00000000', why: left.damage[0] },
    ])
  })

  it('for which the quarantine has no room stay where they are', async () => {
    const path = await filledFolder()
    const key = receivedKey(1, 9)
    await withDatabase(path, (database) => database.put(key, Buffer.alloc(1_000, 2)))
    const { store, damage } = await openLevelStore(path, { quarantineBytesMax: 100 })
    await store.close()
    expect(damage).toEqual(['packet id 9 received by session 1 cannot be read'])
    expect(await withDatabase(path, (database) => database.get(key))).toHaveLength(1_000)
  })

  it('that were to be set right when the process died are set right by the next start', async () => {
    const path = await filledFolder()
    new Quarantine(path, () => 0, 1_000).markUnsettled(' -\n')
    const orphan = queueKey(77, 0)
    await withDatabase(path, (database) => database.put(orphan, Buffer.from([1, 9])))
    const { store, damage } = await openLevelStore(path)
    await store.close()
    expect(damage[0]).toBe('message 0 in the queue of session 77 is of a session that is not there')
    expect(await withDatabase(path, (database) => database.get(orphan))).toBeUndefined()
    await expectMended(path)
  })
})

describe('the quarantine', () => {
  it('lets the oldest go when it holds too much', async () => {
    const path = await filledFolder()
    for (let i = 0; i < 4; i++) {
      writeFileSync(join(path, '7.log'), 'x'.repeat(1_000))
      const { store } = await openLevelStore(path, { quarantineBytesMax: 2_500 })
      await store.close()
    }
    expect(quarantined(path)).toEqual(['7.log', '7.log', '7.log'])
  })
})
