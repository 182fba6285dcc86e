// The guard: what the tables of statements promise, the tests hold, and the other way round; docs/conformance.md says
// the same. A test's title begins with the ids of the statements it holds.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { namedInSource, namedTitles } from './named-statements.ts'
import { documentPath, withGenerated } from './report.ts'
import { compareIds, loadStatements, SPECIFICATIONS } from './statements.ts'

const titles = namedTitles()

/** Fails with one line for each. */
const expectNone = (breaches: string[]): void =>
  expect(breaches, `${breaches.length} of them:\n  ${breaches.join('\n  ')}\n`).toEqual([])

describe.each(SPECIFICATIONS)('the statements of %s', (specification) => {
  const statements = loadStatements(specification)
  const byId = new Map(statements.map((statement) => [statement.id, statement]))
  const isOurs = (named: { specification: string }): boolean => named.specification === specification

  it('stand in the order of the specification, each once', () => {
    const ids = statements.map(({ id }) => id)
    expect(ids.length).toBeGreaterThan(100)
    expectNone(ids.filter((id, index) => index > 0 && compareIds(ids[index - 1] as string, id) >= 0))
  })

  it('are tested where they bind a server, or there is a reason why not', () => {
    const isSettled = ({ server, status, why }: (typeof statements)[number]): boolean =>
      (status !== 'client') === server && (status === 'untestable') === (why !== undefined)
    expectNone(statements.filter((each) => !isSettled(each)).map(({ id }) => id))
  })

  it('each have a test where the table says so', () => {
    const named = new Set(titles.flatMap((title) => title.statements.filter(isOurs).map(({ id }) => id)))
    expectNone(
      statements.filter(({ id, status }) => status === 'tested' && !named.has(id)).map(({ id }) => id),
    )
  })

  it('are what the titles of tests say they are', () => {
    const isTested = (id: string): boolean => byId.get(id)?.status === 'tested'
    expectNone(
      titles.flatMap(({ file, title, statements: named }) =>
        named
          .filter((each) => isOurs(each) && !isTested(each.id))
          .map(({ id }) => `${id}: ${title} (${file})`),
      ),
    )
  })

  it('are the ones that comments of src/ name', () => {
    const named = namedInSource().filter(isOurs)
    expect(named.length).toBeGreaterThan(20)
    expectNone(named.filter(({ id }) => !byId.has(id)).map(({ id, file }) => `${id} (${file})`))
  })
})

it('docs/conformance.md is in step: if not, npm run docs', () => {
  const document = readFileSync(documentPath, 'utf8')
  expect(document).toBe(withGenerated(document))
})
