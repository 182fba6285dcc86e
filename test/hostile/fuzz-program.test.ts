// `npm run fuzz` as a process: it goes on until it is told to stop, says what it did, and leaves nothing behind.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Program } from '../cli/program.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

async function startFuzz(...flags: string[]): Promise<{ program: Program; folder: string }> {
  const folder = await temporaryFolder()
  const file = join(import.meta.dirname, 'fuzz.ts')
  return { program: new Program(['--import', 'tsx', file, ...flags], { TMPDIR: folder }), folder }
}

/** tsx keeps what it has compiled. */
const leftIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => !name.startsWith('tsx-'))

it('runs the cases that it is asked for', async () => {
  const { program, folder } = await startFuzz('--seed', '5', '--from', '100', '--to', '130')
  const { code, stdout } = await program.outcome
  expect(stdout.at(-1)).toBe('no finding')
  expect(stdout.at(-2)).toMatch(/^30 executions in \d+ s, \d+ a second, seed 5$/)
  expect(code).toBe(0)
  expect(await leftIn(folder)).toEqual([])
})

it('goes on without an end, and ends cleanly with SIGINT', async () => {
  const { program, folder } = await startFuzz()
  await program.line(/^seed \d+$/)
  program.kill('SIGINT')
  const { code, stdout } = await program.outcome
  expect(stdout.at(-1)).toBe('no finding')
  expect(code).toBe(0)
  expect(await leftIn(folder)).toEqual([])
})

it('does not begin with numbers that are none', async () => {
  const { program } = await startFuzz('--seed', 'seven')
  const { code, stderr } = await program.outcome
  expect(stderr.join('\n')).toContain('usage: ')
  expect(code).toBe(2)
})
