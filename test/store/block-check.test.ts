// Blocks of a database that is too large to be looked at when it starts: looked at while it runs.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, it } from 'vitest'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { BlockCheck } from '../../src/store/block-check.ts'
import { DamageLog } from '../../src/store/damage-log.ts'
import { examineFolder } from '../../src/store/leveldb/examine.ts'
import { Quarantine } from '../../src/store/quarantine.ts'
import { fileLike, filledFolder, flipBit } from './damaged-folder.ts'

it('tells of a damaged block a while after the start, and leaves the file to the next one', async () => {
  const path = await filledFolder()
  const file = fileLike(path, /\.ldb$/)
  flipBit(file, 5_000)
  const before = readFileSync(file)
  const { damage, unchecked } = examineFolder(path, 0)
  expect(damage).toEqual([])
  const told: string[] = []
  const clock = new ManualClock()
  const damages = new DamageLog(new Quarantine(path, () => clock.now(), 1_000), (line) => told.push(line))
  const check = new BlockCheck(path, clock, damages)
  check.start([{ file: '999998.ldb', size: 1 }, ...unchecked])
  expect(told).toEqual([])
  for (let i = 0; i < 20; i++) clock.advance(25)
  expect(told).toEqual([`${basename(file)}: 1 of its blocks cannot be read; the next start sets it aside`])
  expect(readFileSync(file)).toEqual(before)
})
