// docs/overflow.md says of every bound what happens at it, and of every drop why: it is compared with what there is.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { childNames, optionAt } from '../../src/config/option-tree.ts'
import { DropReason } from '../../src/session/drops.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/overflow.md'), 'utf8')

it.each(['limits', 'overflow', 'deadLetters'])('names every option of %s', (group) => {
  const names = childNames(optionAt([group]) ?? {})
  expect(names.length).toBeGreaterThan(2)
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
})

it('has a row for every reason, and none for others', () => {
  const rows = text.slice(text.indexOf('| reason |')).split('\n\n')[0] ?? ''
  const reasons = [...rows.matchAll(/^\| `([^`]+)` \|/gm)].map(([, reason]) => reason)
  expect(reasons.sort()).toEqual(Object.values(DropReason).sort())
})
