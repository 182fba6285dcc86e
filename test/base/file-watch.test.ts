// Files that are read again when they change: when, what a bad one does, and who is told.
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FileWatch } from '../../src/base/file-watch.ts'
import { ManualClock } from '../../src/base/manual-clock.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

async function watchFile(content: string, { isSecret = false, mode = 0o600 } = {}) {
  const path = join(await temporaryFolder(), 'file')
  await writeFile(path, content, { mode })
  await chmod(path, mode)
  const clock = new ManualClock()
  const lines: { level: number; why?: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const files = new FileWatch({ clock, log })
  onTestFinished(() => files.close())
  const changes: string[] = []
  const load = ([bytes]: readonly Buffer[]): string => {
    if (String(bytes).startsWith('bad')) throw new Error(`${path}:1: bad`)
    return String(bytes)
  }
  const request = {
    option: 'some.file',
    paths: [path],
    isSecret,
    load,
    changed: (value: string) => changes.push(value),
  }
  const watched = await files.watch(request)
  const look = async (): Promise<void> => {
    clock.advance(2_000)
    await files.settled()
  }
  return { path, files, watched, changes, lines, look, request }
}

describe('a watched file', () => {
  it('is read at once, and again when it has changed and then stayed as it is', async () => {
    const { path, watched, changes, look } = await watchFile('one')
    expect(watched.value).toBe('one')
    await look()
    await look()
    await writeFile(path, 'half')
    await look()
    expect(watched.value).toBe('one')
    await writeFile(path, 'the whole')
    await look()
    expect(watched.value).toBe('one')
    await look()
    expect([watched.value, changes]).toEqual(['the whole', ['the whole']])
    await look()
    expect(changes).toHaveLength(1)
  })

  it('may be replaced by another one of its size', async () => {
    const { path, watched, look } = await watchFile('one')
    await writeFile(`${path}.new`, 'two')
    await rename(`${path}.new`, path)
    await look()
    await look()
    expect(watched.value).toBe('two')
  })

  it.each([
    ['cannot be read', (path: string) => rm(path), /some\.file .*: there is no such file$/],
    ['is not as it should be', (path: string) => writeFile(path, 'bad'), /:1: bad$/],
  ])('stays in force as it was when it %s, and is taken when it is right', async (_, harm, message) => {
    const { path, watched, changes, lines, look } = await watchFile('one')
    await harm(path)
    for (let i = 0; i < 4; i++) await look()
    expect([watched.value, changes]).toEqual(['one', []])
    expect(lines).toMatchObject([{ level: 50, why: expect.stringMatching(message) }])
    await writeFile(path, 'right')
    await look()
    await look()
    expect([watched.value, changes]).toEqual(['right', ['right']])
  })

  it('is read at once where that is asked for, whatever it looks like', async () => {
    const { path, files, watched } = await watchFile('one')
    await writeFile(path, 'two')
    await files.reload()
    expect(watched.value).toBe('two')
    await writeFile(path, 'bad')
    await expect(files.reload()).rejects.toMatchObject({
      code: 'ERR_GODWIT_RELOAD_FAILED',
      message: `${path}:1: bad`,
    })
    expect(watched.value).toBe('two')
  })

  it('is let alone when it is watched no longer', async () => {
    const { path, files, watched } = await watchFile('one')
    watched.stop()
    await writeFile(path, 'two')
    await files.reload()
    expect(watched.value).toBe('one')
  })
})

describe('the start', () => {
  it('fails where there is no file, a folder, or no end', async () => {
    const { path, files, request } = await watchFile('one')
    await mkdir(`${path}.d`)
    for (const [bad, why] of [
      [`${path}.no`, 'there is no such file'],
      [`${path}.d`, 'it is a folder'],
      ['/dev/zero', 'it is no file'],
    ]) {
      const watching = files.watch({ ...request, paths: [bad as string] })
      const message = `cannot read some.file ${bad}: ${why}`
      await expect(watching).rejects.toMatchObject({ code: 'ERR_GODWIT_CONFIG_UNREADABLE', message })
    }
  })

  it.each([
    [true, 0o644, 1],
    [true, 0o640, 0],
    [false, 0o644, 0],
  ])('with secrets (%s) in a file of mode %i warns %i times', async (isSecret, mode, warnings) => {
    const { lines } = await watchFile('one', { isSecret, mode })
    expect(lines.filter(({ level }) => level === 40)).toHaveLength(warnings)
  })
})
