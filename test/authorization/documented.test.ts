// The example of docs/authorization.md does what the table below it says.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Access, writeBit } from '../../src/authorization/access.ts'
import { parseAclFile } from '../../src/authorization/acl-file.ts'
import { findReadable } from '../../src/authorization/decide.ts'
import { explain } from '../../src/authorization/explain.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/authorization.md'), 'utf8')
const [, file = ''] = /```acl\n(.*?)```/s.exec(text) ?? []
const rules = parseAclFile('acl', Buffer.from(file))
const rows = [
  ...text.matchAll(/^\| (\S+) \| (\S+) \| (pub|sub) `(.+?)` \| (allowed|refused) \| (\d*) ?\|$/gm),
]

it.each(rows.map((row) => row.slice(1)))('user %s, client %s, %s %s: %s by %s', (...row) => {
  const [user, clientId, action, topic, answer, line] = row as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const subject = { clientId, userName: user === '-' ? undefined : user }
  const layers = rules.layersFor(subject.userName)
  const access = action === 'pub' ? writeBit(0, false) : Access.Read
  const topicName = action === 'pub' ? topic : (findReadable(layers, subject, topic) ?? topic)
  const { isAllowed, rule } = explain(layers, subject, topicName, access)
  expect([
    isAllowed === true ? 'allowed' : 'refused',
    /^acl:(\d+)/.exec(rule?.origin ?? '')?.[1] ?? '',
  ]).toEqual([answer, line])
})

it('has a table', () => expect(rows.length).toBeGreaterThan(9))
