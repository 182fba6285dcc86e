// The generated part of docs/conformance.md: how many statements there are, and which test holds which.
// `npm run docs` writes it; titles.test.ts compares.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type NamedTitle, namedTitles } from './named-statements.ts'
import { loadStatements, SPECIFICATIONS, type Specification, type Statement } from './statements.ts'

export const documentPath = join(import.meta.dirname, '../../docs/conformance.md')

const BEGIN = '<!-- generated: npm run docs -->'
const END = '<!-- end of what is generated -->'

const NAMES: Readonly<Record<Specification, string>> = { 'v3.1.1': 'MQTT 3.1.1', v5: 'MQTT 5.0' }

/** The document with its generated part made anew. Throws where it has no place for it. */
export function withGenerated(document: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error(`no "${BEGIN}" followed by "${END}"`)
  return `${document.slice(0, begin)}${BEGIN}\n\n${renderConformance()}\n${document.slice(end)}`
}

export function renderConformance(): string {
  const titles = namedTitles()
  return [
    '## In numbers',
    '',
    ...renderNumbers(),
    ...SPECIFICATIONS.flatMap((specification) => [
      '',
      `## ${NAMES[specification]}`,
      '',
      '| statement | binds a server | status | what it asks | held by |',
      '|---|---|---|---|---|',
      ...loadStatements(specification).map((each) => renderRow(each, heldBy(each, specification, titles))),
    ]),
    '',
  ].join('\n')
}

function renderNumbers(): string[] {
  const rows = SPECIFICATIONS.map((specification) => {
    const statements = loadStatements(specification)
    const count = (isCounted: (statement: Statement) => boolean): number =>
      statements.filter(isCounted).length
    const numbers = [
      statements.length,
      count(({ server }) => server),
      count(({ status }) => status === 'tested'),
      count(({ status }) => status === 'untestable'),
    ]
    return `| ${NAMES[specification]} | ${numbers.join(' | ')} |`
  })
  return ['| | statements | bind a server | tested | untestable |', '|---|--:|--:|--:|--:|', ...rows]
}

function heldBy({ id }: Statement, specification: Specification, titles: readonly NamedTitle[]): string[] {
  return titles
    .filter(({ statements }) =>
      statements.some((each) => each.specification === specification && each.id === id),
    )
    .map(({ title, file }) => `${cell(title)} ([${basename(file, '.test.ts')}](../${file}))`)
}

const renderRow = ({ id, server, status, note, why }: Statement, tests: string[]): string =>
  `| ${id} | ${server ? 'yes' : 'no'} | ${status} | ${cell(note)} | ${why ? cell(why) : tests.join('<br>')} |`

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

if (process.argv[1] === import.meta.filename) {
  writeFileSync(documentPath, withGenerated(readFileSync(documentPath, 'utf8')))
}
