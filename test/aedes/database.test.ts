// What is no database of Aedes is refused in one line, and left as it is.
import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, onTestFinished, test } from 'vitest'
import { AedesDatabase } from '../../src/aedes/database.ts'
import { StoreImporter } from '../../src/store/importer.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

async function refusalOf(path: string): Promise<string> {
  const error: unknown = await AedesDatabase.open(path).catch((each) => each)
  expect(error).toMatchObject({ code: 'ERR_GODWIT_AEDES_UNREADABLE' })
  return (error as Error).message.replace(path, 'DIR')
}

async function levelWith(key: string): Promise<{ path: string; level: ClassicLevel }> {
  const path = await temporaryFolder()
  const level = new ClassicLevel(path)
  await level.put(key, 'x')
  return { path, level }
}

test('a folder that is not there, or holds no database, and nothing is put into it', async () => {
  const path = await temporaryFolder()
  const notThere = join(path, 'none')
  expect(await refusalOf(notThere)).toBe('there is no database of Aedes in DIR')
  await writeFile(join(path, 'notes.txt'), '')
  expect(await refusalOf(path)).toBe('there is no database of Aedes in DIR')
  expect(await refusalOf(join(path, 'notes.txt'))).toBe('there is no database of Aedes in DIR')
  expect(await readdir(path)).toEqual(['notes.txt'])
})

test('a database that a process has open', async () => {
  const { path, level } = await levelWith('will:c')
  onTestFinished(() => level.close())
  expect(await refusalOf(path)).toBe('DIR: another process has it open: stop Aedes first')
})

test('a database of somebody else', async () => {
  const { path, level } = await levelWith('users:1')
  await level.close()
  expect(await refusalOf(path)).toBe('nothing in DIR was written by aedes-persistence-level')
})

test('a data folder of godwit', async () => {
  const path = await temporaryFolder()
  await (await StoreImporter.open(path)).close()
  expect(await refusalOf(path)).toBe('nothing in DIR was written by aedes-persistence-level')
})

test('a database that is broken', async () => {
  const path = await temporaryFolder()
  await writeFile(join(path, 'CURRENT'), 'MANIFEST-000007\n')
  await mkdir(join(path, 'MANIFEST-000007'))
  expect(await refusalOf(path)).toBe('DIR: it cannot be opened')
})

test('a database of which a file has lost its end, as soon as that is read', async () => {
  const { path, level } = await levelWith('will:c')
  await level.put('retained:a', 'x'.repeat(100_000))
  await level.compactRange('a', 'z')
  await level.close()
  const [table = ''] = (await readdir(path)).filter((name) => name.endsWith('.ldb'))
  await truncate(join(path, table), 1_000)
  const error: unknown = await readAll(path).catch((each) => each)
  expect(error).toMatchObject({
    code: 'ERR_GODWIT_AEDES_UNREADABLE',
    message: `a part of ${path} cannot be read`,
  })
})

async function readAll(path: string): Promise<void> {
  const database = await AedesDatabase.open(path)
  onTestFinished(() => database.close())
  for await (const _ of database.entries({})) {
  }
}
