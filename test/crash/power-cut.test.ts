// What a power cut leaves: by the rules of three kinds of file systems, and of real files, whose writer was watched by
// bench/power-cut.c.
import { execFileSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Random } from '../hostile/random.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { type Disk, type DiskKind, longestSyncMs, survivorsOf } from './disk-journal.ts'
import { PowerCut, whyNoPowerCuts } from './power-cut.ts'

const BEFORE: Disk = { names: new Map([['CURRENT', 1]]), bytes: new Map([[1, 16]]) }

/** All that may be left, over many throws of the dice; each as `name=inode name=inode`. */
function allThatMayBeLeft(kind: DiskKind, ...lines: string[]): string[] {
  const journal = lines.map((line) => `${line}\n`).join('')
  const left = new Set<string>()
  for (let seed = 0; seed < 200; seed++) {
    const { names } = survivorsOf(journal, BEFORE, kind, new Random(seed))
    left.add([...names].map(([name, inode]) => `${name}=${inode}`).join(' '))
  }
  return [...left].sort()
}

describe('changes of a folder that no fsync has followed', () => {
  const lines = ['create 2 000002.dbtmp', 'rename 000002.dbtmp CURRENT', 'unlink CURRENT'] as const

  test('are undone from the newest on, or not at all', () => {
    const left = ['', 'CURRENT=1', 'CURRENT=1 000002.dbtmp=2', 'CURRENT=2']
    expect(allThatMayBeLeft('ordered', ...lines)).toEqual(left)
  })

  test('are undone in any combination where the file system keeps no order', () => {
    const [create, rename] = lines
    expect(allThatMayBeLeft('strict', create, rename, 'create 3 LOG')).toEqual(
      expect.arrayContaining(['CURRENT=1', 'CURRENT=1 LOG=3', 'CURRENT=2 LOG=3', 'CURRENT=1 000002.dbtmp=2']),
    )
  })
})

test('an fsync of a file makes all before it sure, its own name, or no name', () => {
  const lines = ['create 2 LOG', 'create 3 000003.log', 'begin 0', 'sync 3 0 3 100']
  expect(allThatMayBeLeft('ordered', ...lines)).toEqual(['CURRENT=1 LOG=2 000003.log=3'])
  expect(allThatMayBeLeft('loose', ...lines)).toEqual([
    'CURRENT=1 000003.log=3',
    'CURRENT=1 LOG=2 000003.log=3',
  ])
  expect(allThatMayBeLeft('strict', ...lines)).toContain('CURRENT=1')
})

test('an fsync of the folder makes every name sure that was there when it began', () => {
  const lines = ['create 2 LOG', 'begin 0', 'create 3 000003.log', 'syncdir 2 100']
  expect(allThatMayBeLeft('strict', ...lines)).toEqual(['CURRENT=1 LOG=2', 'CURRENT=1 LOG=2 000003.log=3'])
})

test('the longest fsync may be one that was not over', () => {
  const journal = 'begin 1000\nsync 3 0 1 20000\nbegin 50000\n'
  expect(longestSyncMs(journal, 60_000)).toBe(20)
  expect(longestSyncMs(journal, 90_000)).toBe(40)
})

describe.skipIf(whyNoPowerCuts())('a process that is watched', () => {
  async function cut(disk: DiskKind, program: string): Promise<{ data: string; names: string[] }> {
    const powerCut = await PowerCut.prepare(await temporaryFolder(), { disk, seed: 1 })
    const { data, environment } = powerCut
    const prelude = `const fs = require('fs'); process.chdir('/'); const at = (name) => '${data}/' + name; `
    execFileSync(process.execPath, ['-e', prelude + program], { env: environment })
    await powerCut.strike()
    return { data, names: (await readdir(data)).sort() }
  }
  const syncedAndMore = (name: string): string =>
    `{ const file = fs.openSync(at('${name}'), 'a'); fs.writeSync(file, 'sure'); fs.fdatasyncSync(file); ` +
    "fs.writeSync(file, 'not') } "

  test('keeps of a file what an fsync has covered', async () => {
    const { data, names } = await cut('ordered', syncedAndMore('a'))
    expect(names).toEqual(['a'])
    expect(await readFile(join(data, 'a'), 'utf8')).toBe('sure')
  })

  test('finds a file again that was unlinked, or replaced, for sure only in memory', async () => {
    const replace = "fs.unlinkSync(at('a')); fs.renameSync(at('c'), at('b')) "
    const program = `${syncedAndMore('a')}${syncedAndMore('b')}fs.writeFileSync(at('c'), 'new'); `
    const syncFolder = "fs.fsyncSync(fs.openSync(at('').slice(0, -1), 'r')); "
    const { data, names } = await cut('strict', `${program}${syncFolder}${replace}`)
    // Of a `c` that was never synced the name is sure and no byte; the seed has chosen that nothing else is.
    expect(names).toEqual(['a', 'b', 'c'])
    expect(await readFile(join(data, 'a'), 'utf8')).toBe('sure')
    expect(await readFile(join(data, 'b'), 'utf8')).toBe('sure')
    expect(await readFile(join(data, 'c'), 'utf8')).toBe('')
  })

  test('that never calls fsync is no trial', async () => {
    await expect(cut('ordered', "fs.writeFileSync(at('a'), 'x')")).rejects.toThrow('no fsync at all')
  })
})
