// Where statements are named: in the titles of tests, read from their text, and in the comments of src/.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { Specification } from './statements.ts'

const root = join(import.meta.dirname, '../..')

export interface NamedStatement {
  readonly specification: Specification
  readonly id: string
}

export interface NamedTitle {
  /** From the root of the repository. */
  readonly file: string
  /** Without the ids at its beginning, behind what the `describe` around it says. */
  readonly title: string
  readonly statements: readonly NamedStatement[]
}

/**
 * A string that begins with an id, as the first argument of a call: of `it`, `test`, or what their `each` returns.
 * What is skipped holds nothing.
 */
const TITLE = /(?<!\bdescribe|\bskip|\btodo)\(\s*(['"`])(\[v[\d.]+ MQTT-.*?)\1\s*,/g
const DESCRIBE = /^( *)describe\b.*?\(\s*(['"`])(.*?)\2\s*,/gm
const STATEMENT = /\[(v3\.1\.1|v5) (MQTT-[\d.-]+\d)\]/g

/** Every test title of the test folder that begins with the id of a statement. */
export function namedTitles(): NamedTitle[] {
  return filesOf('test').flatMap((file) => {
    const text = read(file)
    const describes = [...text.matchAll(DESCRIBE)]
    return [...text.matchAll(TITLE)].map(({ index, 2: whole = '' }) => ({
      file,
      title: spoken(subjectOf(text, index, describes) + whole.replace(/^(\[[^\]]*\] )+/, '')),
      statements: statementsIn(whole),
    }))
  })
}

/** What the nearest `describe` above says, if the test at `index` is further in than it is. */
function subjectOf(text: string, index: number, describes: readonly RegExpExecArray[]): string {
  const line = text.slice(text.lastIndexOf('\n', index) + 1, index)
  const indent = line.length - line.trimStart().length
  const around = describes.findLast((each) => each.index < index && (each[1] ?? '').length < indent)
  return around === undefined ? '' : `${around[3]} › `
}

/** A title that `each` fills in, as it is for all of them. */
const spoken = (title: string): string =>
  title.replaceAll(/\bthe %\w/g, 'every').replaceAll(/\blevel %\w/g, 'every level')

/** Every statement named in src/, with the files that name it. */
export function namedInSource(): (NamedStatement & { readonly file: string })[] {
  return filesOf('src').flatMap((file) => statementsIn(read(file)).map((named) => ({ ...named, file })))
}

function statementsIn(text: string): NamedStatement[] {
  return [...text.matchAll(STATEMENT)].map(([, specification, id = '']) => ({
    specification: specification as Specification,
    id,
  }))
}

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => posix.join(folder, path.replaceAll('\\', '/')))
    .filter((path) => path.endsWith(folder === 'test' ? '.test.ts' : '.ts'))
    .sort()
}

const read = (file: string): string => readFileSync(join(root, file), 'utf8')
