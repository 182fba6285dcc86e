// `godwit acl`: files of rules checked and explained, without a broker.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { buildProgram, type Outcome, Program } from './program.ts'

beforeAll(buildProgram, 120_000)

const LINES = [
  'topic read news/#',
  'user ada',
  'topic write,qos=0|1,retain=false a/#',
  'topic deny a/secret',
  'pattern read to/%c/#',
]

interface Written {
  readonly acl: string
  readonly config: string
  run(...flags: string[]): Promise<Outcome>
}

async function written(lines: readonly string[] = LINES, options = ''): Promise<Written> {
  const folder = await temporaryFolder()
  const acl = join(folder, 'acl')
  const config = join(folder, 'godwit.yaml')
  await writeFile(acl, lines.join('\n'))
  await writeFile(config, `authorization:\n  aclFile: ${acl}\n${options}`)
  return { acl, config, run: (...flags) => Program.start(['acl', ...flags]).outcome }
}

describe('godwit acl check', () => {
  it('counts what is in a good file', async () => {
    const { acl, run } = await written()
    const line = `${acl}: 4 rules, 1 user: all is right`
    expect(await run('check', acl)).toEqual({ code: 0, stdout: [line], stderr: [] })
  })

  it('has a line for each mistake, and exit code 2', async () => {
    const { acl, run } = await written(['topic', 'topic a', 'user'])
    const stderr = [`godwit: ${acl}:1: topic has no topic filter`, `godwit: ${acl}:3: user has no name`]
    expect(await run('check', acl)).toEqual({ code: 2, stdout: [], stderr })
  })

  it('says when there is no such file', async () => {
    const { run } = await written()
    const stderr = ['godwit: cannot read the rules /nowhere/acl: there is no such file']
    expect(await run('check', '/nowhere/acl')).toEqual({ code: 2, stdout: [], stderr })
  })
})

describe('godwit acl explain', () => {
  it.each([
    [['ada', 'c', 'pub', 'a/x'], 'allowed: ACL:3: topic write,qos=0|1,retain=false a/#'],
    [['ada', 'c', 'pub', 'a/x', '-q', '2'], 'refused: no rule grants it'],
    [['ada', 'c', 'pub', 'a/x', '-r'], 'refused: no rule grants it'],
    [['ada', 'c', 'pub', 'a/secret'], 'refused: ACL:4: topic deny a/secret'],
    [['bob', 'c', 'pub', 'a/x'], 'refused: no rule grants it'],
    [['ada', 'c', 'pub', '$SYS/x'], 'refused: clients publish nothing below $SYS'],
    [['-', 'c', 'sub', 'news/x'], 'allowed: ACL:1: topic read news/#'],
    [['-', 'c', 'sub', '#'], 'allowed: ACL:1: topic read news/#, for news to begin with'],
    [['ada', 'c', 'sub', '$share/g/+/c/+'], 'allowed: ACL:5: pattern read to/%c/#, for to/c/+ to begin with'],
    [['ada', 'c', 'sub', 'a/secret'], 'refused: ACL:4: topic deny a/secret'],
    [['ada', 'c', 'sub', 'b/#'], 'refused: no rule grants it'],
    [['ada', 'a/b', 'sub', 'to/x'], 'refused: patterns are closed to who is called a/b'],
    [['-', 'c', 'pub', 'x', '--rights', '{"pub":["x"]}'], 'allowed: claim rights.publish: x'],
  ])('%j: %s', async (question, answer) => {
    const { acl, config, run } = await written()
    const code = answer.startsWith('allowed') ? 0 : 1
    const stdout = [answer.replace('ACL', acl)]
    expect(await run('explain', '-c', config, ...question)).toEqual({ code, stdout, stderr: [] })
  })

  it('knows where others are asked, and where there are no rules', async () => {
    const { config, run } = await written(LINES, '  http:\n    url: http://localhost/acl\n')
    const asked = await run('explain', '-c', config, 'bob', 'c', 'pub', 'x')
    expect(asked.stdout).toEqual(['refused: no rule speaks of it: http://localhost/acl is asked'])
    const free = await run('explain', 'bob', 'c', 'pub', 'x')
    expect(free.stdout).toEqual(['allowed: there are no rules: authorization.aclFile is empty'])
  })

  it.each([
    [['ada', 'c', 'see', 'x'], "the action is pub or sub, not 'see'"],
    [['ada', 'c', 'pub', 'a/#'], 'a/# is no topic name: it contains a wildcard character'],
    [['ada', 'c', 'sub', 'a#'], 'a# is no topic filter: it has a # that is not alone in its level'],
    [['ada', 'c'], "missing required argument 'action'"],
    [['ada', 'c', 'pub', 'x', '-q', '3'], /^godwit: option '-q, --qos <qos>' argument '3' is invalid/],
    [['ada', 'c', 'pub', 'x', '--rights', '{'], /^godwit: --rights: /],
  ])('refuses %j', async (question, problem) => {
    const { code, stdout, stderr } = await (await written()).run('explain', ...question)
    expect([code, stdout, stderr.length]).toEqual([2, [], 1])
    if (typeof problem === 'string') expect(stderr[0]).toBe(`godwit: ${problem}`)
    else expect(stderr[0]).toMatch(problem)
  })
})
