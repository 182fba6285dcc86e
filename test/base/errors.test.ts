// The table of operational errors beside docs/errors.md: neither has a code that the other lacks.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorCodes, GodwitError } from '../../src/base/errors.ts'

const documentation = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const sections = documentation.split(/^## /m).slice(1)
const titles = sections.map((section) => section.slice(0, section.indexOf('\n')).trim())

test('docs/errors.md has a section for each error code, in the order of the table', () => {
  expect(titles).toEqual(Object.keys(errorCodes))
})

test.each(Object.entries(errorCodes))('%s is documented by its sentence and what to do', (code, sentence) => {
  const section = sections[titles.indexOf(code)] ?? ''
  expect(section).toContain(`\n${sentence}`)
  expect(section).toContain('**What to do.**')
})

test('every error code says that it is one of ours, and of which area', () => {
  for (const code of Object.keys(errorCodes)) expect(code).toMatch(/^ERR_GODWIT_[A-Z]+(_[A-Z]+)+$/)
})

test('an error carries its code and its cause', () => {
  const cause = new Error('EADDRINUSE')
  const error = new GodwitError('ERR_GODWIT_LISTEN_IN_USE', 'port 1883 is in use', { cause })
  expect(error).toMatchObject({ name: 'GodwitError', code: 'ERR_GODWIT_LISTEN_IN_USE', cause })
})
