// `godwit passwd` from outside: what the file is after it, what it refuses, and that a file is never half-written.
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { isPassword, parsePasswordHash } from '../../src/authentication/password-hash.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { buildProgram, type Outcome, Program } from './program.ts'

beforeAll(buildProgram, 120_000)

const OK = { code: 0, stdout: [], stderr: [] }

/** `input` is all of standard input. */
function run(flags: readonly string[], input = ''): Promise<Outcome> {
  const program = Program.start(['passwd', ...flags])
  program.input(input)
  return program.outcome
}

async function fileOf(content: string, mode = 0o600): Promise<string> {
  const path = join(await temporaryFolder(), 'users')
  await writeFile(path, content)
  await chmod(path, mode)
  return path
}

const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8')).split('\n').slice(0, -1)

async function isHashOf(line: string | undefined, name: string, password: string): Promise<boolean> {
  const [user, text = ''] = line?.split(/:(.*)/s) ?? []
  const hash = parsePasswordHash(text)
  return user === name && hash !== undefined && (await isPassword(hash, Buffer.from(password)))
}

describe('godwit passwd', () => {
  it('makes a file that is its owner’s alone, with a user in it', async () => {
    const path = join(await temporaryFolder(), 'users')
    expect(await run(['-c', '-b', path, 'ada', 'pencil'])).toEqual(OK)
    const [line, ...others] = await linesOf(path)
    expect(line).toMatch(/^ada:\$argon2id\$v=19\$m=47104,t=1,p=1\$/)
    expect([await isHashOf(line, 'ada', 'pencil'), others]).toEqual([true, []])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('changes one user and adds another, and leaves everything else as it is', async () => {
    const others = ['# ward 3', '', `bob:$6$${'A'.repeat(16)}$${'A'.repeat(86)}==`]
    const path = await fileOf(`${others.join('\n')}\n`)
    expect(await run(['-b', '-H', 'sha512', path, 'ada', 'one'])).toEqual(OK)
    expect(await run(['-b', '-H', 'sha512-pbkdf2', '-I', '101', path, 'ada', 'two'])).toEqual(OK)
    const lines = await linesOf(path)
    expect(lines.slice(0, 3)).toEqual(others)
    expect(lines.slice(3)).toEqual([expect.stringMatching(/^ada:\$7\$101\$/)])
    expect(await isHashOf(lines[3], 'ada', 'two')).toBe(true)
  })

  it.each([
    ['once', 'pen: cil\n', true],
    ['once without an end of line', 'pen: cil', true],
    ['twice', 'pen: cil\r\npen: cil\r\n', true],
    ['twice and differently', 'pen: cil\npencil\n', false],
  ])('takes the password from standard input, said %s', async (_, input, isTaken) => {
    const path = await fileOf('')
    const { code, stderr } = await run([path, 'ada', '-H', 'sha512'], input)
    if (isTaken) expect(await isHashOf((await linesOf(path))[0], 'ada', 'pen: cil')).toBe(true)
    else expect([code, stderr]).toEqual([2, ['godwit: the passwords are not the same']])
  })

  it('puts verifiers of SCRAM beside a password, one of each hash', async () => {
    const path = await fileOf('')
    const hashes = ['sha512', 'scram-sha-256', 'scram-sha-512', 'scram-sha-256', 'sha512']
    for (const hash of hashes) {
      const flags = hash.startsWith('scram') ? ['-I', '4096'] : []
      expect(await run(['-b', '-H', hash, ...flags, path, 'ada', 'pencil'])).toEqual(OK)
    }
    const forms = (await linesOf(path)).map((line) => /^ada:(\$6|SCRAM-SHA-\d+\$4096)/.exec(line)?.[1])
    expect(forms).toEqual(['$6', 'SCRAM-SHA-256$4096', 'SCRAM-SHA-512$4096'])
    expect(await run(['-D', path, 'ada'])).toMatchObject({ code: 0 })
    expect(await linesOf(path)).toEqual([])
  })

  it('removes a user, and says when nobody is left or nobody was there', async () => {
    const path = await fileOf('')
    for (const name of ['ada', 'bob']) await run(['-b', '-H', 'sha512', path, name, 'x'])
    expect(await run(['-D', path, 'ada'])).toEqual(OK)
    expect(await linesOf(path)).toEqual([expect.stringMatching(/^bob:/)])
    expect(await run(['-D', path, 'ada'])).toEqual({
      code: 2,
      stdout: [],
      stderr: [`godwit: there is no user ada in ${path}`],
    })
    expect(await run(['-D', path, 'bob'])).toEqual({
      code: 0,
      stdout: [],
      stderr: ['no user is left: godwit does not start with such a file'],
    })
  })

  it('hashes a file of plain passwords, and again without harm', async () => {
    const path = await fileOf('# plain\nada:pencil\nbob:pen:cil\n')
    for (let i = 0; i < 2; i++) expect(await run(['-U', '-H', 'sha512', path])).toEqual(OK)
    const [remark, ada, bob, ...others] = await linesOf(path)
    expect([remark, others]).toEqual(['# plain', []])
    expect(await isHashOf(ada, 'ada', 'pencil')).toBe(true)
    expect(await isHashOf(bob, 'bob', 'pen:cil')).toBe(true)
  })

  it('keeps the mode of a file except for everybody’s, and a link to it', async () => {
    const path = await fileOf('', 0o644)
    const link = join(dirname(path), 'link')
    await symlink(path, link)
    await run(['-b', '-H', 'sha512', link, 'ada', 'x'])
    expect((await stat(path)).mode & 0o777).toBe(0o640)
    expect(await linesOf(path)).toHaveLength(1)
    expect((await readdir(dirname(path))).sort()).toEqual(['link', 'users'])
  })

  it.each([
    ['no user', (path: string) => [path], /a user name is needed/],
    ['no file', () => [], /missing required argument 'file'/],
    [
      'a file that is not there',
      (path: string) => ['-b', `${path}.no`, 'a', 'x'],
      /no such file; -c makes one$/,
    ],
    ['a folder', (path: string) => ['-b', dirname(path), 'a', 'x'], /it is a folder$/],
    ['-b without a password', (path: string) => ['-b', path, 'a'], /-b needs a password/],
    ['a password without -b', (path: string) => [path, 'a', 'x'], /needs -b$/],
    ['an empty password', (path: string) => ['-b', path, 'a', ''], /the password is empty$/],
    ['an empty user name', (path: string) => ['-b', path, '', 'x'], /the user name is empty$/],
    ['a colon in a user name', (path: string) => ['-b', path, 'a:b', 'x'], /no colon/],
    ['a user name like a comment', (path: string) => ['-b', path, '#a', 'x'], /is a comment$/],
    ['a hash that is not known', (path: string) => ['-b', '-H', 'md5', path, 'a', 'x'], /Allowed choices/],
    ['no iterations', (path: string) => ['-b', '-I', '0', path, 'a', 'x'], /from 1 to/],
    ['iterations of argon2id', (path: string) => ['-b', '-I', '9', path, 'a', 'x'], /has no iterations$/],
    [
      'too few iterations of SCRAM',
      (path: string) => ['-b', '-I', '9', '-H', 'scram-sha-256', path, 'a', 'x'],
      /4096 iterations at least$/,
    ],
    ['-D and -c', (path: string) => ['-D', '-c', path, 'a'], /cannot be used with/],
    ['-U and a user', (path: string) => ['-U', path, 'a'], /-U takes a file/],
  ])('refuses %s in one line, and changes nothing', async (_, flagsFor, message) => {
    const content = `bob:$6$${'A'.repeat(16)}$${'A'.repeat(86)}==\n`
    const path = await fileOf(content)
    const { code, stdout, stderr } = await run(flagsFor(path))
    expect([code, stdout, stderr]).toEqual([2, [], [expect.stringMatching(message)]])
    expect(stderr[0]).toMatch(/^godwit: /)
    expect(await readFile(path, 'utf8')).toBe(content)
  })

  it('refuses a file with a wrong line, by its number and without its secrets', async () => {
    const content = '# x\nbob:secret\n'
    const path = await fileOf(content)
    const { code, stderr } = await run(['-b', path, 'ada', 'x'])
    expect([code, stderr]).toEqual([2, [expect.stringContaining(`${path}:2: a line is user:hash`)]])
    expect(stderr.join()).not.toContain('secret')
    expect(await readFile(path, 'utf8')).toBe(content)
    const plain = await fileOf('ada:x\nnonsense\n')
    expect(await run(['-U', plain])).toMatchObject({
      code: 2,
      stderr: [`godwit: ${plain}:2: a line is user:password`],
    })
  })

  it('says when it cannot write, and leaves nothing behind', async () => {
    const folder = join(await temporaryFolder(), 'no such folder')
    const outcome = await run(['-c', '-b', '-H', 'sha512', join(folder, 'users'), 'ada', 'x'])
    expect(outcome).toMatchObject({ code: 2, stderr: [expect.stringMatching(/^godwit: cannot write /)] })
    await mkdir(folder)
    expect(await readdir(folder)).toEqual([])
  })
})
